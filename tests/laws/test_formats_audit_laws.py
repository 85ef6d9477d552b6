"""Laws: the audit log is read alike whether or not a prefilter chooses its lines."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.detect.detector import Detector
from afterpatch.detect.prefilter import TextPrefilter
from afterpatch.formats import auditd
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

SIGMAHQ = Path("/work/shared/data/sigma/rules/linux")
ITEM = Item("x", None, "audit.log", "root", ("x",), 0)

WORDS = [
    "curl",
    "/etc/",
    "passwd",
    "-c",
    "/.",
    ".sh",
    "x",
    " ",
    "\n",
    "\0",
    "=",
    "é",
    "'",
    "\\",
    "a0",
]
word = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("".join)
NAMES = [
    "a0",
    "a1",
    "a12",
    "comm",
    "exe",
    "name",
    "proctitle",
    "cmd",
    "key",
    "SYSCALL",
    "msg",
    "cwd",
]
NAMES += ["new-chardev", "serial", "type", "xcmd", "a000000000000000000000001"]
KINDS = ["EXECVE", "SYSCALL", "PATH", "PROCTITLE", "USER_CMD", "UNKNOWN[1337]", "execve", "A" * 30]
NODES = ["", "", "node=web1 ", "node=db.a.example ", "node=é ", "node=" + "n" * 80 + " ", "node= "]
NODES += ["Mar  2 04:05:06 collector audispd[7]: node=web2 ", " "]
STAMPS = ["1614657906.789:42", "1614657999.001:4294967295", "1614671900.5:1", "161465.789:42"]
STAMPS += [
    "1614657906.789:",
    "16146579x6.789:42",
    "1614657906.789:12345678901234567890",
    "1614657906.123:7",
]


def spelled(text: str, style: str) -> str:
    """A value as auditd, or somebody else, writes it."""
    if style == "hex" or (style == "auto" and any(c in text for c in " \"'\n\0é")):
        return text.encode().hex().upper()
    plain = text.replace("\n", "").replace('"', "")
    return f'"{plain}"' if style in ("quoted", "auto") else plain


@st.composite
def field(draw) -> str:
    name = draw(st.sampled_from(NAMES))
    style = draw(st.sampled_from(["auto", "auto", "hex", "quoted", "bare", "raw hex", "cut hex"]))
    if style == "raw hex":
        return f"{name}={draw(st.binary(max_size=4)).hex().upper()}"
    if style == "cut hex":
        return f"{name}={draw(word).encode().hex().upper()}{draw(st.sampled_from('0:g'))}"
    if name == "msg":
        return f"msg='{draw(word)} exe={spelled(draw(word), style)} cmd={spelled('cu rl', 'hex')}'"
    if name == "a1" and draw(st.booleans()):
        first, second = draw(word), draw(word)
        return f"a1[0]={spelled(first, style)} a1[1]={spelled(second, 'auto')}"
    return f"{name}={spelled(draw(word), style)}"


@st.composite
def line(draw) -> str:
    kind, node = draw(st.sampled_from(KINDS)), draw(st.sampled_from(NODES))
    between = st.sampled_from([" ", " ", " ", "\x1d", "  ", "\t", "\x0b", "\u00a0", ",", "'"])
    parts = draw(st.lists(st.tuples(between, field()), max_size=5))
    many = " ".join(f"f{at}=1" for at in range(510)) if draw(st.integers(0, 30)) == 0 else ""
    end = draw(st.sampled_from(["\n", "\n", "\n", "\r\n", " \n"]))
    rest = "".join(map("".join, parts))
    return f"{node}type={kind} msg=audit({draw(st.sampled_from(STAMPS))}):{rest} {many}{end}"


other = st.sampled_from(["\n", "  \n", "junk\n", "type=EXECVE msg=audit(\n", "\r\n", "="])
log = st.lists(st.one_of(line(), line(), line(), other), min_size=1, max_size=12).map("".join)

RULE = """title: t
id: 11111111-1111-4111-8111-111111111111
status: test
level: low
logsource: {{product: linux, service: auditd}}
detection:
  s: {selection}
  k: {{type: {kind}}}
  condition: {condition}
"""
CONDITIONS = ["s", "s and k", "s and not k", "s or k", "k"]


def total(
    data: bytes, wanted: Wanted | None, block_bytes: int = 1 << 20
) -> tuple[Piece, list[Piece]]:
    """What all pieces say together, without their batches; and the pieces."""
    pieces = list(auditd.read(io.BytesIO(data), ITEM, wanted, block_bytes))
    hours: dict[int, int] = {}
    for piece in pieces:
        for hour, count in piece.observed.get(auditd.LOG, {}).items():
            hours[hour] = hours.get(hour, 0) + count
    times = [t for piece in pieces for t in (piece.first_us, piece.last_us) if t is not None]
    whole = Piece(
        records=sum(piece.records for piece in pieces),
        events=sum(piece.events for piece in pieces),
        skipped=sum(piece.skipped for piece in pieces),
        gaps=tuple(gap for piece in pieces for gap in piece.gaps),
        facts=tuple(fact for piece in pieces for fact in piece.facts),
        observed={auditd.LOG: dict(sorted(hours.items()))},
        first_us=min(times, default=None),
        last_us=max(times, default=None),
    )
    return whole, pieces


def hits(pieces: list[Piece], detector: Detector) -> set[tuple[str, int, str]]:
    return {
        (hit.rule, hit.place.record, hit.raw)
        for piece in pieces
        for batch in piece.batches
        for result in detector.match(batch, [("x", batch.frame.height)])
        for hit in result.hits
    }


def detector_of(text: str) -> Detector:
    detector = Detector.build([RuleText("t.yml", "sigma", text)], [], [])
    assert detector.unsupported == ()
    return detector


@settings(max_examples=200, deadline=None)
@given(log, st.sampled_from([64, 300, 1 << 20]))
def test_lines_nobody_asks_for_are_counted_alike(text: str, block_bytes: int) -> None:
    data = text.encode()
    whole, _ = total(data, None)
    few, pieces = total(data, TextPrefilter([]), block_bytes)
    assert few == whole
    assert all(p.records == p.events + p.skipped + sum(g.records for g in p.gaps) for p in pieces)


@settings(max_examples=300, deadline=None)
@given(
    log,
    st.sampled_from([*NAMES, ""]),
    st.sampled_from(["|contains", "|endswith", "|startswith", ""]),
    word,
    st.sampled_from(["EXECVE", "PATH", "execve"]),
    st.sampled_from(CONDITIONS),
)
def test_no_matching_line_is_lost(
    text: str, name: str, modifier: str, value: str, kind: str, condition: str
) -> None:
    quoted = '"' + value.replace("\\", "\\\\\\\\").replace("\0", " ").replace("\n", "\\n") + '"'
    selection = f"{{{name}{modifier}: {quoted}}}" if name else f"[{quoted}]"
    detector = detector_of(RULE.format(selection=selection, kind=kind, condition=condition))
    head = text.encode()
    declared = auditd.FORMAT.declared(head, ITEM) if auditd.FORMAT.declared else None
    assert declared is not None
    wanted = detector.wanted_of(declared, auditd.FORMAT.spelling)
    whole, all_pieces = total(head, None)
    few, pieces = total(head, wanted)
    assert few == whole
    assert hits(pieces, detector) == hits(all_pieces, detector)


@pytest.mark.parametrize("block_bytes", [300, 1 << 20])
def test_every_kind_of_head_is_judged_alike(block_bytes: int) -> None:
    heads = [(node, kind, stamp) for node in NODES for kind in KINDS for stamp in STAMPS]
    lines = [f"{n}type={kind} msg=audit({stamp}): pid=1\n" for n, kind, stamp in heads]
    data = "".join(lines).encode()
    whole, _ = total(data, None)
    few, pieces = total(data, TextPrefilter([]), block_bytes)
    assert few == whole
    assert 0 < sum(len(b.frame) for piece in pieces for b in piece.batches) < whole.events


HARD = {
    "pieces": ('a0[0]="cu" a0[1]=726C', "{a0: curl}"),
    "enriched": ("key=dev/\x1dUID=0", "{key|endswith: ev/}"),
    "odd blank": ("key=dev/\x0bUID=0", "{key|endswith: ev/}"),
    "foreign blank": ("key=dev/\u00a0UID=0", "{key|endswith: ev/}"),
    "lines": ("a1=2F746D702F200A202D63", "{a1|contains|all: [/tmp/, ' -c']}"),
    "no UTF-8": ("a1=63FF2E", "{a1|contains: 'c\\xff.'}"),
    "nested": ("msg='cmd=6375726C20'", "{cmd: 'curl '}"),
    "twice": ("a1=63 a1=6375726C", "{a1: c}"),
    "many": ("a1=6375726C " * 3 + "a2=2F2E", "{a2: /.}"),
    "keyed": ("a2=w", "{a2: w}"),
    "keyed number": ("euid=33", "{euid: 33}"),
    "serial": ("", "{serial: 42}"),
}


@pytest.mark.parametrize("name", HARD)
def test_what_a_plain_search_would_miss_is_found(name: str) -> None:
    fields, selection = HARD[name]
    record = f"type=EXECVE msg=audit(1614657906.789:42): {fields}\n"
    usual = 'type=CWD msg=audit(1614657906.789:41): cwd="/"\n'
    data = (usual * 3 + record + usual).encode()
    detector = detector_of(RULE.format(selection=selection, kind="EXECVE", condition="s and k"))
    wanted = detector.wanted_of(auditd.FORMAT.declared(data, ITEM), "keyed")
    assert wanted is not None
    _, all_pieces = total(data, None)
    _, pieces = total(data, wanted)
    assert {record for _, record, _ in hits(all_pieces, detector)} == {4}
    assert hits(pieces, detector) == hits(all_pieces, detector)


@pytest.mark.parametrize("encoded", [False, True])
def test_few_lines_are_read_by_themselves(encoded: bool) -> None:
    value = "6C73202D6C" if encoded else '"ls"'
    data = f"type=PROCTITLE msg=audit(1614657906.789:42): proctitle={value}\n".encode() * 50
    data += b"type=PROCTITLE msg=audit(1614657906.789:42): proctitle=6375726C20782E7368\n"
    rule = RULE.format(selection="{proctitle|contains: x.sh}", kind="X", condition="s")
    wanted = detector_of(rule).wanted_of(auditd.FORMAT.declared(b"", ITEM), "keyed")
    whole, pieces = total(data, wanted)
    assert (whole.events, [len(b.frame) for p in pieces for b in p.batches]) == (51, [1])


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="public Sigma rules are not on this machine")
def test_no_line_that_a_public_rule_matches_is_lost() -> None:
    texts = read_own_rules([str(SIGMAHQ)]).texts
    detector = Detector.build(texts, [], [])
    declared = auditd.FORMAT.declared(b"", ITEM) if auditd.FORMAT.declared else None
    assert declared is not None
    wanted = detector.wanted_of(declared, auditd.FORMAT.spelling)
    assert wanted is not None
    data = "".join(public_lines(texts)).encode()
    whole, all_pieces = total(data, None)
    few, pieces = total(data, wanted)
    assert few == whole
    found = hits(all_pieces, detector)
    assert len({rule for rule, *_ in found}) > 25
    assert hits(pieces, detector) == found


def public_lines(texts: tuple[RuleText, ...]) -> list[str]:
    """Every word of the rules in every place that rules look at, plain and encoded."""
    words = sorted({
        part.strip(" -'\"") for text in texts for row in text.text.splitlines()
        for part in (row.partition(": ")[2], row.strip().removeprefix("- "))
    })  # fmt: skip
    lines = []
    for at, one in enumerate(text for text in words if text and len(text) < 200):
        stamp = f"msg=audit({1_614_657_906 + at}.789:{at}):"
        for style in ("auto", "hex"):
            value = spelled(one, style)
            after = " ".join(spelled(text, style) for text in (one, "-c", "/x.png"))
            lines += [
                f'type=EXECVE {stamp} argc=3 a0={value} a1="-c" a2={value} a3={value}\n',
                f'type=EXECVE {stamp} argc=2 a0="{one.split()[0]}" a1={value} a2={after}\n',
                f"type=PATH {stamp} item=0 name={value} nametype=CREATE\n",
                f"type=SYSCALL {stamp} comm={value} exe={value} key={value}\x1dSYSCALL={one} euid=33\n",
                f"type={one.upper()} {stamp} pid=1 msg='op=x exe={value} res=success'\n",
                f"type=PROCTITLE {stamp} proctitle={value}\n",
            ]
    return lines
