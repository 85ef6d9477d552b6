"""SUNBURST as a campaign's decoder: rows of DNS logs -> what each shows, with its host ID.

Enters: batches. Leaves: :class:`Decoded`. A row shows what its query and its answer show; a label
that is planted or mistyped shows a weak sign of beaconing and no more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from afterpatch.detect.sunburst.labels import Label, decode
from afterpatch.detect.sunburst.rows import answers_of, beacon_rows, is_dns
from afterpatch.detect.sunburst.signs import STAGES, Event, Stage, signs_of
from afterpatch.model.batches import TIME, Batch, Logsource
from afterpatch.model.campaigns import Indicator
from afterpatch.model.hits import RuleInfo
from afterpatch.model.times import from_us

_TITLES: Final[Mapping[Stage, tuple[str, str]]] = {
    "beaconed": (
        "SUNBURST asked for a name that carries its host ID",
        "A query below avsvmcloud.com whose label decodes.",
    ),
    "terminated": (
        "SUNBURST was told to stop",
        "Such a query, answered from a range that ends the malware for good.",
    ),
    "targeted": (
        "SUNBURST was chosen for the second stage",
        "Such a query with the stage-2 bit, or answered from a stage-2 range.",
    ),
    "http-c2": (
        "SUNBURST was sent to its HTTP server",
        "A query with the stage-2 bit, answered with a CNAME.",
    ),
}
_MISSES: Final = "Queries no log kept; answers, where the log has only queries."
_REFERENCE: Final = "https://github.com/ITAYC0HEN/SUNBURST-Cracked"
FIELDS: Final = ("query", "answer", "src_ip", "QNAME", "rrname", "qname", "id.orig_h")


@dataclass(frozen=True, slots=True)
class Decoded:
    """``row`` of the batch shows ``info``; ``fields``: host ID and why."""

    info: RuleInfo
    row: int
    fields: Mapping[str, str]


def _info(stage: Stage, name: str, title: str, finds: str, *, weak: bool = False) -> RuleInfo:
    return RuleInfo(
        id=f"sunburst:{name}",
        title=title,
        level="medium" if weak else "critical",
        engine="decoder",
        stage=stage,
        weak=weak,
        finds=finds,
        misses=_MISSES,
        fields=FIELDS,
        references=(_REFERENCE,),
    )


_INFOS: Final = {stage: _info(stage, stage, *_TITLES[stage]) for stage in STAGES}
_PLANTED: Final = _info(
    "beaconed",
    "planted",
    "A name below avsvmcloud.com that SUNBURST cannot have made",
    "A label that does not decode, or does not fit its region or time.",
    weak=True,
)


class SunburstDecoder:
    """See :class:`afterpatch.detect.decoders.Decoder`."""

    infos = (*_INFOS.values(), _PLANTED)
    screen = (Indicator("domain", "avsvmcloud.com", "beaconed", weak=True, source=_REFERENCE),)

    def applies(self, logsource: Logsource) -> bool:
        """Logs of look-ups, whatever their maker."""
        return is_dns(logsource)

    def decode(self, batch: Batch) -> Iterator[Decoded]:
        """What the rows show, in order."""
        rows = beacon_rows(batch)
        if not rows.height:
            return
        times = batch.frame.get_column(TIME).gather(rows["@row"]).to_list()
        for (row, query, answer), micros in zip(rows.iter_rows(), times, strict=True):
            label = decode(query)
            if not label.trusted:
                yield Decoded(_PLANTED, row, {"why": label.reason or ""})
                continue
            time = None if micros is None else from_us(micros)
            shown = {
                (stage, why)
                for value in answers_of(answer) or (None,)
                for stage, why in signs_of(Event(label, value, time))
            }
            for stage, why in sorted(shown, key=lambda sign: (STAGES.index(sign[0]), sign[1])):
                yield Decoded(_INFOS[stage], row, {**_said(label), "why": why})


def _said(label: Label) -> dict[str, str]:
    said = {"host_id": label.host_id or ""}
    if label.kind == "ping" and label.products:
        said["products"] = ", ".join(f"{name} {state}" for name, state in label.products)
    return said
