"""``SolarWinds.Orion.Core.BusinessLayer.dll``, SUNBURST's carrier -> its hash, version, birth.

In: the file, known by its name. Out: one row like any file's, and a fact ``orion.dll`` with the
SHA-256, the version resource, compile time and signing time as the file tells them. The pipeline
scans the bytes as well.
A file of 64 MiB or more (the real one has 1 MB) gets no fact: its hash is not known.
Will not: verify the signature; these times are as good as the hash they stand with.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

import pefile

from afterpatch.formats.authenticode import Signed, signing_time
from afterpatch.formats.file_rows import FileRow, batch_of
from afterpatch.formats.format import Format
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Fact, Gap, Item, Place
from afterpatch.model.times import rfc3339, to_us

NAMES: Final = ("solarwinds.orion.core.businesslayer.dll",)
MAX_BYTES: Final = 64 << 20
_SECURITY: Final = pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_SECURITY"]


def recognise(head: bytes, item: Item) -> str:
    """ "header" for a PE file of that name."""
    name = item.origin.replace("\\", "/").rpartition("/")[2].casefold()
    return "header" if head[:2] == b"MZ" and name in NAMES else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece: a row, a fact, and a gap where the PE cannot be read."""
    del wanted
    data = stream.read(MAX_BYTES)
    detail, fault = _facts(data)
    facts = []
    sha256 = None
    moment = item.modified
    if len(data) < MAX_BYTES:
        sha256 = hashlib.sha256(data).hexdigest()
        facts = [Fact("orion.dll", sha256, moment, Place(item.name, 0), detail)]
    else:
        fault = "too large: its hash is not known"
    row = FileRow(
        record=0,
        path=item.origin,
        size=str(len(data)),
        sha256=sha256,
        modified=rfc3339(moment) if moment else None,
        time_us=to_us(moment) if moment else None,
        raw=item.origin,
    )
    yield Piece(
        records=1,
        events=1,
        batches=(batch_of([row]),),
        facts=tuple(facts),
        gaps=(Gap(item.name, "file", fault),) if fault else (),
        first_us=row.time_us,
        last_us=row.time_us,
    )


def _facts(data: bytes) -> tuple[dict[str, str], str]:
    """Version, compile and signing time, and what stood in the way."""
    try:
        with pefile.PE(data=data, fast_load=True) as pe:
            pe.parse_data_directories([pefile.DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_RESOURCE"]])
            made = datetime.fromtimestamp(pe.FILE_HEADER.TimeDateStamp, UTC)
            table = pe.OPTIONAL_HEADER.DATA_DIRECTORY
            version = _version(pe)
            signed = Signed()
            if len(table) > _SECURITY:
                entry = table[_SECURITY]  # the one directory whose address is a place in the file
                signed = signing_time(data, entry.VirtualAddress, entry.Size)
    except (pefile.PEFormatError, ValueError, IndexError, AttributeError, OverflowError) as error:
        return {}, f"not a readable PE file: {str(error)[:80]}"
    detail = {
        "compiled": rfc3339(made),
        "version": version,
        "signed": rfc3339(signed.time) if signed.time else "",
        "signed by": signed.told_by,
    }
    return {name: text for name, text in detail.items() if text}, signed.fault


def _version(pe: pefile.PE) -> str:
    for info in getattr(pe, "VS_FIXEDFILEINFO", ()):
        high, low = info.FileVersionMS, info.FileVersionLS
        return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
    return ""


FORMAT: Final = Format(kind="orion-dll", recognise=recognise, read=read, content=True)
