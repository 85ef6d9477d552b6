"""The Linux audit log: records, encoded values, nested messages, hosts, what is no record."""

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.detect.detector import Detector
from afterpatch.formats import auditd
from afterpatch.formats.registry import recognise
from afterpatch.model.campaigns import RuleText
from afterpatch.model.places import Item

ITEM = Item("case/audit.log", None, "/var/log/audit/audit.log", "case", ("audit.log",), 0)
STAMP = "msg=audit(1614657906.789:42):"
WHEN_US = 1_614_657_906_789_000
EXECVE = f'type=EXECVE {STAMP} argc=3 a0="bash" a1="-c" a2=6375726C20687474703A2F2F78'
SYSCALL = (
    f"type=SYSCALL {STAMP} arch=c000003e syscall=59 success=yes exit=0 a0=7ffd a1=68656C6C6F "
    'ppid=1 pid=2 uid=0 comm="bash" exe="/usr/bin/bash" key="exec"'
    '\x1dARCH=x86_64 SYSCALL=execve UID="root"'
)
COMMAND = (
    f'type=USER_CMD {STAMP} pid=7 uid=1000 msg=\'cwd="/home/an na" cmd=6C73202D6C61 '
    'exe="/usr/bin/sudo" terminal=pts/0 res=success\''
)


def read(*lines, end="\n"):
    data = "".join(line + end for line in lines).encode()
    return list(auditd.read(io.BytesIO(data), ITEM))


def rows(*lines):
    return [
        {name: value for name, value in row.items() if value is not None}
        for piece in read(*lines)
        for batch in piece.batches
        for row in batch.frame.drop("@raw").iter_rows(named=True)
    ]


def test_arguments_are_decoded_where_they_are_encoded():
    [row] = rows(EXECVE)
    assert row == {
        "@time": WHEN_US, "@record": 1, "type": "EXECVE", "serial": "42", "argc": "3",
        "a0": "bash", "a1": "-c", "a2": "curl http://x",
    }  # fmt: skip


def test_numbers_of_a_system_call_are_left_alone_and_enriched_fields_are_read():
    [row] = rows(SYSCALL)
    assert (row["a1"], row["comm"], row["key"]) == ("68656C6C6F", "bash", "exec")
    assert (row["ARCH"], row["SYSCALL"], row["UID"]) == ("x86_64", "execve", "root")


def test_a_nested_message_gives_its_fields():
    [row] = rows(COMMAND)
    assert (row["cwd"], row["cmd"], row["res"]) == ("/home/an na", "ls -la", "success")
    assert "msg" not in row


def test_pieces_of_a_long_argument_are_one():
    [row] = rows(f'type=EXECVE {STAMP} argc=1 a0_len=12 a0[0]="sleep" a0[1]=203130')
    assert row["a0"] == "sleep 10"


def test_the_arguments_of_a_title_are_apart():
    [row] = rows(f"type=PROCTITLE {STAMP} proctitle=6C73002D6C")
    assert row["proctitle"] == "ls -l"


@pytest.mark.parametrize(
    ("head", "host"),
    [
        ("", None),
        ("node=web1.a.example ", "web1.a.example"),
        ("Mar  2 04:05:06 collector audispd[7]: node=web2 ", "web2"),
    ],
)
def test_who_sent_it(head, host):
    [piece] = read(head + EXECVE)
    facts = [(fact.name, fact.value, fact.time) for fact in piece.facts]
    name = "host.fqdn" if host and "." in host else "host.name"
    when = datetime(2021, 3, 2, 4, 5, 6, 789_000, UTC)
    assert facts == ([(name, host, when)] if host else [])


def test_everything_is_counted():
    [piece] = read(EXECVE, "", "type=EXECVE msg=audit(now:1): a0=x", "junk", SYSCALL)
    assert (piece.records, piece.events, piece.skipped) == (5, 2, 1)
    assert [(gap.place, gap.reason, gap.records) for gap in piece.gaps] == [
        ("lines 3-4", "not a record of the audit log", 2)
    ]
    assert piece.observed == {"linux:auditd": {WHEN_US // 3_600_000_000: 2}}
    assert (piece.first_us, piece.last_us) == (WHEN_US, WHEN_US)


@pytest.mark.parametrize("line", [EXECVE, "node=a " + SYSCALL, COMMAND])
def test_it_is_known_by_its_records(line):
    assert recognise((line + "\n").encode(), ITEM) == (auditd.FORMAT, "content")
    assert recognise(b"<html>msg=audit(</html>", ITEM)[0] is not auditd.FORMAT


def test_rules_for_auditd_and_for_nothing_else_apply():
    def rule(name, service, detection):
        source = f"product: linux, service: {service}"
        return RuleText(
            name, "sigma",
            f"title: {name}\nid: {name}\nlogsource: {{{source}}}\ndetection:\n{detection}",
        )  # fmt: skip

    words = "  s: {type: EXECVE}\n  k: ['|all': [curl, 'http://']]\n  condition: s and k"
    found = "  s: {type: EXECVE, a2|contains: curl}\n  condition: s"
    detector = Detector.build([rule("a", "auditd", words), rule("b", "sshd", found)], (), ())
    hits = [
        hit.rule
        for piece in read(EXECVE, SYSCALL)
        for batch in piece.batches
        for result in detector.match(batch, [("x", batch.frame.height)])
        for hit in result.hits
    ]
    assert hits == ["a"]


@pytest.mark.parametrize(
    "rest",
    [
        "a" * 1_000_000,
        " ".join(f"f{i}=x" for i in range(100_000)),
        "msg='" + " ".join(f"f{i}=x" for i in range(100_000)) + "'",
        " ".join(f"a0[{i}]=41" for i in range(70_000)),
    ],
    ids=["one word", "many fields", "many nested fields", "many pieces"],
)
def test_a_record_that_is_no_record_of_a_kernel_costs_no_more_than_others(rest):
    pieces = read(f"type=EXECVE {STAMP} {rest}", EXECVE)
    assert sum(piece.events for piece in pieces) == 2
    reasons = [gap.reason for piece in pieces for gap in piece.gaps]
    assert reasons == (["more than 500 fields: only the first were read"] if "=" in rest else [])
    assert all(batch.frame.width < 600 for piece in pieces for batch in piece.batches)


@given(st.text(st.sampled_from("type=EXECVE msg=audit(1.234:5): a0[]\"'\x1d\n ")))
def test_nothing_raises_and_nothing_is_lost(text):
    data = (EXECVE + text + "\n" + text).encode()
    for piece in auditd.read(io.BytesIO(data), ITEM):
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events
