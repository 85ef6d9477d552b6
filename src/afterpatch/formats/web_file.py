"""A real file from where a web server serves or compiles pages -> one row.

In: any bytes, known by path or extension. Out: one row (path, size, time); the pipeline hashes and
scans the bytes. A ``.compiled`` file is ASP.NET's receipt for a page it has compiled: its virtual
path and assembly become columns, since it proves that a page ran even when the page is long gone.
Will not: judge content.

Source: Microsoft, "ASP.NET compilation overview" (Temporary ASP.NET Files, ``<preserve>`` files).
"""

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from afterpatch.formats.file_rows import FileRow, batch_of
from afterpatch.formats.format import Format
from afterpatch.formats.safe_xml import UnreadableXmlError, parse
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Gap, Item
from afterpatch.model.times import rfc3339, to_us

READ_BYTES: Final = 1 << 20
MAX_COMPILED_BYTES: Final = 1 << 20

_ROOTS: Final = re.compile(
    r"/inetpub/wwwroot/|/aspnet_client/|/frontend/httpproxy/"
    r"|/clientaccess/(?:owa|ecp|oab|ews)/|/temporary asp\.net files/"
)
_EXTENSIONS: Final = (
    ".aspx", ".ashx", ".asmx", ".asax", ".ascx", ".cshtml", ".php", ".jsp", ".compiled",
)  # fmt: skip


def recognise(head: bytes, item: Item) -> str:
    """ "path" under a web root, "file name" for a page or a compiled page anywhere."""
    del head
    origin = "/" + item.origin.casefold().replace("\\", "/")
    name = origin.rpartition("/")[2]
    if _ROOTS.search(origin):
        return "path"
    is_compiled_dll = name.startswith("app_web_") and name.endswith(".dll")
    return "file name" if is_compiled_dll or name.endswith(_EXTENSIONS) else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece with one row. Coverage stays empty: a file is no record of a span of time."""
    del wanted
    kept = b""
    size = 0
    is_compiled = item.origin.casefold().endswith(".compiled")
    while block := stream.read(READ_BYTES):
        size += len(block)
        if is_compiled and len(kept) <= MAX_COMPILED_BYTES:
            kept += block
    time_us = None if item.modified is None else to_us(item.modified)
    row = FileRow(
        record=0,
        path=item.origin,
        size=str(size),
        modified=None if item.modified is None else rfc3339(item.modified),
        time_us=time_us,
        raw=item.origin,
    )
    more: dict[str, list[str | None]] = {}
    gaps: tuple[Gap, ...] = ()
    if is_compiled:
        virtual_path, assembly, fault = _compiled(kept)
        more = {"VirtualPath": [virtual_path], "Assembly": [assembly]}
        gaps = (Gap(item.name, "file", fault),) if fault else ()
    yield Piece(
        records=1,
        events=1,
        batches=(batch_of([row], more),),
        gaps=gaps,
        first_us=time_us,
        last_us=time_us,
    )


def _compiled(data: bytes) -> tuple[str | None, str | None, str]:
    """(virtual path, assembly, fault) of a ``<preserve …>`` file."""
    if len(data) > MAX_COMPILED_BYTES:
        return None, None, "too large for a .compiled file; its page is not known"
    try:
        root = parse(data)
    except UnreadableXmlError as error:
        return None, None, f".compiled file not readable: {error}"
    attributes = root.attributes
    return attributes.get("virtualPath"), attributes.get("assembly"), ""


FORMAT: Final = Format(kind="web-file", recognise=recognise, read=read, content=True)
