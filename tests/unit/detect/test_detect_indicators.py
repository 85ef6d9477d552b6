"""Indicators: exact boundaries, both ways."""

import polars as pl
import pytest

from afterpatch.detect.indicator_addresses import addresses_in
from afterpatch.detect.indicator_patterns import raw_patterns
from afterpatch.detect.indicator_values import plain_path
from afterpatch.detect.indicators import IndicatorEngine, indicator_id
from afterpatch.detect.prefilter import MAX_PATTERNS, build_prefilter
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator

IIS = Logsource("webserver", "windows", "iis")
DIGEST = "ab" * 32


def indicator(kind: str, value: str, **more) -> Indicator:
    return Indicator(kind, value, more.pop("stage", ""), more.pop("weak", True), "src", **more)


def rows(kind: str, value: str, column: str, values: list[str | None]) -> list[int]:
    engine = IndicatorEngine([indicator(kind, value)])
    assert engine.unsupported == ()
    frame = pl.DataFrame(
        {"@record": range(len(values)), column: pl.Series(values, dtype=pl.String)}
    )
    return [at for _, found in engine.match(Batch(IIS, frame)) for at in found.tolist()]


@pytest.mark.parametrize(
    ("kind", "value", "column", "hit", "miss"),
    [
        (
            "ip",
            "10.1.2.3",
            "c-ip",
            ["10.1.2.3", "::ffff:10.1.2.3", " 10.1.2.3 ", "10.1.2.3:4433", "[::ffff:10.1.2.3]:443"],
            ["10.1.2.30", "110.1.2.3", "10.1.2", "10.1.2.3.4", "", None, "x"],
        ),
        (
            "ip",
            "10.1.2.3",
            "X-Forwarded-For",
            ["1.1.1.1,+10.1.2.3", "10.1.2.3, 9.9.9.9"],
            ["1.1.1.1"],
        ),
        ("ip", "fe80::1", "ClientIpAddress", ["FE80::1%12", "fe80:0:0:0:0:0:0:1"], ["fe80::2"]),
        ("ip", "::ffff:10.1.2.3", "c-ip", ["10.1.2.3"], ["10.1.2.4"]),
        (
            "cidr",
            "10.1.0.0/16",
            "IpAddress",
            ["10.1.0.0", "10.1.255.255"],
            ["10.2.0.0", "10.0.255.255"],
        ),
        ("cidr", "2001:db8::/32", "c-ip", ["2001:db8:ffff::1"], ["2001:db9::"]),
        (
            "domain",
            "evil.example",
            "QueryName",
            ["evil.example", "A.EVIL.example", "x.y.evil.example."],
            ["notevil.example", "evil.example.org", "my-evil.example", "evil.examples"],
        ),
        (
            "domain",
            "evil.example",
            "AnchorMailbox",
            ["ServerInfo~a]@evil.example:444/x"],
            ["evilXexample"],
        ),
        (
            "sha256",
            DIGEST,
            "Hashes",
            [f"MD5=00,SHA256={DIGEST.upper()}"],
            [DIGEST + "0", DIGEST[:-1]],
        ),
        ("sha256", DIGEST, "Sha256", [DIGEST], ["cd" * 32]),
        (
            "path",
            r"C:\inetpub\wwwroot\a.aspx",
            "TargetFilename",
            [
                r"c:\INETPUB\wwwroot\a.aspx",
                r"D:\inetpub\wwwroot\a.aspx",
                r"E:\x\inetpub\wwwroot\a.aspx",
            ],
            [r"C:\inetpub\wwwroot\ba.aspx", r"C:\a.aspx", r"C:\myinetpub\wwwroot\a.aspx"],
        ),
        (
            "path",
            r"%ProgramFiles%\V15\a.aspx",
            "TargetFilename",
            [r"C:\Program Files\V15\a.aspx"],
            [r"C:\Program Files\V14\a.aspx"],
        ),
        (
            "path",
            "/aspnet_client/a.aspx",
            "cs-uri-stem",
            ["/aspnet_client//A.aspx"],
            ["/aspnet_client/a.asp"],
        ),
        ("path", "a.aspx", "UrlStem", ["/owa/auth/a.aspx", "a.aspx"], ["/owa/auth/aa.aspx"]),
        (
            "user-agent",
            "Moz/5.0 (A, B) C",
            "cs(User-Agent)",
            ["Moz/5.0+(A,+B)+C", "Moz/5.0 (A, B) C", "Moz/5.0 (A  B) C"],
            ["Moz/5.0+(A,+B)+CD", "moz"],
        ),
    ],
)
def test_boundaries(kind: str, value: str, column: str, hit: list, miss: list) -> None:
    assert rows(kind, value, column, [*hit, *miss]) == list(range(len(hit)))


@pytest.mark.parametrize(
    ("kind", "value", "column", "hit", "miss"),
    [
        (
            "domain",
            "evilhost",
            "QueryName",
            ["evilhost", "a.EvilHost"],
            ["evilhosts", "my-evilhost"],
        ),
        ("domain", "evil.example", "QueryName", ["a.b.EVIL.example."], ["evil.example.org", ""]),
        ("domain", "bücher.example", "QueryName", ["www.BÜCHER.example"], ["xbücher.example"]),
        ("path", "c:run.exe", "Image", ["run.exe", "D:run.exe", r"C:\x\run.exe"], ["c:runs.exe"]),
        (
            "sha256",
            DIGEST,
            "Hashes",
            [f"SHA256={'0' * 64},IMPHASH=0,PREVIOUS={DIGEST}", f"{DIGEST} {DIGEST}"],
            [DIGEST * 2],
        ),
        ("ip", "::ffff:0:0/96", "c-ip", ["1.2.3.4"], ["fe80::1"]),
    ],
)
@pytest.mark.parametrize("strangers", [0, 3_000])
def test_odd_spellings_among_few_and_many(
    kind: str, value: str, column: str, hit: list, miss: list, strangers: int
) -> None:
    more = {
        "domain": "n{}.test",
        "path": "/n/{}.asp",
        "sha256": "{:064x}",
        "ip": "9.9.{}.0/24",
    }[kind]
    others = [
        indicator(kind, more.format(n + 1 if kind != "ip" else n % 250)) for n in range(strangers)
    ]
    wanted = indicator(kind if kind != "ip" else "cidr", value)
    engine = IndicatorEngine([*others, wanted])
    values = pl.Series([*hit, None, *miss], dtype=pl.String)
    found = {
        info.id: at.tolist()
        for info, at in engine.match(Batch(IIS, pl.DataFrame({column: values})))
    }
    assert found == {indicator_id(wanted): list(range(len(hit)))}


def test_too_many_to_look_for_in_raw_text() -> None:
    lines = [indicator("domain", f"n{n}.example") for n in range(MAX_PATTERNS + 1)]
    assert build_prefilter([], lines[:-1]).prefilter is not None
    built = build_prefilter([], lines)
    assert built.prefilter is None
    assert built.forced_by == (("*", "more than 10000 texts to look for: too many for one scan"),)


def test_other_columns_are_not_asked() -> None:
    assert rows("ip", "10.1.2.3", "s-ip", ["10.1.2.3"]) == []


def test_overlapping_networks_and_equal_addresses_all_count() -> None:
    lines = [
        indicator("cidr", "10.0.0.0/8"),
        indicator("cidr", "10.1.0.0/16"),
        indicator("ip", "10.1.2.3"),
    ]
    engine = IndicatorEngine([*lines, indicator("cidr", "10.1.2.3/32"), lines[0]])
    found = engine.match(Batch(IIS, pl.DataFrame({"c-ip": ["10.1.2.3", "10.9.9.9", "9.9.9.9"]})))
    assert {info.id: at.tolist() for info, at in found} == {
        "indicator:cidr:10.0.0.0/8": [0, 1],
        "indicator:cidr:10.1.0.0/16": [0],
        "indicator:ip:10.1.2.3": [0],
        "indicator:cidr:10.1.2.3/32": [0],
    }


def test_only_hashes_can_be_more_than_weak() -> None:
    engine = IndicatorEngine(
        [
            indicator("ip", "10.1.2.3", weak=False, stage="attempted", note="scanner"),
            indicator("sha256", DIGEST, weak=False, stage="file-written"),
        ]
    )
    address, digest = engine.infos
    assert (address.weak, address.level, address.stage, address.engine) == (
        True,
        "low",
        "attempted",
        "indicator",
    )
    assert address.title == "Known address 10.1.2.3"
    assert (digest.weak, digest.level) == (False, "high")
    assert engine.match_sha256(DIGEST.upper()) == digest
    assert engine.match_sha256("00" * 32) is None


@pytest.mark.parametrize(
    ("kind", "value"), [("ip", "10.1.2"), ("cidr", "x/8"), ("colour", "red"), ("path", " ")]
)
def test_unreadable_indicators_are_reported(kind: str, value: str) -> None:
    engine = IndicatorEngine([indicator(kind, value), indicator("ip", "10.0.0.1")])
    assert [info.id for info in engine.infos] == ["indicator:ip:10.0.0.1"]
    [(rule, reason)] = engine.unsupported
    assert rule.startswith(f"indicator:{kind}:")
    assert reason


def test_evaluated_means_a_column_it_looks_at_is_there() -> None:
    engine = IndicatorEngine([indicator("cidr", "10.0.0.0/8"), indicator("domain", "evil.example")])
    assert engine.kinds_for(["@time", "c-ip"]) == {"indicator:cidr"}
    assert [info.kind for info in engine.infos] == ["indicator:cidr", "indicator:domain"]


def test_hostile_address_texts_do_not_raise() -> None:
    texts = [
        "[",
        "]",
        "[]",
        ":",
        "::",
        "%",
        "1.2.3.4%",
        "[::1",
        "1.2.3.999",
        "٣.٣.٣.٣",
        "0x7f.1",
        "-" * 999,
    ]
    assert [str(a) for text in texts for a in addresses_in(text)] == ["::", "1.2.3.4", "::1"]


def test_plain_paths() -> None:
    assert plain_path(r'"%WinDir%\\System32\x.DLL"') == "system32/x.dll"
    assert plain_path("/") == ""


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("ip", "10.1.2.3", (rb"10\.1\.2\.3", rb"ffff:a01:203")),
        ("cidr", "10.1.2.0/24", (rb"10\.1\.2\.", rb"ffff:a01:")),
        ("cidr", "10.0.0.0/8", None),
        ("cidr", "::/0", None),
        ("sha256", DIGEST, ()),
        ("path", r"C:\a\shell.aspx", (rb"shell\.aspx",)),
        ("user-agent", "a b", None),
    ],
)
def test_raw_patterns(kind: str, value: str, expected: tuple | None) -> None:
    assert raw_patterns(indicator(kind, value)) == expected
