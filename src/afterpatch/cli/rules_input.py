"""What the verbs of ``afterpatch rules`` read and print in the same way."""

import sys
from collections.abc import Sequence
from typing import Final

import click
from rich.console import Console

from afterpatch.campaigns.own_rules import OwnRules, read_own_rules
from afterpatch.campaigns.placeholders import load_placeholders
from afterpatch.cli.rule_cache import rule_cache
from afterpatch.detect.sigma.store import RuleStore
from afterpatch.model.errors import UsageError
from afterpatch.model.rules import Placeholders

WIDTH: Final = 80  # columns when the output is not a terminal
PATHS: Final = click.argument("paths", nargs=-1, required=True, metavar="PATH...")
PLACEHOLDERS: Final = click.option(
    "--placeholders", metavar="FILE", help="YAML: values for %names%."
)


def own_rules(paths: Sequence[str]) -> OwnRules:
    """All rules there. Raises UsageError when there is no rule file at all."""
    own = read_own_rules(paths)
    if not own.texts and not own.unread:
        raise UsageError("no .yml, .yaml, .yar or .yara file there")
    return own


def placeholder_values(path: str | None) -> Placeholders:
    """The values of a file that may not be given. Raises UsageError when it cannot be read."""
    return load_placeholders(path) if path else {}


def rule_store() -> RuleStore | None:
    """What remembers rules between runs, unless the user wants none."""
    folder = rule_cache()
    return RuleStore(folder) if folder else None


def new_console() -> Console:
    """As wide as the terminal; where there is none, always the same."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
