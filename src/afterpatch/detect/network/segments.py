"""Statistics of many groups of numbers at once.

A group is a run in an array: ``starts[i]`` and ``counts[i]`` say where group i is. Values are
unsigned 32-bit numbers; a group number and a value share one 64-bit word, so that one sort of plain
integers orders every group by value.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MAX_VALUE: Final = (1 << 32) - 1


def runs(keys: npt.NDArray[np.generic]) -> tuple[Ints, Ints]:
    """Starts and counts of the runs of equal neighbours."""
    if not len(keys):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    starts = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))).astype(np.int64)
    return starts, np.diff(starts, append=len(keys)).astype(np.int64)


def starts_of(counts: Ints) -> Ints:
    """Where each group begins when groups of these sizes follow each other."""
    return np.cumsum(counts) - counts


def sort_groups(values: Ints, groups: Ints) -> Ints:
    """Values in ascending order inside each group; groups are numbered 0.. in array order."""
    word = groups.astype(np.uint64) << np.uint64(32)
    word |= np.clip(values, 0, MAX_VALUE).astype(np.uint64)
    word.sort()
    return (word & np.uint64(MAX_VALUE)).astype(np.int64)


def quantile(ordered: Ints, starts: Ints, counts: Ints, share: float) -> Floats:
    """Linear quantile of each group of ordered values; NaN for an empty group."""
    place = (counts - 1) * share
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, counts - 1)
    full = counts > 0
    result = np.full(len(counts), np.nan)
    first = ordered[(starts + low)[full]].astype(np.float64)
    second = ordered[(starts + high)[full]].astype(np.float64)
    result[full] = first + (second - first) * (place - low)[full]
    return result


def deviation(values: Ints, groups: Ints, counts: Ints, centres: Floats) -> Floats:
    """Median absolute deviation of each group from its centre; NaN for an empty group."""
    distance = np.abs(values - centres[groups]).round().astype(np.int64)
    return quantile(sort_groups(distance, groups), starts_of(counts), counts, 0.5)


def total(values: Floats, groups: Ints, count: int) -> Floats:
    """Sum per group, for ``count`` groups."""
    return np.bincount(groups, weights=values, minlength=count).astype(np.float64)
