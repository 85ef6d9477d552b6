"""Which of our log formats serve the rules of a log source: a table, shown instead of silence.

Enters: a rule's scope. Leaves: the kinds of formats whose events such rules are tested on; none
means that no evidence can make the rule speak. Will not do: look at evidence.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from afterpatch.detect.sigma.ast import Scope
from afterpatch.detect.sigma.fields import applies
from afterpatch.formats import directory_listing, exchange_csv, exchange_setup, iis_config, web_file
from afterpatch.formats import evtx as evtx_log
from afterpatch.formats import registry as known_formats
from afterpatch.formats.file_rows import LOGSOURCE as FILE_LISTING
from afterpatch.formats.windows_json import FORMAT as WINDOWS_JSON
from afterpatch.formats.windows_logsources import logsources as windows_logsources
from afterpatch.model.batches import Logsource

# Formats whose events are of several log sources, or of one that ``Format`` does not name.
_MADE_BY: Final[Mapping[str, tuple[Logsource, ...]]] = {
    evtx_log.FORMAT.kind: windows_logsources(),
    WINDOWS_JSON.kind: windows_logsources(),
    iis_config.FORMAT.kind: (iis_config.LOGSOURCE,),
    exchange_csv.FORMAT.kind: (Logsource("", "exchange", ""),),
    exchange_setup.FORMAT.kind: (exchange_setup.LOGSOURCE,),
    directory_listing.FORMAT.kind: (FILE_LISTING,),
    web_file.FORMAT.kind: (FILE_LISTING,),
}


@cache
def formats_for(scope: Scope) -> tuple[str, ...]:
    """Kinds of the formats whose events rules of this scope are tested on, sorted."""
    return tuple(
        sorted(
            known.kind
            for known in known_formats.FORMATS
            if any(applies(scope, source) for source in _made_by(known.kind, known.logsource))
        )
    )


def _made_by(kind: str, logsource: Logsource | None) -> tuple[Logsource, ...]:
    return _MADE_BY.get(kind, ()) if logsource is None else (logsource,)
