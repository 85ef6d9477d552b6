"""A whole run: paths and a campaign -> an assessment. Evidence is only ever read."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from afterpatch import __version__
from afterpatch.assess.assessment import assess
from afterpatch.evidence.discover import discover
from afterpatch.model.campaigns import Campaign
from afterpatch.model.places import Item
from afterpatch.model.verdicts import Assessment
from afterpatch.pipeline.executor import default_workers, run_units
from afterpatch.pipeline.unit import Rules


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a run goes: all no-ops by default."""

    looking: Callable[[str], None] = lambda _what: None
    found: Callable[[Sequence[Item]], None] = lambda _items: None
    read: Callable[[Sequence[Item]], None] = lambda _items: None


def assess_paths(
    paths: Sequence[str],
    campaign: Campaign,
    workers: int | None = None,
    watcher: Watcher | None = None,
) -> Assessment:
    """Find, read, hunt, judge. Raises UsageError for a path that is not there."""
    watch = watcher or Watcher()
    rules = Rules.of(campaign)
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        discovery = discover(paths, scratch, on_progress=watch.looking)
        watch.found(discovery.items)
        readings = run_units(
            discovery.items, rules, scratch, workers or default_workers(), watch.read
        )
    detector = rules.build()
    return assess(
        readings=readings,
        gaps=discovery.gaps,
        notices=discovery.notices,
        campaign=campaign,
        # Rules that only feed a correlation prove nothing by themselves.
        rules=[replace(i, stage="") if i.id in detector.silent else i for i in detector.infos],
        unsupported=detector.unsupported,
        correlate=detector.correlate,
        tool_version=__version__,
        evidence=paths,
    )
