"""The allow-list: what is known and wanted, and why.

One entry a line: ``domain NAME # reason`` (the name and everything below it), ``to ADDRESS|CIDR #
reason``, ``from ADDRESS|CIDR # reason``. It is applied to the ranking, not to the rows, so that it
only ever removes alerts and changes no score.
"""

import ipaddress
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from afterpatch.detect.network.addresses import Networks
from afterpatch.detect.network.alerts import Alert, Ranking
from afterpatch.model.errors import UsageError

_FORM: Final = "domain NAME # reason, to ADDRESS|CIDR # reason, from ADDRESS|CIDR # reason"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Entries of an allow-list; values map to the reason given."""

    domains: Mapping[str, str]
    targets: Mapping[str, str]
    sources: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, name: str) -> "Allowed":
        """Raises UsageError with file and line for the first entry that does not hold."""
        kinds: dict[str, dict[str, str]] = {"domain": {}, "to": {}, "from": {}}
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
            entry, _, reason = line.partition("#")
            if not entry.strip():
                continue
            kind, _, value = entry.strip().partition(" ")
            value = value.strip().lower()
            if kind not in kinds or not value or " " in value:
                raise UsageError(f"{name}:{number}: not an entry; the form is {_FORM}")
            if not reason.strip():
                raise UsageError(f"{name}:{number}: no reason given (… # reason)")
            kinds[kind][_checked(kind, value, f"{name}:{number}")] = reason.strip()
        return cls(kinds["domain"], kinds["to"], kinds["from"])

    def reason(self, alert: Alert) -> str | None:
        """Why this alert is wanted traffic, or None."""
        if alert.source is not None and (why := _within(alert.source, self.sources)):
            return why
        if alert.channel == "address":
            return _within(alert.target, self.targets)
        parts = alert.target.split(".")
        tails = (".".join(parts[at:]) for at in range(len(parts)))
        return next((self.domains[tail] for tail in tails if tail in self.domains), None)


def apply(ranking: Ranking, allowed: Allowed) -> Ranking:
    """The ranking without the alerts that the list explains; how many, by reason, is kept."""
    reasons = [allowed.reason(alert) for alert in ranking.alerts]
    removed = Counter(f"allowed: {reason}" for reason in reasons if reason is not None)
    kept = [a for a, reason in zip(ranking.alerts, reasons, strict=True) if reason is None]
    left_out = {**ranking.left_out, **dict(sorted(removed.items()))}
    return replace(ranking, alerts=tuple(kept), left_out=left_out)


def _checked(kind: str, value: str, place: str) -> str:
    if kind == "domain":
        return value.strip(".")
    try:
        return str(ipaddress.ip_network(value, strict=False))
    except ValueError as error:
        raise UsageError(f"{place}: {error}") from error


def _within(address: str, entries: Mapping[str, str]) -> str | None:
    for network, reason in entries.items():
        if Networks.of([network]).mask(pl.Series([address]))[0]:
            return reason
    return None
