import pytest

from afterpatch.formats.dated_facts import BuildRuns, HostNames, Sighting, build_number


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("15,1,2176,2", "15.1.2176.2"),
        ("15.01.2176.002", "15.1.2176.2"),
        ("15.2.858.5", "15.2.858.5"),
        ("15.0.0.0", ""),
        ("15.1.2176", ""),
        ("MajorVersion,MinorVersion,BuildVersion,RevisionVersion", ""),
        ("", ""),
    ],
)
def test_build_number(text: str, build: str) -> None:
    assert build_number(text) == build


def test_builds_are_told_at_the_first_and_last_record_of_each_run() -> None:
    builds = BuildRuns("s")
    for line, build in enumerate(["2", "2", "2", "9", "2", "2"], start=10):
        builds.see(Sighting(line, line * 1_000_000, f"15.1.2176.{build}"))
    facts = [*builds.take(), *builds.close()]
    assert [(fact.value[-1], fact.place.record) for fact in facts] == [
        ("2", 10), ("2", 12), ("9", 13), ("2", 14), ("2", 15),
    ]  # fmt: skip
    assert facts[0].time is not None
    assert facts[0].time.second == 10


def test_builds_are_bounded() -> None:
    builds = BuildRuns("s")
    for line in range(5000):
        builds.see(Sighting(line, None, f"15.1.{line}.2"))
    assert len(builds.take()) == 1000


def test_each_name_is_told_once() -> None:
    hosts = HostNames("s")
    for line, name in enumerate(["MX01", "", "-", "MX01", "mx01.contoso.com"]):
        hosts.see(Sighting(line, 0, name))
    assert [(fact.name, fact.value) for fact in hosts.take()] == [
        ("host.name", "MX01"),
        ("host.fqdn", "mx01.contoso.com"),
    ]
