"""The ``afterpatch`` command: one module per verb; parses, calls, prints.

Exit codes: 0 assessed, nothing found, coverage complete · 1 findings · 2 usage or internal error ·
3 inconclusive · 130 stopped by the user (nothing was written).
"""

import sys

import click

from afterpatch import __version__
from afterpatch.cli.assess import assess
from afterpatch.cli.campaign import campaign
from afterpatch.cli.demo import demo
from afterpatch.cli.explain import explain
from afterpatch.cli.simulate import simulate
from afterpatch.model.errors import AfterpatchError

EXIT_ERROR = 2
EXIT_STOPPED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="afterpatch")
def cli() -> None:
    """The patch is out; were you hit first?

    Reads evidence collected from servers and says, per host, with evidence: exposed? hit? by whom?
    blocked? done? It never says clear where it could not see.
    """


for command in (assess, demo, explain, campaign, simulate):
    cli.add_command(command)


def main() -> None:
    """Run the command line; every expected error is one plain sentence on stderr."""
    try:
        code = cli(standalone_mode=False)
    except click.exceptions.Abort:
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
