"""Exposure by product: which module judges whose builds."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from afterpatch.exposure.order import final_state
from afterpatch.exposure.orion import expose_orion
from afterpatch.exposure.timeline import expose as expose_exchange
from afterpatch.exposure.timeline import release_of
from afterpatch.model.places import Fact
from afterpatch.model.verdicts import Exposure

ORION: Final = "solarwinds-orion"


# Orion Platform 2020.2.1 HF 2, the first release without the implant that also closed the other
# flaws (SolarWinds security advisory).
_ORION_FIXED: Final = datetime(2020, 12, 15, tzinfo=UTC)


def exposed_at_least_until(exposure: Exposure, fix: str) -> datetime | None:
    """A time at which no host of the kind can have had the fix; None when none is known.

    Orion servers may never have run an affected build; of Exchange there is no such build.
    """
    if exposure.product == ORION:
        return None if final_state(exposure) == "fixed" else _ORION_FIXED
    return release_of(fix)


def expose(product: str, fix: str, facts: Sequence[Fact], until: datetime | None) -> Exposure:
    """Dated states of one host; see the module of the product."""
    if product == ORION:
        return expose_orion(product, facts, until)
    return expose_exchange(product, fix, facts, until)
