"""A hunt as SARIF 2.1.0: one result per rule and host, suppressed ones marked as such.

Every rule that was loaded is listed, so a consumer can tell "ran and found nothing" from "does not
exist"; what was not read and rules that could not be evaluated are notifications. A run without a
finding is a valid log, too. Places are files of the evidence; a record number is a line of a text
log or the number of a record, and so stands as ``startLine``.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

from afterpatch.report.ascii_json import json_text
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.shape import (
    ExampleEntry,
    HitGroupEntry,
    HuntDocument,
    RuleFateEntry,
    SuppressionEntry,
)
from afterpatch.report.words import counted, moment

SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
MAX_CHARS: Final = 2_000
_LEVELS: Final[Mapping[str, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "note",
    "informational": "note",
}


def sarif_log(document: HuntDocument) -> bytes:
    """The log of one run."""
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [_run(document)]})


def _run(document: HuntDocument) -> dict[str, Any]:
    hunt = document["hunt"]
    found = [(group, None) for group in hunt["findings"]]
    excused = [(group, entry) for entry in hunt["suppressions"] for group in entry["groups"]]
    details = {group["rule_id"]: group for group, _ in (*excused, *found)}
    fates = list({fate["id"]: fate for fate in hunt["rules"]["each"] if fate["title"]}.values())
    index = {fate["id"]: position for position, fate in enumerate(fates)}
    return {
        "tool": {
            "driver": {
                "name": "afterpatch",
                "semanticVersion": document["tool"]["version"],
                "rules": [_rule(fate, details.get(fate["id"])) for fate in fates],
            }
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [
            {
                "executionSuccessful": True,
                "toolConfigurationNotifications": list(_unloaded(document)),
                "toolExecutionNotifications": list(_unread(document)),
            }
        ],
        "results": [_result(group, entry, index) for group, entry in (*found, *excused)],
    }


def _rule(fate: RuleFateEntry, group: HitGroupEntry | None) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": fate["id"],
        "name": _text(fate["title"]),
        "shortDescription": {"text": _text(fate["title"])},
        "defaultConfiguration": {"level": _LEVELS.get(fate["level"], "warning")},
        "properties": {"level": fate["level"], "engine": fate["engine"], "state": fate["state"]},
    }
    if group:
        rule["fullDescription"] = {"text": _text(group["finds"] or fate["title"])}
        rule["properties"]["tags"] = [_text(tag) for tag in dict.fromkeys(group["tags"])]
    return rule


def _result(
    group: HitGroupEntry, entry: SuppressionEntry | None, index: Mapping[str, int]
) -> dict[str, Any]:
    span = f"{moment(group['first'])} to {moment(group['last'])} UTC"
    counts = counted(group["count"], "match", "matches")
    result: dict[str, Any] = {
        "ruleId": group["rule_id"],
        "ruleIndex": index[group["rule_id"]],
        "level": _LEVELS.get(group["level"], "warning"),
        "message": {"text": _text(f"{group['title']}: {counts} on {group['host']}, {span}")},
        "occurrenceCount": group["count"],
        "locations": [_location(group, example) for example in group["examples"]],
        "partialFingerprints": {"ruleAndHost/v1": f"{group['rule_id']}:{_text(group['host'])}"},
        "properties": {
            "host": group["host"],
            "first": group["first"],
            "last": group["last"],
            "hostsWithThisRule": group["seen_on"],
            "campaigns": group["campaigns"],
        },
    }
    if entry:
        why = f"{entry['reason']} (until {entry['expires']}, {entry['place']})"
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _text(why)}
        ]
    return result


def _location(group: HitGroupEntry, example: ExampleEntry) -> dict[str, Any]:
    fields = "; ".join(f"{name}: {value}" for name, value in example["excerpt"].items())
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(_utf8(example["source"]))}}
    if example["record"] > 0:
        snippet = {"text": _text(example["raw"])}
        physical["region"] = {"startLine": example["record"], "snippet": snippet}
    return {
        "physicalLocation": physical,
        "logicalLocations": [{"fullyQualifiedName": _text(group["host"]), "kind": "host"}],
        "message": {"text": _text(f"{moment(example['time'])}  {fields}".strip())},
    }


def _unloaded(document: HuntDocument) -> Iterator[dict[str, Any]]:
    for fate in document["hunt"]["rules"]["each"]:
        if fate["state"] in ("unsupported", "needs placeholder"):
            text = _text(f"{fate['state']}: {fate['id']}: {fate['reason']}")
            level = "error" if fate["state"] == "unsupported" else "note"
            yield {"level": level, "message": {"text": text}}


def _unread(document: HuntDocument) -> Iterator[dict[str, Any]]:
    for gap in document["gaps"]:
        text = _text(f"not read: {gap['source']}, {gap['place']}: {gap['reason']}")
        yield {"level": "warning", "message": {"text": text}}


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _text(text: str) -> str:
    return visible(cut(text, MAX_CHARS))
