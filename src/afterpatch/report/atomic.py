"""Files that appear whole or not at all.

Enters: a path and bytes. Leaves: the file, or the old state. It never follows a symbolic link at
the place it writes to, so evidence unpacked next to a report cannot redirect the report.
"""

import os
import secrets
from pathlib import Path

from afterpatch.model.errors import UsageError


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` by way of a temporary file in the same folder.

    An interrupt at any moment leaves either the old file or the new one.
    Raises UsageError when ``path`` is a symbolic link or no regular file; OSError from the disk.
    """
    refuse_link(path)
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is not a regular file; nothing was written")
    part = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as stream:  # "x": exclusive, so no planted link is followed
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except BaseException:  # Ctrl-C too must not leave half a report
        part.unlink(missing_ok=True)
        raise


def refuse_link(path: Path) -> None:
    """Raises UsageError when ``path`` itself is a symbolic link."""
    if path.is_symlink():
        raise UsageError(f"{path} is a symbolic link; reports are not written through links")
