"""IIS configuration: virtual directories and Microsoft's mitigation."""

import io
from datetime import UTC, datetime

import pytest

from afterpatch.formats.iis_config import FORMAT
from afterpatch.model.places import Item

CHANGED = datetime(2021, 3, 16, 8, 0, tzinfo=UTC)
WEB_CONFIG = "C:/inetpub/wwwroot/web.config"
APP_HOST = "C:/Windows/System32/inetsrv/config/applicationHost.config"

SITES = """<?xml version="1.0" encoding="UTF-8"?>
<configuration>
  <system.applicationHost>
    <sites>
      <site name="Default Web Site" id="1">
        <application path="/">
          <virtualDirectory path="/" physicalPath="%SystemDrive%\\inetpub\\wwwroot" />
        </application>
        <application path="/owa">
          <virtualDirectory path="/" physicalPath="C:\\Exchange\\FrontEnd\\HttpProxy\\owa" />
          <virtualDirectory path="/auth/x" physicalPath="C:\\ProgramData\\x" />
        </application>
      </site>
    </sites>
  </system.applicationHost>
</configuration>"""

RULE = """<rule name="{name}" {extra}><match url=".*" />
<conditions><add input="{{HTTP_COOKIE}}" pattern="{pattern}" {negate}/></conditions>
<action type="{action}" /></rule>"""


def rule(name, pattern, *, extra="", negate="", action="AbortRequest"):
    return RULE.format(name=name, pattern=pattern, extra=extra, negate=negate, action=action)


def config(*rules):
    text = "".join(rules)
    return (
        f"<configuration><system.webServer><rewrite><rules>{text}</rules></rewrite>"
        "</system.webServer></configuration>"
    ).encode()


ANON = ("X-AnonResource-Backend Abort - inbound", "(.*)X-AnonResource-Backend(.*)")
BERES = ("X-BEResource Abort - inbound", "(.*)X-BEResource=(.+)/(.+)~(.+)")


def read(data, origin=WEB_CONFIG):
    item = Item("case/x.config", None, origin, "case", ("x",), 0, CHANGED)
    [piece] = FORMAT.read(io.BytesIO(data), item, None)
    assert piece.records == piece.events + piece.skipped + sum(g.records for g in piece.gaps)
    return piece


def eomt(data, origin=WEB_CONFIG):
    return [f.value for f in read(data, origin).facts if f.name == "mitigation.eomt"]


def test_virtual_directories_are_rows_and_facts():
    piece = read(SITES.encode(), APP_HOST)
    [batch] = piece.batches
    assert batch.logsource == ("", "windows", "iis-config")
    rows = list(batch.frame.iter_rows(named=True))
    assert [(r["Application"], r["VirtualDirectory"], r["@record"]) for r in rows] == [
        ("/", "/", 7),
        ("/owa", "/", 10),
        ("/owa", "/auth/x", 11),
    ]
    assert rows[2]["PhysicalPath"] == "C:\\ProgramData\\x"
    assert rows[2]["@raw"].startswith('<virtualDirectory path="/auth/x"')
    assert [f.value for f in piece.facts] == [
        "Default Web Site/",
        "Default Web Site/owa/",
        "Default Web Site/owa/auth/x",
    ]
    assert piece.facts[2].detail["physical-path"] == "C:\\ProgramData\\x"


def test_the_mitigation_is_both_rules_switched_on():
    [fact] = read(config(rule(*ANON), rule(*BERES, extra='stopProcessing="true"'))).facts
    assert (fact.name, fact.value, fact.time) == ("mitigation.eomt", "present", CHANGED)
    assert fact.detail["rules"] == f"{ANON[0]}, {BERES[0]}"


@pytest.mark.parametrize(
    "rules",
    [
        (),
        (rule(*ANON),),
        (rule(*ANON), rule(*BERES, extra='enabled="false"')),
        (rule(*ANON), rule(*BERES, negate='negate="true"')),
        (rule(*ANON), rule(*BERES, action="None")),
    ],
)
def test_less_than_that_is_absent_where_it_would_be(rules):
    assert eomt(config(*rules)) == ["absent"]
    assert eomt(config(*rules), APP_HOST) == []


def test_present_anywhere_counts():
    assert eomt(config(rule(*ANON), rule(*BERES)), APP_HOST) == ["present"]


def test_stopped_application_pools():
    pools = """<applicationPools><add name="MSExchangeECPAppPool" autoStart="False" />
        <add name="MSExchangeOABAppPool" /><add name="Other" autoStart="false" />
    </applicationPools>"""
    text = SITES.replace("<sites>", f"{pools}<sites>")
    found = {f.name: (f.value, f.time) for f in read(text.encode(), APP_HOST).facts}
    assert found["mitigation.ecp-pool"] == ("present", CHANGED)
    assert found["mitigation.oab-pool"] == ("absent", CHANGED)


@pytest.mark.parametrize("data", [b"", b"<configuration>", b"\x00\x01", b"<!DOCTYPE a><a/>"])
def test_unreadable_is_a_gap_not_absent(data):
    piece = read(data)
    assert piece.facts == ()
    assert len(piece.gaps) == 1


def test_recognises_the_files_that_can_tell():
    def why(origin, data=b"<configuration>"):
        return FORMAT.recognise(data, Item("x", None, origin, "x", ("x",), 0))

    assert why(APP_HOST) and why(WEB_CONFIG)
    assert why("C:/moved/apphost.xml", SITES.encode())
    assert why("C:/moved/web.config", SITES.encode("utf-16"))
    assert why("C:/site/web.config", config(rule(*ANON)))
    assert not why("C:/inetpub/wwwroot/app/web.config")
    assert not why(WEB_CONFIG, b"MZ")
