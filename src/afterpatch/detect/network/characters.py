"""How labels are written: like words and serial numbers, or like encoded data.

Enters: labels, and which zone each belongs to. Leaves: per zone the share of letter pairs that are
common in words, the entropy of its characters, and the mean length. Encoded data uses all pairs
alike, so few of its pairs are among the common ones; this holds from a few hundred characters on,
where the entropy of pairs cannot be estimated yet.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from afterpatch.detect.network.segments import Floats, Ints

# The pairs that make up most of English text, and the ones host names add (www, api, cdn,
# img), one after the other.
_COMMON: Final = (
    "thheineranreonatenndtiesorteofedisitalarsttontngsehaasouiolevecomedehiriroicneea"
    "racelichllbemasiomurcaeltalansdifohopeecprnoctusacotiltrlyncetutsssorsunlowageie"
    "wheewiemadolrtpowenaulnitsmoowpaimmiaishirsuidosiviaamficivipligtuevldrympfeblab"
    "ghtyopwosaayexkeuifrooagobrvckapgadawwpicddnmgfttp"
)
_CHARACTERS: Final = 64  # letters, digits and the rest, folded to six bits


@dataclass(frozen=True, slots=True)
class Writing:
    """Per zone: ``common`` 0..1 (NaN without pairs), ``entropy_bits``, ``length_chars``."""

    common: Floats
    entropy_bits: Floats
    length_chars: Floats


def writing(labels: pl.Series, owner: Ints, zones: int) -> Writing:
    """``owner[i]`` in 0..zones-1 is the zone of label i; labels are lower case, never null."""
    lengths = labels.str.len_bytes().to_numpy().astype(np.int64)
    text = np.array(bytearray("".join(labels.to_list()).encode()), np.uint8)
    place = np.repeat(owner, lengths)
    counts = np.bincount(
        place * _CHARACTERS + (text & (_CHARACTERS - 1)), minlength=zones * _CHARACTERS
    ).reshape(zones, _CHARACTERS)
    inside = np.ones(max(len(text) - 1, 0), bool)
    ends = np.cumsum(lengths)[:-1] - 1
    inside[ends[(ends >= 0) & (ends < len(inside))]] = False
    pairs = _TABLE[text[:-1], text[1:]]
    first = place[:-1]
    known = np.bincount(first[inside], minlength=zones)
    common = np.bincount(first[inside & pairs], minlength=zones)
    return Writing(
        common=np.divide(common, known, out=np.full(zones, np.nan), where=known > 0),
        entropy_bits=_entropy(counts),
        length_chars=np.bincount(owner, weights=lengths, minlength=zones)
        / np.maximum(np.bincount(owner, minlength=zones), 1),
    )


def _entropy(counts: Ints) -> Floats:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    logs = np.log2(share, out=np.zeros_like(share), where=share > 0)
    return np.asarray(-(share * logs).sum(axis=1), np.float64)


def _pairs() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    table = np.zeros((256, 256), bool)
    pairs = np.frombuffer(_COMMON.encode(), np.uint8).reshape(-1, 2)
    table[pairs[:, 0], pairs[:, 1]] = True
    return table


_TABLE: Final = _pairs()
