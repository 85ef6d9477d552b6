"""YARA: matches with their strings; what does not compile is reported, the rest stands."""

import pytest

from afterpatch.detect.yara import ScanIncomplete, YaraEngine, excerpt
from afterpatch.model.campaigns import RuleText

PLAIN = """
rule plain : web shell {
  meta:
    id = "p1"
    title = "Plain"
    stage = "file-written"
    weak = "true"
    finds = "hello"
    misses = "bye"
    reference = "https://example.org"
  strings: $a = "hello" $b = { 41 42 00 }
  condition: any of them
}
"""


def engine(*texts: str, **more) -> YaraEngine:
    return YaraEngine((RuleText(f"{n}.yar", "yara", text) for n, text in enumerate(texts)), **more)


def test_meta_becomes_rule_info() -> None:
    [info] = engine(PLAIN).infos
    assert (info.id, info.title, info.engine, info.stage, info.weak) == (
        "p1",
        "Plain",
        "yara",
        "file-written",
        True,
    )
    assert (info.finds, info.misses, info.tags) == ("hello", "bye", ("web", "shell"))
    assert info.references == ("https://example.org",)


def test_rules_without_meta_have_a_name() -> None:
    [info] = engine("rule bare { condition: true }").infos
    assert (info.id, info.title, info.weak, info.stage) == ("yara:bare", "bare", False, "")


def test_matches_carry_offsets_and_printable_excerpts() -> None:
    [match] = engine(PLAIN).scan(b"..AB\0.hello\\")
    assert match.rule == "p1"
    assert match.strings == ((2, "AB\\x00"), (6, "hello"))
    assert engine(PLAIN).scan(b"nothing") == ()
    assert engine().scan(b"hello") == ()


def test_excerpts_are_cut() -> None:
    assert excerpt(b"a" * 500, 0, 500) == "a" * 120
    assert excerpt(b"\\<\n", 0, 3) == "\\x5c<\\x0a"


@pytest.mark.parametrize(
    "bad", ["rule x {", "rule x { condition: nosuch }", 'include "/etc/passwd"', "\0"]
)
def test_a_bad_text_leaves_the_others(bad: str) -> None:
    broken = engine(bad, PLAIN)
    assert [info.id for info in broken.infos] == ["p1"]
    [(path, reason)] = broken.unsupported
    assert (path, bool(reason)) == ("0.yar", True)
    assert [m.rule for m in broken.scan(b"hello")] == ["p1"]


def test_the_first_rule_of_an_id_counts() -> None:
    twice = engine(PLAIN, PLAIN.replace("hello", "other"))
    assert [info.id for info in twice.infos] == ["p1"]
    assert twice.unsupported[0][0] == "p1"
    assert twice.scan(b"other") == ()


def test_same_name_in_two_files_is_two_rules() -> None:
    both = engine(PLAIN, PLAIN.replace('"p1"', '"p2"'))
    assert [m.rule for m in both.scan(b"hello")] == ["p1", "p2"]


def test_an_unfinished_scan_is_said() -> None:
    slow = "rule slow { condition: for all i in (0..100000000000) : (i >= 0) }"
    with pytest.raises(ScanIncomplete, match="not finished"):
        engine(slow, time_limit_s=1).scan(b"x")
