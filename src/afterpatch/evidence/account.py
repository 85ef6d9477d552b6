"""Everything that was found but will not be read, kept short.

Enters: reasons, one per file or member. Leaves: one gap per archive and reason, however many
members share it: a million encrypted members must not become a million gaps.
"""

from afterpatch.model.places import Gap, Notice


class Account:
    """Collects gaps and notices during discovery."""

    def __init__(self) -> None:
        self._lost: dict[tuple[str, str], tuple[int, str]] = {}
        self._notices: set[Notice] = set()

    def lose(self, source: str, reason: str, member: str = "") -> None:
        """``source`` (or that member of it) will not be read, because of ``reason``."""
        count, first = self._lost.get((source, reason), (0, member))
        self._lost[source, reason] = (count + 1, min(first, member))

    def remark(self, topic: str, source: str, text: str) -> None:
        """Something the reader must know that is no loss."""
        self._notices.add(Notice(topic, source, text))

    def gaps(self) -> tuple[Gap, ...]:
        """Sorted; ``place`` names the member, or the first of several."""
        return tuple(
            sorted(
                Gap(source, _place(count, first), reason)
                for (source, reason), (count, first) in self._lost.items()
            )
        )

    def notices(self) -> tuple[Notice, ...]:
        """Sorted."""
        return tuple(sorted(self._notices))


def _place(count: int, first: str) -> str:
    if not first:
        return "file"
    return f"member {first}" if count == 1 else f"{count:,} members, the first is {first}"
