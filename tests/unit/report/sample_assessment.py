"""A made-up assessment with every kind of host a report must be able to show.

mail-01   compromised with follow-up, two intrusions, patched too late, a shell that came and went
mail-02   attempts only, logs incomplete
mail-03   nothing found and every needed log covers the window: cleared
mail-04   nothing readable: inconclusive
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from afterpatch.model.campaigns import Actor, Campaign, NeededLog, Stage
from afterpatch.model.hits import Finding, Hit, RuleInfo
from afterpatch.model.places import Fact, Gap, Item, Notice, Place, Source
from afterpatch.model.times import Interval
from afterpatch.model.verdicts import (
    Answer,
    Assessment,
    Exposure,
    ExposureSpan,
    Host,
    Hypothesis,
    Intrusion,
    LogCoverage,
    RuleAccount,
    ShellLifetime,
    Verdict,
)

CAMPAIGN = "hafnium-exchange-2021"
ECP_LOG = "evidence/mail-01.zip"
SHELL = "/aspnet_client/system_web/supp0rt.aspx"


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0, month: int = 3) -> datetime:
    return datetime(2021, month, day, hour, minute, second, tzinfo=UTC)


WINDOW = Interval(at(6, month=1), at(20))


def campaign() -> Campaign:
    """A pack with just the parts that reports read."""
    ladder = (
        ("scanned", "attempted", "Scanned"),
        ("attempted", "attempted", "Attempted"),
        ("session-forged", "compromised", "Session forged"),
        ("write-fired", "compromised", "File write fired"),
        ("shell-used", "compromised", "Web shell used"),
        ("follow-up", "follow-up", "Follow-up"),
    )
    return Campaign(
        id=CAMPAIGN,
        version="1.2.0",
        title="Exchange servers, March 2021",
        summary="Four flaws used together before and after the fix.",
        references=("https://example.org/advisory",),
        cves=("CVE-2021-26855", "CVE-2021-27065"),
        product="Microsoft Exchange Server",
        fix="KB5000871",
        window_start=WINDOW.start,
        stages=tuple(Stage(i, b, t, f"{t} means what it says.") for i, b, t in ladder),  # type: ignore[arg-type]
        logs=(
            NeededLog(
                "httpproxy:Ecp",
                "HttpProxy log, Ecp",
                24,
                r"%ExchangeInstallPath%\Logging\HttpProxy\Ecp",
                ("session-forged",),
            ),
        ),
        clearing=(("httpproxy:Ecp",), ("iis-front",)),
        keys=(),
        lifetimes=(),
        actors=(Actor("hafnium", "HAFNIUM", "A state actor.", (), (), ()),),
        advice={},
        rules=(),
        indicators=(),
        networks=(),
        sha256="ab" * 32,
    )


def source(
    path: str, member: str | None, kind: str, records: int, sha: str, unread: int = 0
) -> Source:
    item = Item(
        path=path,
        member=member,
        origin=f"C:/Program Files/Microsoft/Exchange Server/V15/Logging/{member or path}",
        root=path,
        locator=("/nowhere", path),
        size_bytes=records * 900,
    )
    return Source(
        item,
        sha * 32,
        records * 900,
        kind,
        "header",
        records,
        records - 5 - unread,
        5,
        at(6, month=1),
        at(19, 23, 59),
    )


def hit(rule: str, when: datetime, place: Place, raw: str, **fields: str) -> Hit:
    return Hit(rule, when, place, fields, raw)


def finding(
    name: str, host: str, stage: str, title: str, hits: tuple[Hit, ...], count: int, **key: str
) -> Finding:
    times = [one.time for one in hits if one.time]
    return Finding(
        name,
        host,
        stage,
        title,
        min(times),
        max(times),
        count,
        tuple(sorted({one.rule for one in hits})),
        key,
        hits,
        values={"client address": ("203.0.113.77",)},
    )


def answers(*texts: tuple[str, str, str]) -> tuple[Answer, ...]:
    questions = ("exposed", "hit", "by_whom", "blocked", "done")
    return tuple(
        Answer(question, answer, detail, confidence)  # type: ignore[arg-type]
        for question, (answer, detail, confidence) in zip(questions, texts, strict=True)
    )


def coverage(
    log: str, title: str, missing: tuple[Interval, ...], needed: bool = True
) -> LogCoverage:
    observed, start = [], WINDOW.start
    for gap in missing:
        if gap.start > start:
            observed.append(Interval(start, gap.start))
        start = gap.end
    if start < WINDOW.end:
        observed.append(Interval(start, WINDOW.end))
    return LogCoverage(log, title, needed, tuple(observed), missing, 380_000 if observed else 0)


def _mail_01_findings() -> tuple[Finding, ...]:
    def ecp(record: int) -> Place:
        return Place(f"{ECP_LOG}!HttpProxy/Ecp/HttpProxy_2021030304-1.LOG", record)

    server = Place(f"{ECP_LOG}!ECP/Server/ECPServer20210303-1.LOG", 31)
    web = Place(f"{ECP_LOG}!inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", 88_120)
    event = Place(f"{ECP_LOG}!Windows/System32/winevt/Logs/Security.evtx", 771_204)
    row = (
        "2021-03-03T04:11:20.101Z,6f1c…,15,1,2106,2,,Ecp,mail-01,/ecp/y.js,,FBA,False,,,"
        "ServerInfo~a]@mail-01.example.org:444/ecp/proxyLogon.ecp?#,python-requests/2.25.1,"
        "203.0.113.77,MAIL-01,241,241,,POST"
    )
    url = (
        "2021-03-03T04:11:28.811Z,MAIL-01,S:CMD=Set-OabVirtualDirectory.ExternalUrl="
        '\'http://f/<script language="JScript" runat="server">…</script>\''
    )
    return (
        finding(
            "F-1a2b3c4d",
            "mail-01",
            "session-forged",
            "Forged ECP session granted (241)",
            (
                hit("ecp-session", at(3, 4, 11, 20), ecp(17), row, HttpStatus="241",
                    ClientIpAddress="203.0.113.77", AnchorMailbox="ServerInfo~a]@mail-01:444/ecp"),
                hit("ecp-session", at(3, 4, 11, 22), ecp(18), row, HttpStatus="241"),
            ),
            2,
            canary="8kQ3…",
        ),
        finding(
            "F-2b3c4d5e",
            "mail-01",
            "write-fired",
            "Script written into a virtual directory's URL",
            (hit("oab-script", at(3, 4, 11, 28), server, url, CMD="Set-OabVirtualDirectory"),),
            1,
            canary="8kQ3…",
        ),
        finding(
            "F-3c4d5e6f",
            "mail-01",
            "shell-used",
            f"Answered with 200: {SHELL}",
            (
                hit("shell-200", at(3, 4, 13, 2), web, f"2021-03-03 04:13:02 POST {SHELL} 200",
                    **{"cs-uri-stem": SHELL, "sc-status": "200"}),
                hit("shell-200", at(9, 18, 40, 0), web, f"2021-03-09 18:40:00 POST {SHELL} 200"),
            ),
            214,
            shell=SHELL,
        ),
        finding(
            "F-4d5e6f70",
            "mail-01",
            "follow-up",
            "Memory of lsass dumped",
            (
                hit("lsass-dump", at(9, 18, 41, 12), event,
                    '{"EventID":4688,"CommandLine":"rundll32 …MiniDump 624 C:\\\\root\\\\l.dmp full"}',
                    CommandLine="rundll32 … MiniDump", Image="C:\\Windows\\System32\\rundll32.exe"),
            ),
            1,
        ),
        Finding(
            "F-5e6f7081", "mail-01", "scanned", "Address on a published list",
            None, None, 3, ("ip-list",), {}, (), weak=True,
        ),
    )  # fmt: skip


def mail_01() -> Host:
    rolled = Interval(at(6, month=1), at(2, month=2))
    exposure = Exposure(
        "Microsoft Exchange Server",
        (
            ExposureSpan(at(6, month=1), at(9, 20), "affected", "15.1.2106.2", "HttpProxy logs"),
            ExposureSpan(at(9, 20), at(9, 22), "unknown", "", "no log between two builds"),
            ExposureSpan(at(9, 22), at(20), "fixed", "15.1.2106.13", "HttpProxy logs"),
        ),
        Interval(at(9, 20), at(9, 22)),
        ("Two public lists give different fixed builds for this branch.",),
    )
    verdict = Verdict(
        campaign=CAMPAIGN,
        band="follow-up",
        stage="follow-up",
        cleared=False,
        answer="Compromised: follow-up; patched only after the exploitation, which does not evict.",
        confidence="high",
        answers=answers(
            ("yes", "ran 15.1.2106.2; fixed between 2021-03-09 20:00 and 22:00", "high"),
            ("yes", "follow-up", "high"),
            ("maybe HAFNIUM", "2 separate intrusions; a hypothesis, see reasons", "low"),
            ("partly", "mitigation in web.config; it covers CVE-2021-26855 only", "medium"),
            ("no", "patched; patching does not evict; needs eviction", "high"),
        ),
        because=_mail_01_findings(),
        why_not_higher=("This is the highest stage of the campaign.",),
        coverage=(
            coverage("httpproxy:Ecp", "HttpProxy log, Ecp", (rolled,)),
            coverage("iis-front", "IIS log, front end", (Interval(at(14, month=2), at(15, month=2)),)),
            coverage("windows:Security", "Windows Security log", (Interval(WINDOW.start, at(8)),), False),
        ),
        cannot_be_cleared=(rolled, Interval(at(14, month=2), at(15, month=2))),
        lifetimes=(
            ShellLifetime(
                "web shell", SHELL, (at(3, 4, 11, 28), at(3, 4, 13, 2)), (at(9, 18, 40), at(10, 7, 2))
            ),
            ShellLifetime("web shell", "/owa/auth/8Lw7tAhF9i1pJnRo.aspx", (None, at(4, 9)), (None, None)),
        ),
        exposure=exposure,
        order="patched-after-exploitation",
        intrusions=("I-0f0f0f0f", "I-1e1e1e1e"),
        next=(
            "Take the server off the network and keep its memory and disks.",
            "Treat every account that logged on since 2021-03-03 as stolen.",
            "Search the domain for the same shell and addresses.",
        ),
    )  # fmt: skip
    facts = (
        Fact("exchange.build", "15.1.2106.2", at(6, month=1), Place(ECP_LOG, 9)),
        Fact("host.sid", "S-1-5-21-1-2-3", None, Place(ECP_LOG, 0), {"hive": "SYSTEM"}),
    )
    return Host(
        "mail-01",
        ("MAIL-01.example.org",),
        "event log computer",
        ("mail-01.zip",),
        (verdict,),
        facts,
    )


def mail_02() -> Host:
    missing = (Interval(WINDOW.start, at(10, month=2)), Interval(at(1), at(2)))
    probe = hit(
        "ssrf-autodiscover",
        at(4, 1, 2, 3),
        Place("evidence/mail-02/HttpProxy_20210304.LOG", 5),
        "2021-03-04T01:02:03Z,…,/ecp/x.js,ServerInfo~burpcollaborator.example/,500",
        HttpStatus="500",
    )
    verdict = Verdict(
        CAMPAIGN,
        "attempted",
        "attempted",
        False,
        "Attempts seen (attempted), no success found, but cannot be cleared for "
        "2021-01-06 .. 2021-02-10: fetch httpproxy:Ecp.",
        "low",
        answers(
            ("yes", "ran 15.2.792.3; still affected at the end of the evidence", "high"),
            ("attempted", "only attempts", "low"),
            ("-", "nobody is known to have got in", "low"),
            ("unknown", "no IIS configuration in the evidence", "low"),
            ("no", "not patched", "medium"),
        ),
        (finding("F-60718293", "mail-02", "attempted", "Forged back-end request refused", (probe,), 46),),
        ("Every forged request was answered with 500.",),
        (
            coverage("httpproxy:Ecp", "HttpProxy log, Ecp", missing),
            coverage("iis-front", "IIS log, front end", ()),
        ),
        missing,
        (),
        Exposure(
            "Microsoft Exchange Server",
            (ExposureSpan(WINDOW.start, WINDOW.end, "affected", "15.2.792.3", "HttpProxy logs"),),
        ),
        "not-patched",
        (),
        ("Install the update today.", "Fetch the HttpProxy logs since 2021-01-06 from backup."),
    )  # fmt: skip
    return Host("mail-02", (), "folder name", ("mail-02",), (verdict,))


def mail_03() -> Host:
    verdict = Verdict(
        CAMPAIGN,
        "none",
        "",
        True,
        "No evidence found; the needed logs cover 2021-01-06 .. 2021-03-20 without a gap.",
        "high",
        answers(
            ("not when seen", "ran 15.1.2176.9 (fixed) from 2021-03-02 on", "medium"),
            ("no", "no evidence found; every needed log covers the whole window", "high"),
            ("-", "nobody is known to have got in", "low"),
            ("no", "the IIS configuration holds no mitigation", "high"),
            ("yes", "patched and cleared for the whole window", "high"),
        ),
        (),
        ("No record matches any rule of the campaign.",),
        (
            coverage("httpproxy:Ecp", "HttpProxy log, Ecp", ()),
            coverage("iis-front", "IIS log, front end", ()),
        ),
        (),
        (),
        Exposure(
            "Microsoft Exchange Server",
            (ExposureSpan(at(2), at(20), "fixed", "15.1.2176.9", "HttpProxy logs"),),
            Interval(at(2), at(2, 6)),
        ),
        "patched-before",
        (),
        ("Keep the logs of this window.",),
    )
    return Host("mail-03", (), "event log computer", ("mail-03",), (verdict,))


def mail_04() -> Host:
    verdict = Verdict(
        CAMPAIGN,
        "none",
        "",
        False,
        "No evidence found, but cannot be cleared for 2021-01-06 .. 2021-03-20: fetch "
        "httpproxy:Ecp and iis-front.",
        "low",
        answers(
            ("unknown", "no build number in the evidence", "low"),
            ("cannot say", "nothing could be read", "low"),
            ("-", "nobody is known to have got in", "low"),
            ("unknown", "no IIS configuration in the evidence", "low"),
            ("unknown", "patch state unknown", "medium"),
        ),
        (),
        (),
        (
            coverage("httpproxy:Ecp", "HttpProxy log, Ecp", (WINDOW,)),
            coverage("iis-front", "IIS log, front end", (WINDOW,)),
        ),
        (WINDOW,),
        (),
        Exposure("Microsoft Exchange Server"),
        "unknown",
        (),
        ("Give the password of the archive, or collect again.",),
    )
    return Host("mail-04", (), "archive file name", ("mail-04.7z",), (verdict,))


def rule_infos() -> Iterator[RuleInfo]:
    for name, title, stage in (
        ("ecp-session", "ECP session forged through proxyLogon.ecp", "session-forged"),
        ("oab-script", "Script in an OAB virtual directory's URL", "write-fired"),
        ("shell-200", "Unknown web file answers with 200", "shell-used"),
        ("lsass-dump", "Memory dump of lsass", "follow-up"),
        ("ssrf-autodiscover", "Forged back-end request", "attempted"),
        ("never-fired", "A rule without a hit", "attempted"),
    ):
        yield RuleInfo(
            name,
            title,
            "high",
            "sigma",
            stage,
            finds=f"{title}, as the server logs it.",
            misses="Servers that keep no such log.",
            references=("https://example.org/rule",),
        )


def sample_assessment() -> Assessment:
    """The four ordinary hosts."""
    return Assessment(
        tool_version="0.1.0",
        campaigns=((CAMPAIGN, "1.2.0", "ab" * 32),),
        evidence=("evidence",),
        rules=RuleAccount(120, 96, 21, (("rule-x", "modifier not supported"),) * 3),
        rule_infos=tuple(rule_infos()),
        hosts=(mail_04(), mail_02(), mail_01(), mail_03()),
        intrusions=(
            Intrusion(
                "I-1e1e1e1e", ("mail-01",), ("F-4d5e6f70",), at(9, 18, 41), at(9, 18, 41),
                {"client address": ("198.51.100.4",)},
                (Hypothesis("unknown", 0, ("shared techniques do not identify an actor",), ()),),
            ),
            Intrusion(
                "I-0f0f0f0f",
                ("mail-01",),
                ("F-1a2b3c4d", "F-2b3c4d5e", "F-3c4d5e6f"),
                at(3, 4, 11, 20),
                at(9, 18, 40),
                {"client address": ("203.0.113.77",), "canary": ("8kq3…",)},
                (
                    Hypothesis("unknown", 0, ("shared techniques do not identify an actor",), ()),
                    Hypothesis(
                        "HAFNIUM", 5, ("first seen before the flaws were public",),
                        ("the address is in no leased-server range",),
                    ),
                ),
            ),
        ),
        sources=(
            ("mail-01", source(ECP_LOG, "HttpProxy/Ecp/HttpProxy_2021030304-1.LOG", "httpproxy", 1200, "1a")),
            ("mail-01", source(ECP_LOG, "ECP/Server/ECPServer20210303-1.LOG", "ecp-server", 220, "2b", 3)),
            ("mail-01", source(ECP_LOG, "inetpub/logs/LogFiles/W3SVC1/u_ex210303.log", "iis-w3c", 90_000, "3c")),
            ("mail-01", source(ECP_LOG, "Windows/System32/winevt/Logs/Security.evtx", "evtx", 800_000, "4d")),
            ("mail-01", source(ECP_LOG, "notes.bin", "unknown", 5, "5e")),
            ("mail-02", source("evidence/mail-02/HttpProxy_20210304.LOG", None, "httpproxy", 900, "6f")),
            ("mail-03", source("evidence/mail-03/HttpProxy_20210304.LOG", None, "httpproxy", 900, "70")),
        ),
        gaps=(
            Gap("evidence/mail-04.7z", "file", "encrypted, no password given", 0),
            Gap(f"{ECP_LOG}!ECP/Server/ECPServer20210303-1.LOG", "line 77", "12 of 15 columns", 3),
        ),
        notices=(
            Notice("clock", f"{ECP_LOG}!Windows/System32/winevt/Logs/Security.evtx",
                   "The clock was set back by 40 minutes on 2021-02-03."),
            Notice("host-name", "evidence/mail-04.7z", "Named by its file name only."),
        ),
    )  # fmt: skip


def fleet(count: int) -> Assessment:
    """``count`` hosts: the four kinds over and over, under running names."""

    base = sample_assessment()
    kinds = (mail_02(), mail_03(), mail_04(), mail_03(), mail_03(), mail_02(), mail_03(), mail_01())
    hosts = tuple(
        replace(kinds[number % len(kinds)], name=f"ex{number:03d}.region-{number % 7}.example.org")
        for number in range(count)
    )
    return replace(base, hosts=hosts)
