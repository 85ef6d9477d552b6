"""IIS W3C and HTTP.sys error logs: heads and lines.

Source: W3C extended log file format as IIS writes it; Exchange appends CorrelationID and cafeReqId
to the query (rows of a real March 2021 case). POST bodies and cookies are never in these logs.
"""

from datetime import datetime
from typing import Final

IIS_FIELDS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)
HTTPERR_FIELDS: Final = (
    "date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid "
    "s-reason s-queuename"
)


def iis_head(first: datetime) -> str:
    """The directive block IIS writes at the start of a day's file and after each restart."""
    return (
        "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
        f"#Date: {first:%Y-%m-%d %H:%M:%S}\r\n#Fields: {IIS_FIELDS}\r\n"
    )


def httperr_head(first: datetime) -> str:
    """The directive block of an HTTP.sys error log."""
    return (
        "#Software: Microsoft HTTP API 2.0\r\n#Version: 1.0\r\n"
        f"#Date: {first:%Y-%m-%d %H:%M:%S}\r\n#Fields: {HTTPERR_FIELDS}\r\n"
    )


def second(when: datetime) -> str:
    """``2021-03-03 06:49:42``."""
    return when.isoformat(" ", "seconds")[:19]


def plus(text: str) -> str:
    """A field as IIS writes it: spaces become ``+``, nothing becomes ``-``."""
    return text.replace(" ", "+") or "-"


def traced(query: str, request: str) -> str:
    """A query with what Exchange appends: the front end's request id."""
    return f"{query}&CorrelationID=<empty>;&cafeReqId={request};&encoding=;"


def iis_row(
    when: datetime,
    server_ip: str,
    method: str,
    stem: str,
    query: str,
    port: int,
    client_ip: str,
    agent: str,
    status: str,
    took_ms: int,
    user: str = "",
    referer: str = "",
) -> str:
    """One line without its end. ``status`` is ``200 0 0``: status, substatus, win32 status."""
    return (
        f"{second(when)} {server_ip} {method} {plus(stem)} {plus(query)} {port} "
        f"{plus(user)} {client_ip} {plus(agent)} {plus(referer)} {status} {took_ms}"
    )


def httperr_row(when: datetime, client_ip: str, port: int, server_ip: str, reason: str) -> str:
    """A connection that HTTP.sys ended before IIS saw a request."""
    return f"{second(when)} {client_ip} {port} {server_ip} 443 - - - - - - {reason} -"
