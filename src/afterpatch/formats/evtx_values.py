"""Values of EVTX events -> text, as the ``evtx`` package writes them; a FILETIME to 100 ns.

In: where distinct values lie and of what type they are. Out: a text for each. Texts of UTF-16 are
decoded all in one go; the others one by one, which is why only distinct values come here. Sizes and
contents were checked when the values were found.
Source of the types: [MS-EVEN6] 2.2.12; SID: [MS-DTYP] 2.4.2; FILETIME: 100 ns since 1601.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import numpy as np

from afterpatch.formats import evtx_tokens as token
from afterpatch.formats.compiled import Bytes, Ints, Small, compiled, u16
from afterpatch.formats.evtx_ticks import filetime

UNIX_EPOCH_100NS: Final = 116_444_736_000_000_000


def texts_of(block: Bytes, at: Ints, size: Small, kind: Bytes) -> list[str]:
    """The texts of the values ``block[at : at + size]``, in order."""
    strings = kind == token.STRING
    packed = np.empty(int(size[strings].sum(dtype=np.int64)) + 2 * int(strings.sum()), np.uint8)
    end = pack(block, at[strings], size[strings], packed)
    texts = np.empty(len(at), np.object_)
    texts[strings] = packed[:end].tobytes().decode("utf-16-le", "replace").split("\0")[:-1]
    view = block.data
    others = np.flatnonzero(~strings)
    found = zip(at[others].tolist(), size[others].tolist(), kind[others].tolist(), strict=True)
    texts[others] = [_WRITE[one](bytes(view[place : place + many])) for place, many, one in found]
    return list(texts.tolist())


def text_of(block: Bytes, at: int, size: int, kind: int) -> str:
    """The text of one value."""
    raw = block[at : at + size].tobytes()
    if kind == token.STRING:
        return raw[: size & ~1].decode("utf-16-le", "replace").partition("\0")[0]
    return _WRITE[kind](raw)


@compiled
def pack(block: Bytes, at: Ints, size: Small, out: Bytes) -> int:
    """UTF-16 texts, each up to its first NUL, one after the other with a NUL behind each."""
    end = 0
    for row in range(len(at)):
        place = at[row]
        last = place + (size[row] & ~1)
        while place < last and u16(block, place) != 0:
            out[end], out[end + 1] = block[place], block[place + 1]
            end += 2
            place += 2
        out[end], out[end + 1] = 0, 0
        end += 2
    return end


def guid(raw: bytes) -> str:
    """``54849625-5478-4994-A5BA-3E3B0328C30D``."""
    one, two, three = struct.unpack("<IHH", raw[:8])
    rest = raw[8:].hex().upper()
    return f"{one:08X}-{two:04X}-{three:04X}-{rest[:4]}-{rest[4:]}"


def sid(raw: bytes) -> str:
    """``S-1-5-18``."""
    parts = struct.unpack(f"<{raw[1]}I", raw[8:])
    return "-".join(map(str, ("S", raw[0], int.from_bytes(raw[2:8], "big"), *parts)))


def systemtime(raw: bytes) -> str:
    """Milliseconds is all a SYSTEMTIME has; written as microseconds."""
    year, month, _, day, hour, minute, second, milli = struct.unpack("<8H", raw)
    when = datetime(year, month, day, hour, minute, second, milli * 1000)  # noqa: DTZ001
    return when.isoformat(timespec="microseconds") + "Z"


def real(value: np.float32 | np.float64) -> str:
    """The shortest digits that give the number back."""
    if not np.isfinite(value):
        return {"nan": "NaN", "inf": "inf", "-inf": "-inf"}[str(value)]
    digits = np.format_float_scientific(value, unique=True, trim="0", exp_digits=1)
    plain, _, exponent = digits.partition("e")
    if -5 <= int(exponent) < (13 if isinstance(value, np.float32) else 16):
        return np.format_float_positional(value, unique=True, trim="0")
    return f"{plain.removesuffix('.0')}e{exponent}"


def boolean(raw: bytes) -> str:
    """Neither yes nor no stays the number it is."""
    return {0: "false", 1: "true"}.get(int.from_bytes(raw, "little"), _signed(raw))


def _number(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little"))


def _signed(raw: bytes) -> str:
    return str(int.from_bytes(raw, "little", signed=True))


def _hex(raw: bytes) -> str:
    return hex(int.from_bytes(raw, "little"))


_WRITE: Final[Mapping[int, Callable[[bytes], str]]] = {
    **{kind: _number if name.startswith("u") else _signed for kind, name in token.INTEGERS.items()},
    token.REAL32: lambda raw: real(np.frombuffer(raw, "<f4")[0]),
    token.REAL64: lambda raw: real(np.frombuffer(raw, "<f8")[0]),
    token.BOOL: boolean,
    token.BINARY: lambda raw: raw.hex().upper(),
    token.GUID: guid,
    token.SIZE: _hex,
    token.FILETIME: lambda raw: filetime(int.from_bytes(raw, "little")),
    token.SYSTEMTIME: systemtime,
    token.SID: sid,
    token.HEX32: _hex,
    token.HEX64: _hex,
}
