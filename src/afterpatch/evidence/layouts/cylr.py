"""CyLR: an archive named after the machine, holding drive folders (or ``etc`` and ``var``).

It has no manifest, so it is asked last. Source: orlikoski/CyLR Arguments.cs, Archive.cs: the colon
of ``C:`` is dropped from paths; default archive name ``<MachineName>.zip``.
"""

from typing import Final

from afterpatch.evidence.layouts.layout import FILE_NAME, Host, Layout, Look, claim, ordered
from afterpatch.evidence.layouts.names import host_in, is_generic
from afterpatch.evidence.origins import from_drive, is_drive
from afterpatch.evidence.tree import Folder


def _find(folder: Folder, _look: Look) -> list[Host]:
    if not folder.archive:
        return []
    windows = any(is_drive(one.name) for one in folder.subfolders())
    unix = bool(folder.find("etc") and folder.find("var"))
    if not windows and not unix:
        return []
    host = host_in(folder.stem)
    claims = () if is_generic(host) else claim(FILE_NAME, host, "archive name")
    return [Host(folder, "CyLR", ordered(claims), from_drive if windows else _from_root)]


def _from_root(path: str) -> str:
    return f"/{path}"


CYLR: Final = Layout("CyLR", _find)
