"""Lines that vector steps can vouch for: the header's columns, and a time that can be read.

Enters: the lines of a segment and where their columns are. Leaves: which of them are regular, and
when. Will not do: the others (:mod:`afterpatch.formats.exact_lines` reads those).
"""

import numpy as np

from afterpatch.formats.bit_index import Offsets
from afterpatch.formats.block_lines import BlockLines
from afterpatch.formats.line_scan import NO_TIME, Columns, read_times
from afterpatch.formats.table_log import Syntax, Table


def regular_lines(
    lines: BlockLines, columns: Columns, syntax: Syntax, table: Table, low: int, high: int
) -> tuple[Offsets, Offsets]:
    """The regular ones of lines ``low`` to ``high``, and their times in microseconds."""
    clock = table.clock
    fits = columns.clean[low:high] & (columns.count[low:high] == len(table.names) - 1)
    if not clock.template:
        fits[:] = False
    if b"\0" in lines.data:
        nul = np.flatnonzero(lines.buffer == 0)
        touched = np.searchsorted(lines.block.breaks, nul) - low
        fits[touched[(touched >= 0) & (touched < high - low)]] = False
    found = np.flatnonzero(fits) + low
    if not len(found):
        return found, found
    at = columns.column_starts(found, clock.columns[0])
    separator = ord(syntax.separator)
    times = read_times(lines.buffer, at, lines.ends[found], clock.template, separator)
    dated = times != NO_TIME
    return found[dated], times[dated] + clock.day_us
