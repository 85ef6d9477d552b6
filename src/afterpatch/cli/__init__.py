"""The ``afterpatch`` command: one module per verb; parses, calls, prints.

Exit codes: 0 assessed, nothing found, coverage complete · 1 findings · 2 usage or internal error ·
3 inconclusive · 130 stopped by the user (nothing was written).
"""

import importlib
import os
import sys
from typing import Final

import click

from afterpatch import __version__
from afterpatch.model.errors import AfterpatchError

EXIT_ERROR: Final = 2
EXIT_STOPPED: Final = 130
VERBS: Final = (
    "assess",
    "campaign",
    "demo",
    "explain",
    "hunt",
    "network",
    "orion",
    "rules",
    "simulate",
    "sunburst",
)


class _Verbs(click.Group):
    """Imports a verb's module only when that verb is used, so that start-up stays short."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"afterpatch.cli.{cmd_name}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="afterpatch")
def cli() -> None:
    """The patch is out; were you hit first?

    Reads evidence collected from servers and says, per host, with evidence: exposed? hit? by whom?
    blocked? done? It never says clear where it could not see.
    """


def main() -> None:
    """Run the command line; every expected error is one plain sentence on stderr."""
    # Nothing here multiplies matrices; the threads for that only stand in the way of a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        code = cli(standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        print("afterpatch: stopped; nothing was written", file=sys.stderr)
        sys.exit(EXIT_STOPPED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except AfterpatchError as error:
        print(f"afterpatch: {error}", file=sys.stderr)
        sys.exit(EXIT_ERROR)
    except BrokenPipeError:
        sys.exit(EXIT_ERROR)
    sys.exit(code if isinstance(code, int) else 0)
