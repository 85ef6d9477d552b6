"""Laws: JSON logs are split and read alike, block-wise or mark by mark, chosen or whole."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.detect.detector import Detector
from afterpatch.formats import cloud_audit
from afterpatch.formats.json_brackets import find_brackets, step_brackets
from afterpatch.model.batches import Piece
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

SIGMAHQ = Path("/work/shared/data/sigma/rules")
ITEM = Item("x", None, "audit.json", "root", ("x",), 0)
WHEN = "2021-03-02T04:05:06Z"


@settings(max_examples=400)
@given(st.text(st.sampled_from('"\\{}[],a ')), st.integers(0, 9), st.booleans())
def test_brackets_are_found_as_by_stepping(text: str, start: int, in_string: bool) -> None:
    data = text.encode()
    fast, slow = (f(data, start, in_string) for f in (find_brackets, step_brackets))
    assert fast.places.tolist() == slow.places.tolist()
    assert fast.opens.tolist() == slow.opens.tolist()
    assert (fast.end, fast.in_string) == (slow.end, slow.in_string)


KINDS: dict[str, dict[str, Any]] = {
    "aws": {"eventVersion": "1.08", "eventSource": "s3", "eventName": "x", "eventTime": WHEN},
    "kubernetes": {"auditID": "1", "apiVersion": "v1", "requestReceivedTimestamp": WHEN},
    "azure": {"category": "SignInLogs", "time": WHEN},
    "m365": {"CreationTime": "2021-03-02T04:05:06", "Workload": "Exchange"},
    "none": {"no": "event"},
}
ALWAYS = {"kubernetes": "verb", "azure": "operationName", "m365": "Operation"}
WORDS = [
    "curl",
    "/etc/",
    "a:b",
    "{}",
    '":1',
    '"',
    "\\",
    "é",
    "\n",
    "x",
    " ",
    "<",
    "Get",
    "1",
    "\u212a",
]
word = st.lists(st.sampled_from(WORDS), max_size=3).map("".join)
plain = st.one_of(word, st.booleans(), st.none(), st.integers(-5, 10**20), st.just(1.5))
KEYS = ["eventName", "verb", "operationName", "Operation", "user", "list", "a b", "properties"]
tree = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def event(draw) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(KINDS)))
    more = draw(st.dictionaries(st.sampled_from(KEYS), tree, max_size=4))
    name = {ALWAYS[kind]: draw(word)} if kind in ALWAYS else {}
    return {**KINDS[kind], **name, **more}


def escaped(text: str) -> str:
    """With needless escapes that JSON allows."""
    return text.replace("/", "\\/").replace("<", "\\u003c").replace("G", "\\u0047")


STYLES: dict[str, Any] = {
    "lines": lambda events: "\n".join(map(json.dumps, events)) + "\n",
    "escaped lines": lambda events: "".join(escaped(json.dumps(e)) + "\n" for e in events),
    "array": lambda events: json.dumps(events, indent=1),
    "list": lambda events: json.dumps({"n": 1, "Records": events}, separators=(",", ":")),
    "run": lambda events: "\n".join(json.dumps(e, indent=2, ensure_ascii=False) for e in events),
    "cut": lambda events: json.dumps({"Records": events})[:-9],
}
RULE = """title: t
id: 11111111-1111-4111-8111-111111111111
status: test
level: low
logsource: {{{source}}}
detection:
  s: {selection}
  k: {{eventName|contains: x}}
  condition: {condition}
"""
SOURCES = ["product: aws, service: cloudtrail", "product: kubernetes, service: audit"]
SOURCES += ["product: azure, service: signinlogs", "product: m365, service: exchange"]


def summed(pieces: list[Piece]) -> tuple[Any, ...]:
    hours: dict[tuple[str, int], int] = {}
    for piece in pieces:
        for log, counts in piece.observed.items():
            for hour, count in counts.items():
                hours[log, hour] = hours.get((log, hour), 0) + count
    parts = [(p.records, p.events, p.skipped) for p in pieces]
    gaps, notices = ([x for p in pieces for x in getattr(p, n)] for n in ("gaps", "notices"))
    times = [t for p in pieces for t in (p.first_us, p.last_us) if t is not None]
    return tuple(map(sum, zip(*parts, strict=True))), gaps, notices, hours, min(times, default=0)


def hits(pieces: list[Piece], detector: Detector) -> set[tuple[str, int, str]]:
    return {
        (hit.rule, hit.place.record, hit.raw)
        for piece in pieces
        for batch in piece.batches
        for result in detector.match(batch, [("x", batch.frame.height)])
        for hit in result.hits
    }


def compared(data: bytes, detector: Detector) -> tuple[set[tuple[str, int, str]], list[Piece]]:
    """Hits of a full reading and pieces of a chosen one, which must say the same."""
    declared = cloud_audit.declared(data[:65536], ITEM)
    wanted = detector.wanted_of(declared, cloud_audit.FORMAT.spelling) if declared else None
    whole = list(cloud_audit.read(io.BytesIO(data), ITEM))
    few = list(cloud_audit.read(io.BytesIO(data), ITEM, wanted))
    assert summed(few) == summed(whole)
    found = hits(whole, detector)
    assert hits(few, detector) == found
    return found, few


@settings(max_examples=400, deadline=None)
@given(
    st.lists(event(), min_size=1, max_size=6),
    st.sampled_from(list(STYLES)),
    st.sampled_from(SOURCES),
    st.sampled_from([*KEYS, "user.list", "list.user", "properties.user.verb", ""]),
    st.sampled_from(["|contains", "|endswith", "|startswith", ""]),
    word,
    st.sampled_from(["s", "s and k", "s and not k", "s or k"]),
)
def test_no_matching_event_is_lost(events, style, source, name, modifier, value, condition) -> None:
    quoted = json.dumps(value.replace("\\", "\\\\"))
    selection = f"{{{name}{modifier}: {quoted}}}" if name else f"[{quoted}]"
    rule = RULE.format(source=source, selection=selection, condition=condition)
    detector = Detector.build([RuleText("t.yml", "sigma", rule)], [], [])
    assert detector.unsupported == ()
    compared(STYLES[style](events).encode(), detector)


@pytest.mark.parametrize("style", STYLES)
def test_only_events_that_may_match_are_given(style: str) -> None:
    base = {**KINDS["aws"], "requestParameters": {"list": [{"a": {"b": "needle \\ /x"}}]}}
    events = [KINDS["aws"]] * 30 + [base, KINDS["aws"]]
    rule = RULE.format(
        source=SOURCES[0], selection='{requestParameters.list.a|contains: "needle"}', condition="s"
    )
    detector = Detector.build([RuleText("t.yml", "sigma", rule)], [], [])
    found, few = compared(STYLES[style](events).encode(), detector)
    assert len(found) == 1
    rows = [batch.frame["@record"].to_list() for piece in few for batch in piece.batches]
    assert len(rows) == 1 and len(rows[0]) == 2  # the match, and the first, which tells the columns


def test_what_is_nested_too_deeply_to_be_written_is_given() -> None:
    deep: Any = "x"
    for _ in range(400):
        deep = [deep]
    data = json.dumps({**KINDS["aws"], "user": deep}).encode() + b"\n"
    rule = RULE.format(source=SOURCES[0], selection="{user|contains: deeply}", condition="s")
    found, _ = compared(data, Detector.build([RuleText("t.yml", "sigma", rule)], [], []))
    assert len(found) == 1


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="public Sigma rules are not on this machine")
@pytest.mark.parametrize(("kind", "least"), [("aws", 25), ("azure", 8), ("kubernetes", 4)])
def test_no_event_that_a_public_rule_matches_is_lost(kind: str, least: int) -> None:
    folders = [SIGMAHQ / "cloud", SIGMAHQ / "application", SIGMAHQ / "identity"]
    texts = read_own_rules(list(map(str, folders))).texts
    detector = Detector.build(texts, [], [])
    base = {**KINDS[kind], ALWAYS.get(kind, "eventName"): "x"}
    events = [base, *({**base, **made} for text in texts for made in told_by(text.text))]
    found, few = compared("\n".join(map(json.dumps, events)).encode(), detector)
    assert len({rule for rule, *_ in found}) >= least
    assert sum(batch.frame.height for piece in few for batch in piece.batches) < len(events)


def told_by(text: str) -> list[dict[str, Any]]:
    """Events with the values a rule names: of one selection each, and of all together."""
    selections = [
        one for one in yaml.safe_load(text)["detection"].values() if isinstance(one, dict)
    ]
    made, whole = [], {}
    for selection in selections:
        event: dict[str, Any] = {}
        for name, told in selection.items():
            texts = told if isinstance(told, list) else [told]
            values = [str(one).replace("*", "") for one in texts]
            path = name.split("|")[0].split(".")
            for target in (event, whole):
                inner: Any = target
                for part in path[:-1]:
                    inner = inner.setdefault(part, {})
                    if not isinstance(inner, dict):
                        break
                else:
                    inner[path[-1]] = values if "|all" in name else values[0]
        made.append(event)
    return [*made, whole]
