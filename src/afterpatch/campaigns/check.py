"""Does a pack hold together? References between its parts, and patterns that must compile.

Enters: a read pack. Leaves: problems as ``file:line: text``. What only authors need (proofs,
blind spots, references of each rule) is judged in ``lint``.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import re2

from afterpatch.campaigns.marks import Marked, Step
from afterpatch.campaigns.pack import CAMPAIGN, Pack
from afterpatch.campaigns.schema import CampaignFile
from afterpatch.model.campaigns import BANDS
from afterpatch.model.decoders import DECODERS
from afterpatch.model.times import parse_utc


def check(pack: Pack) -> list[str]:
    """Every problem that would make the pack mislead, or break, an assessment."""
    problems = list(pack.problems)
    if pack.document is not None and pack.marked is not None:
        found = _Judge(pack, pack.document, pack.marked).problems()
        problems += [f"{file}:{line}: {text}" for file, line, text in found]
    problems += [f"{file}:{line}: {text}" for file, line, text in _repeated_rules(pack)]
    return sorted(dict.fromkeys(problems), key=by_place)


def by_place(problem: str) -> tuple[str, int, str]:
    """Sort key of ``file:line: text``: file, then line as a number."""
    file, line, _ = problem.split(":", 2)
    return file, int(line) if line.isdigit() else 0, problem


def _repeated_rules(pack: Pack) -> Iterator[tuple[str, int, str]]:
    first: dict[str, str] = {}
    for entry in pack.entries:
        if entry.id and entry.id in first:
            yield entry.path, entry.line, f"the id {entry.id} is also used in {first[entry.id]}"
        first.setdefault(entry.id, entry.path)


class _Judge:
    """One pass over ``campaign.yaml`` with everything it may refer to at hand."""

    def __init__(self, pack: Pack, document: CampaignFile, marked: Marked) -> None:
        self._pack = pack
        self._document = document
        self._marked = marked
        self._stages = {stage.id for stage in document.stages}
        self._rules = {entry.id for entry in pack.entries}
        self._logs = {log.id for log in document.logs}

    def problems(self) -> Iterator[tuple[str, int, str]]:
        """(file, line, text) of every problem."""
        parts = (
            self._ladder,
            self._keys,
            self._coverage,
            self._lifetimes,
            self._actors,
            self._decoder,
            self._triage,
        )
        for part in parts:
            for path, text in part():
                yield CAMPAIGN, self._marked.line(*path), text
        if self._document.window.start > datetime.now(UTC):
            yield CAMPAIGN, self._marked.line("window", "from"), "the window starts in the future"
        for entry in self._pack.entries:
            if entry.stage and entry.stage not in self._stages:
                yield entry.path, entry.stage_line, f"unknown stage '{entry.stage}'"
        for indicator in self._pack.indicators:
            if indicator.stage not in self._stages:
                place = self._indicator_line(indicator.value)
                yield "indicators.csv", place, f"unknown stage '{indicator.stage}'"

    def _indicator_line(self, value: str) -> int:
        lines = (self._pack.folder / "indicators.csv").read_text("utf-8-sig").splitlines()
        return next((n for n, line in enumerate(lines, start=1) if value in line), 1)

    def _ladder(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        yield from _twice("stages", "id", (stage.id for stage in self._document.stages))
        highest = 0
        for i, stage in enumerate(self._document.stages):
            rank = BANDS.index(stage.band)
            if rank < highest:
                text = f"band '{stage.band}' stands above a higher one: stages go lowest first"
                yield ("stages", i, "band"), text
            highest = max(highest, rank)
        if self._document.stages[0].band == "none":
            yield ("stages", 0, "band"), "a stage is something seen, so its band cannot be 'none'"

    def _keys(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        yield from _twice("keys", "name", (key.name for key in self._document.keys))
        options = re2.Options()
        options.log_errors = False
        for i, key in enumerate(self._document.keys):
            place: tuple[Step, ...] = ("keys", i, "pattern")
            try:
                groups = re2.compile(key.pattern, options).groups
            except re2.error as error:
                yield place, f"not a RE2 pattern: {error}"
                continue
            if groups != 1:
                yield place, f"the pattern must have exactly one group, not {groups}"
            if key.strength == "nearby" and key.hours == 0:
                yield ("keys", i), "a nearby key needs hours"

    def _coverage(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        yield from _twice("logs", "id", (log.id for log in self._document.logs))
        kept = {field for key in self._document.keys for field in key.fields}
        for i, log in enumerate(self._document.logs):
            for n, stage in enumerate(log.sees):
                if stage not in self._stages:
                    yield ("logs", i, "sees", n), f"unknown stage '{stage}'"
            for n, column in enumerate(log.about):
                if column not in kept:
                    text = f"'{column}' is no field of a key, so hits do not carry it"
                    yield ("logs", i, "about", n), text
        for i, group in enumerate(self._document.clearing):
            for n, name in enumerate(group):
                if name not in self._logs:
                    yield ("clearing", i, n), f"'{name}' is not among the logs"

    def _lifetimes(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        keys = {key.name for key in self._document.keys}
        for i, life in enumerate(self._document.lifetimes):
            if life.key not in keys:
                yield ("lifetimes", i, "key"), f"'{life.key}' is not among the keys"
            for part in ("written_by", "present_by", "absent_by"):
                for n, rule in enumerate(getattr(life, part)):
                    if rule not in self._rules:
                        yield ("lifetimes", i, part, n), f"there is no rule {rule}"

    def _actors(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        yield from _twice("actors", "id", (actor.id for actor in self._document.actors))
        for i, actor in enumerate(self._document.actors):
            for part in ("speaks_for", "speaks_against"):
                for n, argument in enumerate(getattr(actor, part)):
                    reason = self._argument(argument.when)
                    if reason:
                        yield ("actors", i, part, n, "when"), reason

    def _decoder(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        name = self._document.decoder
        if name is None:
            return
        if name not in DECODERS:
            known = ", ".join(DECODERS)
            yield ("decoder",), f"there is no decoder '{name}': known are {known}"
        for stage in DECODERS.get(name, ()):
            if stage not in self._stages:
                yield ("decoder",), f"the decoder shows a stage '{stage}', which is not defined"

    def _triage(self) -> Iterator[tuple[tuple[Step, ...], str]]:
        triage = self._document.triage
        if triage is None:
            return
        if triage.last_day < triage.first_day:
            yield ("triage", "last_day"), "the last day is before the first"
        if triage.rules[-1].when != "always":
            yield ("triage", "rules"), "the last rule must be 'always': every host has a category"
        for i, rule in enumerate(triage.rules):
            subject, _, stage = rule.when.partition(":")
            if subject == "stage" and stage not in self._stages:
                yield ("triage", "rules", i, "when"), f"unknown stage '{stage}'"
            if rule.category not in triage.means:
                text = f"category '{rule.category}' is not among 'means'"
                yield ("triage", "rules", i, "category"), text
            if rule.when == "always" and i + 1 < len(triage.rules):
                yield ("triage", "rules", i, "when"), "no rule after 'always' can hold"

    def _argument(self, when: str) -> str:
        subject, _, value = when.partition(":")
        if subject == "rule" and value not in self._rules:
            return f"there is no rule {value}"
        if subject == "stage" and value not in self._stages:
            return f"unknown stage '{value}'"
        if subject == "network" and value not in {n.network_class for n in self._pack.networks}:
            return f"no network of networks.csv is of class '{value}'"
        if subject in ("before", "after"):
            try:
                parse_utc(value)
            except ValueError:
                return f"'{value}' is not an ISO 8601 time"
        return ""


def _twice(part: str, name: str, values: Iterable[str]) -> Iterator[tuple[tuple[Step, ...], str]]:
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield (part, i, name), f"{name} '{value}' is used twice"
        seen.add(value)
