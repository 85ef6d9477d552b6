"""Zeek logs, tab-separated and as JSON."""

import pytest
from network_reading import Read

from afterpatch.formats.zeek_logs import logsource, path_of_file
from afterpatch.model.batches import Logsource

HEAD = """#separator \\x09
#set_separator\t,
#empty_field\t(empty)
#unset_field\t-
#path\tdns
#open\t2021-03-02-00-00-00
"""
FIELDS = "#fields\tts\tuid\tid.orig_h\tquery\tanswers\tAA\n"
TYPES = "#types\ttime\tstring\taddr\tstring\tvector[string]\tbool\n"
ROW = "1614657906.123456\tCHhAvVGS1DHFjwGM9\t10.0.0.5\twww.example.com\t192.0.2.1,192.0.2.2\tT\n"


def test_values_are_those_of_the_header() -> None:
    odd = "1614657907.000000\tC1\t10.0.0.5\t(empty)\t-\tF\n"
    escaped = "1614657908.5\tC2\t10.0.0.5\t\\\\\\\\host\\\\a\\x00\ta\\x2cb,c\t-\n"
    found = Read(HEAD + FIELDS + TYPES + ROW + odd + escaped + "#close\t2021-03-02-01-00-00\n", "x")
    assert (found.kind, found.reason, found.observed) == ("zeek", "header", {"zeek:dns"})
    assert found.batches[0].logsource == Logsource("dns", "zeek", "dns")
    assert (found.records, found.events, found.skipped, found.gaps) == (12, 3, 9, [])
    assert found.rows("@record", "query", "answers", "AA") == [
        (9, "www.example.com", "192.0.2.1\n192.0.2.2", "true"),
        (10, "", None, "false"),
        (11, "\\\\host\\a\\x00", "a,b\nc", None),
    ]
    assert found.times()[::2] == ["2021-03-02T04:05:06.123456+00:00", "2021-03-02T04:05:08.500000+00:00"]  # fmt: skip


def test_another_separator_and_other_marks() -> None:
    text = (
        "#separator |\n#set_separator|;\n#empty_field|EMPTY\n#unset_field|NONE\n#path|files\n"
        "#fields|ts|fuid|tx_hosts|mime_type|depth\n#types|time|string|set[addr]|string|count\n"
        "1614657906.123456|F1|10.0.0.1;10.0.0.2|NONE|0\n1614657906.123456|F2|EMPTY|-|1\n"
    )
    found = Read(text, "x")
    assert found.gaps == []
    assert found.rows("fuid", "tx_hosts", "mime_type") == [
        ("F1", "10.0.0.1\n10.0.0.2", None),
        ("F2", "", "-"),
    ]


def test_a_new_header_in_the_middle_changes_columns_and_log() -> None:
    conn = HEAD.replace("dns", "conn") + "#fields\tts\tid.resp_h\n#types\ttime\taddr\n"
    found = Read(HEAD + FIELDS + TYPES + ROW + conn + "1614657906.000000\t192.0.2.7\n", "x")
    assert found.observed == {"zeek:dns", "zeek:conn"}
    assert found.rows("query", "id.resp_h") == [("www.example.com", None), (None, "192.0.2.7")]
    assert [batch.logsource.service for batch in found.batches] == ["dns", "conn"]


def test_a_log_without_times_is_no_gap_and_a_cut_row_is() -> None:
    assert Read(HEAD.replace("dns", "loaded_scripts") + "#fields\tname\n#types\tstring\na.zeek\n", "x").gaps == []  # fmt: skip
    cut = Read(HEAD + FIELDS + TYPES + ROW + ROW[:40], "x")
    assert [gap.place for gap in cut.gaps] == ["line 10", "line 10"]
    assert "columns, not" in cut.gaps[0].reason
    assert Read(HEAD + FIELDS + TYPES + ROW.replace("1614657906.123456", "yesterday"), "x").gaps


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("logs/dns.log", "dns"),
        ("logs/conn.10:00:00-11:00:00.log", "conn"),
        ("dce_rpc.2021-03-02-10.log", "dce_rpc"),
        ("smb_files_20210302_10:00:00.log", "smb_files"),
        ("http.json", "http"),
        ("README.md", ""),
    ],
)
def test_the_path_a_file_name_tells(name: str, path: str) -> None:
    assert path_of_file(name) == path
    assert logsource("ssl") == Logsource("", "zeek", "ssl")


JSON = (
    '{"ts":1614657906.123456,"uid":"CHhAvVGS1DHFjwGM9","id.orig_h":"10.0.0.5","query":"a.example",'
    '"answers":["192.0.2.1","192.0.2.2"],"TTLs":[60.0,1.5],"rejected":false,"Z":0}\n'
)


def test_json_values_are_those_of_the_tab_separated_form() -> None:
    found = Read(JSON, "dns.log")
    assert (found.kind, found.observed, found.gaps) == ("zeek-json", {"zeek:dns"}, [])
    assert found.rows("query", "answers", "TTLs", "rejected", "Z", "id.orig_h") == [
        ("a.example", "192.0.2.1\n192.0.2.2", "60.0\n1.5", "false", "0", "10.0.0.5")
    ]
    assert found.times() == ["2021-03-02T04:05:06.123456+00:00"]


def test_json_says_which_log_each_line_is() -> None:
    lines = JSON + '{"_path":"http","ts":"2021-03-02T04:05:06.5Z","id":{"orig_h":"10.0.0.5"},"uri":"/"}\n'  # fmt: skip
    found = Read(lines, "current/dns.json")
    assert found.observed == {"zeek:dns", "zeek:http"}
    assert found.rows("id.orig_h", "uri") == [("10.0.0.5", None), ("10.0.0.5", "/")]


@pytest.mark.parametrize(
    "damage", ['{"ts":1614657906.1,"uid":"C', "[1,2]", '"text"', "\x00", "{}}"]
)
def test_json_that_is_no_event_is_a_gap(damage: str) -> None:
    found = Read(JSON + damage, "dns.log")
    assert (found.events, [gap.place for gap in found.gaps]) == (1, ["line 2"])
    assert found.records == 2


def test_json_wide_and_deep_objects_are_bounded() -> None:
    wide = "{" + ",".join(f'"k{n}":{n}' for n in range(3000)) + ',"ts":1614657906.5}\n'
    deep = '{"ts":1614657906.5,"a":' + '{"a":' * 100 + "1" + "}" * 101 + "\n"
    found = Read(JSON + wide + JSON + deep, "dns.log")
    assert found.events == 4
    assert [gap.records for gap in found.gaps] == [0]
    assert "1000 fields" in found.gaps[0].reason
    assert max(batch.frame.width for batch in found.batches) <= 1_010
