"""How collection tools pack what they took: KAPE, CyLR, Velociraptor, a plain zip.

Enters: a folder ``<server>/C/…`` and ``<server>/events/…``. Leaves: one archive beside it, and the
folder gone. Names and marker files follow the tools' public documentation; archive times are fixed,
so the same evidence gives the same bytes.
"""

import shutil
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import orjson

from afterpatch.simulate.scenario import ServerPlan

_ZIP_TIME = (2021, 3, 15, 8, 0, 0)


def pack(plan: ServerPlan, folder: Path) -> Path:
    """Turn the server's folder into the plan's layout; gives what now holds the evidence."""
    if plan.layout == "folder":
        return folder
    taken = plan.days[1]
    name = {
        "kape": f"{taken:%Y-%m-%dT%H%M%S}_{plan.name}.zip",
        "velociraptor": f"Collection-{plan.fqdn.replace('.', '_')}-{taken:%Y-%m-%dT%H_%M_%SZ}.zip",
    }.get(plan.layout, f"{plan.name}.zip")
    archive = folder.parent / name
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
        for file, member in _members(plan, folder):
            _add(packed, member, file)
        for member, content in _markers(plan, folder, taken).items():
            info = zipfile.ZipInfo(member, _ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            packed.writestr(info, content)
        if plan.layout == "kape":
            packed.comment = b"Created by KAPE version 1.0.0.0"
    shutil.rmtree(folder)
    return archive


def _add(packed: zipfile.ZipFile, member: str, file: Path) -> None:
    info = zipfile.ZipInfo(member, _ZIP_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.file_size = file.stat().st_size
    with packed.open(info, "w") as target, file.open("rb") as source:
        shutil.copyfileobj(source, target, 1 << 20)


def _members(plan: ServerPlan, folder: Path) -> Iterator[tuple[Path, str]]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = file.relative_to(folder).as_posix()
        if plan.layout == "velociraptor":
            drive, _, rest = relative.partition("/")
            relative = f"uploads/auto/C%3A/{rest}" if drive == "C" else f"uploads/{relative}"
        elif plan.layout == "zip":
            relative = f"{plan.name}/{relative}"
        yield file, relative


def _markers(plan: ServerPlan, folder: Path, taken: datetime) -> dict[str, bytes]:
    """The files a tool adds on its own account."""
    if plan.layout == "kape":
        prefix = f"{taken:%Y-%m-%dT%H_%M_%S}_0000000"
        console = (
            f"KAPE version 1.0.0.0\r\nMachine name: {plan.name}\r\nTotal execution time: 9 s\r\n"
        )
        head = "CopiedTimestamp,SourceFile,DestinationFile,FileSize\r\n"
        rows = [
            f"{taken:%Y-%m-%d %H:%M:%S},C:\\{_native(file, folder)},"
            f"C\\{_native(file, folder)},{file.stat().st_size}\r\n"
            for file in sorted((folder / "C").rglob("*"))
            if file.is_file()
        ]
        return {
            f"{prefix}_ConsoleLog.txt": console.encode(),
            f"{prefix}_CopyLog.csv": (head + "".join(rows)).encode(),
        }
    if plan.layout == "velociraptor":
        client = {"Hostname": plan.name, "Fqdn": plan.fqdn, "OS": "windows"}
        uploads = [
            {"vfs_path": f"C:\\{_native(file, folder)}", "file_size": file.stat().st_size}
            for file in sorted((folder / "C").rglob("*"))
            if file.is_file()
        ]
        return {
            "client_info.json": orjson.dumps(client),
            "uploads.json": b"".join(orjson.dumps(entry) + b"\n" for entry in uploads),
            "collection_context.json": orjson.dumps({"collection_context": {"state": "FINISHED"}}),
        }
    return {}


def _native(file: Path, folder: Path) -> str:
    return file.relative_to(folder / "C").as_posix().replace("/", "\\")
