"""What two ways of reading EVTX are compared by."""

import io
from collections import Counter

from afterpatch.formats import evtx
from afterpatch.model.batches import MAX_RAW_CHARS, Piece
from afterpatch.model.places import Item

ITEM = Item("case/a.evtx", None, "C:/Windows/System32/winevt/Logs/A.evtx", "case", ("a.evtx",), 0)


def plain(data: bytes) -> list[Piece]:
    return checked(evtx.read(io.BytesIO(data), ITEM, None))


def columns(data: bytes, wanted=None) -> list[Piece]:
    return checked(evtx.read_columns(io.BytesIO(data), ITEM, wanted))


def checked(pieces) -> list[Piece]:
    pieces = list(pieces)
    for piece in pieces:
        assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
        assert sum(batch.frame.height for batch in piece.batches) == piece.events
        for batch in piece.batches:
            for name, (numbers, firsts) in batch.distinct.items():
                texts = [*batch.frame[name].gather(firsts).to_list(), None]
                assert None not in texts[:-1]
                assert batch.frame[name].to_list() == [texts[number] for number in numbers]
    return pieces


class Asking:
    """Asks for the same columns of every event; ``asked``: about which events."""

    def __init__(self, names: frozenset[str] | None) -> None:
        self._names = names
        self.asked: list[tuple[str, str]] = []

    def __call__(self, logsource, event_id):
        self.asked.append((logsource.service, event_id))
        return self._names

    def within(self, block):
        return self


def rows(pieces: list[Piece]) -> Counter:
    """Every event with its log source and all cells that are there, but for the raw text."""
    return Counter(
        (batch.logsource, frozenset((k, v) for k, v in row.items() if v is not None))
        for piece in pieces
        for batch in piece.batches
        for row in batch.frame.drop("@raw", "@at", strict=False).iter_rows(named=True)
    )


def originals(pieces: list[Piece]) -> Counter:
    """Number and text of every event of pieces that have the texts."""
    return Counter(
        row
        for piece in pieces
        for batch in piece.batches
        for row in batch.frame.select("@record", "@raw").iter_rows()
    )


def originals_again(data: bytes, pieces: list[Piece], every: int = 1) -> Counter:
    """The same, of every so-manieth event, of pieces that say where the texts are."""
    events = [
        row
        for piece in pieces
        for batch in piece.batches
        for row in batch.frame.select("@at", "@record").iter_rows()
    ][::every]
    found = dict(evtx.texts(io.BytesIO(data), ITEM, {at for at, _ in events}))
    assert found.keys() == {at for at, _ in events}
    return Counter((number, found[at][:MAX_RAW_CHARS]) for at, number in events)


def rest(pieces: list[Piece]) -> tuple:
    """All else that a file's pieces say."""
    observed: Counter = Counter()
    for piece in pieces:
        for log, hours in piece.observed.items():
            observed.update({(log, hour): count for hour, count in hours.items()})
    return (
        sorted(gap for piece in pieces for gap in piece.gaps),
        observed,
        [(fact.name, fact.value, fact.time, fact.place) for p in pieces for fact in p.facts],
        [notice for piece in pieces for notice in piece.notices],
        min((p.first_us for p in pieces if p.first_us is not None), default=None),
        max((p.last_us for p in pieces if p.last_us is not None), default=None),
    )


def assert_same(data: bytes) -> Counter:
    """Both ways say the same; the rows."""
    one, other = plain(data), columns(data)
    assert rows(other) == rows(one)
    assert rest(other) == rest(one)
    assert originals_again(data, other) == originals(one)
    assert originals_again(data, other, every=3) <= originals(one)
    return rows(other)
