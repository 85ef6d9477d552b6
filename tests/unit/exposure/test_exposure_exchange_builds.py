"""The build table is whole, in order, and says what its sources say."""

from itertools import pairwise

from afterpatch.exposure.exchange_builds import build_name, cumulatives, product_name, releases
from afterpatch.exposure.exchange_builds_table import CONFLICTS
from afterpatch.exposure.versions import Build, parse_build


def test_size():
    assert len(releases()) >= 309
    assert len(cumulatives()) == 67
    assert sum(len(cu.releases) for cu in cumulatives().values()) == len(releases())


def test_releases_of_a_branch_come_out_in_the_order_of_their_numbers():
    # A CU released within a month stands before the first day of its first update's month.
    for cu in cumulatives().values():
        months = [(r.released.year, r.released.month) for r in cu.releases]
        assert all(old <= new for old, new in pairwise(months)), cu.name


def test_cumulative_updates_of_a_product_come_out_in_the_order_of_their_numbers():
    for minor in (0, 1, 2):
        line = [cu for branch, cu in sorted(cumulatives().items()) if branch[1] == minor]
        assert all(old.released <= new.released for old, new in pairwise(line))


def test_the_first_build_of_a_branch_is_the_cumulative_update_itself():
    for cu in cumulatives().values():
        plain = [r for r in cu.releases if not r.update]
        assert plain, cu.name
        assert all(r.released == cu.released for r in plain)


def test_a_known_update():
    release = releases()[Build(15, 1, 2176, 9)]
    assert (release.update, release.kb, release.disputed) == ("Mar21SU", "KB5000871", False)
    assert (release.released.year, release.released.month) == (2021, 3)


def test_names():
    assert build_name(Build(15, 1, 2176, 2)) == "Exchange 2016 CU19"
    assert build_name(Build(15, 1, 2176, 9)) == "Exchange 2016 CU19 Mar21SU"
    assert build_name(Build(15, 1, 2176, 5)) == "Exchange 2016 CU19"
    assert build_name(Build(15, 1, 9999, 5)) == "Exchange 2016"
    assert product_name(Build(15, 2, 2562, 17)) == "Exchange SE"
    assert product_name(Build(15, 2, 1748, 10)) == "Exchange 2019"


def test_conflicts_name_branches_of_the_table_and_two_sides():
    for clash in CONFLICTS:
        assert clash.branch in cumulatives()
        assert len(clash.claims) == 2
        assert clash.taken


def test_every_build_reads_back():
    assert all(parse_build(str(build)) == build for build in releases())
