"""Folders and archives that no collector made: one host each, named by their own name.

What makes a folder a host: a known server folder directly in it (``inetpub``, ``Windows``, a drive
…), or loose log files. It is asked by :mod:`afterpatch.evidence.roots` when no layout fits.
"""

from typing import Final

from afterpatch.evidence.layouts.layout import FILE_NAME, FOLDER_NAME, Host, claim
from afterpatch.evidence.layouts.names import host_in, is_generic
from afterpatch.evidence.origins import from_anchor, is_drive, is_host_anchor
from afterpatch.evidence.tree import Folder

NAME: Final = "plain"
_LOG_ENDINGS: Final = (".log", ".evtx", ".etl", ".json", ".jsonl", ".ndjson", ".aspx")


def holds_evidence(folder: Folder) -> bool:
    """Whether evidence of one host sits directly in this folder."""
    return any(is_host_anchor(one.name) for one in folder.subfolders()) or _loose_logs(folder)


def _loose_logs(folder: Folder) -> bool:
    """Log files directly here, other than those that describe an archive beside them."""
    beside = tuple(one.stem.lower() for one in folder.archives())
    for file in folder.files:
        name = file.name.lower()
        if name.endswith(_LOG_ENDINGS) and not (beside and name.startswith(beside)):
            return True
    return False


def plain_host(folder: Folder) -> Host:
    """The folder as one host. A name that speaks of a kind of log claims nothing."""
    trust, witness = (FILE_NAME, "archive name") if folder.archive else (FOLDER_NAME, "folder name")
    name = host_in(folder.stem)
    claims = () if is_generic(name) or is_drive(name) else claim(trust, name, witness)
    holder = folder.stem
    return Host(folder, NAME, claims, lambda path: from_anchor(path, holder))
