"""YARA rules and hash indicators on the content of files.

Enters: one file's bytes and hash. Leaves: hits; what could not be scanned to the end is a gap. Will
not do: open files, choose what to scan.
"""

from collections.abc import Mapping
from datetime import datetime

from afterpatch.detect.hit_rows import MAX_FIELD_CHARS
from afterpatch.detect.indicators import IndicatorEngine
from afterpatch.detect.yara import ScanIncomplete, YaraEngine
from afterpatch.model.hits import Hit
from afterpatch.model.places import Gap, Place


class ContentMatcher:
    """Keeps the gaps until they are taken."""

    def __init__(self, yara: YaraEngine, indicators: IndicatorEngine) -> None:
        self._yara = yara
        self._indicators = indicators
        self._gaps: list[Gap] = []

    def match(
        self,
        data: bytes | None,
        sha256: str,
        item_name: str,
        fields: Mapping[str, str],
        time: datetime | None,
    ) -> tuple[Hit, ...]:
        """Hits on one file (``data`` None = its hash alone); none of YARA if it did not finish."""
        place = Place(item_name, 0)
        kept = {name: value[:MAX_FIELD_CHARS] for name, value in fields.items()}
        hits: list[Hit] = []
        known = self._indicators.match_sha256(sha256)
        if known is not None:
            hits.append(Hit(known.id, time, place, kept, f"SHA256={sha256}"))
        try:
            matches = () if data is None else self._yara.scan(data)
        except ScanIncomplete as error:
            self._gaps.append(Gap(item_name, "file", str(error), 0))
            matches = ()
        for match in matches:
            raw = "; ".join(f"{offset:#x}: {text}" for offset, text in match.strings)
            hits.append(Hit(match.rule, time, place, kept, raw))
        return tuple(hits)

    def take_gaps(self) -> tuple[Gap, ...]:
        """Content that could not be scanned to the end since the last call."""
        gaps = tuple(self._gaps)
        self._gaps.clear()
        return gaps
