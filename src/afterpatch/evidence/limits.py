"""How much of hostile evidence is unpacked before we stop, and the error that says we stopped.

Enters: counts and sizes met while listing or unpacking. Leaves: :class:`Unreadable`, which the
caller turns into a gap. It never lowers a limit silently and never truncates without a word.
"""

from dataclasses import dataclass

MIB = 1024 * 1024
GIB = 1024 * MIB


class Unreadable(Exception):  # noqa: N818  (reads as a fact about the evidence)
    """A piece of evidence cannot be read (further). ``reason`` is one plain clause."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds against archive bombs. Defaults fit a large Exchange server's logs.

    entries           files and members of one run.
    ratio             unpacked : packed bytes of one member, asked only once it has unpacked more
                      than ``ratio_free_bytes``: IIS logs reach 30:1, zero runs in EVTX far more.
    depth             archives inside archives.
    total_bytes       unpacked bytes of one run (declared ones for members read in place).
    member_bytes      unpacked bytes of one member.
    dictionary_bytes  memory a decoder may ask for in an archive's header.
    """

    entries: int = 1_000_000
    ratio: int = 200
    ratio_free_bytes: int = 64 * MIB
    depth: int = 4
    total_bytes: int = 512 * GIB
    member_bytes: int = 64 * GIB
    dictionary_bytes: int = 256 * MIB

    def check_member(self, unpacked_bytes: int, packed_bytes: int) -> None:
        """Raise Unreadable when one member unpacks to too much."""
        if unpacked_bytes > self.member_bytes:
            raise Unreadable(f"larger than the limit of {self.member_bytes:,} bytes for one member")
        if unpacked_bytes > self.ratio_free_bytes and unpacked_bytes > self.ratio * packed_bytes:
            raise Unreadable(f"unpacks to more than the limit of {self.ratio} times its size")


@dataclass(slots=True)
class Budget:
    """What one run has used of its limits so far."""

    limits: Limits
    entries: int = 0
    total_bytes: int = 0

    def take_entry(self) -> None:
        """Count one file or member. Raises Unreadable beyond the limit."""
        self.entries += 1
        if self.entries > self.limits.entries:
            raise Unreadable(f"more than the limit of {self.limits.entries:,} entries")

    def take_bytes(self, count: int) -> None:
        """Count unpacked bytes. Raises Unreadable beyond the limit; a refusal is not counted."""
        if self.total_bytes + count > self.limits.total_bytes:
            raise Unreadable(f"more than the limit of {self.limits.total_bytes:,} unpacked bytes")
        self.total_bytes += count
