"""HealthChecker results."""

import io
from datetime import UTC, datetime

import pytest

from afterpatch.formats.healthchecker import FORMAT
from afterpatch.model.places import Item

ITEM = Item(
    "case/hc.xml", None, "C:/ExchangeHealthChecker-MX01-20210316.xml", "case", ("hc.xml",), 0
)


def server(build, name="MX01"):
    return f"""<Obj RefId="0"><TN><T>Deserialized.HealthChecker.HealthCheckerExchangeServer</T></TN>
<Props><S N="ServerName">{name}</S>
 <Obj N="HardwareInformation"><Props><Obj N="System"><Props><S N="DNSHostName">Mx01</S>
  <S N="Domain">corp.example</S></Props></Obj></Props></Obj>
 <Obj N="ExchangeInformation"><Props><Obj N="BuildInformation"><Props>{build}
  <B N="March2021SUInstalled">true</B></Props></Obj></Props></Obj>
 <S N="HealthCheckerVersion">21.09.20.1415</S>
 <DT N="GenerationTime">2021-09-20T15:34:36.4226373-05:00</DT></Props></Obj>"""


def document(*servers):
    return (
        '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
        + "".join(servers)
        + "</Objs>"
    )


SETUP = '<Obj N="ExchangeSetup"><Props><S N="FileVersion">15.01.2176.009</S></Props></Obj>'
NUMBER = '<S N="BuildNumber">15.1.2176.2</S>'


def read(text, encoding="utf-16"):
    data = text.encode(encoding)
    [piece] = FORMAT.read(io.BytesIO(data), ITEM, None)
    assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
    return piece


def facts(piece, name):
    return [fact for fact in piece.facts if fact.name == name]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_file_version_of_exsetup_is_the_build(encoding):
    text = document(server(NUMBER + SETUP))
    assert FORMAT.recognise(text.encode(encoding), ITEM) == "content"
    piece = read(text, encoding)
    [build] = facts(piece, "exchange.build")
    assert build.value == "15.1.2176.9"
    assert build.time == datetime(2021, 9, 20, 20, 34, 36, 422_637, UTC)
    assert build.detail["host"] == "MX01"
    assert build.detail["march-2021-su-installed"] == "true"
    assert [f.value for f in facts(piece, "host.name")] == ["MX01"]
    assert [f.value for f in facts(piece, "host.fqdn")] == ["Mx01.corp.example"]


def test_the_directory_build_number_cannot_tell_security_updates():
    [build] = facts(read(document(server(NUMBER))), "exchange.build")
    assert build.value == "15.1.2176"
    assert "limits" in build.detail


def test_several_servers_in_one_file():
    piece = read(document(server(SETUP), server(SETUP, "MX02")))
    assert [f.detail["host"] for f in facts(piece, "exchange.build")] == ["MX01", "MX02"]


def test_a_torn_file_keeps_what_was_read_and_has_a_gap():
    piece = read(document(server(SETUP))[:-60])
    assert facts(piece, "exchange.build")
    assert len(piece.gaps) == 1


def test_a_file_without_server_is_a_gap():
    assert read("<Objs/>").gaps


def test_other_xml_is_not_recognised():
    assert FORMAT.recognise(b"<configuration/>", ITEM) == ""
    assert FORMAT.recognise(b"", ITEM) == ""
