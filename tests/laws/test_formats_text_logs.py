"""Laws of the text log readers: nothing raises, nothing vanishes, how bytes arrive is no matter."""

import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterpatch.formats import (
    access_log,
    bind_queries,
    dnsmasq_queries,
    ecp_server,
    exchange_csv,
    exchange_setup,
    httperr,
    httpproxy,
    iis_w3c,
    nfdump_csv,
    oabgenerator,
    proxy_w3c,
    squid,
    squid_combined,
    unbound_queries,
    windows_dns_debug,
    zeek_tsv,
)
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import RECORD
from afterpatch.model.places import Item

READERS = {
    module.FORMAT.kind: module.FORMAT.read
    for module in (
        iis_w3c,
        httperr,
        httpproxy,
        ecp_server,
        oabgenerator,
        exchange_csv,
        exchange_setup,
        proxy_w3c,
        squid,
        squid_combined,
        zeek_tsv,
        nfdump_csv,
        windows_dns_debug,
        bind_queries,
        dnsmasq_queries,
        unbound_queries,
    )
} | {"access-log": access_log.FORMAT.read}
ITEM = Item("x.log", None, "C:/logs/x.log", "root", ("x.log",), 0)
LAW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

W3C_HEAD = (
    "#Software: Microsoft Internet Information Services 10.0\n"
    "#Date: 2021-03-02 00:00:00\n"
    "#Fields: date time cs-method cs-uri-stem s-port c-ip cs(User-Agent) sc-status\n"
)
CSV_HEAD = (
    "#Software: Microsoft Exchange Server\n#Log-type: HttpProxy Logs\n"
    "#Fields: DateTime,RequestId,MajorVersion,MinorVersion,BuildVersion,RevisionVersion,"
    "Protocol,ServerHostName,UrlStem\n"
)
SETUP_HEAD = "[03/02/2021 04:05:06.0123] [0] Setup version: 15.1.2176.2.\n"
# Logs without a header: a first line, so that the encoding is told by text and not by damage.
CLF_HEAD = '192.0.2.1 - - [01/Mar/2021:23:59:59 +0000] "GET / HTTP/1.1" 200 1 "-" "-" A_B:C_D\n'
SQUID_HEAD = "1614643199.000      1 192.0.2.1 TCP_HIT/200 1 GET http://a/ - HIER_NONE/- -\n"
PROXY_HEAD = (
    "#Software: SGOS 6.5\n#Fields: date time c-ip sc-status cs-method cs-uri-scheme cs-host "
    "cs-uri-path cs-uri-query cs(User-Agent) s-action\n"
)


@dataclass
class Lines:
    """A prefilter that wants the lines holding ``needle``; all lines when it is empty."""

    needle: bytes = b""

    cells = ()

    def offsets(self, block: Any) -> np.ndarray:
        found, at = [], 0
        for line in bytes(block).splitlines(keepends=True):
            if self.needle in line:
                found.append(at + line.find(self.needle))
            at += len(line)
        return np.array(found, dtype=np.int64)


@dataclass
class Whole:
    """All pieces of a source added up."""

    records: int
    events: int
    skipped: int
    gaps: list[Any]
    facts: list[Any]
    observed: dict[str, Counter[int]]
    span: tuple[int | None, int | None]
    rows: list[dict[str, Any]]


def whole(data: bytes, kind: str, wanted: Lines | None = None, block_bytes: int = 1 << 20) -> Whole:
    pieces = list(READERS[kind](io.BytesIO(data), ITEM, wanted, block_bytes))
    observed: dict[str, Counter[int]] = {}
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        for log, hours in piece.observed.items():
            observed.setdefault(log, Counter()).update(hours)
    firsts = [piece.first_us for piece in pieces if piece.first_us is not None]
    lasts = [piece.last_us for piece in pieces if piece.last_us is not None]
    frames = [batch.frame for piece in pieces for batch in piece.batches]
    return Whole(
        sum(piece.records for piece in pieces),
        sum(piece.events for piece in pieces),
        sum(piece.skipped for piece in pieces),
        [gap for piece in pieces for gap in piece.gaps],
        sorted((fact for piece in pieces for fact in piece.facts), key=str),
        observed,
        (min(firsts, default=None), max(lasts, default=None)),
        pl.concat(frames, how="diagonal").to_dicts() if frames else [],
    )


w3c_word = st.text("abc/-+.;\"'%", min_size=1, max_size=8)
w3c_line = st.builds(
    lambda s, word, port, agent, status: (
        f"2021-03-02 {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} GET /{word} {port} "
        f"192.0.2.1 {agent} {status}"
    ),
    st.integers(0, 86_399),
    w3c_word,
    st.sampled_from(["443", "444", "8080", "-"]),
    st.one_of(w3c_word, st.just("Mozilla/5.0 (Windows NT 10.0)")),
    st.integers(100, 599),
)
csv_field = st.one_of(
    st.text("abc;/ ", max_size=6),
    st.text('ab,"', max_size=6).map(lambda t: '"' + t.replace('"', '""') + '"'),
    st.text('ab,"\n', max_size=8).map(lambda t: '"' + t.replace('"', '""') + '"'),
)
csv_line = st.builds(
    lambda ms, build, protocol, host, stem: (
        f"2021-03-02T04:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}Z,"
        f"guid,15,1,2176,{build},{protocol},{host},{stem}"
    ),
    st.integers(0, 3_599_999),
    st.integers(2, 4),
    st.sampled_from(["Ecp", "Owa", '"Ews"']),
    st.sampled_from(["MX01", "MX02", ""]),
    csv_field,
)
setup_line = st.one_of(
    st.integers(0, 59).map(lambda s: f"[03/02/2021 04:05:{s:02d}.0001] [1] Finished executing."),
    st.just("   at Microsoft.Exchange.Setup.Main()"),
)
agent = st.text('ab\\\\"[] 1:/é', max_size=12)
proxy_line = st.builds(
    lambda s, word, text: (
        f"2021-03-02 {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d} 192.0.2.1 200 GET http a "
        f'/{word.replace(chr(34), "q")} ?x=1 "{text.replace(chr(34), chr(34) * 2)}" TCP_HIT'
    ),
    st.integers(0, 86_399),
    w3c_word,
    agent,
)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


clf_start = st.builds(
    lambda host, ident, user, s, zone, request, status, size: (
        f"{host} {ident} {escaped(user)} [02/Mar/2021:{s // 3600:02d}:{s // 60 % 60:02d}:"
        f'{s % 60:02d} {zone}] "{escaped(request)}" {status} {size}'
    ),
    st.sampled_from(["192.0.2.1", "::1", "www.example.com:443 192.0.2.1"]),
    st.just("-"),
    st.sampled_from(["-", "alice", "a b", "[x", ""]),
    st.integers(0, 86_399),
    st.sampled_from(["+0000", "-0730", "+1400"]),
    st.one_of(agent, st.just("GET /a?b HTTP/1.1")),
    st.sampled_from(["200", "404"]),
    st.sampled_from(["-", "0", "1234", "123456789012"]),
)
clf_line = st.builds(
    lambda start, referer, text, more: f'{start} "{escaped(referer)}" "{escaped(text)}"{more}',
    clf_start,
    agent,
    agent,
    st.sampled_from(["", ' "-"', ' "192.0.2.9, 192.0.2.8"', " 0.005 -", ' "k=\\"v\\"" 7 "z"']),
)
squid_line = st.builds(
    lambda ms, elapsed, status, url, tail: (
        f"{1614643200 + ms // 1000}.{ms % 1000:03d} {elapsed:6d} 192.0.2.1 TCP_MISS/{status} 12 "
        f"GET {url} - HIER_DIRECT/192.0.2.2 {tail}"
    ),
    st.integers(0, 86_399_999),
    st.integers(0, 9_999_999),
    st.integers(100, 599),
    st.one_of(w3c_word, st.just("http://a.example/b c?d")),
    st.sampled_from(["text/html", "-", "- [Host:%20a] [Server:%20b]"]),
)
ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    "#fields\tts\tid.orig_h\tquery\tanswers\tAA\n#types\ttime\taddr\tstring\tvector[string]\tbool\n"
)
word = st.text("abc\\.-x0", min_size=1, max_size=8)
clock = st.integers(0, 86_399).map(lambda s: f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}")
zeek_line = st.builds(
    lambda ts, name, answer, flag: f"{ts}\t192.0.2.1\t{name}\t{answer}\t{flag}",
    st.sampled_from(["1614657906.123456", "1614657907.000001", "1614657906", "1614657906.1"]),
    word,
    st.sampled_from(["-", "(empty)", "192.0.2.1", "192.0.2.1,a\\x2cb"]),
    st.sampled_from(["T", "F", "-"]),
)
nfdump_line = st.builds(
    lambda when, port: f"2021-03-02 {when},1.000,TCP,10.0.0.5,{port},192.0.2.1,443,3,60",
    clock,
    st.integers(0, 65_535),
)
NFDUMP_HEAD = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes\n"
DEBUG_HEAD = (
    "DNS Server log file creation at 3/2/2021 4:05:06 AM\n"
    "Message logging key (for packets - other items use a subset of these fields):\n"
)
details = st.sampled_from(
    ["", "\nUDP question info at 00000000033397A0\n    ANSWER SECTION:\n      DATA   192.0.2.1\n"]
)
debug_line = st.builds(
    lambda day, when, way, label, more: (
        f"{day}/2021 {when} 0E70 PACKET  00000000033397A0 UDP {way} 192.0.2.1    5b47   Q "
        f"[0001   D   NOERROR] A      ({len(label)}){label}(3)com(0){more}"
    ),
    st.sampled_from(["3/2", "3/3", "03/13", "12/3", "4/3"]),
    clock,
    st.sampled_from(["Rcv", "Snd"]),
    word,
    details,
)
bind_line = st.builds(
    lambda when, ms, name: (
        f"02-Mar-2021 {when}.{ms:03d} queries: info: client @0x7f 10.0.0.5#53211 ({name}): "
        f"query: {name} IN A +E(0)K (10.0.0.53)"
    ),
    clock,
    st.integers(0, 999),
    word,
)
dnsmasq_line = st.builds(
    lambda when, name, kind: f"2021-03-02T{when}Z dnsmasq[1]: {kind.format(name)}",
    clock,
    word,
    st.sampled_from(
        ["query[A] {} from 10.0.0.5", "reply {} is 192.0.2.1", "forwarded {} to 8.8.8.8"]
    ),
)
unbound_line = st.builds(
    lambda at, name, more: f"[{1614657906 + at}] unbound[1:0] info: 10.0.0.5 {name}. A IN{more}",
    st.integers(0, 9_999),
    word,
    st.sampled_from(["", " NOERROR 0.012345 0 54"]),
)
damage = st.one_of(
    st.just(""),
    st.just("#Software: again"),
    st.just("garbage"),
    st.just('2021-03-02T04:05:06.000Z,"open,15'),
    st.just("\0\0\0"),
    st.text(max_size=20).map(lambda t: t.replace("\n", " ").replace("\r", " ")),
)
VALID = {
    "iis-w3c": (W3C_HEAD, w3c_line),
    "httpproxy": (CSV_HEAD, csv_line),
    "exchange-setup": (SETUP_HEAD, setup_line),
    "access-log": (CLF_HEAD, st.one_of(clf_start, clf_line)),
    "proxy-w3c": (PROXY_HEAD, proxy_line),
    "squid": (SQUID_HEAD, squid_line),
    "squid-combined": (CLF_HEAD, clf_line.map(lambda line: line + " TCP_MISS:HIER_DIRECT")),
    "zeek": (ZEEK_HEAD, zeek_line),
    "nfdump-csv": (NFDUMP_HEAD, nfdump_line),
    "windows-dns-debug": (DEBUG_HEAD, debug_line),
    # the encoding of a text is known by its first letters, so these too begin with a real line
    "bind-queries": ("02-Mar-2021 04:05:06.000 general: info: running\n", bind_line),
    "dnsmasq-queries": ("2021-03-02T04:05:06Z dnsmasq[1]: started\n", dnsmasq_line),
    "unbound-queries": ("[1614657906] unbound[1:0] info: start of service\n", unbound_line),
}


def logs(kind: str, broken: bool = False) -> st.SearchStrategy[str]:
    head, line = VALID[kind]
    lines = st.lists(st.one_of(line, line, damage) if broken else line, min_size=1, max_size=25)
    return lines.map(lambda found: head + "".join(f"{one}\n" for one in found))


@LAW
@given(data=st.binary(max_size=600), kind=st.sampled_from(sorted(READERS)))
def test_any_bytes_are_accounted_for(data: bytes, kind: str) -> None:
    found = whole(data, kind)
    assert found.records == found.events + found.skipped + sum(g.records for g in found.gaps)
    empty = data in (b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
    assert empty or found.records or found.gaps
    recognise(data, ITEM)


@pytest.mark.parametrize("kind", sorted(VALID))
@LAW
@given(data=st.data())
def test_valid_logs_have_no_gaps(kind: str, data: st.DataObject) -> None:
    text = data.draw(logs(kind))
    found = whole(text.encode(), kind)
    assert not found.gaps
    assert found.events == len(found.rows) > 0


@LAW
@given(data=st.data(), kind=st.sampled_from(["access-log", "squid", "squid-combined"]))
def test_what_is_proven_without_a_look_is_what_a_look_finds(data: st.DataObject, kind: str) -> None:
    """The vector proof against the patterns: all lines once as they are, once with a NUL each."""
    text = data.draw(logs(kind, broken=True).filter(lambda t: "\0" not in t))
    seen = whole(text.encode(), kind)
    looked = whole("".join(f"{line}\0\n" for line in text.split("\n")[:-1]).encode(), kind)
    assert (looked.events, looked.observed, looked.span) == (seen.events, seen.observed, seen.span)
    assert looked.rows == seen.rows


@pytest.mark.parametrize("kind", ["iis-w3c", "httpproxy"])
@LAW
@given(data=st.data())
def test_every_line_of_a_log_without_line_breaks_in_fields_is_one_record(
    kind: str, data: st.DataObject
) -> None:
    text = data.draw(logs(kind, broken=True).filter(lambda t: '"' not in t and "\0" not in t))
    assert whole(text.encode(), kind).records == text.count("\n")


@pytest.mark.parametrize("kind", sorted(VALID))
@LAW
@given(data=st.data())
def test_a_cut_file_has_a_gap_unless_cut_at_a_record_end(kind: str, data: st.DataObject) -> None:
    content = data.draw(logs(kind)).encode()
    cut = data.draw(st.integers(1, len(content) - 1))
    found = whole(content[:cut], kind)
    open_quote = content[:cut].count(b'"') % 2 == 1
    quoted = kind in ("httpproxy", "proxy-w3c")
    if content[cut - 1 : cut] != b"\n" or (open_quote and quoted):
        assert found.gaps
    else:
        assert not found.gaps


@pytest.mark.parametrize("kind", sorted(VALID))
@LAW
@given(data=st.data(), block_bytes=st.sampled_from([1, 7, 64, 200, 4096]))
def test_block_size_changes_nothing(kind: str, data: st.DataObject, block_bytes: int) -> None:
    content = data.draw(logs(kind, broken=True)).encode()
    content = content[: data.draw(st.integers(0, len(content)))]
    assert whole(content, kind, block_bytes=block_bytes) == whole(content, kind)


@pytest.mark.parametrize("kind", sorted(VALID))
@LAW
@given(data=st.data())
def test_a_prefilter_changes_only_the_batches(kind: str, data: st.DataObject) -> None:
    content = data.draw(logs(kind, broken=True)).encode()
    everything = whole(content, kind)
    assert whole(content, kind, Lines()) == everything
    few = whole(content, kind, Lines(b"1"))
    kept = {row[RECORD] for row in few.rows}
    assert all("1" not in row["@raw"] for row in everything.rows if row[RECORD] not in kept)
    few.rows = everything.rows
    assert few == everything


@pytest.mark.parametrize("kind", sorted(VALID))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@LAW
@given(data=st.data())
def test_encodings_give_the_same_events(kind: str, encoding: str, data: st.DataObject) -> None:
    text = data.draw(logs(kind, broken=True))
    assert whole(text.encode(encoding), kind, block_bytes=63) == whole(text.encode(), kind)


@pytest.mark.parametrize("kind", sorted(VALID))
@settings(
    LAW,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_line_ends_give_the_same_events(kind: str, data: st.DataObject) -> None:
    text = data.draw(logs(kind).filter(lambda t: '\n"' not in t and '"\n' not in t))
    unix, windows = whole(text.encode(), kind), whole(text.replace("\n", "\r\n").encode(), kind)
    for row in windows.rows:
        row.update({k: v.replace("\r\n", "\n") for k, v in row.items() if isinstance(v, str)})
    assert windows == unix
