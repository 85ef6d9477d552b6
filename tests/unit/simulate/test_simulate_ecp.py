import csv
from datetime import UTC, datetime

from afterpatch.simulate.dice import dice
from afterpatch.simulate.ecp import ecp_head, ecp_row, oab_head, oab_row, part

WHEN = datetime(2021, 3, 3, 6, 49, 53, 772_000, tzinfo=UTC)


def test_part_with_quotes_is_wrapped_and_doubled():
    assert part("CMD", "Get-InboxRule") == "S:CMD=Get-InboxRule"
    assert part("CMD", "Get-X.Identity='y'") == "'S:CMD=Get-X.Identity=''y'''"


def test_row_reads_back():
    command = "Set-OabVirtualDirectory.ExternalUrl='http://f/<script a=\"b\">,'"
    row = ecp_row(WHEN, "EX01", "15.1.2106.2", dice("x"), command, "/ecp/a?b=c")
    time, server, event, data = next(csv.reader([row]))
    assert (time, server, event) == ("2021-03-03T06:49:53.772Z", "EX01", "ECP.Request")
    assert ";'S:CMD=" + command.replace("'", "''") + "';S:REQID=;" in data
    assert ";S:BLD=15.1.2106.2;" in data
    assert '""b""' in row


def test_heads_name_the_columns():
    assert ecp_head(WHEN).endswith("#Fields: TimeStamp,ServerName,EventId,EventData\r\n")
    columns = oab_head("15.1.2106.2", WHEN).split("#Fields: ")[1].strip().split(",")
    assert len(next(csv.reader([oab_row(WHEN, dice("x"), "a, b")]))) == len(columns)
