"""Velociraptor: offline collections and hunt exports.

An offline collection has ``uploads.json`` (or ``client_info.json``, ``collection_context.json``)
beside ``uploads/ACCESSOR/…`` and ``results/``. A hunt export holds many, one per
``<host>-C.<16 hex>`` folder, and ``results/All *.json`` that repeats their rows.
Source: Velociraptor docs "Collecting data" and the collector and hunt-import fixtures.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from afterpatch.evidence.layouts.layout import (
    FILE_NAME,
    MANIFEST,
    Host,
    Layout,
    Look,
    claim,
    ordered,
)
from afterpatch.evidence.layouts.names import host_in
from afterpatch.evidence.origins import from_velociraptor
from afterpatch.evidence.tree import File, Folder
from afterpatch.model.places import HostClaim

_MARKERS: Final = ("uploads.json", "client_info.json", "collection_context.json")
_CLIENT: Final = re.compile(r".+-C\.[0-9a-f]{16}", re.DOTALL)
_NAME_KEYS: Final = ("fqdn", "hostname")


def _find_collection(folder: Folder, look: Look) -> list[Host]:
    marked = any(folder.file(name) for name in _MARKERS)
    if not marked or not (folder.find("uploads") or folder.find("results")):
        return []
    return [_host(folder, look)]


def _host(folder: Folder, look: Look) -> Host:
    claims = list(claim(FILE_NAME, host_in(folder.stem), "collection name"))
    if info := folder.file("client_info.json"):
        claims += _from_client_info(info, look)
    _remark_sparse(folder, look)
    return Host(folder, "Velociraptor", ordered(claims), _origin)


def _from_client_info(file: File, look: Look) -> Iterator[HostClaim]:
    """``Hostname`` from a collector, ``hostname``/``fqdn`` (also in ``os_info``) from a server."""
    for record in _records(look.read(file)):
        for key, value in record.items():
            if key.lower() in _NAME_KEYS:
                yield from claim(MANIFEST, value, f"Velociraptor client_info {file.label}")


def _records(data: bytes) -> Iterator[dict[str, Any]]:
    """The object, or first object of a list or of JSON lines, and its ``os_info``."""
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        try:
            parsed = orjson.loads(data.partition(b"\n")[0])
        except orjson.JSONDecodeError:
            return
    first = parsed[0] if isinstance(parsed, list) and parsed else parsed
    if isinstance(first, dict):
        yield first
        if isinstance(first.get("os_info"), dict):
            yield first["os_info"]


def _remark_sparse(folder: Folder, look: Look) -> None:
    uploads = folder.find("uploads")
    sparse = (
        [file.name for _, file in uploads.walk() if file.name.endswith(".idx")] if uploads else []
    )
    if sparse:
        text = f"{len(sparse):,} sparse uploads are kept without their empty ranges: read as stored"
        look.remark("layout", folder.label, text)


def _origin(path: str) -> str:
    uploads, _, rest = path.partition("/")
    accessor, _, inner = rest.partition("/")
    return from_velociraptor(inner) if uploads.lower() == "uploads" and accessor and inner else path


def _find_hunt(folder: Folder, look: Look) -> list[Host]:
    clients = [
        one
        for one in folder.subfolders()
        if _CLIENT.fullmatch(one.name) and (one.file("client_info.json") or one.find("uploads"))
    ]
    if clients and any(one.find("results") for one in clients):
        _drop_combined(folder, look)
    return [_host(one, look) for one in clients]


def _drop_combined(folder: Folder, look: Look) -> None:
    """``results/All *.json`` holds every client's rows once more: not evidence of its own."""
    results = folder.find("results")
    for file in [one for one in results.files if one.name.startswith("All ")] if results else []:
        results.files.remove(file)  # type: ignore[union-attr]
        look.remark("duplicate", file.label, "repeats the rows of each client's results: not read")


HUNT: Final = Layout("Velociraptor hunt", _find_hunt)
VELOCIRAPTOR: Final = Layout("Velociraptor", _find_collection)
