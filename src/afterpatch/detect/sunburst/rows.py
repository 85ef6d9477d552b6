"""SUNBURST's names among the rows of DNS logs, whatever their maker.

Enters: batches of any log. Leaves: the few rows that ask for a name of the right shape, as a frame
or as :class:`Sighting`. One look at the distinct names; no Python code runs for the others.
"""

from collections.abc import Iterator
from typing import Final

import polars as pl

from afterpatch.detect.sunburst.hosts import Sighting
from afterpatch.model.batches import TIME, Batch, Logsource
from afterpatch.model.network import native, neutral
from afterpatch.model.times import from_us

ZONE_WORD: Final = "avsvmcloud"  # stands in every raw record that matters, however names are cut
SHAPE: Final = r"(?i)^[^.]+\.appsync-api\.[^.]+\.avsvmcloud\.com\.?$"
ROW: Final = "@row"


def is_dns(logsource: Logsource) -> bool:
    """Whether the log's rows tell which names were looked up."""
    return bool(native(logsource, "query"))


def beacon_rows(batch: Batch) -> pl.DataFrame:
    """Rows that ask for a beacon name: ``@row`` (place in the batch), ``query``, ``answer``."""
    if not is_dns(batch.logsource):
        return pl.DataFrame(schema={ROW: pl.UInt32, "query": pl.String, "answer": pl.String})
    table = neutral(batch, ("query", "answer")).with_row_index(ROW)
    return table.filter(pl.col("query").str.contains(SHAPE).fill_null(False))


def sightings(batch: Batch) -> Iterator[Sighting]:
    """The same, one per answer; a row without an answer gives one without."""
    rows = beacon_rows(batch)
    times = batch.frame.get_column(TIME).gather(rows[ROW]).to_list() if rows.height else []
    for (_, query, answer), micros in zip(rows.iter_rows(), times, strict=True):
        time = None if micros is None else from_us(micros)
        for value in answers_of(answer) or (None,):
            yield Sighting(query.rstrip("."), value, time)


def answers_of(answer: str | None) -> tuple[str, ...]:
    """The values in an answer column: one per line; Windows writes ``type: 5 name;address;``."""
    if not answer:
        return ()
    words = (
        part.strip().removeprefix("type:").strip() for part in answer.replace(";", "\n").split("\n")
    )
    values = (
        word.split()[-1].lower().rstrip(".").removeprefix("::ffff:") for word in words if word
    )
    return tuple(dict.fromkeys(values))
