"""Private files in the scratch folder, named by our own numbers, never by evidence.

Enters: streams whose bytes must lie on disk (nested archives, unpacked tars, 7z members).
Leaves: paths below ``scratch``. Nothing is written anywhere else.
"""

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from afterpatch.evidence.limits import MIB, Budget, Unreadable
from afterpatch.evidence.streams import why

_STEP_BYTES: Final = MIB


class Spool:
    """Makes numbered files below ``scratch`` and counts their bytes against the budget."""

    def __init__(self, scratch: Path, budget: Budget) -> None:
        self._scratch, self._budget, self._number = scratch, budget, 0
        scratch.mkdir(parents=True, exist_ok=True)

    def create(self) -> tuple[Path, BinaryIO]:
        """A new file, open for writing; never an existing one. Raises Unreadable."""
        while True:
            self._number += 1
            path = self._scratch / f"spool-{self._number:06d}"
            try:
                return path, path.open("xb")
            except FileExistsError:
                continue
            except OSError as error:
                raise Unreadable(f"no room to unpack it: {why(error)}") from error

    def write(self, file: BinaryIO, data: bytes | bytearray) -> None:
        """Write under the budget. Raises Unreadable when the budget or the disk is full."""
        self._budget.take_bytes(len(data))
        try:
            file.write(data)
        except OSError as error:
            raise Unreadable(f"no room to unpack it: {why(error)}") from error

    def keep(self, stream: BinaryIO) -> tuple[Path, str]:
        """Copy a stream to a new file -> its path, and why it is incomplete ("" = complete)."""
        path, file = self.create()
        try:
            with file:
                while data := stream.read(_STEP_BYTES):
                    self.write(file, data)
        except Unreadable as error:
            return path, error.reason
        except OSError as error:  # the disk fills up on close
            return path, f"no room to unpack it: {why(error)}"
        return path, ""

    def drop(self, path: Path) -> None:
        """Remove a spooled file that turned out to be needed no longer."""
        with suppress(OSError):
            path.unlink()
