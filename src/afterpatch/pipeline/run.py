"""A whole run: paths and rules -> an assessment, a hunt, or both. Evidence is only ever read."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain
from pathlib import Path

from afterpatch import __version__
from afterpatch.assess.assessment import assess
from afterpatch.assess.fleet import Fleet, fleet_of
from afterpatch.assess.hunting import Content, HostHunt, Terms, sum_up
from afterpatch.detect.hunter import Hunter
from afterpatch.evidence.discover import discover
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hunts import Hunt
from afterpatch.model.places import Item
from afterpatch.model.readings import Reading
from afterpatch.model.rules import RuleStatus
from afterpatch.model.verdicts import Assessment
from afterpatch.pipeline.engines import Engines, HuntRules
from afterpatch.pipeline.executor import default_workers, run_units
from afterpatch.pipeline.ledger import Ledger
from afterpatch.pipeline.unit import Rules


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told how a run goes: all no-ops by default.

    read  what was read since the last word; nothing, when reading begins. No thread may be started
          before that, see ``executor``.
    """

    looking: Callable[[str], None] = lambda _what: None
    found: Callable[[Sequence[Item]], None] = lambda _items: None
    read: Callable[[Sequence[Item]], None] = lambda _items: None


@dataclass(frozen=True, slots=True)
class HuntRequest:
    """What to hunt with, and how to show it.

    unread     (path, reason) of rule files that could not be read.
    ignored    files beside the rules that hold none.
    campaigns  those a rule may speak of (they only rank).
    as_of      the day on which suppressions are judged.
    """

    rules: HuntRules
    unread: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    campaigns: tuple[Campaign, ...] = ()
    level: str = "informational"
    as_of: date | None = None


def assess_paths(
    paths: Sequence[str],
    campaign: Campaign,
    workers: int | None = None,
    watcher: Watcher | None = None,
    hunt: HuntRequest | None = None,
    cache: Path | None = None,
) -> Assessment:
    """Find, read, hunt, judge. Raises UsageError for a path that is not there.

    ``cache``: a folder that keeps parsed rules, and nothing else, from run to run.
    """
    rules = Rules.of(campaign, hunt.rules if hunt else None, cache)
    fleet, engines, ledger = _read(paths, rules, workers, watcher or Watcher())
    detector = engines.campaign
    return assess(
        fleet=fleet,
        campaign=campaign,
        # Rules that only feed a correlation prove nothing by themselves.
        rules=[replace(i, stage="") if i.id in detector.silent else i for i in detector.infos],
        unsupported=detector.unsupported,
        correlate=detector.correlate,
        tool_version=__version__,
        evidence=paths,
        hunt=_sum_up(paths, hunt, fleet, engines, ledger) if hunt else None,
    )


def hunt_paths(
    paths: Sequence[str],
    hunt: HuntRequest,
    workers: int | None = None,
    watcher: Watcher | None = None,
    cache: Path | None = None,
) -> Hunt:
    """Find, read, hunt, rank. Raises UsageError for a path that is not there.

    ``cache``: as for :func:`assess_paths`.
    """
    rules = Rules(sigma=(), yara=(), indicators=(), keep=(), hunt=hunt.rules, cache=cache)
    fleet, engines, ledger = _read(paths, rules, workers, watcher or Watcher())
    return _sum_up(paths, hunt, fleet, engines, ledger)


def _read(
    paths: Sequence[str], rules: Rules, workers: int | None, watcher: Watcher
) -> tuple[Fleet, Engines, Ledger]:
    engines = rules.build()
    ledger = Ledger(engines.examples)
    with tempfile.TemporaryDirectory(prefix="afterpatch-") as folder:
        scratch = Path(folder)
        discovery = discover(paths, scratch, on_progress=watcher.looking)
        watcher.found(discovery.items)
        units = run_units(
            discovery.items, rules, engines, scratch, workers or default_workers(), watcher.read
        )
        readings = [ledger.take(reading) for reading in units]
    return fleet_of(readings, discovery.gaps, discovery.notices), engines, ledger


def _sum_up(
    paths: Sequence[str], hunt: HuntRequest, fleet: Fleet, engines: Engines, ledger: Ledger
) -> Hunt:
    assert engines.hunter is not None
    hosts = [
        HostHunt((host.name, *host.aliases), ledger.of(_names(host.readings)))
        for host in fleet.hosts
    ]
    for root, readings in fleet.of_no_host().items():
        found = ledger.of(_names(readings))
        # A stray file is no host of the fleet unless something was found in it.
        if found.sums or found.gaps:
            hosts.append(HostHunt((root,), found))
    terms = Terms(hunt.level, hunt.as_of, __version__, tuple(paths))
    return sum_up(hosts, _content(hunt, engines.hunter), hunt.campaigns, fleet, terms)


def _names(readings: Sequence[Reading]) -> list[str]:
    return [reading.source.item.name for reading in readings]


def _content(hunt: HuntRequest, hunter: Hunter) -> Content:
    detector = hunter.detector
    unread = [RuleStatus(path, "unsupported", reason) for path, reason in hunt.unread]
    return Content(
        infos=detector.infos,
        statuses=lambda evaluated: chain(detector.statuses(evaluated), unread),
        ignored=hunt.ignored,
        suppressions=hunt.rules.suppressions,
        correlate=detector.correlate_sources,
        excused=hunter.excused,
        silent=detector.silent,
        examples=hunter.examples,
    )
