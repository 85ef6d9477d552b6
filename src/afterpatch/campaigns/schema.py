"""What a user may write in ``campaign.yaml``: one pydantic model per part, unknown keys refused.

Enters: plain data. Leaves: the frozen nouns of ``model.campaigns``. Cross references (does this
rule exist?) are judged in ``check``, which sees the whole pack.
"""

import re
from datetime import date
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from afterpatch.model.campaigns import (
    Actor,
    Advice,
    AdviceWhen,
    Argument,
    Band,
    Key,
    KeyStrength,
    Lifetime,
    NeededLog,
    Stage,
    Triage,
    TriageRule,
)

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Link = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
Cve = Annotated[str, StringConstraints(pattern=r"^CVE-\d{4}-\d{4,}$")]

ARGUMENT_SUBJECTS = ("rule", "stage", "network", "before", "after")


def _argument(text: str) -> str:
    subject, _, value = text.partition(":")
    if subject not in ARGUMENT_SUBJECTS or not value:
        raise ValueError(f"must be one of {', '.join(ARGUMENT_SUBJECTS)} followed by ':VALUE'")
    return text


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WindowPart(_Part):
    """``from``: no exploitation is known before it, so coverage is judged from there on."""

    start: AwareDatetime = Field(alias="from")


class StagePart(_Part):
    """One rung of the ladder."""

    id: Name
    band: Band
    title: Words
    means: Words

    def model(self) -> Stage:
        """As the noun."""
        return Stage(self.id, self.band, self.title, self.means)


class LogPart(_Part):
    """One kind of log."""

    id: Words
    title: Words
    silence_hours: int = Field(ge=0, le=24 * 31)
    fetch: Words
    sees: tuple[str, ...] = ()
    about: tuple[Words, ...] = ()

    def model(self) -> NeededLog:
        """As the noun."""
        return NeededLog(**dict(self))


class KeyPart(_Part):
    """How to read a grouping key out of a hit."""

    name: Words
    fields: tuple[Words, ...] = Field(min_length=1)
    pattern: Words
    strength: KeyStrength
    hours: int = Field(default=0, ge=0)
    visitor: bool = False
    machine: bool = False

    def model(self) -> Key:
        """As the noun."""
        return Key(**dict(self))


class LifetimePart(_Part):
    """A present/absent pair."""

    name: Words
    key: Words
    written_by: tuple[str, ...] = ()
    present_by: tuple[str, ...] = ()
    absent_by: tuple[str, ...] = ()

    def model(self) -> Lifetime:
        """As the noun."""
        return Lifetime(self.name, self.key, self.written_by, self.present_by, self.absent_by)


class ArgumentPart(_Part):
    """A reason for or against an actor."""

    when: Annotated[str, AfterValidator(_argument)]
    weight: int = Field(ge=1, le=10)
    because: Words

    def model(self) -> Argument:
        """As the noun."""
        return Argument(self.when, self.weight, self.because)


class ActorPart(_Part):
    """A named actor."""

    id: Name
    name: Words
    summary: Words
    references: tuple[Link, ...] = ()
    speaks_for: tuple[ArgumentPart, ...] = ()
    speaks_against: tuple[ArgumentPart, ...] = ()

    def model(self) -> Actor:
        """As the noun."""
        return Actor(
            self.id,
            self.name,
            self.summary,
            self.references,
            tuple(part.model() for part in self.speaks_for),
            tuple(part.model() for part in self.speaks_against),
        )


class AdvicePart(_Part):
    """Advice with a condition: one key, the condition, and the sentence under it."""

    not_fixed: Words | None = Field(default=None, alias="not-fixed")
    fix_unknown: Words | None = Field(default=None, alias="fix-unknown")
    not_cleared: Words | None = Field(default=None, alias="not-cleared")

    @model_validator(mode="after")
    def _one(self) -> "AdvicePart":
        if len(self.model_fields_set) != 1:
            raise ValueError("give one condition and its sentence")
        return self

    def model(self) -> Advice:
        """As the noun."""
        conditions: dict[AdviceWhen, str | None] = {
            "not-fixed": self.not_fixed,
            "fix-unknown": self.fix_unknown,
            "not-cleared": self.not_cleared,
        }
        return next(Advice(text, when) for when, text in conditions.items() if text)


class TriageRulePart(_Part):
    """When a host has a category."""

    when: Annotated[
        str, StringConstraints(pattern=r"^(stage:\S+|days-missing|stopped|ceased|always)$")
    ]
    category: Words
    because: Words

    @field_validator("because")
    @classmethod
    def _placeholders(cls, text: str) -> str:
        wrong = set(re.findall(r"\{[^}]*\}?", text)) - {"{days}", "{first}", "{last}", "{ceased}"}
        if wrong:
            raise ValueError(f"unknown placeholder {min(wrong)}")
        return text


class TriagePart(_Part):
    """An authority's categories."""

    directive: Words
    first_day: date
    last_day: date
    rules: tuple[TriageRulePart, ...] = Field(min_length=1)
    means: dict[Words, Words] = Field(min_length=1)

    def model(self) -> Triage:
        """As the noun."""
        rules = tuple(TriageRule(rule.when, rule.category, rule.because) for rule in self.rules)
        return Triage(self.directive, self.first_day, self.last_day, rules, self.means)


class CampaignFile(_Part):
    """The whole of ``campaign.yaml``."""

    id: Name
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)+$")]
    title: Words
    summary: Words
    references: tuple[Link, ...] = Field(min_length=1)
    cves: tuple[Cve, ...] = ()
    product: Name
    fix: Name
    window: WindowPart
    stages: tuple[StagePart, ...] = Field(min_length=1)
    logs: tuple[LogPart, ...] = Field(min_length=1)
    clearing: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = Field(min_length=1)
    keys: tuple[KeyPart, ...] = ()
    lifetimes: tuple[LifetimePart, ...] = ()
    actors: tuple[ActorPart, ...] = ()
    decoder: Name | None = None
    triage: TriagePart | None = None
    advice: dict[Band, tuple[Words | AdvicePart, ...]] = Field(default_factory=dict)

    def advised(self) -> dict[Band, tuple[Advice, ...]]:
        """As the noun."""
        return {
            band: tuple(Advice(part) if isinstance(part, str) else part.model() for part in parts)
            for band, parts in self.advice.items()
        }
