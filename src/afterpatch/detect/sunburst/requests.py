"""SUNBURST's HTTP requests among the rows of proxy and HTTP logs, and in loose lines.

Enters: batches of any log with requests, or a line of text. Leaves: :class:`Request`. A request
counts when its URI is one the malware makes and its User-Agent does not contradict that, or when
it carries a ``userId`` that cannot be a true one.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from afterpatch.detect.sunburst.answers import is_second_stage
from afterpatch.detect.sunburst.http import (
    URI_WORDS,
    Family,
    id_from_etag,
    id_from_user_id,
    likeness,
)
from afterpatch.model.batches import RAW, TIME, Batch
from afterpatch.model.network import native, neutral
from afterpatch.model.times import from_us

_ETAG: Final = re.compile(r"if-none-match\W{1,8}([0-9a-f]{32})(?![0-9a-f])", re.IGNORECASE)
_USER: Final = re.compile(
    r"userid\W{1,8}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE
)
_URI: Final = re.compile(
    r"(?:https?://([^/\s\"']+))?/?((?:swip|fonts/woff|pki/crl)/[\w./-]{1,200})"
)
_SCREEN: Final = "(?i)" + "|".join(map(re.escape, URI_WORDS)) + "|userid"
_NAMES: Final = ("method", "host", "uri", "user_agent", "src_ip")
SCREEN_WORDS: Final = (*URI_WORDS, "userid")
_UNSET: Final = ("", "-")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``host_id``: 16 hex digits, 14 when only ``userId`` tells, None if none does.

    ``sure``: the User-Agent fits, the server is a published one, or the ``userId`` is forged.
    """

    family: Family | None
    server: str | None
    uri: str
    time: datetime | None
    source: str | None
    host_id: str | None
    sure: bool


def requests(batch: Batch) -> Iterator[Request]:
    """The requests of a batch that may be the malware's."""
    if not native(batch.logsource, "uri"):
        return
    text = batch.frame[RAW] if RAW in batch.frame.columns else pl.lit(None, pl.String)
    table = neutral(batch, _NAMES).with_columns(text=text, time=batch.frame[TIME])
    near = pl.any_horizontal(pl.col("uri", "text").str.contains(_SCREEN)).fill_null(value=False)
    for row in table.filter(near).iter_rows(named=True):
        agent = None if row["user_agent"] in _UNSET else row["user_agent"]
        time = None if row["time"] is None else from_us(row["time"])
        logged = any(own in batch.frame.columns for own in native(batch.logsource, "user_agent"))
        found = _request(
            row["uri"] or "", row["host"], agent, logged, row["text"] or "", time, row["src_ip"]
        )
        if found:
            yield found


def request_in(line: str, time: datetime | None) -> Request | None:
    """The request a line of no known format speaks of, if it may be the malware's."""
    uri = _URI.search(line)
    server, path = (uri[1], uri[2]) if uri else (None, "")
    return _request(path, server, None, False, line, time, None)


def _request(
    uri: str,
    server: str | None,
    agent: str | None,
    agent_logged: bool,
    text: str,
    time: datetime | None,
    source: str | None,
) -> Request | None:
    like = likeness(uri, agent, server, agent_logged=agent_logged)
    user, etag = _USER.search(text), _ETAG.search(text)
    leaked = id_from_user_id(user[1]) if user else None
    published = server is not None and is_second_stage(server)
    if leaked is None and (like is None or (like.agent_fits is False and not published)):
        return None
    whole = id_from_etag(etag[1]) if etag else None
    sure = leaked is not None or published or bool(like and like.agent_fits)
    return Request(like.family if like else None, server, uri, time, source, whole or leaked, sure)
