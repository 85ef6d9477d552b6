"""Exposure by product: which module judges whose builds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from afterpatch.exposure.orion import expose_orion
from afterpatch.exposure.timeline import expose as expose_exchange
from afterpatch.model.places import Fact
from afterpatch.model.verdicts import Exposure

ORION: Final = "solarwinds-orion"


def expose(product: str, fix: str, facts: Sequence[Fact], until: datetime | None) -> Exposure:
    """Dated states of one host; see the module of the product."""
    if product == ORION:
        return expose_orion(product, facts, until)
    return expose_exchange(product, fix, facts, until)
