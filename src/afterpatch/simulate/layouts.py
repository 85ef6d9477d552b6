"""Where evidence goes: a folder, or an archive as KAPE, CyLR or Velociraptor pack it.

Enters: files by original path (``C:/inetpub/…``), in pieces. Leaves: ``<out>/<server>/C/…`` or one
archive. Names and marker files follow the tools' public documentation. An archive is held in memory
until it is closed, so layouts other than ``folder`` are for small evidence.
"""

import os
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Protocol

import orjson

from afterpatch.simulate.scenario import ServerPlan


class Sink(Protocol):
    """Takes files piece by piece; ``close`` finishes and gives what now holds the evidence."""

    def append(self, path: str, data: bytes) -> None:
        """Add to the end of a file, or begin it."""
        ...

    def cut(self, path: str, count: int) -> None:
        """Take this many bytes off a file's end."""
        ...

    def close(self, modified: dict[str, datetime]) -> Path:
        """Finish; ``modified`` gives each file its time."""
        ...


def open_sink(plan: ServerPlan, out: Path) -> Sink:
    """The sink for the plan's layout."""
    return _Folder(out / plan.name) if plan.layout == "folder" else _Archive(plan, out)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: set[str] = set()

    def _at(self, path: str) -> Path:
        return self.folder / path.replace("C:/", "C/", 1)

    def append(self, path: str, data: bytes) -> None:
        target = self._at(path)
        directory = path.rpartition("/")[0]
        if directory not in self.made:
            target.parent.mkdir(parents=True, exist_ok=True)
            self.made.add(directory)
        with target.open("ab", buffering=0) as file:
            file.write(data)

    def cut(self, path: str, count: int) -> None:
        target = self._at(path)
        os.truncate(target, max(0, target.stat().st_size - count))

    def close(self, modified: dict[str, datetime]) -> Path:
        for path, when in modified.items():
            os.utime(self._at(path), (when.timestamp(), when.timestamp()))
        return self.folder


class _Archive:
    def __init__(self, plan: ServerPlan, out: Path) -> None:
        self.plan = plan
        self.out = out
        self.files: dict[str, bytearray] = {}

    def append(self, path: str, data: bytes) -> None:
        self.files.setdefault(path, bytearray()).extend(data)

    def cut(self, path: str, count: int) -> None:
        del self.files[path][-count:]

    def close(self, modified: dict[str, datetime]) -> Path:
        plan, taken = self.plan, self.plan.days[1]
        name = {
            "kape": f"{taken:%Y-%m-%dT%H%M%S}_{plan.name}.zip",
            "velociraptor": f"Collection-{plan.name}-{taken:%Y-%m-%dT%H_%M_%SZ}.zip",
        }.get(plan.layout, f"{plan.name}.zip")
        archive = self.out / name
        with zipfile.ZipFile(archive, "w", compresslevel=1) as packed:
            for path in sorted(self.files):
                _add(packed, self._member(path), bytes(self.files[path]), modified[path])
            for member, data in self._markers().items():
                _add(packed, member, data, taken)
            if plan.layout == "kape":
                packed.comment = b"Created by KAPE version 1.0.0.0"
        return archive

    def _member(self, path: str) -> str:
        if self.plan.layout == "velociraptor":
            inside = path.replace("C:/", "auto/C%3A/", 1)
            return f"uploads/{inside}"
        inside = path.replace("C:/", "C/", 1)
        return f"{self.plan.name}/{inside}" if self.plan.layout == "zip" else inside

    def _markers(self) -> dict[str, bytes]:
        """The files a tool adds on its own account."""
        plan, taken = self.plan, self.plan.days[1]
        copied = [
            (path.replace("/", "\\"), len(data))
            for path, data in sorted(self.files.items())
            if path.startswith("C:/")
        ]
        if plan.layout == "kape":
            prefix = f"{taken:%Y-%m-%dT%H_%M_%S}_0000000"
            console = f"KAPE version 1.0.0.0\r\nMachine name: {plan.name}\r\n"
            rows = ["CopiedTimestamp,SourceFile,DestinationFile,FileSize"]
            rows += [
                f"{taken:%Y-%m-%d %H:%M:%S},{path},{path.replace(':', '', 1)},{size}"
                for path, size in copied
            ]
            return {
                f"{prefix}_ConsoleLog.txt": console.encode(),
                f"{prefix}_CopyLog.csv": ("\r\n".join(rows) + "\r\n").encode(),
            }
        if plan.layout == "velociraptor":
            client = {"Hostname": plan.name, "Fqdn": plan.fqdn, "OS": "windows"}
            uploads = [{"vfs_path": path, "file_size": size} for path, size in copied]
            context = {"collection_context": {"state": "FINISHED"}}
            return {
                "client_info.json": orjson.dumps(client),
                "collection_context.json": orjson.dumps(context),
                "uploads.json": b"".join(orjson.dumps(entry) + b"\n" for entry in uploads),
            }
        return {}


def _add(packed: zipfile.ZipFile, member: str, data: bytes, modified: datetime) -> None:
    info = zipfile.ZipInfo(member, modified.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0  # the same bytes on every system
    packed.writestr(info, data)
