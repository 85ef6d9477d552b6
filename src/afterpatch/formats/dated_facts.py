"""Values met along a log -> facts: which build ran from when to when, what the host is called.

Enters: (line, time, value) in line order. Leaves: for builds a fact at the first and the last
record of every run of one build, for names one fact per distinct value; both bounded.
"""

import re
from typing import Final, NamedTuple

from afterpatch.model.places import Fact, Place
from afterpatch.model.times import from_us

MAX_BUILD_FACTS: Final = 1000
MAX_NAMES: Final = 100

_BUILD = re.compile(r"0*(\d{1,2})[.,]0*(\d{1,3})[.,]0*(\d{1,5})[.,]0*(\d{1,4})")


class Sighting(NamedTuple):
    """A value at a line; ``time_us`` is microseconds since the epoch, None when unreadable."""

    line: int
    time_us: int | None
    value: str


def build_number(text: str) -> str:
    """``15,1,2176,2`` or ``15.01.2176.002`` -> ``15.1.2176.2``; "" when it is no build."""
    match = _BUILD.fullmatch(text)
    if not match:
        return ""
    build = ".".join(match.groups())
    return "" if build.endswith(".0.0") else build  # 15.0.0.0 stands for "not said"


class BuildRuns:
    """``exchange.build`` facts of one source, in record order."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._first: Sighting | None = None
        self._last: Sighting | None = None
        self._facts: list[Fact] = []
        self._left = MAX_BUILD_FACTS

    def see(self, sighting: Sighting) -> None:
        """Note one record's build; text that is no build is ignored."""
        build = build_number(sighting.value)
        if not build:
            return
        sighting = sighting._replace(value=build)
        if self._last is None or self._last.value != build:
            self._end_run()
            self._first = sighting
            self._emit(sighting, "first record")
        self._last = sighting

    def take(self) -> list[Fact]:
        """Facts found since the last call."""
        facts, self._facts = self._facts, []
        return facts

    def close(self) -> list[Fact]:
        """The last record of the last run."""
        self._end_run()
        return self.take()

    def _end_run(self) -> None:
        if (
            self._last is not None
            and self._first is not None
            and self._last.line > self._first.line
        ):
            self._emit(self._last, "last record")

    def _emit(self, sighting: Sighting, what: str) -> None:
        if self._left:
            self._left -= 1
            self._facts.append(_fact("exchange.build", self._source, sighting, {"seen": what}))


class HostNames:
    """``host.name`` and ``host.fqdn`` facts of one source: each distinct name once."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._known: set[str] = set()
        self._facts: list[Fact] = []

    def see(self, sighting: Sighting) -> None:
        """Note one record's host name; empty, ``-`` and overlong texts are ignored."""
        name = sighting.value
        if name in self._known or name in ("", "-") or len(name) > 255:
            return
        if len(self._known) < MAX_NAMES:
            self._known.add(name)
            kind = "host.fqdn" if "." in name else "host.name"
            self._facts.append(_fact(kind, self._source, sighting, {"seen": "log column"}))

    def take(self) -> list[Fact]:
        """Facts found since the last call."""
        facts, self._facts = self._facts, []
        return facts


def _fact(name: str, source: str, sighting: Sighting, detail: dict[str, str]) -> Fact:
    time = None if sighting.time_us is None else from_us(sighting.time_us)
    return Fact(name, sighting.value, time, Place(source, sighting.line), detail)
