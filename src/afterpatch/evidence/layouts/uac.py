"""UAC (Unix-like Artifacts Collector): ``uac.log``, ``[root]/`` and ``live_response/``.

Source: tclahr/uac main script and ``create_acquisition_log.sh``: the side log beside the archive
has the same name with ``.log`` and a line ``Hostname:``. The name is split from the right because
host names contain ``-``.
"""

import re
from collections.abc import Iterator
from typing import Final

from afterpatch.evidence.layouts.layout import (
    FILE_NAME,
    MANIFEST,
    REGISTRY,
    Host,
    Layout,
    Look,
    claim,
    ordered,
    text_of,
)
from afterpatch.evidence.layouts.names import host_in
from afterpatch.evidence.tree import Folder
from afterpatch.model.places import HostClaim

_ROOT: Final = "[root]"
_HOSTNAME: Final = re.compile(r"^[ \t]{0,8}Hostname:[ \t]{0,8}(\S+)", re.MULTILINE)


def _find(folder: Folder, look: Look) -> list[Host]:
    marked = folder.file("uac.log") or folder.find("live_response") or folder.find("bodyfile")
    if not folder.find(_ROOT) or not marked:
        return []
    return [Host(folder, "UAC", ordered(_claims(folder, look)), _origin)]


def _claims(folder: Folder, look: Look) -> Iterator[HostClaim]:
    if folder.stem.startswith("uac-"):
        yield from claim(FILE_NAME, host_in(folder.stem), "collection name")
    side = folder.parent.file(f"{folder.stem}.log") if folder.parent else None
    if side:
        for name in _HOSTNAME.findall(text_of(look.read(side)))[:1]:
            yield from claim(MANIFEST, name, f"UAC side log {side.label}")
    etc = root.find("etc") if (root := folder.find(_ROOT)) else None
    if etc and (file := etc.file("hostname")):
        first = text_of(look.read(file)).strip().partition("\n")[0]
        yield from claim(REGISTRY, first, f"collected {file.label}")


def _origin(path: str) -> str:
    first, _, rest = path.partition("/")
    return f"/{rest}" if first == _ROOT and rest else path


UAC: Final = Layout("UAC", _find)
