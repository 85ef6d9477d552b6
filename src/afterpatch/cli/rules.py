"""``afterpatch rules``: lint, list and explain Sigma and YARA rules of the user's own."""

import click

from afterpatch.cli.rules_explain import explain
from afterpatch.cli.rules_lint import lint
from afterpatch.cli.rules_list import list_


@click.group()
def rules() -> None:
    """Sigma and YARA rules of your own: lint, list, explain."""


rules.add_command(lint)
rules.add_command(list_)
rules.add_command(explain)
