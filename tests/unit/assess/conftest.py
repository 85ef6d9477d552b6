"""A small campaign and short ways to make readings and hits."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from afterpatch.model.campaigns import (
    Actor,
    Advice,
    Argument,
    Campaign,
    Key,
    Lifetime,
    NeededLog,
    Network,
    Stage,
)
from afterpatch.model.hits import Hit, RuleInfo
from afterpatch.model.places import Fact, HostClaim, Item, Place, Source
from afterpatch.model.readings import Reading
from afterpatch.model.times import to_us

STAGES = (
    Stage("scanned", "attempted", "Scanned", "Somebody looked."),
    Stage("session-forged", "compromised", "Session forged", "Somebody was let in."),
    Stage("file-written", "compromised", "File written", "A shell was written."),
    Stage("shell-used", "compromised", "Shell used", "A shell was used."),
    Stage("follow-up", "follow-up", "Follow-up", "They went on."),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
def campaign() -> Campaign:
    stages = tuple(stage.id for stage in STAGES)
    return Campaign(
        id="test-2021",
        version="1",
        title="Test",
        summary="",
        references=(),
        cves=(),
        product="exchange",
        fix="exchange-mar21su",
        window_start=at("2021-01-06"),
        stages=STAGES,
        logs=(
            NeededLog("proxy", "proxy log", 2, "C:/proxy", stages[:2]),
            NeededLog("web", "web log", 6, "C:/web", stages[3:4]),
            NeededLog("windows:Security", "Security events", 0, "C:/evtx", stages),
        ),
        clearing=(("proxy",), ("web", "windows:Security")),
        keys=(
            Key("canary", ("Query",), r"canary=(\w+)", "strong", visitor=True),
            Key("shell", ("Path",), r"([^/\\]+\.aspx)$", "strong"),
            Key("address", ("c-ip",), r".+", "nearby", 24, visitor=True),
            Key("agent", ("UA",), r".+", "context"),
        ),
        lifetimes=(Lifetime("web shell", "shell", ("r-write",), ("r-use",), ("r-absent",)),),
        actors=(
            Actor("a1", "ALPHA", "", (), (Argument("rule:r-use", 5, "used a shell"),), ()),
            Actor(
                "b2",
                "BETA",
                "",
                (),
                (Argument("network:hosting", 3, "leased server"),),
                (Argument("after:2021-03-01T00:00:00Z", 2, "too late for them"),),
            ),
        ),
        advice={"none": (Advice("Keep the logs."), Advice("Install the fix.", "not-fixed"))},
        rules=(),
        indicators=(),
        networks=(Network("192.0.2.0/24", "Example Hosting", "hosting"),),
        sha256="",
    )


@pytest.fixture
def rules() -> dict[str, RuleInfo]:
    return {
        "r-scan": RuleInfo("r-scan", "Scan", "low", "sigma", "scanned"),
        "r-forge": RuleInfo("r-forge", "Forged", "high", "sigma", "session-forged"),
        "r-write": RuleInfo("r-write", "Written", "high", "sigma", "file-written"),
        "r-use": RuleInfo("r-use", "Used", "high", "sigma", "shell-used"),
        "r-absent": RuleInfo("r-absent", "Asked", "low", "sigma", "scanned", weak=True),
        "r-ip": RuleInfo("r-ip", "Address", "low", "indicator", "follow-up", weak=True),
        "r-local": RuleInfo("r-local", "Process", "high", "sigma", "shell-used"),
    }


@pytest.fixture
def hit() -> Callable[..., Hit]:
    def make(rule: str, when: str, record: int = 1, source: str = "EX01/x", **fields: str) -> Hit:
        renamed = {name.replace("_", "-"): value for name, value in fields.items()}
        return Hit(rule, at(when), Place(source, record), renamed, f"{rule} {when} {record}")

    return make


@pytest.fixture
def reading() -> Callable[..., Reading]:
    def make(
        name: str = "x",
        root: str = "EX01",
        kind: str = "iis-w3c",
        claims: tuple[HostClaim, ...] = (),
        host: str = "",
        sha256: str = "",
        first: str | None = None,
        last: str | None = None,
        **rest: Any,
    ) -> Reading:
        path = f"{root}/{name}"
        item = Item(path, None, f"C:/{name}", root, (path,), 1, None, claims)
        facts = tuple(rest.pop("facts", ()))
        if host:
            facts += (Fact("host.name", host, None, Place(path, 1)),)
        source = Source(
            item,
            sha256 or path,
            1,
            kind,
            "header",
            1,
            1,
            0,
            at(first) if first else None,
            at(last) if last else None,
        )
        return Reading(source, facts=facts, **rest)

    return make


@pytest.fixture
def hours() -> Callable[[str, str], dict[int, int]]:
    """Every hour from one time to another, each with one event."""

    def make(start: str, end: str) -> dict[int, int]:
        us = 3_600_000_000
        return dict.fromkeys(range(to_us(at(start)) // us, to_us(at(end)) // us), 1)

    return make
