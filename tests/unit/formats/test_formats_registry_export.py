"""Exported registry text."""

import io

import pytest

from afterpatch.formats.registry_export import FORMAT
from afterpatch.model.places import Item

ITEM = Item("case/setup.reg", None, "C:/setup.reg", "case", ("setup.reg",), 0)
HEAD = "Windows Registry Editor Version 5.00\r\n\r\n"
SETUP = (
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\ExchangeServer\\v15\\Setup]\r\n"
    '"MsiProductMajor"=dword:0000000f\r\n"MsiProductMinor"=dword:00000001\r\n'
    '"MsiBuildMajor"=dword:00000880\r\n"MsiBuildMinor"=dword:00000002\r\n'
    '"MsiInstallPath"="C:\\\\Program Files\\\\Exchange\\\\"\r\n'
)
NAMES = (
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Control\\ComputerName\\ComputerName]\r\n"
    '@="mnmsrvc"\r\n"ComputerName"="MX01"\r\n'
    "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters]\r\n"
    '"Hostname"="MX01"\r\n"Domain"="corp.example"\r\n'
    "[HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft\\Cryptography]\r\n"
    '"MachineGuid"="0a-1b"\r\n'
)


def read(text, encoding="utf-16"):
    data = text.encode(encoding)
    assert FORMAT.recognise(data, ITEM) == "header"
    [piece] = FORMAT.read(io.BytesIO(data), ITEM, None)
    assert piece.records == piece.skipped + sum(gap.records for gap in piece.gaps)
    return {fact.name: fact for fact in piece.facts}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_the_installed_product_tells_the_cumulative_update_only(encoding):
    build = read(HEAD + SETUP, encoding)["exchange.build"]
    assert build.value == "15.1.2176"
    assert build.detail["msi"] == "15.1.2176.2"
    assert build.detail["install-path"] == "C:\\Program Files\\Exchange\\"
    assert build.place.record == 4


@pytest.mark.parametrize(
    ("owa", "value"), [("15.1.2176.9", "15.1.2176.9"), ("15.1.2176.2", "15.1.2176")]
)
def test_owa_version_counts_when_it_is_beyond_the_product(owa, value):
    build = read(f'{HEAD}{SETUP}"OwaVersion"="{owa}"\r\n')["exchange.build"]
    assert build.value == value
    assert build.detail["owa-version"] == owa


def test_names_of_the_host():
    facts = read(HEAD + NAMES)
    assert facts["host.name"].value == "MX01"
    assert facts["host.fqdn"].value == "MX01.corp.example"
    assert facts["host.machine-guid"].value == "0a-1b"


SERVICE = "[HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Services\\{}]\r\n"


@pytest.mark.parametrize(
    ("starts", "value"), [((4, 4), "present"), ((4, 2), "absent"), ((4,), "present"), ((), None)]
)
def test_unified_messaging_is_off_when_both_services_are(starts, value):
    names = ("MSExchangeUM", "MSExchangeUMCR")
    text = "".join(
        SERVICE.format(name) + f'"Start"=dword:{start:08x}\r\n'
        for name, start in zip(names, starts, strict=False)
    )
    fact = read(HEAD + text).get("mitigation.um")
    assert (fact.value if fact else None) == value


def test_other_text_is_not_recognised():
    assert FORMAT.recognise(b"hello", ITEM) == ""
