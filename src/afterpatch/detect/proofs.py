"""Rule proofs: each rule of a pack shows what makes it fire and what must leave it silent.

Enters: rule texts and proof files (YAML). Leaves: problems in words; none = every rule is proven.
Sigma examples are asked of both evaluators, so a proof also proves that they agree.
Will not do: find files.

A proof file:

    rule: <id or title>
    logsource: {service: iis}        # optional: parts that differ from the rule's own
    fires:
      - {cs-uri-stem: /owa/x.js}     # Sigma: an event; null = absent
      - {text: "..."}                # YARA: content as text, or {hex: "4d 5a"}
      - - {"@rule": <id>, "@time": 2021-03-02T04:00:00Z, user: a}   # correlation: its matches
    silent: [...]                    # the same, for what must not fire
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from afterpatch.detect.sigma.ast import Correlation, Rule
from afterpatch.detect.sigma.correlation import Row, correlate
from afterpatch.detect.sigma.parse import parse_rules
from afterpatch.detect.sigma.plan import SigmaEngine
from afterpatch.detect.sigma.reference import matches
from afterpatch.detect.yara import ScanIncomplete, YaraEngine
from afterpatch.model.batches import Batch, Logsource
from afterpatch.model.campaigns import RuleText
from afterpatch.model.hits import RuleInfo
from afterpatch.model.times import parse_utc, to_us


class Proof(BaseModel):
    """One proof file; see the module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: str
    logsource: dict[str, str] = Field(default_factory=dict)
    fires: list[Any] = Field(default_factory=list)
    silent: list[Any] = Field(default_factory=list)


def prove(rules: Iterable[RuleText], proofs: Mapping[str, str]) -> list[str]:
    """Problems of a pack's rules and proofs, ``path: …`` each; ``proofs``: path -> YAML text.

    Every rule needs at least one firing and one silent example. A rule that cannot be used at all
    is a problem too.
    """
    texts = list(rules)
    court = _Court(texts)
    problems = [f"{rule}: not usable: {reason}" for rule, reason in court.unsupported]
    proven: set[str] = set()
    for path, text in sorted(proofs.items()):
        try:
            proof = Proof.model_validate(yaml.safe_load(text))
        except (yaml.YAMLError, ValidationError) as error:
            problems.append(f"{path}: not a proof: {' '.join(str(error).split())}")
            continue
        info = court.find(proof.rule)
        if info is None:
            problems.append(f"{path}: there is no rule '{proof.rule}'")
            continue
        proven.add(info.id)
        problems.extend(f"{path}: {info.title}: {p}" for p in court.problems(info, proof))
    for info in court.infos:
        if info.id not in proven:
            problems.append(f"{info.id}: {info.title}: has no proof")
    return problems


class _Court:
    """The rules under proof, each asked with its own engine."""

    def __init__(self, texts: Sequence[RuleText]) -> None:
        parsed = parse_rules(text for text in texts if text.language == "sigma")
        self._yara = YaraEngine(text for text in texts if text.language == "yara")
        self._rules: dict[str, Rule | Correlation] = {r.info.id: r for r in parsed.rules}
        self._rules |= {c.info.id: c for c in parsed.correlations}
        self.unsupported = (*parsed.refused, *self._yara.unsupported)
        self.infos = (*(rule.info for rule in self._rules.values()), *self._yara.infos)

    def find(self, name: str) -> RuleInfo | None:
        """A rule by id, or by title."""
        by_id = (info for info in self.infos if info.id == name)
        return next(by_id, None) or next((i for i in self.infos if i.title == name), None)

    def problems(self, info: RuleInfo, proof: Proof) -> Iterator[str]:
        """What the examples of one proof show to be wrong."""
        for kind, examples in (("fires", proof.fires), ("silent", proof.silent)):
            if not examples:
                yield f"needs at least one example under '{kind}'"
            for index, example in enumerate(examples):
                try:
                    answers = self._ask(info, example, proof)
                except (ValueError, TypeError, AttributeError, KeyError) as error:
                    yield f"{kind}[{index}]: not a usable example: {error}"
                    continue
                except ScanIncomplete as error:
                    yield f"{kind}[{index}]: {error}"
                    continue
                if len(set(answers.values())) > 1:
                    yield f"{kind}[{index}]: the evaluators disagree: {answers}"
                elif set(answers.values()) != {kind == "fires"}:
                    expected, got = (
                        ("fire", "is silent") if kind == "fires" else ("stay silent", "fires")
                    )
                    yield f"{kind}[{index}]: must {expected}, but {got}"

    def _ask(self, info: RuleInfo, example: Any, proof: Proof) -> dict[str, bool]:
        """Evaluator -> whether the rule fires."""
        rule = self._rules.get(info.id)
        if isinstance(rule, Rule):
            return _ask_sigma(rule, _event(example), _logsource(rule, proof.logsource))
        if isinstance(rule, Correlation):
            return {"correlation": _ask_correlation(rule, example)}
        found = self._yara.scan(_content(example))
        return {"yara": any(match.rule == info.id for match in found)}


def _ask_sigma(
    rule: Rule, event: Mapping[str, str | None], logsource: Logsource
) -> dict[str, bool]:
    frame = pl.DataFrame({name: pl.Series([v], dtype=pl.String) for name, v in event.items()})
    fast = any(len(rows) for _, rows in SigmaEngine([rule]).match(Batch(logsource, frame)))
    return {"fast": fast, "reference": matches(rule, event, logsource)}


def _ask_correlation(rule: Correlation, example: Any) -> bool:
    rows = []
    for position, mapping in enumerate(example):
        event = _event(mapping)
        name, when = event.pop("@rule", None), event.pop("@time", None)
        if name is None or when is None:
            raise ValueError("a match needs @rule and @time")
        if name not in rule.rules:
            raise ValueError(f"@rule {name} is not read by this correlation")
        fields = {key: value for key, value in event.items() if value is not None}
        rows.append(Row(name, to_us(parse_utc(when)), fields, position))
    return any(True for _ in correlate([rule], rows))


def _logsource(rule: Rule, parts: Mapping[str, str]) -> Logsource:
    own = Logsource(rule.scope.category, rule.scope.product, rule.scope.service)
    unknown = parts.keys() - set(Logsource._fields)
    if unknown:
        raise ValueError(f"logsource has no part {', '.join(sorted(unknown))}")
    return own._replace(**parts)


def _event(example: Any) -> dict[str, str | None]:
    if not isinstance(example, dict) or not example:
        raise TypeError("an event is a mapping of field to value")
    return {str(name): _text(value) for name, value in example.items()}


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _content(example: Any) -> bytes:
    kind, value = next(iter(example.items())) if len(example) == 1 else ("", None)
    if kind not in ("text", "hex") or not isinstance(value, str):
        raise TypeError("content is {text: …} or {hex: …}, the value in quotes")
    return value.encode() if kind == "text" else bytes.fromhex(value)
