"""One line of a file listing -> what it says.

Knows ``dir``, Get-ChildItem, ``find -ls``, bodyfiles, hash lists and bare paths; keeps the folder a
listing is in. Every pattern is linear in the length of the line.

In: text lines. Out: :class:`FileRow`, or why the line is none. Local times stay text; only epoch
times (bodyfile) are surely UTC. Will not: guess a language; words are only used where a line must
be told from a folder heading, and then in English, German and French.
"""

import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from afterpatch.formats.file_rows import FileRow
from afterpatch.formats.text_blocks import all_fit

Style = Literal["dir", "get-childitem", "bodyfile", "find", "hashes", "paths"]

_DIR_HEADING: Final = re.compile(
    r"\s{0,4}(?:Directory of|Verzeichnis von|R.{1,2}pertoire de)\s(\S.*)"
)
_GCI_HEADING: Final = re.compile(r"\s{0,8}(?:Directory|Verzeichnis|R.{1,2}pertoire)\s?: (\S.*)")
_DATE: Final = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
_CLOCK: Final = r"\d{1,2}:\d{2}(?: ?[AaPp]\.?[Mm]\.?)?"
_WHEN: Final = rf"({_DATE} {{1,8}}{_CLOCK})"
# cmd.exe writes the size right-aligned in 18 columns, then a blank and the name, in any language;
# a listing whose blanks were squeezed is read by the second form.
_DIR_LINE: Final = re.compile(rf"{_WHEN}(.{{18}}) (\S.*)")
_DIR_SQUEEZED: Final = re.compile(rf"{_WHEN} {{1,20}}(<[A-Z]{{2,10}}>|[\d.,']{{1,20}}) (\S.*)")
_DIR_SIZE: Final = re.compile("[\\d.,'\u00a0\u202f\u2019\u00ff ]{1,18}")
_GCI_LINE: Final = re.compile(
    rf"([-darhslo]{{5,7}}) {{1,20}}{_WHEN}(?: {{1,30}}(\d{{1,18}}))? (\S.*)"
)
_FIND_LINE: Final = re.compile(
    r"\s{0,20}\d+\s+\d+\s+([-bcdlps])[-rwxsStT]{9}\S?\s+\d+\s+\S+\s+\S+\s+(\d+)\s+"
    r"(\S{3}\s+\d{1,2}\s+[\d:]{4,5}|\d{4}-\d\d-\d\d \S+)\s+(\S.*)"
)
_HASH_LINE: Final = re.compile(r"([0-9a-fA-F]{64}) [ *](\S.*)")
_PATH_LINE: Final = re.compile(
    r"(?:[A-Za-z]:[\\/]|\\\\[^\\/]+\\|/(?!/))[^<>|\"*?\x00-\x1f]{1,4096}"
)
_BODY_FIELDS: Final = 11


class Parsed(NamedTuple):
    """A row; or ``is_known`` without one: a heading, a folder, a total; or neither."""

    row: FileRow | None = None
    is_known: bool = False


KNOWN: Final = Parsed(is_known=True)
UNKNOWN: Final = Parsed()


def style_of(lines: list[str]) -> Style | None:
    """Which listing the first lines are from; None when they are from none."""
    filled = [line for line in lines if line.strip()]
    if any(_DIR_HEADING.fullmatch(line) for line in filled[:8]):
        return "dir"
    if any(_GCI_HEADING.fullmatch(line) for line in filled[:4]):
        return "get-childitem"
    tests: tuple[tuple[Style, re.Pattern[str]], ...] = (
        ("find", _FIND_LINE),
        ("hashes", _HASH_LINE),
        ("paths", _PATH_LINE),
    )
    for style, pattern in tests:
        if _mostly(filled, pattern.fullmatch):
            return style
    is_body = _mostly(filled, lambda line: _bodyfile(1, line) is not UNKNOWN)
    return "bodyfile" if is_body else None


def _mostly(lines: list[str], fits: Callable[[str], object]) -> bool:
    """Whether three of four fit: one torn line does not hide what a file is."""
    return all_fit(lines, fits, but=len(lines) // 4)


class ListingParser:
    """Parses the lines of one listing in order."""

    def __init__(self, style: Style) -> None:
        self._folder = ""
        self._parse = {
            "dir": self._dir,
            "get-childitem": self._get_childitem,
            "bodyfile": _bodyfile,
            "find": _find,
            "hashes": _hashes,
            "paths": _paths,
        }[style]

    def parse(self, number: int, line: str) -> Parsed:
        """What the line says; a blank line is known."""
        return self._parse(number, line) if line.strip() else KNOWN

    def _dir(self, number: int, line: str) -> Parsed:
        heading = _DIR_HEADING.fullmatch(line)
        if heading:
            self._folder = heading[1].rstrip()
            return KNOWN
        text = line.lstrip()  # some collectors indent what a command printed
        entry = _DIR_LINE.fullmatch(text)
        if entry is None or not (_DIR_SIZE.fullmatch(entry[2]) or "<" in entry[2]):
            entry = _DIR_SQUEEZED.fullmatch(text)
        if entry is None:
            return KNOWN if line[0] == " " else UNKNOWN  # volume, serial number, totals
        when, size, name = entry.groups()
        if "<" in size:  # <DIR>, <REP>, <JUNCTION> …
            return KNOWN
        return Parsed(self._row(number, name, _digits(size), when, line))

    def _get_childitem(self, number: int, line: str) -> Parsed:
        heading = _GCI_HEADING.fullmatch(line)
        if heading:
            self._folder = heading[1].rstrip()
            return KNOWN
        entry = _GCI_LINE.fullmatch(line)
        if entry is None:
            return KNOWN if line.lstrip().startswith(("Mode", "----")) else UNKNOWN
        mode, when, size, name = entry.groups()
        if mode.startswith("d"):
            return KNOWN
        return Parsed(self._row(number, name, size, when, line))

    def _row(self, number: int, name: str, size: str | None, when: str, line: str) -> FileRow:
        folder = self._folder.rstrip("\\/")
        path = f"{folder}\\{name.rstrip()}" if folder else name.rstrip()
        return FileRow(number, path, size, None, " ".join(when.split()), None, line)


def _bodyfile(number: int, line: str) -> Parsed:
    """The Sleuth Kit's ``MD5|name|inode|mode|UID|GID|size|atime|mtime|ctime|crtime``."""
    start = line.partition("|")
    fields = start[2].rsplit("|", _BODY_FIELDS - 2)
    if len(fields) != _BODY_FIELDS - 1:
        return UNKNOWN
    name, mode, size, modified = fields[0], fields[2], fields[5], fields[7]
    if mode.startswith("d") or "($FILE_NAME)" in name:  # a folder; the second set of NTFS times
        return KNOWN
    seconds = modified.partition(".")[0]
    is_time = seconds.isascii() and seconds.isdigit() and 0 < len(seconds) < 11
    if not name or not (is_time or seconds in ("", "0")):
        return UNKNOWN
    time_us = int(seconds) * 1_000_000 if is_time and int(seconds) else None
    return Parsed(FileRow(number, name, _digits(size), None, modified, time_us, line))


def _find(number: int, line: str) -> Parsed:
    entry = _FIND_LINE.fullmatch(line)
    if entry is None:
        return UNKNOWN
    kind, size, when, path = entry.groups()
    if kind == "d":
        return KNOWN
    return Parsed(FileRow(number, path, size, None, " ".join(when.split()), None, line))


def _hashes(number: int, line: str) -> Parsed:
    entry = _HASH_LINE.fullmatch(line)
    if entry is None:
        return UNKNOWN
    return Parsed(FileRow(number, entry[2].rstrip(), None, entry[1].lower(), raw=line))


def _paths(number: int, line: str) -> Parsed:
    is_path = _PATH_LINE.fullmatch(line) is not None
    return Parsed(FileRow(number, line.rstrip(), raw=line)) if is_path else UNKNOWN


def _digits(size: str) -> str | None:
    return "".join(filter(str.isdigit, size)) or None
