"""Hyperscan databases: compiled, or taken from the store where an earlier run left the same.

Enters: expressions. Leaves: a database whose matches carry the expression's place in the list.
"""

from collections.abc import Sequence

import hyperscan

from afterpatch.detect.sigma.store import RuleStore

Database = hyperscan.Database


def automaton(
    expressions: Sequence[bytes],
    *,
    lines: bool = False,
    once: int = 0,
    store: RuleStore | None = None,
) -> Database:
    """One database for block mode. Raises ``hyperscan.error`` for what is no expression.

    lines  case is ignored, and ``^`` and ``$`` are the ends of lines.
    once   so many of the last expressions are reported once per scan.
    """
    database = store.automaton(expressions, lines=lines, once=once) if store else None
    if database is None:
        flags = hyperscan.HS_FLAG_CASELESS | hyperscan.HS_FLAG_MULTILINE if lines else 0
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(
            expressions=list(expressions),
            ids=list(range(len(expressions))),
            flags=[flags] * (len(expressions) - once)
            + [flags | hyperscan.HS_FLAG_SINGLEMATCH] * once,
        )
        if store:
            store.keep_automaton(expressions, database, lines=lines, once=once)
    return database
