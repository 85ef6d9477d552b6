r"""Lines of the Common and Combined Log Format, as Apache, nginx and many others write them.

Enters: lines ``[vhost] host ident user [time] "request" status bytes ["referer" "agent"] [more]``.
Leaves: their pattern, a vector proof for most of them, and Sigma's columns.

A quote or backslash inside a quoted value stands escaped: Apache writes ``\"`` and ``\\``, control
and non-ASCII bytes as ``\n``, ``\t`` or ``\xHH`` (mod_log_config, "Security Considerations"); nginx
writes all of these as ``\xHH`` (ngx_http_log_module, ``escape=default``). So a quote without a
backslash before it always opens or closes a value, and what a client sends cannot forge a field.
Columns hold the text as it was before that escaping; nothing else is decoded.
"""

import re
from typing import Final

import numpy as np
import polars as pl

from afterpatch.formats.bit_index import BitIndex, Bytes, Mask, Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.clf_times import STAMP_BYTES, read_clf_times
from afterpatch.formats.line_scan import NO_TIME, words_at
from afterpatch.formats.proven_log import half_of_first_lines

_QUOTED: Final = r'[^"\\]*(?:\\.[^"\\]*)*'
_STAMP: Final = r"[0-9]{2}/[A-Za-z]{3}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}"
_REST: Final = (
    rf' \[(?P<time>{_STAMP})\] "(?P<request>{_QUOTED})" (?P<status>[0-9]{{3}}|-)'
    rf' (?P<bytes>[0-9]+|-)(?: "(?P<referer>{_QUOTED})" "(?P<agent>{_QUOTED})")?(?P<more> .*)?$'
)
# A virtual host leads where the identity, which nobody uses, stands third. A user name may hold
# spaces, so that comes last.
PATTERNS: Final = (
    r"^(?P<ip>[^ ]*) [^ ]* (?P<user>[^ ]*)" + _REST,
    r"^(?P<vhost>[^ ]*) (?P<ip>[^ ]*) - (?P<user>[^ ]*)" + _REST,
    r"^(?P<ip>[^ ]*) [^ ]* (?P<user>.*?)" + _REST,
)
GROUPS: Final = (
    "time", "vhost", "ip", "user", "request", "status", "bytes", "referer", "agent", "more",
)  # fmt: skip
# Broken off in the time or later, then a whole record: quotes of clients are escaped.
TORN: Final = (
    pl.col("user").str.contains(rf'\[[0-9][^ ]* |\[{_STAMP}\] "')
    | pl.col("more").str.contains(rf'\[{_STAMP}\] "')
).fill_null(value=False)

_LINES: Final = tuple(map(re.compile, PATTERNS))
_REQUEST: Final = (
    r"^(?P<method>[!#-'*+.0-9A-Z^-z|~-]+) (?P<target>.*?)(?: (?P<version>HTTP/[0-9.]+))?$"
)
# A proxy's form of the target (RFC 9112, 3.2.2): servers take it as host and path.
_ABSOLUTE: Final = r"^[A-Za-z][A-Za-z0-9+.-]*://(?P<host>[^/?#]*)(?P<path>.*)$"
_ADDRESSES: Final = r'^ "(-|[0-9A-Fa-f.:\[\], ]+)"$'
_ESCAPE: Final = re.compile(r'(?:\\x[0-9A-Fa-f]{2})+|\\["\\bfnrtv]')
_LETTERS: Final = dict(zip('"\\bfnrtv', '"\\\b\f\n\r\t\v', strict=True))

_SPACE, _BRACKET, _HYPHEN, _BACKSLASH, _QUOTE = map(ord, ' ]-\\"')
# Quotes per line: the request alone; referer and agent too; and up to four values more.
_QUOTE_COUNTS: Final = (2, 6, 8, 10, 12, 14)
_STATUS_SHAPE: Final = np.frombuffer(b'" 000 \0\0', "<u8")[0]
_STATUS_SIX: Final = np.frombuffer(b"\0\0\6\6\6\0\0\0", "<u8")[0]
_STATUS_WRONG: Final = np.frombuffer(b"\xff\xff\xf0\xf0\xf0\xff\0\0", "<u8")[0]
_ZEROS, _SIXES = (np.uint64(0x0101_0101_0101_0101 * value) for value in (0x30, 0x06))
_UPPER: Final = np.uint64(0xF0F0_F0F0_F0F0_F0F0)
_KEEP: Final = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)


def is_clf(head: bytes) -> bool:
    """Whether at least half of a source's first lines are of this format."""
    return half_of_first_lines(head, is_line)


def is_line(line: str) -> bool:
    """Whether the line is of this format."""
    return '] "' in line and any(pattern.match(line) for pattern in _LINES)


def times(stamps: pl.Series) -> Offsets:
    """Stamps as the pattern finds them, 26 characters each, to microseconds."""
    text = "".join(f'[{stamp}] "' for stamp in stamps.to_list()).encode()
    width = STAMP_BYTES + 1
    buffer = np.frombuffer(text, dtype=np.uint8)
    return read_clf_times(buffer, np.arange(0, len(text), width, dtype=np.int64))


def prove(lines: BlockLines) -> tuple[Offsets, Offsets]:
    """Lines the pattern surely matches, and their times.

    Without a backslash before any quote, quotes open and close values in turn. The time then ends
    right before the first one, and words are counted between values only.
    """
    quotes = np.flatnonzero(lines.buffer == _QUOTE)
    first = np.searchsorted(quotes, lines.starts)
    count = np.diff(first, append=len(quotes))
    if b"\\" in lines.data:
        escaped = quotes[lines.buffer[quotes - 1] == _BACKSLASH]
        count[np.searchsorted(lines.block.breaks, escaped)] = 0
    spaces = BitIndex.of(lines.buffer, _SPACE)
    found, found_times = [], []
    for size in _QUOTE_COUNTS:
        chosen = np.flatnonzero(count == size)
        if len(chosen):
            at = [quotes[first[chosen] + k] for k in range(size)]
            stamps = read_clf_times(lines.buffer, at[0] - STAMP_BYTES)
            fits = np.flatnonzero((stamps != NO_TIME) & _fits(lines, spaces, chosen, at))
            found.append(chosen[fits])
            found_times.append(stamps[fits])
    if not found:
        return first[:0], first[:0]
    proven, dated = np.concatenate(found), np.concatenate(found_times)
    order = np.argsort(proven, kind="stable")
    return proven[order], dated[order]


def _fits(lines: BlockLines, spaces: BitIndex, chosen: Offsets, at: list[Offsets]) -> Mask:
    """Whether the words between the quotes are those of the pattern."""
    buffer, starts, ends = lines.buffer, lines.starts[chosen], lines.ends[chosen]
    combined = len(at) > 2
    fits = _leads(buffer, spaces, starts, at[0])
    size_ends = at[2] - 1 if combined else _size_ends(spaces, at[1], ends)
    fits &= _is_status(buffer, at[1]) & _is_size(buffer, at[1] + 6, size_ends)
    if not combined:
        return fits
    fits &= (buffer[at[2] - 1] == _SPACE) & (at[4] == at[3] + 2) & (buffer[at[3] + 1] == _SPACE)
    after = at[5] + 1
    fits &= (after == ends) | (buffer[np.minimum(after, len(buffer) - 1)] == _SPACE)
    for quote in at[6:]:
        fits &= buffer[quote - 2] != _BRACKET
    return fits


def _leads(buffer: Bytes, spaces: BitIndex, starts: Offsets, quote: Offsets) -> Mask:
    """Three words before the time; or four, the third of them a hyphen."""
    before = spaces.rank(starts)
    words = spaces.rank(quote) - before
    fits: Mask = (quote - STAMP_BYTES > starts) & (buffer[quote - STAMP_BYTES - 1] == _SPACE)
    four = np.flatnonzero(fits & (words == 6))
    fits &= (words == 5) | (words == 6)
    if len(four):
        third = spaces.select(before[four] + 1) + 1
        fits[four] = (buffer[third] == _HYPHEN) & (buffer[third + 1] == _SPACE)
    return fits


def _size_ends(spaces: BitIndex, quote: Offsets, ends: Offsets) -> Offsets:
    """Where the size ends after a last quote: at the line's end, or before one word more."""
    before = spaces.rank(quote)
    one_more = np.flatnonzero(spaces.rank(ends) - before == 3)
    found = ends.copy()
    found[one_more] = spaces.select(before[one_more] + 2)
    return found


def _is_status(buffer: Bytes, quote: Offsets) -> Mask:
    """``" 200 `` from a closing quote."""
    found = words_at(buffer, quote) ^ _STATUS_SHAPE
    right: Mask = ((found | (found + _STATUS_SIX)) & _STATUS_WRONG) == 0
    return right


def _is_size(buffer: Bytes, starts: Offsets, ends: Offsets) -> Mask:
    """Up to eight digits, or a hyphen."""
    length = ends - starts
    inside = np.minimum(starts, len(buffer) - 1)
    found = (words_at(buffer, inside) ^ _ZEROS) & _KEEP[np.clip(length, 0, 8)]
    digits = ((found | (found + _SIXES)) & _UPPER) == 0
    hyphen = (length == 1) & (buffer[inside] == _HYPHEN)
    fits: Mask = (length > 0) & (length <= 8) & (digits | hyphen)
    return fits


def parsed(groups: pl.DataFrame) -> pl.DataFrame:
    """The pattern's groups without their escaping, and the request line as ``method``, ``target``
    and ``version``, null where it is no request line.
    """
    names = ("user", "request", "referer", "agent", "more")
    plain = groups.with_columns(_unescaped(groups.get_column(name)) for name in names)
    line = plain.get_column("request").str.extract_groups(_REQUEST).struct.unnest()
    return plain.hstack(line)


def columns(groups: pl.DataFrame) -> pl.DataFrame:
    """The pattern's groups as Sigma names them; null where the log has nothing (``-``).

    ``request`` only where it is no HTTP request line, ``more`` what a longer format adds.
    """
    plain = parsed(groups)
    absolute = plain.get_column("target").str.extract_groups(_ABSOLUTE).struct.unnest()
    target = pl.coalesce("path", "target").str.splitn("?", 2).struct
    host = pl.coalesce("vhost", "host").str.replace(":[0-9]*$", "")
    more = pl.col("more").str
    named = plain.hstack(absolute).select(
        pl.col("ip").alias("c-ip"),
        pl.col("user").alias("cs-username"),
        pl.col("method").alias("cs-method"),
        host.alias("cs-host"),
        target.field("field_0").alias("cs-uri-stem"),
        target.field("field_1").alias("cs-uri-query"),
        pl.col("version").alias("cs-version"),
        pl.col("status").alias("sc-status"),
        pl.col("bytes").alias("sc-bytes"),
        pl.col("referer").alias("cs-referer"),
        pl.col("agent").alias("cs-user-agent"),
        more.extract(_ADDRESSES).alias("X-Forwarded-For"),
        pl.when(pl.col("target").is_null()).then("request").alias("request"),
        more.strip_chars(" ").alias("more"),
    )
    return without_hyphens(named)


def without_hyphens(frame: pl.DataFrame) -> pl.DataFrame:
    """``-`` as null: what an access log writes for nothing."""
    return frame.with_columns(pl.when(pl.all() != "-").then(pl.all()))


def _unescaped(values: pl.Series) -> pl.Series:
    """Values as they were before the log's escaping."""
    marked = values.str.contains("\\", literal=True).fill_null(value=False)
    rows = np.flatnonzero(marked.to_numpy())
    if not len(rows):
        return values
    plain = [unescape(text) for text in values.gather(rows).to_list()]
    return values.scatter(rows, plain)


def unescape(text: str) -> str:
    r"""``\"``, ``\\``, ``\n`` and their like, and ``\xHH`` of bytes no server writes plainly.

    Bytes that are no UTF-8 stay as ``\xHH``, and so does an escaped ordinary letter: no server
    writes one, and the prefilter on raw text looks for letters as they are.
    """
    return _ESCAPE.sub(_plain, text)


def _plain(match: re.Match[str]) -> str:
    text = match[0]
    if text[1] != "x":
        return _LETTERS[text[1]]
    raw = bytes.fromhex(text.replace("\\x", ""))
    if any(0x20 < byte < 0x7F and byte not in b"\"'\\+,?" for byte in raw):
        return text
    return raw.decode("utf-8", errors="backslashreplace")
