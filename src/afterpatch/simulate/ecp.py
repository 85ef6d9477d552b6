"""ECP Server log and OAB generator log.

The shape of EventData (``S:KEY=value`` parts, a part holding quotes wrapped in single quotes with
its own doubled, the whole cell quoted as CSV) follows rows of a real March 2021 case and a
published sample (artefacts.help, CC0). No OAB generator sample is public: only its folder, and the
message text that Microsoft's hunting command looks for, are certain.
"""

from datetime import datetime
from random import Random

from afterpatch.simulate.csvtext import quoted, stamp
from afterpatch.simulate.dice import guid


def ecp_head(first: datetime) -> str:
    """The ``#`` block of a day's ECP Server file."""
    return (
        "#Software: Microsoft Exchange Server\r\n#Version: 15.0.0.0\r\n"
        f"#Log-type: ECP Server Log\r\n#Date: {stamp(first)}\r\n"
        "#Fields: TimeStamp,ServerName,EventId,EventData\r\n"
    )


def part(key: str, value: str) -> str:
    """``S:CMD=Get-InboxRule``, or wrapped: ``'S:CMD=Set-X.Identity=''y'''``."""
    text = f"S:{key}={value}"
    return "'" + text.replace("'", "''") + "'" if "'" in value or ";" in value else text


def ecp_row(
    when: datetime,
    server: str,
    build: str,
    rng: Random,
    command: str,
    url: str,
    error: str = "",
    referrer: str = "",
    session: str = "",
) -> str:
    """One ``ECP.Request`` line without its end."""
    parts = (
        part("TIME", str(rng.randrange(9, 900))),
        part("SID", session or guid(rng)),
        part("CMD", command),
        part("REQID", ""),
        part("URL", url),
        part("REFERRER", referrer),
        part("EX", error),
        part("ACTID", guid(rng)),
        part("RS", "0"),
        part("BLD", build),
        part("TNAME", "<null>"),
        part("TID", ""),
        part("USID", guid(rng)),
        part("EDOID", ""),
        part("ACID", ""),
    )
    return f"{stamp(when)},{server},ECP.Request,{quoted(';'.join(parts))}"


def oab_head(build: str, first: datetime) -> str:
    """The ``#`` block of an OAB generator file (columns are an assumption)."""
    return (
        f"#Software: Microsoft Exchange Server\r\n#Version: {build}\r\n"
        f"#Log-type: OABGeneratorLog\r\n#Date: {stamp(first)}\r\n"
        "#Fields: Time,ThreadId,Component,OAB,Message\r\n"
    )


def oab_row(when: datetime, rng: Random, message: str) -> str:
    """One line of the OAB generator without its end."""
    thread = rng.randrange(10, 90)
    return f"{stamp(when)},{thread},OABGeneratorAssistant,,{quoted(message)}"
