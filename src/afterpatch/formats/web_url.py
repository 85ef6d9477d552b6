"""URLs of proxy logs: whole ones taken apart, parts put together.

Enters: a batch with a proxy's own columns. Leaves: the same batch with what Sigma's proxy rules ask
for where the log does not have it: ``c-uri``, ``cs-host``, ``cs-uri-stem`` (the path),
``cs-uri-query`` and ``c-uri-extension``; and ``cs-uri-target``, path and query as a web server sees
them. Nothing is decoded.
"""

from typing import Final

import polars as pl

# RFC 3986, 3.1 to 3.4; the authority form of CONNECT (RFC 9112, 3.2.3) has no scheme.
_URL: Final = (
    r"^(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[^/?#@]*@)?(?P<host>\[[^\]/?#]*\]|[^/?#:]*)(?::[0-9]*)?"
    r"(?P<target>(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?)(?:#.*)?$"
)
_EXTENSION: Final = r"\.([^./;]+)(?:;[^/]*)?$"
_DEFAULT_PORTS: Final = {"http": "80", "https": "443", "ftp": "21"}

# What may stand for the whole URL and for its parts, the best first.
_WHOLE: Final = ("c-uri", "cs-uri")
_SCHEME: Final = ("cs-uri-scheme",)
_HOST: Final = ("cs-host", "cs-uri-host", "cs(Host)", "r-host")
_PORT: Final = ("cs-uri-port", "r-port")
_PATH: Final = ("cs-uri-path", "cs-uri-stem", "c-uri-stem")
_QUERY: Final = ("cs-uri-query", "c-uri-query")


def with_url_fields(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the columns that are missing; those the log has stay as they are."""
    if not any(name in frame.columns for name in _WHOLE):
        frame = _put_together(frame)
    whole = next((name for name in _WHOLE if name in frame.columns), None)
    return frame if whole is None else _taken_apart(frame, whole)


def _put_together(frame: pl.DataFrame) -> pl.DataFrame:
    host, path = _first(frame, _HOST), _first(frame, _PATH)
    if host is None or path is None:
        return frame
    absent = pl.lit(None, pl.String)
    scheme, port, query = (
        found if (found := _first(frame, names)) is not None else absent
        for names in (_SCHEME, _PORT, _QUERY)
    )
    usual = scheme.str.to_lowercase().replace_strict(_DEFAULT_PORTS, default=None)
    shown = pl.when(port.is_null() | usual.eq_missing(port)).then(pl.lit("")).otherwise(":" + port)
    # ProxySG writes the query with its question mark, others without.
    asked = pl.when(query.str.starts_with("?")).then(query).otherwise("?" + query)
    before = pl.when(scheme.is_null()).then(pl.lit("")).otherwise(scheme + "://")
    url = before + host + shown + path.fill_null("") + asked.fill_null("")
    return frame.with_columns(url.alias("c-uri"))


def _taken_apart(frame: pl.DataFrame, whole: str) -> pl.DataFrame:
    part = frame.get_column(whole).str.extract_groups(_URL).struct.unnest()
    target = part.select(pl.when(pl.col("target") != "").then("target"))
    found = {"cs-uri-target": target.to_series()}
    if "cs-host" not in frame.columns:
        # What the client asked for: ISA's ``r-host`` is empty when the answer came from its cache.
        asked = part.select(pl.when(pl.col("host") != "").then("host")).to_series()
        header = frame["cs(Host)"] if "cs(Host)" in frame.columns else asked
        found["cs-host"] = header.zip_with(header.is_not_null(), asked)
    if not any(name in frame.columns for name in _PATH):
        found["cs-uri-stem"] = part.get_column("path")
    if not any(name in frame.columns for name in _QUERY):
        found["cs-uri-query"] = part.get_column("query")
    if "cs-uri-extension" not in frame.columns:
        found["c-uri-extension"] = part.get_column("path").str.extract(_EXTENSION)
    return frame.with_columns(series.alias(name) for name, series in found.items())


def _first(frame: pl.DataFrame, names: tuple[str, ...]) -> pl.Expr | None:
    present = [name for name in names if name in frame.columns]
    return pl.coalesce(present) if present else None
