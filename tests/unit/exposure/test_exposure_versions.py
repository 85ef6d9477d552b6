"""Every spelling of a build means the same build; anything else means none."""

import pytest

from afterpatch.exposure.versions import Build, parse_build, unpack_server_version


@pytest.mark.parametrize(
    "text",
    [
        "15.1.2176.2",
        "15.01.2176.002",
        " 15.1.2176.2\n",
        "15,1,2176,2",
        "Version 15.1.2176.2",
        "Version 15.1 (Build 2176.2)",
        "15.1 (Build 2176.2)",
        "15.1 (Build 32176.2)",
        "Version 15.1 (Build 32176.002)",
        "version 15.01 (build 2176.2)",
    ],
)
def test_spellings_of_one_build(text):
    assert parse_build(text) == Build(15, 1, 2176, 2)


@pytest.mark.parametrize("text", ["15.1.2375", "1942063431", "73c18947", "15.01.2375.000"])
def test_three_parts_have_no_revision(text):
    assert parse_build(text) == Build(15, 1, 2375, None)


def test_revision_zero_is_real_where_microsoft_used_it():
    assert parse_build("15.2.196.0") == Build(15, 2, 196, 0)
    assert parse_build("14.3.513.0") == Build(14, 3, 513, 0)


@pytest.mark.parametrize(
    ("packed", "branch"),
    [
        (1942063431, (15, 1, 2375)),  # beside 15.01.2375.007 in HttpProxy samples
        (1941997017, (15, 0, 1497)),  # in Test-AMSI.ps1, beside Exchange 2013 CU23
        (1912766640, (8, 2, 176)),  # Microsoft's own worked example, 0x720280B0
    ],
)
def test_packed_integers(packed, branch):
    found = unpack_server_version(packed)
    assert found is not None
    assert found.branch == branch


@pytest.mark.parametrize(
    "text",
    [
        "",
        "15",
        "15.1",
        "127.0.0.1",
        "10.0.17763.1",
        "15.1.2176.2.9",
        "15.1.2176.2; rm",
        "15.1.217600.2",
        "-15.1.2176.2",
        "١٥.1.2176.2",
        "1614643200",  # a Unix time
        "4294967295",
        "Version 15.0 (Build )",
        "9" * 5000,
    ],
)
def test_garbage_is_none(text):
    assert parse_build(text) is None


def test_order_and_text():
    builds = [parse_build(t) for t in ("15.1.2176.10", "15.1.2176.9", "15.1.2176", "15.0.1497.48")]
    assert [str(b) for b in sorted(b for b in builds if b)] == [
        "15.0.1497.48",
        "15.1.2176",
        "15.1.2176.9",
        "15.1.2176.10",
    ]
