"""Which texts stand in the first bytes of a source, for all formats in one look.

Enters: the marks of formats, then heads. Leaves: the marks that are not there, so that formats
known by them need not be asked: for a small file that would take longer than scanning it.
"""

from collections.abc import Iterable

import hyperscan


class HeadMarks:
    """Looks for ASCII texts, in any case."""

    def __init__(self, marks: Iterable[str]) -> None:
        self._marks = tuple(dict.fromkeys(marks))
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_SINGLEMATCH
        self._database.compile(
            expressions=[
                "".join(f"\\x{byte:02x}" for byte in m.encode()).encode() for m in self._marks
            ],
            ids=list(range(len(self._marks))),
            flags=[flags] * len(self._marks),
        )

    def missing(self, head: bytes) -> frozenset[str]:
        """The marks that are certainly not in a head; none for one that may be UTF-16."""
        if b"\0" in head or not head:
            return frozenset()
        found: set[int] = set()
        self._database.scan(head, match_event_handler=lambda number, *_: found.add(number))
        return frozenset(m for number, m in enumerate(self._marks) if number not in found)
