"""What acts leave behind: rows of logs and files, each with what it proves.

The labels are computed from the rows that survive in the evidence, so a rolled or missing log
changes the expected verdict by itself.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from afterpatch.simulate.scenario import ServerPlan, rank


@dataclass(frozen=True, slots=True)
class Row:
    """A record of one log.

    shows     the stage this row alone proves, "" for none.
    may_show  the highest stage a fair reader could draw from it.
    """

    when: datetime
    text: str
    shows: str = ""
    may_show: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file that lies on the server when the evidence is taken."""

    content: bytes
    modified: datetime
    shows: str = ""
    may_show: str = ""
    actor: str = ""


@dataclass(slots=True)
class Trace:
    """Rows by log name, files by original path (``C:/inetpub/…``); filled in time order."""

    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, WebFile] = field(default_factory=dict)
    happened: str = ""
    actors: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def add(
        self,
        log: str,
        when: datetime,
        text: str,
        shows: str = "",
        may_show: str = "",
        actor: str = "",
    ) -> None:
        """Note one row. ``may_show`` defaults to ``shows``."""
        self.rows[log].append(Row(when, text, shows, may_show or shows, actor))

    def leave(self, path: str, content: bytes, modified: datetime) -> None:
        """Put a harmless file there, unless an act has already left one."""
        self.files.setdefault(path, WebFile(content, modified))

    def happens(self, stage: str) -> None:
        """This stage was really reached, whether or not anything shows it."""
        if rank(stage) > rank(self.happened):
            self.happened = stage

    def known(self, actor: str, name: str, value: str) -> None:
        """Remember what an actor can be told apart by: address, canary, shell …"""
        self.actors.setdefault(actor, {}).setdefault(name, set()).add(value)

    def surviving(self, plan: ServerPlan) -> Iterator[tuple[str, datetime, Row | WebFile]]:
        """Rows and files that are in the evidence."""
        for log, rows in self.rows.items():
            yield from ((log, row.when, row) for row in rows if plan.keeps(log, row.when))
        if "web-files" not in plan.missing:
            yield from (("web-files", file.modified, file) for file in self.files.values())
