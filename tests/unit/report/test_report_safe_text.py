"""Acting characters become visible; nothing is cut in silence."""

import unicodedata

import pytest

from afterpatch.report.safe_text import cut, readable, visible


def test_every_acting_character_of_unicode_is_written_out():
    # Assigned since older Unicode versions differ: what Python calls control, format, surrogate or
    # separator must never pass.
    acting = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    passed = [
        hex(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in acting and visible(chr(code)) == chr(code)
    ]
    assert passed == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\r\tc\x00", r"a\nb\r\tc\x00"),
        ("ab\u202ecba", r"ab\u202ecba"),
        ("\x9b2J", r"\x9b2J"),
        ("\ud83d", r"\ud83d"),
        ("x\U000e0041", r"x\U000e0041"),
        ("héllo 漢字 שלום", "héllo 漢字 שלום"),
    ],
)
def test_examples(text, shown):
    assert visible(text) == shown


def test_a_cut_says_how_much():
    assert cut("abc", 3) == "abc"
    assert cut("a" * 1_003, 3) == "aaa… (+1,000 characters)"


def test_readable_reaches_keys_and_depths():
    deep = {"k\x1b": [{"v": "x\x07"}, 3, None, True]}
    assert readable(deep, 50) == {r"k\x1b": [{"v": r"x\x07"}, 3, None, True]}
