"""The command over logs as files: the way from Zeek's text to a ranking."""

from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from afterpatch.cli import cli
from afterpatch.model.errors import UsageError
from afterpatch.simulate.network import Beacon, NetworkPlan, traffic
from afterpatch.simulate.zeek_logs import write_zeek

START = datetime(2020, 4, 6, tzinfo=UTC)
PLAN = NetworkPlan(START, 1.5, 25, 10, "cli", (Beacon(7, "203.0.113.5", "c2.hidden.example"),))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zeek")
    write_zeek(PLAN, traffic(PLAN), folder)
    return folder


def run(*arguments: str | Path):
    given = ["network", *map(str, arguments)]
    result = CliRunner().invoke(cli, given, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.return_value, result.stdout, result.stderr


def test_zeek_logs_give_a_ranking_in_words(logs: Path) -> None:
    code, out, err = run(logs)
    assert code == 1
    first = out.splitlines()[2]
    assert "10.20.0.18 -> c2.hidden.example (server name)" in first
    assert "calls every 5 min ±" in out
    assert "only this host of 25" in out
    assert "ssl.log:" in out
    assert "next: Find the process" in out
    assert "labels.json" in err


def test_json_lines_are_one_alert_each(logs: Path) -> None:
    code, out, err = run(logs, "--format", "jsonl", "--top", "2")
    rows = [orjson.loads(line) for line in out.splitlines()]
    assert code == 1
    assert rows[0]["target"] == "c2.hidden.example"
    assert set(rows[0]) == {
        "kind", "source", "target", "channel", "score", "parts", "discount", "because", "count",
        "sources", "first", "last", "places", "next_step",
    }  # fmt: skip
    assert rows[0]["first"].startswith("2020-04-06T00:0")
    assert rows[0]["places"][0]["source"].endswith("ssl.log")
    assert sum(row["kind"] == "beacon" for row in rows) == 2
    assert "flows" in err


def test_an_allow_list_removes_and_is_counted(logs: Path, tmp_path: Path) -> None:
    allow = tmp_path / "allow.txt"
    allow.write_text("# ours\ndomain hidden.example # our own monitoring\n")
    _, out, _ = run(logs, "--allow", allow)
    assert "c2.hidden.example" not in out
    assert "left out: 1 allowed: our own monitoring" in out


def test_a_kept_ranking_is_shown_again_with_another_list(logs: Path, tmp_path: Path) -> None:
    kept, allow = tmp_path / "ranking.jsonl", tmp_path / "allow.txt"
    _, first, _ = run(logs, "--save", kept)
    code, again, _ = run("--saved", kept)
    assert (code, again) == (1, first)
    allow.write_text("from 10.20.0.0/16 # all of it\n")
    code, _, _ = run("--saved", kept, "--allow", allow)
    assert code == 1  # a zone asked by several hosts is not one source's traffic
    allow.write_text("from 10.20.0.18 # known\n")
    _, out, _ = run("--saved", kept, "--allow", allow)
    assert "c2.hidden.example" not in out


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("domain a.example", "allow.txt:2: no reason given"),
        ("to 10.0.0.0/33 # x", "allow.txt:2: '10.0.0.0/33'"),
        ("process chrome.exe # x", "allow.txt:2: not an entry"),
        ("domain a b # x", "allow.txt:2: not an entry"),
    ],
)
def test_a_wrong_allow_list_is_refused_with_its_line(
    logs: Path, tmp_path: Path, line: str, says: str
) -> None:
    allow = tmp_path / "allow.txt"
    allow.write_text(f"# head\n{line}\n")
    with pytest.raises(UsageError, match=says.replace(".", r"\.")):
        run(logs, "--allow", allow)


@pytest.mark.parametrize("window", ["0h", "91d", "30m", "2161h", "x"])
def test_a_window_out_of_range_is_refused(logs: Path, window: str) -> None:
    result = CliRunner().invoke(cli, ["network", str(logs), "--window", window])
    assert result.exit_code == 2
    assert "1h and 90d" in result.stderr


def test_a_window_of_hours_is_the_end_of_the_logs(logs: Path) -> None:
    _, out, _ = run(logs, "--window", "6h")
    assert "window 2020-04-07T06:00:00Z to 2020-04-07T11:59:59Z" in out
    assert "rows outside the window" in out
    assert "in 6 of 6 hours" in out


def test_wrong_options_are_said(logs: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ROLE=CIDR"):
        run(logs, "--role", "repo")
    with pytest.raises(UsageError, match=r"10\.0\.0\.300"):
        run(logs, "--internal", "10.0.0.300")
    with pytest.raises(UsageError, match="either PATHs or --saved"):
        run()
    broken = tmp_path / "broken"
    broken.write_text('{"schema": "afterpatch.network/1"}\nnonsense\n')
    with pytest.raises(UsageError, match="broken:2: not a saved ranking"):
        run("--saved", broken)


def test_nothing_to_read_is_inconclusive(tmp_path: Path) -> None:
    (tmp_path / "note.bin").write_bytes(b"\x00\x01\x02")
    code, out, _ = run(tmp_path)
    assert code == 3
    assert "No alerts." in out


def test_no_name_in_a_log_acts_on_the_terminal(tmp_path: Path) -> None:
    head = "#separator \\x09\n#path\tssl\n#fields\tts\tuid\tid.orig_h\tid.resp_h\tserver_name\n"
    rows = "".join(
        f"{1586131200 + 600 * n}.0\tC{n}\t10.0.0.5\t203.0.113.9\t\\x1b[2Jevil\\xe2\\x80\\xae.example\n"
        for n in range(100)
    )
    (tmp_path / "ssl.log").write_text(head + rows)
    for form in ("table", "jsonl"):
        code, out, _ = run(tmp_path, "--format", form)
        assert code == 1
        assert "\x1b" not in out
        assert "\u202e" not in out
        assert "evil" in out


def eve(number: int) -> list[dict[str, object]]:
    """What Suricata says of one call: its TLS handshake and its flow."""
    time = (
        f"2020-04-{6 + number // 48:02}T{number // 2 % 24:02}:{number % 2 * 30:02}:00.000000+0000"
    )
    ends = {
        "timestamp": time, "flow_id": 1000 + number, "src_ip": "10.0.0.5", "src_port": 50_000,
        "dest_ip": "203.0.113.9", "dest_port": 443, "proto": "TCP",
    }  # fmt: skip
    flow = {"bytes_toserver": 800, "bytes_toclient": 900, "age": 1}
    return [
        {**ends, "event_type": "tls", "tls": {"sni": "c2.hidden.example"}},
        {**ends, "event_type": "flow", "flow": flow},
    ]


def test_suricata_events_are_joined_by_flow(tmp_path: Path) -> None:
    events = [event for number in range(96) for event in eve(number)]
    (tmp_path / "eve.json").write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    _, out, _ = run(tmp_path, "--format", "jsonl")
    alert = orjson.loads(out.splitlines()[0])
    assert (alert["source"], alert["target"]) == ("10.0.0.5", "c2.hidden.example")
    assert alert["count"] == 96
    assert "sends 800 bytes nearly every time" in alert["because"]


def test_a_bind_query_log_shows_the_zone_that_is_asked(tmp_path: Path) -> None:
    lines = [
        f"{6 + n // 48:02}-Apr-2020 {n // 2 % 24:02}:{n % 2 * 30:02}:00.000 queries: info: client "
        f"@0x7f 10.0.0.5#53211 (n{n}.hidden.example): query: n{n}.hidden.example IN A + (10.0.0.2)"
        for n in range(96)
    ]
    (tmp_path / "query.log").write_text("\n".join(lines) + "\n")
    code, out, err = run(tmp_path)
    assert code == 1, err
    assert "10.0.0.5 -> hidden.example (DNS zone)" in out
    assert "asks every 30 min ± 0 s" in out


def test_lost_records_are_told(tmp_path: Path) -> None:
    head = "#separator \\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.resp_h\n"
    (tmp_path / "conn.log").write_text(head + "1.0\tC1\t10.0.0.5\t203.0.113.9\n1.0\tshort\n")
    code, out, err = run(tmp_path)
    assert code == 3
    assert "No alerts." in out
    assert "not read: " in err
    assert "conn.log" in err
