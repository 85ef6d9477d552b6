"""Audit logs of cloud services as JSON: AWS CloudTrail, Azure and Entra ID, Microsoft 365, Google
Cloud and Workspace, Okta, GitHub, Bitbucket, Kubernetes; and the decoys of OpenCanary.

Enters: one object per line, an array, or a list under ``Records``, ``value`` or the like, as each
service exports them. Leaves: batches with the service's own names, dotted; lists one member per
line. Objects of several services may stand in one file: each is known by its own keys.

Sources: AWS, "CloudTrail record contents"; Microsoft Learn, "Azure activity log event schema",
"signIn resource type", "directoryAudit resource type", "riskDetection resource type" (Graph) and
the Azure Monitor tables SigninLogs and AuditLogs; "Office 365 Management Activity API schema";
Google Cloud, "AuditLog"; Okta, "System Log API"; GitHub, "Audit log events for your organization";
Atlassian, "Audit log events in Bitbucket"; Kubernetes, "audit.k8s.io/v1"; OpenCanary, "Logging".
"""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import BinaryIO, Final, NamedTuple

import orjson

from afterpatch.formats.format import Format
from afterpatch.formats.json_elements import elements
from afterpatch.formats.json_log import JsonShape, Kind, read_json_log
from afterpatch.formats.peeked import Peeked
from afterpatch.formats.text_blocks import head_text
from afterpatch.formats.windows_flat import Document
from afterpatch.formats.windows_times import parse_event_time
from afterpatch.model.batches import Declared, Logsource, Piece, Wanted
from afterpatch.model.places import Item


class Dialect(NamedTuple):
    """One way of writing events.

    keys       names that every event has, by which it is known.
    logsource  of an event. Its log's coverage name is ``cloud:<product>:<service>``.
    times      names of its time, best first.
    """

    keys: tuple[str, ...]
    logsource: Callable[[Document], Logsource]
    times: tuple[str, ...]


def _always(product: str, service: str, category: str = "") -> Callable[[Document], Logsource]:
    logsource = Logsource(category, product, service)
    return lambda document: logsource


def _azure(category: object, default: str) -> Logsource:
    if isinstance(category, dict):  # the REST API writes {"value": …, "localizedValue": …}
        category = category.get("value")
    service = _AZURE_SERVICES.get(category.casefold()) if isinstance(category, str) else None
    return Logsource("", "azure", service or default)


def _gcp(document: Document) -> Logsource:
    payload = document.get("protoPayload")
    api = payload.get("serviceName") if isinstance(payload, dict) else None
    service = _WORKSPACE.get(api, "gcp.audit") if isinstance(api, str) else "gcp.audit"
    return Logsource("", "gcp", service)


def _m365(document: Document) -> Logsource:
    workload = document.get("Workload")
    service = _WORKLOADS.get(workload, "audit") if isinstance(workload, str) else "audit"
    return Logsource("", "m365", service)


# Categories of Azure's diagnostic settings and types of Azure Monitor tables, in lower case.
_AZURE_SERVICES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("signinlogs", "noninteractiveusersigninlogs", "serviceprincipalsigninlogs",
         "managedidentitysigninlogs", "aadnoninteractiveusersigninlogs"),
        "signinlogs",
    ),
    **dict.fromkeys(("userriskevents", "riskyusers", "aaduserriskevents"), "riskdetection"),
    "auditlogs": "auditlogs",
    "azureactivity": "activitylogs",
}  # fmt: skip
_WORKSPACE: Final = {
    "admin.googleapis.com": "google_workspace.admin",
    "login.googleapis.com": "google_workspace.login",
}
_WORKLOADS: Final = {
    "Exchange": "exchange",
    "SecurityComplianceCenter": "threat_management",
    "ThreatIntelligence": "threat_detection",
}

DIALECTS: Final = (
    Dialect(
        ("eventVersion", "eventSource", "eventName"), _always("aws", "cloudtrail"), ("eventTime",)
    ),
    Dialect(("logName", "protoPayload"), _gcp, ("timestamp", "receiveTimestamp")),
    Dialect(("auditID", "verb", "apiVersion"), _always("kubernetes", "audit", "application"),
            ("requestReceivedTimestamp", "stageTimestamp")),
    Dialect(("riskEventType",), _always("azure", "riskdetection"),
            ("activityDateTime", "detectedDateTime", "createdDateTime", "TimeGenerated")),
    Dialect(("activityDateTime", "activityDisplayName"), _always("azure", "auditlogs"),
            ("activityDateTime",)),
    Dialect(("createdDateTime", "userPrincipalName", "appDisplayName"),
            _always("azure", "signinlogs"), ("createdDateTime",)),
    Dialect(("TimeGenerated", "Type"), lambda d: _azure(d.get("Type"), ""), ("TimeGenerated",)),
    Dialect(("operationName", "category"), lambda d: _azure(d.get("category"), "activitylogs"),
            ("time", "eventTimestamp", "submissionTimestamp")),
    Dialect(("CreationTime", "Operation", "Workload"), _m365, ("CreationTime",)),
    Dialect(("eventType", "published", "actor"), _always("okta", "okta"), ("published",)),
    Dialect(("auditType", "affectedObjects"), _always("bitbucket", "audit"), ("timestamp",)),
    Dialect(("logtype", "node_id", "dst_port"), _always("opencanary", "", "application"),
            ("utc_time", "local_time")),
    Dialect(("action", "actor", "@timestamp"), _always("github", "audit"),
            ("@timestamp", "created_at")),
)  # fmt: skip
_KEYS: Final = tuple((frozenset(dialect.keys), dialect) for dialect in DIALECTS)

LOGSOURCES: Final = (
    *(Logsource("", "azure", service) for service in sorted({*_AZURE_SERVICES.values(), ""})),
    *(Logsource("", "gcp", service) for service in ("gcp.audit", *_WORKSPACE.values())),
    *(Logsource("", "m365", service) for service in ("audit", *_WORKLOADS.values())),
    *(Logsource("", product, "audit") for product in ("bitbucket", "github")),
    Logsource("", "aws", "cloudtrail"),
    Logsource("", "okta", "okta"),
    Logsource("application", "kubernetes", "audit"),
    Logsource("application", "opencanary", ""),
)

# A list under one name, with or without plain values before it.
_BEFORE_LIST: Final = re.compile(
    rb'\A(?:\xef\xbb\xbf)?\s*+\{\s*+(?:"[^"\\]{1,99}+"\s*+:\s*+(?:"[^"\\]*+"|[\w.+-]++)\s*+,\s*+)*+'
    rb'"(?:Records|records|value|items|entries|events)"\s*+:\s*+(?=\[)'
)
_OPENS: Final = re.compile(r"\ufeff?\s*+[\[{]")


def _dialect(document: Document) -> Dialect | None:
    present = document.keys()
    for keys, dialect in _KEYS:
        if keys <= present:
            return dialect
    return None


def _kind(document: Document, item: Item) -> Kind | None:
    del item
    dialect = _dialect(document)
    if dialect is None:
        return None
    return _named(dialect.logsource(document))


@cache
def _named(logsource: Logsource) -> Kind:
    names = (name for name in (logsource.product, logsource.service) if name)
    return Kind(logsource, ":".join(("cloud", *names)))


def _when(document: Document) -> tuple[int | None, bool]:
    dialect = _dialect(document)
    for name in dialect.times if dialect else ():
        value = document.get(name)
        if isinstance(value, dict) and "epochSecond" in value:  # java.time.Instant, Bitbucket
            value = value["epochSecond"]
        time_us, zoned = parse_event_time(value)
        if time_us is not None:
            # Every one of these services writes UTC; some leave the letter out.
            return time_us, zoned or name in ("CreationTime", "utc_time", "TimeGenerated")
    return None, True


def _inner(document: Document) -> Document:
    """The event, with the operation's name in place of name and translation (Azure REST API)."""
    told = document.get("operationName")
    if isinstance(told, dict) and isinstance(told.get("value"), str):
        return {**document, "operationName": told["value"]}
    return document


SHAPE: Final = JsonShape(kind=_kind, when=_when, inner=_inner, first=True)


def _recognise(head: bytes, item: Item) -> str:
    del item
    text = head_text(head)
    if not _OPENS.match(text):
        return ""
    known = any(all(f'"{key}"' in text for key in dialect.keys) for dialect in DIALECTS)
    return "content" if known else ""


def declared(head: bytes, item: Item) -> Declared | None:
    """The log source of the first event; None where the head has none that is whole."""
    before = _BEFORE_LIST.match(head)
    for element in elements(io.BytesIO(head[before.end() :] if before else head)):
        try:
            document = orjson.loads(element.text)
        except orjson.JSONDecodeError:
            continue
        kind = _kind(document, item) if isinstance(document, dict) else None
        if kind is not None:
            return Declared(kind.logsource)
    return None


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """Yield one piece per block. Events of another log source than the first one's are all given.

    Units:   time UTC.
    Gaps:    objects that are no event of a known service, text that is no JSON, a cut file, a time
             that is none. Content never raises.
    """
    peeked = Peeked(stream)
    first = declared(peeked.head, item) if wanted else None
    before = _BEFORE_LIST.match(peeked.head)
    if before:
        peeked.read(before.end())
    return read_json_log(peeked, item, wanted, SHAPE, first.logsource if first else None)


FORMAT: Final = Format(
    "cloud-audit",
    _recognise,
    read,
    prefilter="logsource",
    declared=declared,
    spelling="escaped",
)
