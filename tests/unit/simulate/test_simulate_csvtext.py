from datetime import UTC, datetime

from afterpatch.simulate.csvtext import agent_cell, quoted, stamp


def test_stamp_is_in_milliseconds():
    assert stamp(datetime(2021, 3, 3, 6, 49, 42, 162_999, tzinfo=UTC)) == "2021-03-03T06:49:42.162Z"


def test_only_what_needs_quotes_gets_them():
    assert quoted("a;b c") == "a;b c"
    assert quoted("a,b") == '"a,b"'
    assert quoted('say "x"') == '"say ""x"""'


def test_commas_of_an_agent_become_spaces():
    assert agent_cell("X (KHTML, like Gecko)") == "X (KHTML  like Gecko)"
