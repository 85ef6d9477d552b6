"""Where rules that were read once are kept for the next run: the user's own cache folder.

Rules only: what is in there is made of rule files and of this program, never of evidence
(:mod:`afterpatch.detect.sigma.store`).
"""

import os
from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

VARIABLE: Final = "AFTERPATCH_CACHE_DIR"


def rule_cache() -> Path | None:
    """The folder, made when something is put there; None when the user wants none.

    ``AFTERPATCH_CACHE_DIR`` names another one; empty = none.
    """
    named = os.environ.get(VARIABLE)
    if named == "":
        return None
    base = Path(named) if named else user_cache_path("afterpatch", appauthor=False)
    return base / "rules"
