"""``python -m afterpatch``."""

from afterpatch.cli import main

main()
