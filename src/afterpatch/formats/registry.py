"""Every log format, in the order in which it is asked whether a source is its own.

Enters: the first bytes of a source and where it comes from. Leaves: the format and why, or none.
Magic bytes come first, then headers, then what only a place or a name tells; a source nobody knows
stays unknown, which the verdict says. Adding a format is one module and one line here.
"""

from functools import cache
from typing import Final

from afterpatch.formats import (
    access_log,
    auditd,
    bind_queries,
    cloud_audit,
    directory_listing,
    dnsmasq_queries,
    ecp_server,
    evtx,
    exchange_csv,
    exchange_setup,
    healthchecker,
    httperr,
    httpproxy,
    iis_config,
    iis_w3c,
    inventory_csv,
    machine_csv,
    nfdump_csv,
    nfdump_json,
    oabgenerator,
    orion_dll,
    passive_dns,
    pcap,
    proxy_w3c,
    registry_export,
    squid,
    squid_combined,
    suricata_eve,
    unbound_queries,
    web_file,
    windows_dns_debug,
    windows_json,
    zeek_json,
    zeek_tsv,
)
from afterpatch.formats.format import Format
from afterpatch.formats.head_marks import HeadMarks
from afterpatch.model.places import Item

FORMATS: Final[tuple[Format, ...]] = (
    evtx.FORMAT,
    pcap.FORMAT,
    orion_dll.FORMAT,
    iis_config.FORMAT,
    windows_json.FORMAT,
    suricata_eve.FORMAT,
    zeek_json.FORMAT,
    passive_dns.FORMAT,
    nfdump_json.FORMAT,
    cloud_audit.FORMAT,
    registry_export.FORMAT,
    healthchecker.FORMAT,
    httpproxy.FORMAT,
    ecp_server.FORMAT,
    oabgenerator.FORMAT,
    exchange_csv.FORMAT,
    httperr.FORMAT,
    proxy_w3c.FORMAT,
    iis_w3c.FORMAT,
    squid.FORMAT,
    squid_combined.FORMAT,
    access_log.APACHE,
    access_log.NGINX,
    access_log.FORMAT,
    zeek_tsv.FORMAT,
    nfdump_csv.FORMAT,
    windows_dns_debug.FORMAT,
    bind_queries.FORMAT,
    dnsmasq_queries.FORMAT,
    unbound_queries.FORMAT,
    auditd.FORMAT,
    exchange_setup.FORMAT,
    inventory_csv.FORMAT,
    machine_csv.FORMAT,
    directory_listing.FORMAT,
    web_file.FORMAT,
)

# Reasons that say nothing about the bytes: any format that knows the bytes goes before them.
_BY_PLACE: Final = ("file name", "path")
# What a web server runs or obeys is judged as that, whatever log its text pretends to be.
_WEB_FORMATS: Final = (iis_config.FORMAT, web_file.FORMAT)
_WEB_SUFFIXES: Final = (
    ".aspx", ".ashx", ".asmx", ".asax", ".ascx", ".cshtml", ".php", ".jsp", ".compiled", ".config",
)  # fmt: skip


def recognise(head: bytes, item: Item) -> tuple[Format | None, str]:
    """The format of a source and why (``header``, ``file name`` …); ``(None, "")`` when unknown."""
    if item.origin.casefold().endswith(_WEB_SUFFIXES):
        found = _first(_WEB_FORMATS, head, item, by_place=True)
        if found[0]:
            return found
    return _first(FORMATS, head, item, by_place=False)


def _first(
    formats: tuple[Format, ...], head: bytes, item: Item, by_place: bool
) -> tuple[Format | None, str]:
    """The first format to claim the source; claims by place count last unless ``by_place``."""
    weaker: tuple[Format | None, str] = (None, "")
    missing = _marks().missing(head)
    for known in formats:
        if known.marks and missing.issuperset(known.marks):
            continue
        reason = known.recognise(head, item)
        if reason and (by_place or reason not in _BY_PLACE):
            return known, reason
        if reason and weaker[0] is None:
            weaker = known, reason
    return weaker


@cache
def _marks() -> HeadMarks:
    return HeadMarks(mark for known in FORMATS for mark in known.marks)
