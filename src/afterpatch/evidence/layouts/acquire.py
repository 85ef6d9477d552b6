"""acquire (Dissect): everything below ``fs/``, or the older ``sysvol/``.

Source: fox-it/acquire, output naming ``<target>_<yyyyMMddHHMMSS>`` and ``*.report.json``; Windows
volumes are ``fs/C:/…``, Unix ones ``fs/$rootfs$/…``, unnamed ones ``fs/$fs$/fs0/…``.
"""

from collections.abc import Iterator
from typing import Final

from afterpatch.evidence.layouts.layout import FILE_NAME, Host, Layout, Look, claim, ordered
from afterpatch.evidence.layouts.names import host_in
from afterpatch.evidence.origins import is_drive
from afterpatch.evidence.tree import Folder
from afterpatch.model.places import HostClaim

_REPORT: Final = ".report.json"
_SYSVOL, _ROOTFS, _ANONYMOUS = "sysvol", "$rootfs$", "$fs$"


def _find(folder: Folder, _look: Look) -> list[Host]:
    volumes = fs.subfolders() if (fs := folder.find("fs")) else []
    known = any(one.name in (_SYSVOL, _ROOTFS, _ANONYMOUS) or is_drive(one.name) for one in volumes)
    legacy = folder.find(_SYSVOL) is not None and folder.archive
    if not known and not legacy:
        return []
    return [Host(folder, "acquire", ordered(_claims(folder)), _origin)]


def _claims(folder: Folder) -> Iterator[HostClaim]:
    if folder.archive or host_in(folder.stem) != folder.stem:
        yield from claim(FILE_NAME, host_in(folder.stem), "collection name")
    for file in folder.files:
        if file.name.lower().endswith(_REPORT):
            name = host_in(file.name[: -len(_REPORT)])
            yield from claim(FILE_NAME, name, f"acquire report {file.label}")
    beside = folder.parent.file(f"{folder.stem}{_REPORT}") if folder.parent else None
    if beside:
        yield from claim(FILE_NAME, host_in(folder.stem), f"acquire report {beside.label}")


def _origin(path: str) -> str:
    first, _, rest = path.partition("/")
    if first == _SYSVOL and rest:
        return f"C:/{rest}"
    volume, _, inner = rest.partition("/")
    if first != "fs" or not inner:
        return path
    if volume == _SYSVOL:
        return f"C:/{inner}"
    if volume == _ROOTFS:
        return f"/{inner}"
    return f"{volume[0].upper()}:/{inner}" if is_drive(volume) else rest


ACQUIRE: Final = Layout("acquire", _find)
