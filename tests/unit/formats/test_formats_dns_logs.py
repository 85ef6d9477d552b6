"""Query logs of DNS servers: Windows debug log, BIND, dnsmasq, Unbound."""

import pytest
from network_reading import Read

KEY = """DNS Server log file creation at 3/2/2021 4:05:06 AM
Log file wrap at 3/2/2021 4:05:06 AM

Message logging key (for packets - other items use a subset of these fields):
\tField #  Information         Values
\t-------  -----------         ------
\t   1     Date
\t  11     Opcode              Q = Standard Query
\t                             N = Notify

"""
PACKET = "0E70 PACKET  00000000033397A0 UDP"
TAIL = "A      (3)www(7)example(3)com(0)\n"
ASKED = f"3/2/2021 4:05:06 AM {PACKET} Rcv 10.0.0.5        5b47   Q [0001   D   NOERROR] {TAIL}"
TOLD = f"3/2/2021 4:05:07 PM {PACKET} Snd 10.0.0.5        5b47 R Q [8081   DR  NOERROR] {TAIL}"
DETAILS = """UDP response info at 00000000033397A0
  Socket = 508
  Remote addr 10.0.0.5, port 62112
  Message:
    XID       0x5b47
    QUESTION SECTION:
    Name      "(3)www(7)example(3)com(0)"
      QTYPE   A (1)
    ANSWER SECTION:
    Offset = 0x001d, RR count = 0
    Name      "[C00C](3)www(7)example(3)com(0)"
      TYPE   CNAME  (5)
      DATA   (3)web(7)example(3)net(0)
    Name      "(3)web(7)example(3)net(0)"
      TYPE   A  (1)
      DATA   192.0.2.1
    AUTHORITY SECTION:
      DATA   192.0.2.99

"""
COLUMNS = ("action", "query", "record_type", "rcode", "src_ip", "dst_ip", "answer", "remote_port")


def test_windows_packets_with_and_without_details() -> None:
    forwarded = f"3/2/2021 4:05:06 AM {PACKET} Snd 8.8.8.8        5b47   Q [0001   D   NOERROR] {TAIL}"  # fmt: skip
    event = "3/2/2021 4:05:06 AM 0E70 EVENT   The DNS server has started.\n"
    found = Read(KEY + ASKED + forwarded + event + TOLD + DETAILS, "dns.log")
    assert (found.kind, found.reason, found.gaps) == ("windows-dns-debug", "header", [])
    assert (found.events, found.observed) == (3, {"dns:windows"})
    name = ("www.example.com", "A", "NOERROR")
    assert found.rows(*COLUMNS) == [
        ("query", *name, "10.0.0.5", None, None, None),
        ("query", *name, None, "8.8.8.8", None, None),
        ("reply", *name, "10.0.0.5", None, "web.example.net\n192.0.2.1", "62112"),
    ]
    assert found.times()[::2] == ["2021-03-02T04:05:06+00:00", "2021-03-02T16:05:07+00:00"]


@pytest.mark.parametrize(
    ("date", "expected", "order"),
    [
        ("3/2/2021 4:05:06 AM", "2021-03-02T04:05:06", "month before day"),
        ("3/2/2021 12:05:06 AM", "2021-03-02T00:05:06", "month before day"),
        ("3/2/2021 12:05:06 PM", "2021-03-02T12:05:06", "month before day"),
        ("02/03/2021 04:05:06", "2021-03-02T04:05:06", "day before month"),
        ("02.03.2021 04:05:06", "2021-03-02T04:05:06", "day before month"),
        ("2.3.2021 4:05:06", "2021-03-02T04:05:06", "day before month"),
        ("02-03-2021 04:05:06", "2021-03-02T04:05:06", "day before month"),
        ("15/03/2021 4:05:06 PM", "2021-03-15T16:05:06", "day before month"),
        ("2021-03-02 04:05:06", "2021-03-02T04:05:06", None),
        ("2021/03/02 下午 4:05:06", "2021-03-02T16:05:06", None),
        ("20210302 04:05:06", "2021-03-02T04:05:06", None),
        # read as usual for its clock this one would be after the file was last written
        ("3/4/2021 4:05:06 AM", "2021-03-04T04:05:06", "month before day"),
        ("7/3/2021 4:05:06 AM", "2021-03-07T04:05:06", "day before month"),
    ],
)
def test_windows_dates_of_many_locales(date: str, expected: str, order: str | None) -> None:
    found = Read(ASKED.replace("3/2/2021 4:05:06 AM", date), "dns.log")
    assert found.gaps == []
    assert found.times() == [f"{expected}+00:00"]
    assert any(order in text for text in found.notices) if order else len(found.notices) == 1


def test_windows_dates_are_settled_by_the_file_itself() -> None:
    days = ["03/02/2021 23:59:59", "03/03/2021 00:00:01", "03/13/2021 00:00:01"]
    found = Read("".join(ASKED.replace("3/2/2021 4:05:06 AM", day) for day in days), "dns.log")
    assert found.times()[1:] == ["2021-03-03T00:00:01+00:00", "2021-03-13T00:00:01+00:00"]
    assert any("the first 1 times were read with day and month the other" in t for t in found.notices)  # fmt: skip
    assert any("a number above 12 proves it" in text for text in found.notices)


def test_windows_2003_line_and_the_root() -> None:
    old = "20080215 14:01:48 4A8 PACKET  UDP Rcv 10.1.1.1 0e1f   Q [0001   D   NOERROR] (3)www(6)google(3)com(0)\n"  # fmt: skip
    root = ASKED.replace("(3)www(7)example(3)com(0)", "(0)").replace("A     ", "NS    ")
    found = Read(old + root, "dns.log")
    assert found.rows("query", "record_type") == [("www.google.com", None), (".", "NS")]


def test_a_cut_packet_line_is_a_gap() -> None:
    for cut in range(30, len(ASKED) - 1):
        found = Read(TOLD + ASKED[:cut], "dns.log")
        assert found.events == 1
        assert any(gap.reason.startswith(("not a line", "last line")) for gap in found.gaps)
    middle = Read(TOLD + ASKED[:80] + "\n" + ASKED, "dns.log")
    assert [(gap.place, gap.records) for gap in middle.gaps] == [("line 2", 1)]


BIND = "02-Mar-2021 04:05:06.789 queries: info: client @0x7f8b4c0a1b30 10.0.0.5#53211 (www.example.com): query: www.example.com IN A +E(0)K (10.0.0.53)"  # fmt: skip


@pytest.mark.parametrize(
    ("line", "time"),
    [
        (BIND, "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("queries: info: ", ""), "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("@0x7f8b4c0a1b30 ", ""), "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("): query", "): view inside: query"), "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("#53211", "#53211/key k.example"), "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("02-Mar-2021 04:05:06.789", "2021-03-02T04:05:06.789Z"), "2021-03-02T04:05:06.789000+00:00"),
        (BIND.replace("02-Mar-2021 04:05:06.789", "Mar  2 04:05:06 ns1 named[77]:"), "2021-03-02T04:05:06+00:00"),
        (BIND + " [ECS 192.0.2.0/24/0]", "2021-03-02T04:05:06.789000+00:00"),
    ],
)  # fmt: skip
def test_bind_lines(line: str, time: str) -> None:
    found = Read(line + "\n02-Mar-2021 04:05:06.789 general: info: all zones loaded\n", "query.log")
    assert (found.kind, found.gaps, found.skipped) == ("bind-queries", [], 1)
    assert found.rows("query", "record_type", "src_ip", "src_port", "dst_ip") == [
        ("www.example.com", "A", "10.0.0.5", "53211", "10.0.0.53")
    ]
    assert found.times() == [time]
    cut = Read(f"{BIND}\n{line[:-20]}\n", "query.log")
    assert (cut.events, [gap.records for gap in cut.gaps]) == (1, [1]) or line.endswith("/0]")


MASQ = "Mar  2 04:05:06 dnsmasq[123]: "


def test_dnsmasq_lines() -> None:
    lines = [
        f"{MASQ}query[A] www.example.com from 10.0.0.5",
        f"{MASQ}forwarded www.example.com to 8.8.8.8",
        f"{MASQ}reply www.example.com is 192.0.2.1",
        f"{MASQ}/etc/hosts nas.lan is 10.0.0.9",
        f"{MASQ}gravity blocked ads.example.com is 0.0.0.0",
        "Dec 31 23:59:59 router dnsmasq[1]: 7 10.0.0.5/53211 query[type=65] a.example from 10.0.0.5",
        "Mar  2 04:05:06 dnsmasq-dhcp[1]: DHCPACK(eth0) 10.0.0.5 00:11:22:33:44:55",
        f"{MASQ}query[A] www.exa",
    ]
    found = Read("\n".join(lines) + "\n", "dnsmasq.log")
    assert (found.kind, found.events, found.skipped) == ("dnsmasq-queries", 6, 1)
    assert [(gap.place, gap.records) for gap in found.gaps] == [("line 8", 1)]
    assert found.rows("action", "query", "record_type", "answer", "src_ip", "dst_ip") == [
        ("query", "www.example.com", "A", None, "10.0.0.5", None),
        ("forwarded", "www.example.com", None, None, None, "8.8.8.8"),
        ("reply", "www.example.com", None, "192.0.2.1", None, None),
        ("/etc/hosts", "nas.lan", None, "10.0.0.9", None, None),
        ("gravity blocked", "ads.example.com", None, "0.0.0.0", None, None),
        ("query", "a.example", "type=65", None, "10.0.0.5", None),
    ]
    assert found.times()[-1] == "2020-12-31T23:59:59+00:00"


def test_times_without_a_year_stay_unread_when_nothing_tells_it() -> None:
    found = Read(f"{MASQ}query[A] www.example.com from 10.0.0.5\n", "dnsmasq.log", modified=None)
    assert found.times() == [None]
    assert [gap.reason for gap in found.gaps] == ["time not readable"]
    assert any("name no year" in text for text in found.notices)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[1614657906] unbound[1:0] info: 10.0.0.5 a.example. A IN", ("query", "a.example", "A", None, "10.0.0.5", None)),
        ("[1614657906] unbound[1:0] info: 10.0.0.5 a.example. A IN NOERROR 0.012345 0 54", ("reply", "a.example", "A", "NOERROR", "10.0.0.5", "54")),
        ("Mar  2 04:05:06 fw unbound: [1:0] info: query: 10.0.0.5 a.example. TXT IN", ("query", "a.example", "TXT", None, "10.0.0.5", None)),
        ("Mar 02 04:05:06 unbound[1:0] info: reply: 2001:db8::5 . NS IN SERVFAIL 0.000000 1 54", ("reply", ".", "NS", "SERVFAIL", "2001:db8::5", "54")),
    ],
)  # fmt: skip
def test_unbound_lines(line: str, expected: tuple[str | None, ...]) -> None:
    stop = "[1614657906] unbound[1:0] info: service stopped (unbound 1.13.1)."
    found = Read(f"{line}\n{stop}\n", "unbound.log")
    assert (found.kind, found.gaps, found.skipped) == ("unbound-queries", [], 1)
    assert found.rows("action", "query", "record_type", "rcode", "src_ip", "bytes_in") == [expected]
    assert found.times() == ["2021-03-02T04:05:06+00:00"]
    assert Read(f"{line}\n{line[:-3]}\n", "unbound.log").gaps or line.endswith("54")
