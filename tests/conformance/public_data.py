"""Public rules on public events; the folder of the data is found above this one.

``make conformance`` runs the whole, ``make test`` a sample (``test_public_data.py``). Where the data
is absent every test is skipped and says so.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import polars as pl
import yaml

from afterpatch.detect.sigma.ast import Rule
from afterpatch.detect.sigma.fields import applies
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import holds
from afterpatch.formats import evtx, windows_json
from afterpatch.model.batches import RESERVED, Batch, Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

_ABOVE = (folder / "shared" / "data" for folder in Path(__file__).resolve().parents)
DATA = next((folder for folder in _ABOVE if folder.is_dir()), Path("shared/data"))
TREES = (
    "rules",
    "rules-emerging-threats",
    "rules-threat-hunting",
    "rules-compliance",
    "rules-placeholder",
)
# How many records of a file a rule matches where its ``info.yml`` states another count or none, each
# counted by hand.
COUNTED_BY_HAND = {
    # Stated as 1, too low; SigmaHQ corrected all four to these (SigmaHQ/sigma pull request 6211).
    # TargetFilename holds "\AppData\Roaming\AnyDesk\user.conf" in records 14985, 14988 and 14990
    # (user.conf.new, user.conf~RF2d9c20d.TMP, user.conf.new); 14961 and 14963 are service.conf.
    "0b9ad457-2554-44c1-82c2-d56a99c42377": 3,
    # Records 26359, 26366 and 26373 are procdump64.exe, procdump64a.exe and procdump.exe; the three
    # others end in ":Zone.Identifier".
    "8fbf3271-1ef6-4e94-8210-03c2317947f6": 3,
    # Records 28344631 to 28344633 set ...\ZoneMap\Domains\bad-domain.com\bad-subdomain\ https, http
    # and * to DWORD (0x00000002), which the filter does not list.
    "45e112d0-7759-4c2a-aa36-9f8fb79d3393": 3,
    # Record 28656599 sets AutoShareServer, 28656618 AutoShareWks, both to DWORD (0x00000000).
    "c7dcacd0-cc59-4004-b0a4-1d6cdebe6f3e": 2,
    # Not stated, and two. "dtrace.exe -w" and "dtrace.exe -w -n", both with lkd(0).
    "7124aebe-4cd7-4ccb-8df0-6d6b93c96795": 2,
    # Runner.Listener.exe "configure" and Runner.Worker.exe "spawnclient"; the file's description
    # says "two process events".
    "5bac7a56-da88-4c27-922e-c81e113b20cb": 2,
}
# SigmaHQ Regression Data Specification, "Match count rules": 1 is the default, and stating it is
# optional. 30 cases state none: 27 hold a single record, two are counted above, and of the six records
# of 5299fadf-f228-4526-8274-251db1960be9 one is bun.exe.
DEFAULT_COUNT = 1
ABSENT = not (DATA / "sigma" / "regression_data").is_dir()
WHY = f"the public rules and events are not on this machine (looked for {DATA})"


class Expected(NamedTuple):
    """One regression case: the rule matches ``count`` events of the file, in each of its forms."""

    rule: str
    count: int
    events: Path


@cache
def rules() -> Parsed:
    """All active public rules."""
    base = DATA / "sigma"
    paths = sorted(path for tree in TREES for path in (base / tree).rglob("*.yml"))
    return parse_rules(
        [RuleText(str(path.relative_to(base)), "sigma", path.read_text("utf-8")) for path in paths]
    )


@cache
def engine() -> SigmaEngine:
    """One engine for all tests, as a run has."""
    return SigmaEngine(rules().rules)


def regressions() -> list[Expected]:
    """What SigmaHQ expects of its own rules."""
    found = []
    for path in sorted((DATA / "sigma" / "regression_data").rglob("info.yml")):
        info = yaml.safe_load(path.read_text("utf-8"))
        for case in info.get("regression_tests_info") or ():
            [rule] = info["rule_metadata"]
            events = path.parent / Path(case["path"]).name
            stated = case.get("match_count", DEFAULT_COUNT)
            found.append(Expected(rule["id"], COUNTED_BY_HAND.get(rule["id"], stated), events))
    return found


def logs() -> list[Path]:
    """Every event log at hand."""
    folders = (DATA / "sigma" / "regression_data", DATA / "evtx")
    return sorted(path for folder in folders for path in folder.rglob("*.evtx"))


def batches(path: Path) -> list[Batch]:
    """The events of a file, by log source."""
    known = evtx.FORMAT if path.suffix == ".evtx" else windows_json.FORMAT
    item = Item(path.name, None, str(path), "", (str(path),), path.stat().st_size)
    with path.open("rb") as stream:
        return [batch for piece in known.read(stream, item, None) for batch in piece.batches]


def count(rule: str, path: Path) -> int:
    """How many events of a file the rule matches, all rules looking at once."""
    return sum(
        len(rows)
        for batch in batches(path)
        for matched, rows in engine().match(batch)
        if matched.info.id == rule
    )


def found_by_engine(batch: Batch) -> set[tuple[str, int]]:
    """(rule id, row) of the fast engine."""
    return {(rule.info.id, row) for rule, rows in engine().match(batch) for row in rows.tolist()}


def found_by_reference(batch: Batch) -> set[tuple[str, int]]:
    """(rule id, row) of the reference evaluator."""
    chosen = applicable(batch.logsource)
    return {
        (rule.info.id, at)
        for at, event in enumerate(rows_of(batch.frame))
        for rule in chosen
        if holds(rule.condition, event, batch.logsource)
    }


@cache
def applicable(logsource: Logsource) -> tuple[Rule, ...]:
    """The rules for a log source."""
    return tuple(rule for rule in rules().rules if applies(rule.scope, logsource))


def rows_of(frame: pl.DataFrame) -> Iterator[dict[str, str | None]]:
    """The events of a batch."""
    return iter(frame.drop(*RESERVED, strict=False).to_dicts())
