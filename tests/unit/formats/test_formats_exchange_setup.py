import io

import pytest

from afterpatch.formats import exchange_setup
from afterpatch.model.batches import RECORD, Piece
from afterpatch.model.places import Item
from afterpatch.model.times import from_us, rfc3339

ITEM = Item("ExchangeSetup.log", None, "C:/ExchangeSetupLogs/ExchangeSetup.log", "r", ("x",), 0)
STARS = "[03/16/2021 20:00:00.0001] [0] **********************************************\r\n"


def run(mode: str, command: str = "/mode:Upgrade") -> str:
    return STARS + "".join(
        f"[03/16/2021 20:{minute:02d}:07.0285] [0] {text}\r\n"
        for minute, text in enumerate(
            [
                "Starting Microsoft Exchange Server 2016 Setup",
                "Local time zone: (UTC+01:00) Amsterdam.",
                "Setup version: 15.1.2242.4.",
                f"RuntimeAssembly was started with the following command: '{command}'.",
                "The locally installed version is 15.1.2176.2.",
                "Server Name=MX01",
                f"The installation mode is set to: '{mode}'.",
                "The Exchange Server setup operation completed successfully.",
            ]
        )
    )


def read(text: str) -> list[Piece]:
    return list(exchange_setup.read(io.BytesIO(text.encode()), ITEM, None))


def facts(text: str) -> list[tuple[str, str, str]]:
    found = [f for piece in read(text) for f in piece.facts]
    return [(f.name, f.value, rfc3339(f.time) if f.time else "") for f in found]


def test_a_finished_upgrade_is_an_installation_with_build_and_time() -> None:
    assert facts(run("BuildToBuildUpgrade")) == [
        ("exchange.build", "15.1.2176.2", "2021-03-16T20:04:07.285Z"),
        ("host.name", "MX01", "2021-03-16T20:05:07.285Z"),
        ("exchange.installed", "15.1.2242.4", "2021-03-16T20:07:07.285Z"),
    ]
    (installed,) = [f for p in read(run("Install")) for f in p.facts if "installed" in f.name]
    assert installed.detail["zone"] == "(UTC+01:00) Amsterdam"


@pytest.mark.parametrize(
    ("mode", "command"),
    [
        ("Uninstall", "/mode:Uninstall"),
        ("Install", "/PrepareAD"),
        ("Install", "/p /OrganizationName:x"),
    ],
)
def test_runs_that_install_nothing_are_no_installation(mode: str, command: str) -> None:
    assert "exchange.installed" not in [name for name, _, _ in facts(run(mode, command))]


def test_lines_without_a_head_belong_to_the_record_before() -> None:
    pieces = read(STARS + "  at Setup.Main()\r\n\r\n   at end\r\n" + STARS)
    frame = pieces[-1].batches[0].frame if pieces[-1].batches else pieces[0].batches[0].frame
    messages = [m for p in pieces for b in p.batches for m in b.frame["Message"].to_list()]
    assert messages[0].endswith("*\n  at Setup.Main()\n   at end")
    assert len(messages) == 2
    assert frame.columns[:5] == ["@time", "@record", "@raw", "Level", "Message"]
    assert sum(piece.skipped for piece in pieces) == 1


def test_the_servers_language_changes_the_date_separator() -> None:
    pieces = read(STARS.replace("03/16/2021", "03.16.2021"))
    assert [rfc3339(from_us(p.first_us)) for p in pieces if p.first_us] == [
        "2021-03-16T20:00:00.001Z"
    ]


def test_what_cannot_be_read_is_a_gap() -> None:
    pieces = read("no head\n" + STARS.replace("03/16", "16/03") + STARS.strip())
    gaps = [(g.place, g.reason, g.records) for p in pieces for g in p.gaps]
    assert gaps == [
        ("line 1", "text before the first record", 1),
        ("line 2", "time not readable", 0),
        ("line 3", "last line has no line end: it may be cut", 0),
    ]
    assert [r for p in pieces for b in p.batches for r in b.frame[RECORD].to_list()] == [2, 3]


def test_recognition() -> None:
    other = Item("x", None, "x", "r", ("x",), 0)
    assert exchange_setup.FORMAT.recognise(STARS.encode(), other) == "header"
    assert exchange_setup.FORMAT.recognise(b"", ITEM) == "file name"
    assert exchange_setup.FORMAT.recognise(b"[03/16/2021] x", other) == ""
