"""Log-ons in Windows Security logs, summed up: who logged on where, from where.

Enters: paths. Leaves: :class:`Logons`. Events 4624 (a log-on) and 4648 (one with credentials of its
own, on the computer it starts from); all others are passed over. What could not be read is noted.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from afterpatch.evidence.discover import discover
from afterpatch.evidence.opening import Unreadable, open_item
from afterpatch.exposure.orion_trust import Logon
from afterpatch.formats.format import HEAD_BYTES
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.registry import recognise
from afterpatch.model.batches import TIME, Batch, ColumnsWanted, Logsource
from afterpatch.model.places import Item
from afterpatch.model.times import from_us

_KINDS: Final = ("evtx", "windows-json")
_EVENTS: Final = ("4624", "4648")
_KEYS: Final = (
    "Computer", "TargetDomainName", "TargetUserName", "LogonType", "IpAddress", "WorkstationName",
    "TargetServerName", "EventID",
)  # fmt: skip
_COLUMNS: Final = frozenset(_KEYS)


@dataclass(frozen=True, slots=True)
class Logons:
    """``rows``: equal ones once, in order. ``notes``: what was not read. ``logs``: sources read."""

    rows: tuple[Logon, ...]
    logs: int
    notes: tuple[str, ...]


def read_logons(paths: Sequence[str]) -> Logons:
    """Everything below the paths. Raises UsageError for a missing path."""
    tables: list[pl.DataFrame] = []
    notes: list[str] = []
    logs = 0
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        discovery = discover(list(paths), scratch)
        notes += (f"{gap.source}: {gap.reason}" for gap in discovery.gaps)
        for item in discovery.items:
            try:
                found = list(_item(item, scratch, notes))
            except Unreadable as error:
                notes.append(f"{item.name}: {error}")
                continue
            logs += bool(found)
            tables += found
    return Logons(tuple(_rows(tables)), logs, tuple(notes))


def _item(item: Item, scratch: Path, notes: list[str]) -> Iterator[pl.DataFrame]:
    with open_item(item, scratch) as plain:
        head = Peeked(plain).head[:HEAD_BYTES]
    known, _ = recognise(head, item)
    if known is None or known.kind not in _KINDS:
        return
    with open_item(item, scratch, seekable=known.seekable) as stream:
        pieces = (
            known.read_columns(stream, item, _Wanted())
            if known.read_columns
            else known.read(stream, item, None)
        )
        for piece in pieces:
            notes += (f"{item.name}: {gap.place}: {gap.reason}" for gap in piece.gaps)
            yield from (_summed(batch) for batch in piece.batches)


class _Wanted:
    """What is looked at here, see :class:`ColumnsWanted`."""

    def __call__(self, logsource: Logsource, event_id: str) -> frozenset[str]:
        return _COLUMNS if event_id in _EVENTS else frozenset({"EventID"})

    def within(self, block: bytes | memoryview) -> ColumnsWanted:
        return self


def _summed(batch: Batch) -> pl.DataFrame:
    """Equal log-ons of a batch, counted."""
    frame = batch.frame
    lacking = [
        pl.lit(None, dtype=pl.String).alias(name) for name in _KEYS if name not in frame.columns
    ]
    rows = frame.with_columns(lacking).filter(pl.col("EventID").is_in(_EVENTS))
    return (
        rows.select(*(pl.col(name).fill_null("") for name in _KEYS), pl.col(TIME))
        .group_by(_KEYS)
        .agg(count=pl.len(), first=pl.col(TIME).min(), last=pl.col(TIME).max())
    )


def _rows(tables: Sequence[pl.DataFrame]) -> Iterator[Logon]:
    if not tables:
        return
    table = (
        pl.concat(tables)
        .group_by(_KEYS)
        .agg(pl.col("count").sum(), pl.col("first").min(), pl.col("last").max())
        .sort(_KEYS)
    )
    for row in table.iter_rows(named=True):
        domain, user = row["TargetDomainName"], row["TargetUserName"]
        address = row["IpAddress"].removeprefix("::ffff:")
        yield Logon(
            host=row["Computer"],
            account=f"{domain}\\{user}".lower() if domain not in ("", "-") else user.lower(),
            kind=row["LogonType"],
            source="" if address == "-" else address,
            workstation="" if row["WorkstationName"] == "-" else row["WorkstationName"],
            target=_target(row["TargetServerName"]) if row["EventID"] == "4648" else "",
            count=row["count"],
            first=None if row["first"] is None else from_us(row["first"]),
            last=None if row["last"] is None else from_us(row["last"]),
        )


def _target(name: str) -> str:
    return "localhost" if name in ("", "-") else name
