"""The command: exit codes, redaction, safe output."""

from datetime import UTC, datetime
from random import Random

import orjson
import pytest
from click.testing import CliRunner

from afterpatch.cli import cli
from afterpatch.detect.sunburst.attribution import host_id_of
from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.detect.sunburst.labels import PRODUCTS

ID = bytes(range(8))
DOMAIN = "corp.long-example-domain.test"
LABELS = [
    *name_labels(ID, DOMAIN, Random(3)),
    ping_label(ID, datetime(2020, 6, 1, tzinfo=UTC), Random(3)),
]
NAMES = "\n".join(query_name(label, ID) for label in LABELS)


def run(*arguments: str, stdin: str | bytes = NAMES):
    result = CliRunner().invoke(cli, ["sunburst", *arguments], input=stdin, standalone_mode=False)
    assert result.exception is None, result.exception
    return result.return_value, result.stdout, result.stderr


def test_decode_gives_one_object_per_label():
    code, out, _ = run("decode", "-", "--format", "jsonl")
    rows = [orjson.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [row["label"] for row in rows] == LABELS
    wanted = {
        "label",
        "kind",
        "host_id",
        "sequence",
        "chunk",
        "time",
        "products",
        "stage2",
        "region_ok",
        "reason",
    }
    assert all(wanted <= set(row) for row in rows)
    assert [row["kind"] for row in rows] == ["name"] * (len(LABELS) - 1) + ["ping"]
    assert rows[-1]["time"] == "2020-06-01T00:00:00Z"


@pytest.mark.parametrize("verb", ["decode", "hosts"])
@pytest.mark.parametrize("form", ["text", "jsonl"])
def test_victims_are_named_only_when_asked(verb, form):
    assert "corp.long" not in run(verb, "-", "--format", form)[1]
    assert "corp.long" in run(verb, "-", "--format", form, "--show-victims")[1]


def test_hosts():
    code, out, _ = run("hosts", "-", "--format", "jsonl", "--show-victims", "--complete-log")
    (row,) = map(orjson.loads, out.splitlines())
    assert code == 1
    assert (row["host_id"], row["domain"], row["confidence"]) == (ID.hex(), DOMAIN, "certain")
    assert row["stage"] == "beaconed"


def test_text_fits_80_columns():
    for verb in ("decode", "hosts"):
        assert max(map(len, run(verb, "-")[1].splitlines())) <= 80


def test_text_loses_nothing_at_the_edge():
    states = dict.fromkeys(PRODUCTS, "stopped and running")
    label = ping_label(
        ID, datetime(2020, 6, 1, tzinfo=UTC), Random(3), products=states, stage2=True
    )
    stdin = f"{NAMES}\n{query_name(label, ID)},8.18.144.4,2020-06-01T00:10:00Z"
    out = run("decode", "-", stdin=stdin)[1]
    # The last column starts where its title does; folded text is joined again.
    start = out.splitlines()[0].index("says")
    said = "".join(line[start:].replace(" ", "") for line in out.splitlines())
    wanted = "; ".join(
        ["2020-06-01T00:00:00Z", "stage-2 bit", *(f"{p} {s}" for p, s in states.items())]
    )
    assert wanted.replace(" ", "") in said
    assert all(label in out for label in LABELS)
    assert "2020-06-01T04:10:00Z" in run("hosts", "-", stdin=stdin)[1]


def test_exit_codes():
    assert run("decode", "-", stdin="")[0] == 0
    assert run("hosts", "-", stdin="www.example.com")[0] == 0
    code, out, err = run("hosts", "-", stdin=b"\xff\xfe \x1b[31m noise\n")
    assert code == 3
    assert "1 lines not read" in err
    assert "\x1b" not in out + err


def test_decoded_control_characters_are_written_out():
    evil = "\n".join(name_labels(ID, "a\x1b[31mb\u202e", Random(3)))
    for form in ("text", "jsonl"):
        _, out, err = run("decode", "-", "--format", form, "--show-victims", stdin=evil)
        assert "\x1b" not in out + err
        assert "\u202e" not in out + err


def test_attribute_names_the_machine(tmp_path):
    guid, mac = "6f1d2c3b-0000-4000-8000-0123456789ab", "005056AA0001"
    host_id = host_id_of(mac, "corp.example", guid)
    listed = tmp_path / "machines.csv"
    listed.write_text(
        f"host,domain,machineguid,mac\norion1.corp.example,corp.example,{guid},{mac}\n"
    )
    code, out, _ = run(
        "attribute", "--inventory", str(listed), host_id, "00" * 8, "--format", "jsonl"
    )
    rows = [orjson.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [(row["host_id"], row["machine"]) for row in rows] == [
        (host_id, "orion1"),
        ("00" * 8, None),
    ]
    assert "corp.example" not in out
    label = ping_label(bytes.fromhex(host_id), datetime(2020, 6, 1, tzinfo=UTC), Random(3))
    code, out, _ = run("attribute", "--inventory", str(listed), "-", "--show-victims", stdin=label)
    assert "orion1.corp.example" in out
    assert "1 of 1 hosts named" in out


def test_report_counts_and_writes_categories(tmp_path):
    table = tmp_path / "categories.csv"
    code, out, _ = run("report", "-", "--csv", str(table))
    assert code == 1
    assert "beaconed" in out
    assert "265 days without a record" in out
    lines = table.read_text().splitlines()
    assert len(lines) == 2
    assert ",unknown," in lines[1]
    assert DOMAIN not in table.read_text()
    _, out, _ = run("report", "-", "--format", "json", "--show-victims")
    document = orjson.loads(out)
    assert document["funnel"]["beaconed"] == 1
    assert document["hosts"][0]["domain"] == DOMAIN


def test_report_page_and_workbook_name_nobody_unless_asked(tmp_path):
    page, book = tmp_path / "page.html", tmp_path / "book.xlsx"
    answered = "\n".join(f"{name},20.140.0.1,2020-06-01T00:10:00Z" for name in NAMES.split("\n"))
    run("report", "-", "--html", str(page), "--xlsx", str(book), stdin=answered)
    told = page.read_text("utf-8")
    assert ID.hex() in told
    assert "kill switch" in told
    assert DOMAIN not in told
    assert not any(label in told for label in LABELS)
    assert book.read_bytes()[:2] == b"PK"
    run("report", "-", "--html", str(page), "--show-victims", stdin=answered)
    assert DOMAIN in page.read_text("utf-8")
