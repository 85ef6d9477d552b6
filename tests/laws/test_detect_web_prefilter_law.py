"""Law: what a rule matches in an access or proxy log, the log's prefilter selects."""

import io
import json
import string
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.detect.detector import Detector
from afterpatch.formats import (
    access_log,
    json_lines,
    proxy_w3c,
    squid,
    squid_combined,
    zeek_json,
    zeek_tsv,
)
from afterpatch.formats.format import Format
from afterpatch.model.batches import Declared, Piece
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

ITEM = Item("x", None, "x.log", "root", ("x",), 0)
WORDS = [
    "/owa/",
    "x.exe",
    "cmd=",
    "\\",
    '"',
    "'",
    ",",
    "é",
    "?",
    "://",
    ":81",
    "evil",
    "+",
    " ",
    "\t",
    "k",
]
word = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map("".join)
HEAD = (
    "#Software: SGOS 6.5\n#Fields: date time c-ip cs-method cs-uri-scheme cs-host cs-uri-port "
    "cs-uri-path cs-uri-query cs(User-Agent)\n"
)
RULE = """title: t
id: 11111111-1111-4111-8111-111111111111
status: test
level: low
logsource:
  category: {category}
detection:
  s:
    {field}{modifier}: {value}
  other:
    cs-method: {method}
  condition: {condition}
"""
CONDITIONS = ["s", "s and other", "s and not other", "not other", "s or not other"]


def escaped(text: str, style: str) -> str:
    def one(letter: str) -> str:
        if letter in '"\\':
            return f"\\{letter}" if style == "apache" else f"\\x{ord(letter):02X}"
        if letter == "\t" and style == "apache":
            return "\\t"
        if letter.isprintable() and letter.isascii():
            return letter
        return "".join(f"\\x{byte:02x}" for byte in letter.encode())

    return "".join(map(one, text))


def access_line(path: str, query: str, agent: str, style: str) -> str:
    target = escaped(f"/{path}?{query}", style)
    return (
        f'192.0.2.1 - - [02/Mar/2021:05:05:06 +0100] "GET {target} HTTP/1.1" 200 1 "-" '
        f'"{escaped(agent, style)}"\n'
    )


def proxy_line(path: str, query: str, agent: str, style: str) -> str:
    del style
    path, query = (
        "".join(c for c in text if c in string.printable and c not in ' "?\t')
        for text in (path, query)
    )
    quoted = agent.replace('"', '""')
    return f'2021-03-02 04:05:06 192.0.2.1 GET http evil 81 /{path} ?{query} "{quoted}"\n'


def squid_line(path: str, query: str, agent: str, style: str) -> str:
    target = escaped(f"{path}?{query}", "nginx")
    return (
        f"1614657906.000    180 192.0.2.1 TCP_MISS/200 1 GET http://evil:81/{target} - "
        "HIER_DIRECT/198.51.100.1 text/html\n"
    )


def squid_combined_line(path: str, query: str, agent: str, style: str) -> str:
    line = access_line(path, query, agent, style).replace("GET /", "GET http://evil:81/")
    return line.removesuffix("\n") + " TCP_MISS:HIER_DIRECT\n"


ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n"
    "#fields\tts\tid.orig_h\tmethod\thost\turi\tuser_agent\ttags\n"
    "#types\ttime\taddr\tstring\tstring\tstring\tstring\tset[enum]\n"
)


def zeek_line(path: str, query: str, agent: str, style: str) -> str:
    del style

    def cell(text: str) -> str:
        return escaped(text.replace("\\", "\\\\"), "apache").replace('\\"', '"') or "(empty)"

    uri = cell(f"/{path}?{query}") if len(query) % 2 else cell(query)
    return f"1614657906.000000\t192.0.2.1\tGET\tevil\t{uri}\t{cell(agent)}\t(empty)\n"


def zeek_json_line(path: str, query: str, agent: str, style: str) -> str:
    event = {"ts": 1614657906.5, "uid": "CHhAvVGS1DHFjwGM9", "_path": "http", "method": "GET"}
    event |= {"uri": f"/{path}?{query}", "user_agent": agent}
    return json.dumps(event, ensure_ascii=style == "apache").replace("/", "\\/") + "\n"


CASES: dict[str, tuple[Format, Any, str]] = {
    "access": (access_log.FORMAT, access_line, ""),
    "proxy": (proxy_w3c.FORMAT, proxy_line, HEAD),
    "squid": (squid.FORMAT, squid_line, ""),
    "zeek": (zeek_tsv.FORMAT, zeek_line, ZEEK_HEAD),
    "zeek json": (zeek_json.FORMAT, zeek_json_line, ""),
    "squid combined": (squid_combined.FORMAT, squid_combined_line, ""),
}


def matched(pieces: list[Piece], detector: Detector) -> set[int]:
    return {
        hit.place.record
        for piece in pieces
        for batch in piece.batches
        for result in detector.match(batch, [("x", batch.frame.height)])
        for hit in result.hits
    }


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.tuples(word, word, word), min_size=1, max_size=6),
    field=st.sampled_from(["c-uri", "cs-uri-stem", "cs-uri-query", "cs-user-agent"]),
    modifier=st.sampled_from(["|contains", "|endswith", "|startswith", ""]),
    value=st.one_of(word, st.sampled_from(["x", "", "k=", "=", "GET"])),
    method=st.sampled_from(["GET", "get", "x"]),
    condition=st.sampled_from(CONDITIONS),
    style=st.sampled_from(["apache", "nginx"]),
)
def test_no_matching_line_is_lost(
    name: str,
    requests: list[tuple[str, str, str]],
    field: str,
    modifier: str,
    value: str,
    method: str,
    condition: str,
    style: str,
) -> None:
    known, line, head = CASES[name]
    category = known.logsource.category if known.logsource else "proxy"
    quoted = "'" + value.replace("\\", "\\\\").replace("?", "\\?").replace("'", "''") + "'"
    rule = RULE.format(
        category=category,
        field=field,
        modifier=modifier,
        value=quoted,
        method=method,
        condition=condition,
    )
    detector = Detector.build([RuleText("t.yml", "sigma", rule)], [], [])
    assert detector.unsupported == ()
    data = (head + "".join(line(*request, style) for request in requests)).encode()
    declared = known.declared(data, ITEM) if known.declared else Declared(known.logsource)
    assert declared
    wanted = detector.wanted_of(declared, known.spelling)
    whole = list(known.read(io.BytesIO(data), ITEM, None))
    assert sum(piece.events for piece in whole) == len(requests)
    # Twice for JSON: natively, and by compiled code as for a large log.
    for plain_bytes in (1 << 40, 0) if "json" in name else (0,):
        with patch.object(json_lines, "PLAIN_BYTES", plain_bytes):
            few = list(known.read(io.BytesIO(data), ITEM, wanted))
        assert matched(whole, detector) == matched(few, detector)
