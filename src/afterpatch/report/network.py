"""A ranking of network alerts: as text with the reasons, as JSON lines, and kept to be read again.

Enters: a :class:`Ranking`. On a terminal, alerts about one target are told once, with the host that
scores highest and the number of the others. JSON lines hold every alert by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from typing import Any, Final

import orjson
from rich.console import Console
from rich.text import Text

from afterpatch.detect.network.alerts import KINDS, Alert, Kind, Ranking, stamp
from afterpatch.model.errors import UsageError
from afterpatch.model.places import Place
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.terminal import LIMIT_CHARS, heading, paragraph

SCHEMA: Final = "afterpatch.network/1"
_TITLES: Final[Mapping[Kind, str]] = {
    "beacon": "Channels that call back",
    "encoded-names": "Zones asked for names that carry data",
    "long-connection": "Connections held open",
    "upload": "Uploads out of the ordinary",
}


def render(ranking: Ranking, top: int, console: Console) -> None:
    """Per kind the best ``top`` targets with the reasons, then what was read and left out."""
    for kind in KINDS:
        groups = list(_groups([alert for alert in ranking.alerts if alert.kind == kind]))
        if not groups:
            continue
        shown = f"{min(top, len(groups))} of {len(groups)}"
        heading(console, f"{_TITLES[kind]} ({shown})")
        for group in islice(groups, top):
            _render_group(group, console)
    if not ranking.alerts:
        paragraph(console, "No alerts.", indent=0)
    heading(console, "What was read")
    for line in summary(ranking):
        paragraph(console, _safe(line))


def summary(ranking: Ranking) -> list[str]:
    """The window, what was read, and what was not ranked, as sentences."""
    lines = []
    if ranking.first_us is not None and ranking.last_us is not None:
        lines.append(f"window {stamp(ranking.first_us)} to {stamp(ranking.last_us)}")
    lines.append(", ".join(f"{count:,} {what}" for what, count in ranking.looked_at.items()))
    lines += [f"left out: {count:,} {why}" for why, count in ranking.left_out.items()]
    return lines


def json_lines(ranking: Ranking, top: int | None) -> Iterator[bytes]:
    """One line per alert, at most ``top`` of each kind; the alerts are in order of score."""
    counts = dict.fromkeys(KINDS, 0)
    for alert in ranking.alerts:
        counts[alert.kind] += 1
        if top is None or counts[alert.kind] <= top:
            yield orjson.dumps(_entry(alert)) + b"\n"


def saved(ranking: Ranking) -> bytes:
    """The whole ranking, to be shown again with another allow-list without reading logs again."""
    head = {
        "schema": SCHEMA,
        "first_us": ranking.first_us,
        "last_us": ranking.last_us,
        "looked_at": ranking.looked_at,
        "left_out": ranking.left_out,
    }
    alerts = (orjson.dumps(asdict(alert)) + b"\n" for alert in ranking.alerts)
    return orjson.dumps(head) + b"\n" + b"".join(alerts)


def load_saved(data: bytes, name: str) -> Ranking:
    """What :func:`saved` wrote. Raises UsageError naming file and line for anything else."""
    number = 1
    try:
        head, *lines = data.splitlines()
        fields = orjson.loads(head)
        if fields.pop("schema") != SCHEMA:
            raise UsageError(f"{name}:1: not a ranking of this version ({SCHEMA})")
        alerts = []
        for number, line in enumerate(lines, 2):  # noqa: B007  (for the message below)
            alerts.append(_alert(orjson.loads(line)))
        return Ranking(alerts=tuple(alerts), **fields)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{name}:{number}: not a saved ranking: {error}") from error


def _alert(fields: dict[str, Any]) -> Alert:
    places = tuple(Place(**place) for place in fields.pop("places"))
    fields["because"] = tuple(fields["because"])
    return Alert(**fields, places=places)


def _groups(alerts: Sequence[Alert]) -> Iterator[tuple[Alert, list[str]]]:
    """The best alert of each target, and the other hosts that have one for it."""
    others: dict[tuple[str, str], list[str]] = {}
    best: list[Alert] = []
    for alert in alerts:
        key = alert.channel, alert.target
        if key in others:
            others[key].append(alert.source or "")
        else:
            others[key] = []
            best.append(alert)
    for alert in best:
        yield alert, others[alert.channel, alert.target]


def _render_group(group: tuple[Alert, list[str]], console: Console) -> None:
    alert, others = group
    source = alert.source or f"{alert.sources:,} hosts"
    if others:
        named = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        source += f" (and {len(others):,} more: {named})"
    title = Text(f"{alert.score:.2f}  ", style="bold")
    title.append(_safe(f"{source} -> {alert.target} ({alert.channel})"))
    paragraph(console, title)
    span = f"{stamp(alert.first_us)} to {stamp(alert.last_us)}, {alert.count:,} records"
    parts = ", ".join(f"{name} {value:.2f}" for name, value in alert.parts.items())
    if alert.discount < 1:
        parts += f"; times {alert.discount:.2f}"
    places = ", ".join(f"{place.source}:{place.record}" for place in alert.places)
    for line in ("; ".join(alert.because), span, parts, f"records {places}"):
        paragraph(console, _safe(line), indent=8)
    paragraph(console, _safe(f"next: {alert.next_step}"), indent=8)


def _entry(alert: Alert) -> dict[str, Any]:
    """An alert as other programs read it; no string in it can act on a terminal."""
    entry = asdict(replace(alert, because=tuple(map(visible, alert.because))))
    entry["first"], entry["last"] = (stamp(entry.pop(key)) for key in ("first_us", "last_us"))
    entry["target"] = visible(alert.target)
    entry["next_step"] = visible(alert.next_step)
    entry["places"] = [
        {"source": visible(place.source), "record": place.record} for place in alert.places
    ]
    return entry


def _safe(text: str) -> str:
    return visible(cut(text, LIMIT_CHARS))
