"""A hunt with everything in it, hostile text in every field that evidence or rules can fill."""

from dataclasses import replace
from datetime import UTC, date, datetime

from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.hunts import HitGroup, HitSum, Hunt, RuleFate, Suppressed, Suppression
from afterpatch.model.places import Gap, Item, Notice, Place, Source

NASTY = "\x1b[31m\x7f\x9b‮</script><b>{{7*7}}[link](javascript:x)=cmd|' /C calc'!A0\n\r\t\x00"
T1 = datetime(2021, 3, 3, 4, 5, 6, 789000, UTC)
T2 = datetime(2021, 3, 4, tzinfo=UTC)


def rule(name: str, level: str = "high", title: str = "", **more: object) -> RuleInfo:
    info = RuleInfo(name, title or f"Rule {name}", level, "sigma", finds=f"finds {NASTY}",
                    tags=("attack.t1505.003", "attack.persistence", "cve.2021-26855"),
                    references=("https://example.org/a", "javascript:alert(1)"))  # fmt: skip
    return replace(info, **more)


def hit(name: str, record: int, time: datetime | None = T1) -> Hit:
    fields = {"CommandLine": f"cmd {NASTY}", "message": "not ours", "a.b c": "dotted"}
    return Hit(name, time, Place(f"case/EX01/{NASTY}.evtx", record), fields, f"raw {NASTY}")


def group(
    info: RuleInfo, host: str = "ex01", count: int = 12_345, undated: bool = False
) -> HitGroup:
    first, last = (None, None) if undated else (T1, T2)
    examples = (hit(info.id, 0, None),) if undated else (hit(info.id, 7), hit(info.id, 8, T2))
    total = HitSum(count, first, last, examples)
    return HitGroup(info, host, total, 2, ("hafnium-exchange-2021",))


def sample_hunt() -> Hunt:
    known = [rule("r-critical", "critical"), rule("r-odd", "weird", title=f"Odd {NASTY}"),
             rule("r-yara", "low", engine="yara", tags=())]  # fmt: skip
    entry = Suppression("r-sup", "ex*", "", f"known good {NASTY}", date(2031, 1, 1), "s.yml:1")
    expired = replace(entry, rule="r-critical", expires=date(2020, 1, 1), place="s.yml:9")
    item = Item("case/EX01/Security.evtx", None, "C:/x", "case/EX01", ("x",), 3)
    source = Source(item, "ab" * 32, 3, "evtx", "header", 10, 9, 0, T1, T2)
    fates = [RuleFate(i.id, i.title, i.level, i.engine, "evaluated", "", 3) for i in known]
    fates += [
        RuleFate("r-none", "None", "low", "sigma", "not applicable", "no event", 0),
        RuleFate("r-place", "", "", "", "needs placeholder", "needs placeholder %x%", 0),
        RuleFate("r-sup", "Sup", "high", "sigma", "evaluated", "", 4),
        RuleFate(f"bad{NASTY}.yml", "", "", "", "unsupported", f"broken {NASTY}", 0),
    ]
    return Hunt(
        tool_version="0.1.0",
        evidence=("case",),
        level="low",
        as_of=date(2026, 1, 1),
        hosts=("ex01", f"ex02{NASTY}", "ex03"),
        groups=(
            group(known[0]),
            group(known[0], f"ex02{NASTY}", 3),
            group(known[1]),
            group(known[2], undated=True),
        ),
        below_groups=2,
        below_hits=17,
        suppressed=(
            Suppressed(entry, "applied", 4, (group(rule("r-sup"), count=4),)),
            Suppressed(expired, "expired", 0, ()),
        ),
        fates=tuple(fates),
        quiet_indicators={"evaluated": 2},
        ignored=("README.md",),
        sources=(("ex01", source),),
        own_gaps=(Gap("case/big.bin", "file", "not scanned with YARA: larger than 64 MiB"),),
        gaps=(Gap(f"case/{NASTY}", "chunk 3", f"damaged {NASTY}", 5),),
        notices=(Notice("clock", "case", "text"),),
    )
