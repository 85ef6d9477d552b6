"""Which texts stand in the first bytes of a source, for all formats in one look.

Enters: the marks of formats, then heads. Leaves: the marks that are not there, so that formats
known by them need not be asked: for a small file that would take longer than scanning it.
"""

from collections.abc import Iterable

import hyperscan

_NULS = r"\x00{0,3}"


class HeadMarks:
    """Looks for ASCII texts, in any case, and with NUL bytes between their letters (UTF-16)."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = tuple(dict.fromkeys(marks))
        self._plain = self._made("")
        self._wide = self._made(_NULS)  # slower, so only where there are such bytes

    def _made(self, between: str) -> hyperscan.Database:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        letters = ([f"\\x{byte:02x}" for byte in mark.encode()] for mark in self._marks)
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        database.compile(
            expressions=[between.join(one).encode() for one in letters],
            ids=list(range(len(self._marks))),
            flags=[flags] * len(self._marks),
        )
        return database

    def missing(self, head: bytes) -> frozenset[str]:
        """The marks that are certainly not in a head."""
        found: set[int] = set()
        if head:
            database = self._wide if b"\0" in head else self._plain
            database.scan(head, match_event_handler=lambda number, *_: found.add(number))
        return frozenset(m for number, m in enumerate(self._marks) if number not in found)
