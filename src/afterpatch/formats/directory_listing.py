"""Listings of files (``dir /s``, Get-ChildItem, Get-FileHash, bodyfile, find, paths) -> rows.

In: text or CSV. Out: one row per file: TargetFilename, Size, Sha256, Modified. ``@time`` only where
the time is surely UTC; the times of ``dir`` are local and stay text. Folders, headings and totals
are skipped; any other line is a gap. Will not: turn a listing into coverage of a span of time.

Source: Sleuth Kit wiki, "Body file"; Microsoft Learn, ``dir``, ``Get-ChildItem``, ``Get-FileHash``.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from typing import BinaryIO, Final

from afterpatch.formats.csv_rows import Row, header_of, rows
from afterpatch.formats.file_rows import FileRow, batch_of
from afterpatch.formats.format import Format
from afterpatch.formats.gap_runs import GapRuns
from afterpatch.formats.line_reader import lines
from afterpatch.formats.listing_lines import ListingParser, Style, style_of
from afterpatch.formats.text_blocks import head_text
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Gap, Item
from afterpatch.model.times import parse_utc, to_us

Line = tuple[int, str | None]

BLOCK_LINES: Final = 20_000
FIRST_LINES: Final = 20  # decide what the listing is
CODE_PAGE: Final = "cp850"  # cmd.exe's code page in western Europe; ASCII is the same in all

_PATH: Final = ("fullname", "path")
_CSV_TELLING: Final = frozenset(
    {"hash", "length", "lastwritetime", "lastwritetimeutc", "creationtimeutc", "size"}
)


def recognise(head: bytes, item: Item) -> str:
    """ "header" for CSV of PowerShell, "content" for the listings known by their lines."""
    del item
    if b"\0" in head[2:512:2] and b"\0" in head[3:512:2]:
        return ""  # binary
    first = head_text(head).split("\n", FIRST_LINES)[:FIRST_LINES]
    if _is_csv(header_of(head_text(head))):
        return "header"
    return "content" if style_of([line.rstrip("\r") for line in first]) else ""


def _is_csv(names: Collection[str]) -> bool:
    return any(name in names for name in _PATH) and not _CSV_TELLING.isdisjoint(names)


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Pieces of up to 20,000 lines, in file order."""
    del wanted
    numbered = lines(stream, CODE_PAGE)
    first = list(islice(numbered, FIRST_LINES))
    texts = [line or "" for _, line in first]
    table = _Table(item)
    if _is_csv(header_of("\n".join(texts))):
        yield from _read_csv(chain(first, numbered), table)
    else:
        yield from _read_lines(chain(first, numbered), style_of(texts), table)


def _read_csv(numbered: Iterable[Line], table: "_Table") -> Iterator[Piece]:
    for number, row, raw in rows(numbered):
        if row is None:
            table.lose(number, "row has not as many columns as the header, or is too long")
        elif not row:
            table.skip()
        else:
            path = next((row[name] for name in _PATH if row.get(name)), "")
            if path:
                table.add(_csv_row(number, path, row, raw))
            else:
                table.lose(number, "row names no path")
        if table.full:
            yield table.piece()
    yield table.last_piece()


def _csv_row(number: int, path: str, row: Row, raw: str) -> FileRow:
    digest = row.get("hash", "").lower()
    is_sha256 = row.get("algorithm", "SHA256").upper() == "SHA256" and len(digest) == 64
    written_utc = row.get("lastwritetimeutc") or None
    return FileRow(
        record=number,
        path=path,
        size=row.get("length") or row.get("size") or None,
        sha256=digest if is_sha256 else None,
        modified=written_utc or row.get("lastwritetime") or None,
        time_us=_utc_us(written_utc) if written_utc else None,
        raw=raw,
    )


_SURELY: Final = ("%m/%d/%Y %I:%M:%S %p", "%d.%m.%Y %H:%M:%S")


def _utc_us(text: str) -> int | None:
    """ISO 8601, American with AM/PM, or German dotted; other spellings are ambiguous."""
    try:
        return to_us(parse_utc(text))
    except (ValueError, OverflowError):
        pass
    for form in _SURELY:
        try:
            return to_us(datetime.strptime(text, form).replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            continue
    return None


def _read_lines(numbered: Iterable[Line], style: Style | None, table: "_Table") -> Iterator[Piece]:
    parser = ListingParser(style) if style else None
    for number, line in numbered:
        parsed = parser.parse(number, line) if parser and line is not None else None
        if parsed is None:
            table.lose(number, "line too long" if line is None else "not a known kind of listing")
        elif parsed.row is not None:
            table.add(parsed.row)
        elif parsed.is_known:
            table.skip()
        else:
            table.lose(number, "line of no known form in this listing")
        if table.full:
            yield table.piece()
    yield table.last_piece()


class _Table:
    """Rows, skips and losses of one source -> pieces."""

    def __init__(self, item: Item) -> None:
        self._gaps = GapRuns(item.name)
        self._rows: list[FileRow] = []
        self._skipped = self._lines = 0

    @property
    def full(self) -> bool:
        return self._lines >= BLOCK_LINES

    def add(self, row: FileRow) -> None:
        self._lines += 1
        self._rows.append(row)

    def skip(self) -> None:
        self._lines += 1
        self._skipped += 1

    def lose(self, number: int, reason: str) -> None:
        self._lines += 1
        self._gaps.add(number, reason)

    def piece(self) -> Piece:
        return self._piece(self._gaps.take())

    def last_piece(self) -> Piece:
        return self._piece(self._gaps.close())

    def _piece(self, gaps: tuple[Gap, ...]) -> Piece:
        rows, self._rows = self._rows, []
        skipped, self._skipped = self._skipped, 0
        self._lines = 0
        times = [row.time_us for row in rows if row.time_us is not None]
        return Piece(
            records=len(rows) + skipped + sum(gap.records for gap in gaps),
            events=len(rows),
            skipped=skipped,
            batches=(batch_of(rows),) if rows else (),
            gaps=gaps,
            first_us=min(times, default=None),
            last_us=max(times, default=None),
        )


FORMAT: Final = Format(kind="directory-listing", recognise=recognise, read=read)
