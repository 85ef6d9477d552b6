"""Options of the verbs that hunt with the user's own rules, and what they ask for."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from afterpatch.campaigns.load import available, load
from afterpatch.campaigns.own_indicators import load_indicators
from afterpatch.campaigns.own_rules import read_own_rules
from afterpatch.campaigns.placeholders import load_placeholders
from afterpatch.campaigns.suppressions import load_suppressions
from afterpatch.model.errors import UsageError
from afterpatch.pipeline.engines import HuntRules
from afterpatch.pipeline.run import HuntRequest

_OPTIONS: Final = (
    click.option(
        "--rules", "-r", multiple=True, metavar="DIR_OR_FILE",
        help="Sigma (.yml) and YARA (.yar) rules: folders or files. May be given again.",
    ),
    click.option(
        "--indicators", multiple=True, metavar="FILE",
        help="Addresses, networks, domains, hashes, paths: CSV with type,value, or one per line.",
    ),
    click.option(
        "--suppressions", metavar="FILE", help="YAML: hits known to be harmless, why, until when.",
    ),
    click.option(
        "--placeholders", metavar="FILE", help="YAML: values for the %names% that rules expand.",
    ),
    click.option(
        "--as-of", metavar="DAY", type=click.DateTime(["%Y-%m-%d"]),
        help="Judge the suppressions' last days as of this day; default today (UTC).",
    ),
)  # fmt: skip


def hunt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options that :func:`hunt_request` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def hunt_request(
    rules: Sequence[str],
    indicators: Sequence[str],
    suppressions: str | None,
    placeholders: str | None,
    as_of: datetime | None,
    level: str = "informational",
    examples: int = 5,
) -> HuntRequest:
    """What the options ask for. Raises UsageError for what is missing or cannot be read."""
    own = read_own_rules(rules)
    known = tuple(one for path in indicators for one in load_indicators(path))
    if not own.texts and not known:
        raise UsageError("no rule to hunt with: give --rules or --indicators")
    entries = load_suppressions(suppressions) if suppressions else ()
    return HuntRequest(
        rules=HuntRules(
            sigma=tuple(text for text in own.texts if text.language == "sigma"),
            yara=tuple(text for text in own.texts if text.language == "yara"),
            indicators=known,
            suppressions=entries,
            placeholders=load_placeholders(placeholders) if placeholders else {},
            examples=examples,
        ),
        unread=own.unread,
        ignored=own.ignored,
        campaigns=tuple(load(name) for name in available()),
        level=level,
        as_of=_day(as_of) if entries else None,
    )


def _day(as_of: datetime | None) -> date:
    return (as_of or datetime.now(UTC)).date()
