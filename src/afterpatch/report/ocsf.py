"""A hunt as OCSF Detection Findings (class 2004): one JSON line per rule and host.

Source: OCSF schema 1.5.0, classes/detection_finding. ``time`` is required: it is the last match; a
finding whose matches all lack a time stands at 0 and says so in ``unmapped``.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

from afterpatch.model.times import parse_utc, to_us
from afterpatch.report.ascii_json import json_lines
from afterpatch.report.navigator import techniques
from afterpatch.report.safe_text import cut, visible
from afterpatch.report.shape import HitGroupEntry, HuntDocument, Time
from afterpatch.report.words import counted

VERSION: Final = "1.5.0"
CLASS_UID, CATEGORY_UID, CREATE = 2004, 2, 1
MAX_CHARS: Final = 4_000
SEVERITIES: Final[Mapping[str, tuple[int, str]]] = {
    "informational": (1, "Informational"),
    "low": (2, "Low"),
    "medium": (3, "Medium"),
    "high": (4, "High"),
    "critical": (5, "Critical"),
}
UNKNOWN_SEVERITY: Final = (0, "Unknown")
_CVE: Final = re.compile(r"cve\.(\d{4})[.-](\d{4,7})", re.IGNORECASE)
_UID_DIGITS: Final = 32


def ocsf_lines(document: HuntDocument) -> bytes:
    """Every finding, in ranked order."""
    version = document["tool"]["version"]
    return json_lines(_finding(group, version) for group in document["hunt"]["findings"])


def _finding(group: HitGroupEntry, version: str) -> dict[str, Any]:
    severity_id, severity = SEVERITIES.get(group["level"], UNKNOWN_SEVERITY)
    counts = counted(group["count"], "match", "matches")
    finding: dict[str, Any] = {
        "activity_id": CREATE,
        "activity_name": "Create",
        "category_uid": CATEGORY_UID,
        "category_name": "Findings",
        "class_uid": CLASS_UID,
        "class_name": "Detection Finding",
        "type_uid": CLASS_UID * 100 + CREATE,
        "type_name": "Detection Finding: Create",
        "time": _ms(group["last"]) or 0,
        "count": group["count"],
        "severity_id": severity_id,
        "severity": severity,
        "status_id": 1,
        "status": "New",
        "message": _text(f"{group['title']}: {counts} on {group['host']}"),
        "metadata": {
            "version": VERSION,
            "product": {"name": "Afterpatch", "vendor_name": "Afterpatch", "version": version},
        },
        "finding_info": _info(group),
        "resources": [{"name": _text(group["host"]), "type": "host"}],
        "evidences": [{"data": dict(example)} for example in group["examples"]],
        "unmapped": {
            "hosts_with_this_rule": group["seen_on"],
            "campaigns": group["campaigns"],
            "time_unknown": group["last"] is None,
        },
    }
    if group["first"] and group["last"]:
        finding |= {"start_time": _ms(group["first"]), "end_time": _ms(group["last"])}
    cves = sorted({f"CVE-{y}-{n}" for tag in group["tags"] for y, n in _CVE.findall(tag)})
    if cves:
        finding["vulnerabilities"] = [{"cve": {"uid": cve}} for cve in cves]
    return finding


def _info(group: HitGroupEntry) -> dict[str, Any]:
    identity = repr((group["rule_id"], group["host"])).encode("utf-8", "replace")
    info: dict[str, Any] = {
        "uid": hashlib.sha256(identity).hexdigest()[:_UID_DIGITS],
        "title": _text(group["title"]),
        "desc": _text(group["finds"] or group["title"]),
        "analytic": {
            "type_id": 1,
            "type": "Rule",
            "uid": _text(group["rule_id"]),
            "name": _text(group["title"]),
            "category": group["engine"],
        },
    }
    if group["first"] and group["last"]:
        info |= {"first_seen_time": _ms(group["first"]), "last_seen_time": _ms(group["last"])}
    attacks = [{"technique": {"uid": name}} for name in sorted(techniques(group["tags"]))]
    return info | ({"attacks": attacks} if attacks else {})


def _ms(time: Time | None) -> int | None:
    return to_us(parse_utc(time)) // 1_000 if time else None


def _text(text: str) -> str:
    return visible(cut(text, MAX_CHARS))
