"""Every form a hunt takes for other programs. A new one is one module and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afterpatch.model.errors import UsageError
from afterpatch.report.ascii_json import json_text
from afterpatch.report.atomic import refuse_link, write_atomically
from afterpatch.report.hunt_jsonl import hunt_jsonl
from afterpatch.report.navigator import navigator_layer
from afterpatch.report.ocsf import ocsf_lines
from afterpatch.report.sarif import sarif_log
from afterpatch.report.shape import HuntDocument
from afterpatch.report.timesketch import timesketch_jsonl


@dataclass(frozen=True, slots=True)
class Output:
    """``file``: its name in the folder that ``--output`` names."""

    file: str
    render: Callable[[HuntDocument], bytes]


OUTPUTS: Final[Mapping[str, Output]] = {
    "json": Output("hunt.json", json_text),
    "jsonl": Output("hunt.jsonl", hunt_jsonl),
    "timesketch": Output("timesketch.jsonl", timesketch_jsonl),
    "navigator": Output("navigator.json", navigator_layer),
    "sarif": Output("hunt.sarif", sarif_log),
    "ocsf": Output("ocsf.jsonl", ocsf_lines),
}


def write_hunt(document: HuntDocument, folder: Path) -> list[Path]:
    """Write every output into ``folder`` (made if missing), each whole or not at all.

    Raises UsageError when the folder or a file of that name is a symbolic link or no regular file.
    """
    targets = [folder / output.file for output in OUTPUTS.values()]
    for path in (folder, *targets):
        refuse_link(path)
    contents = [output.render(document) for output in OUTPUTS.values()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} is not a folder; nothing was written") from error
    for path, content in zip(targets, contents, strict=True):
        write_atomically(path, content)
    return targets
