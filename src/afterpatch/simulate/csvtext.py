"""The CSV of Exchange logs: stamps in milliseconds, quotes only where needed."""

from datetime import datetime


def stamp(when: datetime) -> str:
    """``2021-03-03T06:49:42.162Z``."""
    return when.isoformat(timespec="milliseconds")[:23] + "Z"


def quoted(value: str) -> str:
    """A cell: quoted, with quotes doubled, only if it holds a comma, a quote or a line end."""
    if '"' in value or "," in value or "\n" in value:
        return '"' + value.replace('"', '""') + '"'
    return value


def agent_cell(agent: str) -> str:
    """A user agent as the HttpProxy log writes it: commas become spaces (sample rows)."""
    return agent.replace(",", " ")
