"""The registered domain of a name, by the public suffix list that the library brings along.

Enters: a column of names. Leaves: their zones. Private suffixes count (``a.cloudfront.net`` is one
customer's zone, not Amazon's), names of which nothing is registered are their own zone. The list
is asked only about distinct tails: a tail of k labels decides for all longer names unless a rule
of the list goes on below it, so a million names under one zone cost one question.
"""

from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
from publicsuffixlist import PSLFILE, PublicSuffixList

MAX_NAME_CHARS: Final = 255
_REVERSE: Final = ("in-addr.arpa", "ip6.arpa")
_MAX_LABELS: Final = 12  # deeper than any rule of the list


def normal_name(column: str) -> pl.Expr:
    """Names in lower case without the final dot; empty or over-long ones are null."""
    name = pl.col(column).str.strip_chars().str.strip_chars_end(".").str.to_lowercase()
    return pl.when(name.str.len_bytes().is_between(1, MAX_NAME_CHARS)).then(name)


def zones(names: pl.Series) -> pl.Series:
    """The zone of each name (normalised, see :func:`normal_name`), null for null."""
    distinct = names.drop_nulls().unique().sort()
    answers: list[pl.DataFrame] = []
    open_names = pl.DataFrame({"name": distinct})
    for labels in range(1, _MAX_LABELS + 1):
        if open_names.is_empty():
            break
        tails = open_names.with_columns(tail=_tail(labels))
        decided = _decide(tails["tail"].unique().sort(), last=labels == _MAX_LABELS)
        tails = tails.join(decided, on="tail", how="left").with_columns(
            zone=pl.when(pl.col("name") == pl.col("tail"))
            .then(pl.coalesce("zone", "own"))
            .otherwise("zone")
        )
        answers.append(tails.filter(pl.col("zone").is_not_null()).select("name", "zone"))
        open_names = tails.filter(pl.col("zone").is_null()).select("name")
    known = pl.concat(answers) if answers else pl.DataFrame({"name": distinct, "zone": distinct})
    table = pl.DataFrame({"name": names}).join(known, on="name", how="left", maintain_order="left")
    return table["zone"].rename("zone")


def _tail(labels: int) -> pl.Expr:
    return pl.col("name").str.extract(rf"((?:[^.]*\.){{0,{labels - 1}}}[^.]*)$", 1)


def _decide(tails: pl.Series, last: bool) -> pl.DataFrame:
    """For each tail: ``own``, its own zone; ``zone``, the same if no longer name can differ."""
    rules, deeper = _list()
    own = [rules.privatesuffix(tail) for tail in tails]
    final = [
        zone if zone is not None and (last or tail not in deeper) else None
        for tail, zone in zip(tails, own, strict=True)
    ]
    reverse = [next((root for root in _REVERSE if tail == root), None) for tail in tails]
    return pl.DataFrame(
        {
            "tail": tails,
            "own": [zone or tail for tail, zone in zip(tails, own, strict=True)],
            "zone": [a or b for a, b in zip(reverse, final, strict=True)],
        },
        schema={"tail": pl.String, "own": pl.String, "zone": pl.String},
    )


@cache
def _list() -> tuple[PublicSuffixList, frozenset[str]]:
    """The list, and every tail below which it has a rule."""
    with Path(PSLFILE).open(encoding="utf-8") as lines:
        text = lines.read()
    rules = PublicSuffixList(text)
    deeper: set[str] = set()
    for line in text.splitlines():
        rule = line.split(" ")[0].strip().lower()
        if not rule or rule.startswith("//"):
            continue
        for spelling in {rule, _encoded(rule)}:
            parts = spelling.lstrip("!").split(".")
            deeper.update(".".join(parts[at:]) for at in range(len(parts)) if parts[at] != "*")
    return rules, frozenset(deeper)


def _encoded(rule: str) -> str:
    try:
        return rule.encode("idna").decode("ascii")
    except UnicodeError:
        return rule
