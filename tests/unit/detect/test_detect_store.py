"""Rules out of the store are the rules that were parsed, and damage costs time only."""

from collections.abc import Iterator
from pathlib import Path

import hyperscan
import orjson
import polars as pl
import pytest
import yaml

from afterpatch.detect.detector import Detector
from afterpatch.detect.sigma import parse, store
from afterpatch.detect.sigma.automata import automaton
from afterpatch.detect.sigma.literals import Block, Scanner
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plain import from_plain, to_plain
from afterpatch.detect.sigma.plan import LEARN_FOUND, SigmaEngine
from afterpatch.detect.sigma.store import MAX_FILES, RuleStore, load_rules
from afterpatch.detect.text_prefilter import TextPrefilter
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText

VECTORS = Path(__file__).parents[2] / "conformance" / "vectors"
DATA = next((p for p in Path(__file__).parents if (p / "shared" / "data").is_dir()), Path())
SIGMAHQ = DATA / "shared" / "data" / "sigma"
RULE = """
title: A
id: 11111111-1111-4111-8111-111111111111
logsource: {category: webserver}
detection: {s: {a|contains: '%s', b|expand: '%%x%%'}, condition: not s}
"""


PLAIN_RULE = """
title: Word {number}
id: word-{number}
logsource: {{category: webserver}}
detection: {{s: {{a|contains: word{number}x}}, condition: s}}
"""


def texts(word: str = "evil") -> list[RuleText]:
    return [RuleText("a.yml", "sigma", RULE % word)]


def vector_texts() -> Iterator[RuleText]:
    """All conformance rules and correlations, each with a name and a place of its own."""
    for path in sorted(VECTORS.glob("*.yml")):
        for vector in yaml.safe_load(path.read_text("utf-8")):
            base = {"title": vector["id"], "logsource": {"category": "process_creation"}}
            bodies = vector.get("rules") or [{"detection": vector["detection"]}]
            documents = [body if "correlation" in body else base | body for body in bodies]
            yield RuleText(vector["id"], "sigma", yaml.safe_dump_all(documents, sort_keys=False))


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows whenever rules are really parsed."""
    counted: list[int] = []

    def count(*given: object) -> Parsed:
        counted.append(1)
        return parse_rules(*given)

    monkeypatch.setattr(parse, "parse_rules", count)
    return counted


def test_every_kind_of_rule_comes_back_the_same() -> None:
    parsed = [parse_rules([text]) for text in vector_texts()]
    assert len(parsed) > 300
    for each in parsed:
        assert from_plain(orjson.loads(orjson.dumps(to_plain(each)))) == each


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="public Sigma rules are not on this machine")
def test_the_public_rules_come_back_the_same(tmp_path: Path) -> None:
    found = sorted((SIGMAHQ / "rules" / "web").rglob("*.yml"))
    given = [RuleText(path.name, "sigma", path.read_text("utf-8")) for path in found]
    kept = RuleStore(tmp_path)
    assert load_rules(given, {}, kept) == load_rules(given, {}, kept) == parse_rules(given)


def test_the_second_time_nothing_is_parsed(tmp_path: Path, parses: list[int]) -> None:
    first = load_rules(texts(), {"x": ("1",)}, RuleStore(tmp_path))
    second = load_rules(texts(), {"x": ("1",)}, RuleStore(tmp_path))
    assert (first, len(parses), len(first.rules)) == (second, 1, 1)


def test_any_other_content_is_parsed_anew(tmp_path: Path, parses: list[int]) -> None:
    kept = RuleStore(tmp_path)
    load_rules(texts(), {}, kept)
    load_rules(texts("evils"), {}, kept)
    load_rules([RuleText("b.yml", "sigma", texts()[0].text)], {}, kept)
    load_rules(texts(), {"x": ("1",)}, kept)
    load_rules(texts(), {"x": ("2",)}, kept)
    load_rules([*texts(), *texts()], {}, kept)
    assert len(parses) == 6


@pytest.mark.parametrize("damage", [b"", b"x", b"\0" * 4000])
def test_damage_is_noticed(tmp_path: Path, parses: list[int], damage: bytes) -> None:
    kept = RuleStore(tmp_path)
    good = load_rules(texts(), {}, kept)
    [file] = tmp_path.iterdir()
    file.write_bytes(damage)
    assert load_rules(texts(), {}, kept) == good
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    assert load_rules(texts(), {}, kept) == good
    assert len(parses) == 3


@pytest.mark.parametrize("plain", ['{"tests": []}', "[]", "{", '{"tests": [["a", "eval"]]}'])
def test_content_of_another_shape_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parses: list[int], plain: str
) -> None:
    kept = RuleStore(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "to_plain", lambda _: orjson.Fragment(plain))
        good = load_rules(texts(), {}, kept)
    assert load_rules(texts(), {}, kept) == good
    assert len(parses) == 2


def test_a_folder_that_cannot_be_made_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    kept = RuleStore(tmp_path / "file" / "folder")
    assert load_rules(texts(), {}, kept) == parse_rules(texts())


def test_old_files_are_forgotten(tmp_path: Path) -> None:
    kept = RuleStore(tmp_path)
    for number in range(MAX_FILES + 3):
        kept.keep_parsed(f"rules-{number}", Parsed((), (), ()))
    assert len(list(tmp_path.iterdir())) == MAX_FILES


def test_automata_are_kept_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = RuleStore(tmp_path)
    literals = [f"word{number}x" for number in range(300)]
    block = Block.of(["a word7x b", "word299x"])
    expected = {"word7x": [0], "word299x": [1]}

    def found() -> dict[str, list[int]]:
        return {word: at.tolist() for word, at in Scanner(literals, kept).find(block).items()}

    assert found() == expected
    [file] = tmp_path.iterdir()
    with monkeypatch.context() as patch:
        patch.setattr(hyperscan, "Database", None)  # compiling would need it
        assert found() == expected
    data = file.read_bytes()
    file.write_bytes(data[:-1])
    assert found() == expected
    assert file.read_bytes() == data


def test_a_prefilters_automaton_is_kept_apart_from_a_scanners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = RuleStore(tmp_path)
    caseless, exact = [automaton([b"abc"], lines=c, store=kept) for c in (True, False)]
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(hyperscan, "Database", None)  # compiling would need it
    assert TextPrefilter([b"abc"], store=kept).offsets(b"ABC abc").tolist() == [2, 6]
    assert ends(caseless, b"ABC abc") == [3, 7]
    assert ends(exact, b"ABC abc") == [7]


def ends(database: hyperscan.Database, text: bytes) -> list[int]:
    found: list[int] = []
    database.scan(text, match_event_handler=lambda _id, _from, to, *_: found.append(to))
    return found


def kept_after(folder: Path, evidence: str) -> dict[str, bytes]:
    """What the folder holds when an engine of 300 rules has looked at much evidence."""
    rules = parse_rules(RuleText(f"{n}", "sigma", PLAIN_RULE.format(number=n)) for n in range(300))
    engine = SigmaEngine(rules.rules, RuleStore(folder))
    values = pl.Series([f"word{n % 3}x {evidence} {n}" for n in range(LEARN_FOUND)])
    batch = Batch(Logsource("webserver"), pl.DataFrame({"a": values}))
    for _ in range(2):
        assert sum(len(rows) for _, rows in engine.match(batch)) > 0
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_nothing_of_the_evidence_is_kept(tmp_path: Path) -> None:
    kept = kept_after(tmp_path / "one", "secret")
    assert [name.split("-")[0] for name in kept] == ["automaton"]
    assert kept_after(tmp_path / "two", "something else") == kept


def test_a_detector_uses_the_folder_it_is_given(tmp_path: Path, parses: list[int]) -> None:
    detectors = [Detector.build(texts(), [], [], cache=tmp_path / "rules") for _ in range(2)]
    assert len(parses) == 1
    assert list(detectors[0].statuses(())) == list(detectors[1].statuses(()))
