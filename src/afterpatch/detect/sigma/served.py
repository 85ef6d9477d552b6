"""Which of our log formats serve the rules of a log source: a table, shown instead of silence.

Enters: a rule's scope. Leaves: the kinds of formats whose events such rules are tested on; none
means that no evidence can make the rule speak. Will not do: look at evidence.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Final

from afterpatch.detect.sigma.ast import Scope
from afterpatch.detect.sigma.fields import applies
from afterpatch.formats import (
    cloud_audit,
    directory_listing,
    exchange_csv,
    exchange_setup,
    healthchecker,
    iis_config,
    inventory_csv,
    machine_csv,
    nfdump_csv,
    nfdump_json,
    orion_dll,
    pcap,
    registry_export,
    suricata_eve,
    web_file,
    zeek_json,
    zeek_logs,
    zeek_tsv,
)
from afterpatch.formats import evtx as evtx_log
from afterpatch.formats import registry as known_formats
from afterpatch.formats.file_rows import LOGSOURCE as FILE_LISTING
from afterpatch.formats.format import Format
from afterpatch.formats.windows_json import FORMAT as WINDOWS_JSON
from afterpatch.formats.windows_logsources import logsources as windows_logsources
from afterpatch.model.batches import Logsource

# Formats whose events are of several log sources, or of one that ``Format`` does not name.
_MADE_BY: Final[Mapping[str, tuple[Logsource, ...]]] = {
    evtx_log.FORMAT.kind: windows_logsources(),
    WINDOWS_JSON.kind: windows_logsources(),
    iis_config.FORMAT.kind: (iis_config.LOGSOURCE,),
    exchange_setup.FORMAT.kind: (exchange_setup.LOGSOURCE,),
    directory_listing.FORMAT.kind: (FILE_LISTING,),
    web_file.FORMAT.kind: (FILE_LISTING,),
    nfdump_csv.FORMAT.kind: (nfdump_json.LOGSOURCE,),
    pcap.FORMAT.kind: pcap.LOGSOURCES,
    cloud_audit.FORMAT.kind: cloud_audit.LOGSOURCES,
    # These tell facts, not events.
    healthchecker.FORMAT.kind: (),
    inventory_csv.FORMAT.kind: (),
    machine_csv.FORMAT.kind: (),
    orion_dll.FORMAT.kind: (),
    registry_export.FORMAT.kind: (),
}
# Formats that name their logs themselves, whatever name that is; some names have a category.
_NAMED: Final[Mapping[str, tuple[Callable[[str], Logsource], Mapping[str, str]]]] = {
    exchange_csv.FORMAT.kind: (partial(Logsource, "", "exchange"), {}),
    suricata_eve.FORMAT.kind: (suricata_eve.logsource, suricata_eve.CATEGORIES),
    zeek_json.FORMAT.kind: (zeek_logs.logsource, zeek_logs.CATEGORIES),
    zeek_tsv.FORMAT.kind: (zeek_logs.logsource, zeek_logs.CATEGORIES),
}


@cache
def formats_for(scope: Scope) -> tuple[str, ...]:
    """Kinds of the formats whose events rules of this scope are tested on, sorted."""
    return tuple(
        sorted(
            known.kind
            for known in known_formats.FORMATS
            if any(applies(scope, source) for source in _made_by(known, scope))
        )
    )


def _made_by(known: Format, scope: Scope) -> Iterator[Logsource]:
    if known.logsource:
        yield known.logsource
    elif known.kind in _NAMED:
        named, categories = _NAMED[known.kind]
        yield from (named(name) for name in (scope.service, *categories))
    else:
        yield from _MADE_BY[known.kind]
