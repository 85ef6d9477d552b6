"""Sums of hosts -> ranked groups, with an account that adds up and nothing silent."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from afterpatch.assess.fleet import Fleet
from afterpatch.assess.hunting import Content, HostHunt, Terms, sum_up
from afterpatch.model.campaigns import Campaign
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import HitSum, Hunt, Hunted, SumKey, Suppression
from afterpatch.model.places import Place
from afterpatch.model.rules import RuleStatus

TODAY = date(2026, 6, 1)
NOBODY: frozenset[int] = frozenset()


def at(day: int) -> datetime:
    return datetime(2021, 3, day, tzinfo=UTC)


def info(name: str, level: str = "high", tags: Sequence[str] = (), stage: str = "") -> RuleInfo:
    return RuleInfo(name, f"title {name}", level, "sigma", stage=stage, tags=tuple(tags))


def total(count: int, day: int | None = 1) -> HitSum:
    when = None if day is None else at(day)
    return HitSum(count, when, when, ())


def host(name: str, sums: Mapping[SumKey, HitSum], *aliases: str, **more: object) -> HostHunt:
    evaluated = frozenset(rule for rule, _ in sums)
    return HostHunt((name, *aliases), replace(Hunted(sums, evaluated=evaluated), **more))


def content(
    *infos: RuleInfo,
    suppressions: Sequence[Suppression] = (),
    refused: Sequence[RuleStatus] = (),
    **more: object,
) -> Content:
    def statuses(evaluated: Collection[str]) -> list[RuleStatus]:
        met = [RuleStatus(one.id, "evaluated") for one in infos if one.kind in evaluated]
        unmet = [
            RuleStatus(one.id, "not applicable", "?") for one in infos if one.kind not in evaluated
        ]
        return [*met, *unmet, *refused]

    made = Content(
        infos=infos,
        statuses=statuses,
        ignored=(),
        suppressions=tuple(suppressions),
        correlate=lambda hits: (),
        excused=lambda hit: NOBODY,
        silent=frozenset(),
        examples=2,
    )
    return replace(made, **more)


def hunt(
    hosts: Sequence[HostHunt],
    rules: Content,
    campaigns: Sequence[Campaign] = (),
    level: str = "informational",
) -> Hunt:
    terms = Terms(level, TODAY, "1", ("case",))
    return sum_up(hosts, rules, campaigns, Fleet((), (), (), (), ()), terms)


def entry(rule: str, host_glob: str = "", expires: date = TODAY) -> Suppression:
    return Suppression(rule, host_glob, "", "known good", expires, "s.yml:1")


def test_level_then_rarity_then_campaign_then_time(campaign: Campaign) -> None:
    cve = replace(campaign, cves=("CVE-2021-26855",))
    rules = content(
        info("low", "low"),
        info("high-common"),
        info("high-rare-late"),
        info("high-rare-early"),
        info("high-rare-cve", tags=("cve.2021-26855",)),
        info("high-rare-stage", stage="shell-used"),
        info("critical-common", "critical"),
    )
    both = {("critical-common", NOBODY): total(1), ("high-common", NOBODY): total(1)}
    rare = {
        ("high-rare-late", NOBODY): total(9, 9),
        ("high-rare-early", NOBODY): total(1, 2),
        ("high-rare-cve", NOBODY): total(1, 20),
        ("high-rare-stage", NOBODY): total(1, None),
        ("low", NOBODY): total(99),
    }
    found = hunt([host("b", both | rare), host("a", both)], rules, [cve])
    assert [(group.rule.id, group.host) for group in found.groups] == [
        ("critical-common", "a"),
        ("critical-common", "b"),
        ("high-rare-cve", "b"),
        ("high-rare-stage", "b"),
        ("high-rare-early", "b"),
        ("high-rare-late", "b"),
        ("high-common", "a"),
        ("high-common", "b"),
        ("low", "b"),
    ]
    assert [g.host_count for g in found.groups[:3]] == [2, 2, 1]
    assert found.groups[2].campaigns == ("test-2021",)


def test_groups_of_a_rule_stay_together() -> None:
    sums = [{("r1", NOBODY): total(1, 1), ("r2", NOBODY): total(1, 2)},
            {("r1", NOBODY): total(1, 9), ("r2", NOBODY): total(1, 5)}]  # fmt: skip
    found = hunt([host("a", sums[0]), host("b", sums[1])], content(info("r1"), info("r2")))
    assert [(g.rule.id, g.host) for g in found.groups] == [
        ("r1", "a"), ("r1", "b"), ("r2", "a"), ("r2", "b"),
    ]  # fmt: skip


def test_below_the_level_is_counted_and_an_unknown_level_is_shown() -> None:
    sums = {("a", NOBODY): total(3), ("b", NOBODY): total(5), ("c", NOBODY): total(1)}
    rules = content(info("a", "low"), info("b", "informational"), info("c", "strange"))
    found = hunt([host("h", sums)], rules, level="medium")
    assert [group.rule.id for group in found.groups] == ["c"]
    assert (found.below_groups, found.below_hits) == (2, 8)
    assert {fate.id: fate.count for fate in found.fates} == {"a": 3, "b": 5, "c": 1}


@pytest.mark.parametrize(
    ("glob", "suppressed"),
    [("", 7), ("EX01", 7), ("ex0*", 7), ("mail.corp.example", 7), ("MAIL", 7), ("ex02", 0)],
)
def test_a_suppression_holds_for_the_hosts_it_names(glob: str, suppressed: int) -> None:
    sums = {("r", frozenset({0})): total(7), ("r", NOBODY): total(2)}
    one = host("ex01.corp.example", sums, "mail.corp.example")
    found = hunt([one], content(info("r"), suppressions=[entry("r", glob)]))
    assert [group.total.count for group in found.groups] == [9 - suppressed]
    assert found.suppressed[0].count == suppressed
    assert found.suppressed[0].state == ("applied" if suppressed else "matched nothing")
    assert found.fates[0].count == 9


def test_the_first_entry_that_holds_counts() -> None:
    entries = [entry("r", "other"), entry("r"), entry("r")]
    sums = {("r", frozenset({0, 1, 2})): total(4)}
    found = hunt([host("h", sums)], content(info("r"), suppressions=entries))
    assert found.groups == ()
    assert [one.count for one in found.suppressed] == [0, 4, 0]


def test_an_expired_or_unknown_entry_is_reported_and_not_applied() -> None:
    entries = [entry("r", expires=date(2026, 5, 31)), entry("r", expires=TODAY), entry("x")]
    sums = {("r", frozenset({0})): total(4), ("r", frozenset({0, 1})): total(2)}
    found = hunt([host("h", sums)], content(info("r"), suppressions=entries))
    assert [one.state for one in found.suppressed] == ["expired", "applied", "unknown rule"]
    assert [one.count for one in found.suppressed] == [0, 2, 0]
    assert [group.total.count for group in found.groups] == [4]


def test_every_rule_has_one_fate() -> None:
    rules = content(
        info("met"),
        info("unmet"),
        refused=[
            RuleStatus("p", "needs placeholder", "needs values for %x%"),
            RuleStatus("met", "unsupported", "b.yml: same id as a.yml"),
        ],
    )
    found = hunt([host("h", {("met", NOBODY): total(1)})], rules)
    assert [(fate.id, fate.state) for fate in found.fates] == [
        ("met", "evaluated"),
        ("met", "unsupported"),
        ("p", "needs placeholder"),
        ("unmet", "not applicable"),
    ]


def test_correlations_are_asked_per_host_and_summed() -> None:
    hits = [Hit("c", at(day), Place("s", day), {}, "") for day in (3, 1, 2)]
    rules = content(
        info("c"), info("feed"), correlate=lambda fed: tuple((hit, frozenset({"s"})) for hit in hits if fed),
        silent=frozenset({"feed"}),
    )  # fmt: skip
    fed = (Hit("feed", at(1), Place("s", 1), {}, ""),)
    one = host("a", {}, feeding=fed, overflow={"feed": 5})
    found = hunt([one, host("b", {})], rules)
    (group,) = found.groups
    assert (group.host, group.total.count) == ("a", 3)
    assert (group.total.first, group.total.last) == (at(1), at(3))
    assert [hit.place.record for hit in group.total.examples] == [1, 2]
    (gap,) = found.own_gaps
    assert "did not see 5 of its matches" in gap.reason


def test_a_correlation_over_several_hosts_is_its_own_group() -> None:
    """Three failed logons on each of two hosts; five make a burst."""

    def correlate(fed: Sequence[Hit]) -> tuple[tuple[Hit, frozenset[str]], ...]:
        if len(fed) < 5:
            return ()
        last = max(fed, key=lambda hit: hit.place)
        return ((replace(last, rule="c"), frozenset(hit.place.source for hit in fed)),)

    def failed(name: str) -> HostHunt:
        fed = tuple(Hit("feed", at(n), Place(f"{name}.evtx", n), {}, "") for n in (1, 2, 3))
        return host(name, {}, feeding=fed)

    rules = content(info("c"), correlate=correlate, suppressions=[entry("c", "dc01")])
    found = hunt([failed("dc02"), failed("dc01")], rules)
    (group,) = found.groups
    assert (group.host, group.total.count, group.host_count) == ("(several hosts)", 1, 1)
    assert group.total.examples[0].fields["@hosts"] == "dc01, dc02"
    assert found.hosts == ("dc01", "dc02")


def test_of_many_indicators_only_those_that_matched_are_listed() -> None:
    addresses = [f"indicator:ip:192.0.2.{n}" for n in range(5)]
    infos = [replace(info(name, "low"), engine="indicator") for name in addresses]
    infos.append(replace(info("indicator:domain:evil.example"), engine="indicator"))
    one = host("h", {(addresses[3], NOBODY): total(2)}, evaluated=frozenset({"indicator:ip"}))
    broken = RuleStatus("indicator:ip:x", "unsupported", "not an IP address")
    found = hunt([one], content(*infos, refused=[broken]))
    assert [(fate.id, fate.state) for fate in found.fates] == [
        (addresses[3], "evaluated"),
        ("indicator:ip:x", "unsupported"),
    ]
    assert found.quiet_indicators == {"evaluated": 4, "not applicable": 1}
