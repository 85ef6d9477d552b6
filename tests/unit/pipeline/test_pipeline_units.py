"""Sources read together give the same readings as sources read alone."""

from pathlib import Path

import pytest

from afterpatch.campaigns.load import load
from afterpatch.evidence.discover import discover
from afterpatch.model.hits import Hit
from afterpatch.model.places import Item
from afterpatch.pipeline import gather, tally
from afterpatch.pipeline.unit import Rules, read_units

HEAD = (
    "#Fields: date time cs-method cs-uri-stem cs-uri-query s-port c-ip cs(User-Agent) sc-status\n"
)
SHELL = "2021-03-03 04:05:{:02d} POST /owa/auth/{}.aspx cmd=whoami 443 203.0.113.9 ua 200\n"
PLAIN = "2021-03-03 04:05:00 GET /owa/ - 443 198.51.100.7 Mozilla/5.0 200\n"
CUT = "2021-03-03 04:06:00 GET /owa/"


@pytest.fixture
def items(tmp_path: Path) -> tuple[Item, ...]:
    """Six logs: shells in some, one cut, one of another column set."""
    folder = tmp_path / "evidence" / "EX01" / "inetpub" / "logs" / "LogFiles" / "W3SVC1"
    folder.mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    for number in range(6):
        shells = "".join(SHELL.format(second, f"x{number}") for second in range(number))
        head = HEAD if number != 4 else HEAD.replace(" sc-status", " sc-status sc-substatus")
        rows = PLAIN * 3 + shells + (CUT if number == 3 else "")
        if number == 4:
            rows = rows.replace(" 200\n", " 200 0\n")
        (folder / f"u_ex21030{number}.log").write_text(head + rows, encoding="utf-8")
    return tuple(discover([str(tmp_path / "evidence")], tmp_path / "scratch").items)


@pytest.mark.parametrize("waiting_rows", [1, 20, 65_536])
@pytest.mark.parametrize("gathered_rows", [1, 4, 4_096])
def test_company_does_not_change_a_reading(
    items: tuple[Item, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gathered_rows: int,
    waiting_rows: int,
) -> None:
    detector = Rules.of(load("hafnium-exchange-2021")).build()
    alone = [reading for item in items for reading in read_units([item], detector, tmp_path)]
    assert sum(len(reading.hits) for reading in alone) >= 15
    monkeypatch.setattr(gather, "GATHER_ROWS", gathered_rows)
    monkeypatch.setattr(gather, "WAITING_ROWS", waiting_rows)
    together = read_units(items, detector, tmp_path)
    assert [_sorted(r.hits) for r in together] == [_sorted(r.hits) for r in alone]
    assert [r.gaps for r in together] == [r.gaps for r in alone]
    assert [r.evaluated for r in together] == [r.evaluated for r in alone]
    if gathered_rows == 4_096 and waiting_rows == 65_536:
        assert together == alone


def test_hits_beyond_the_limit_are_counted(
    items: tuple[Item, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detector = Rules.of(load("hafnium-exchange-2021")).build()
    full = read_units(items, detector, tmp_path)[-1]
    monkeypatch.setattr(tally, "MAX_HITS_PER_RULE", 2)
    cut = read_units(items, detector, tmp_path)[-1]
    assert cut.overflow
    assert len(cut.hits) + sum(cut.overflow.values()) == len(full.hits)


def _sorted(hits: tuple[Hit, ...]) -> list[tuple[str, int]]:
    return sorted((hit.rule, hit.place.record) for hit in hits)
