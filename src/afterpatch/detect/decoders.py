"""What a decoder is to the detector, and which there are.

Enters: the name a campaign gives. Leaves: a :class:`Decoder`.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import RuleInfo


class Decoded(Protocol):
    """One row that says something; see :class:`afterpatch.detect.sunburst.decoder.Decoded`."""

    @property
    def info(self) -> RuleInfo: ...
    @property
    def row(self) -> int: ...
    @property
    def fields(self) -> Mapping[str, str]: ...


class Decoder(Protocol):
    """Reads rows that no rule can read.

    infos    what it can say, each like a rule.
    screen   indicators every raw record it reads must match: the prefilter over raw text.
    """

    @property
    def infos(self) -> tuple[RuleInfo, ...]: ...
    @property
    def screen(self) -> tuple[Indicator, ...]: ...

    def applies(self, logsource: Logsource) -> bool: ...

    def decode(self, batch: Batch) -> Iterator[Decoded]: ...


class _Nothing:
    infos: tuple[RuleInfo, ...] = ()
    screen: tuple[Indicator, ...] = ()

    def applies(self, logsource: Logsource) -> bool:
        del logsource
        return False

    def decode(self, batch: Batch) -> Iterator[Decoded]:
        del batch
        return iter(())


def decoder_named(name: str) -> Decoder:
    """The decoder of a campaign; "" is one that reads nothing. Raises KeyError."""
    if name == "sunburst":
        from afterpatch.detect.sunburst.decoder import SunburstDecoder

        return SunburstDecoder()
    if name:
        raise KeyError(name)
    return _Nothing()
