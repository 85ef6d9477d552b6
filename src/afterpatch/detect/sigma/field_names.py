"""The Sigma taxonomy's names for fields, and the columns of each log that have them: tables.

Enters, leaves: nothing. ``fields`` says how they are used.

Sources: SigmaHQ taxonomy appendix (webserver, proxy); W3C names as IIS writes them; HttpProxy
``#Fields`` of Exchange 2016 CU22.
"""

from collections.abc import Mapping
from typing import Final

Aliases = Mapping[str, tuple[str, ...]]

_IIS: Final[Aliases] = {
    "cs-user-agent": ("cs(User-Agent)",),
    "c-useragent": ("cs(User-Agent)",),
    "cs-referer": ("cs(Referer)",),
    "cs-referrer": ("cs(Referer)",),
    "referer": ("cs(Referer)",),
    "cs-cookie": ("cs(Cookie)",),
    "cs-host": ("cs(Host)",),
    "c-uri-stem": ("cs-uri-stem",),
    "c-uri-query": ("cs-uri-query",),
    "c-uri": ("cs-uri-query",),
    "cs-uri": ("cs-uri-query",),
    "c-username": ("cs-username",),
    "src_ip": ("c-ip",),
    "cs-content-type": ("cs(Content-Type)",),
    "c-uri-path": ("cs-uri-stem",),
    "dst_ip": ("s-ip",),
}
# Access logs name no columns: batches have the taxonomy's names, so only its synonyms are here.
_ACCESS: Final[Aliases] = {
    "c-uri": ("cs-uri-query",),
    "c-uri-path": ("cs-uri-stem",),
    "c-uri-query": ("cs-uri-query",),
    "c-uri-stem": ("cs-uri-stem",),
    "c-useragent": ("cs-user-agent",),
    "c-username": ("cs-username",),
    "cs(Host)": ("cs-host",),
    "cs(Referer)": ("cs-referer",),
    "cs(User-Agent)": ("cs-user-agent",),
    "cs-referrer": ("cs-referer",),
    "cs-uri": ("cs-uri-query",),
    "referer": ("cs-referer",),
    "src_ip": ("c-ip",),
}
# Names of ProxySG, ISA and TMG; ``web_url`` puts together or takes apart what they leave out.
# Every proxy's ``c-uri`` is the whole URL, its ``cs-uri-stem`` the path.
_PROXY: Final[Aliases] = {
    "c-uri": ("cs-uri",),
    "c-uri-extension": ("cs-uri-extension",),
    "c-uri-path": ("cs-uri-path", "cs-uri-stem"),
    "c-uri-query": ("cs-uri-query",),
    "c-uri-stem": ("cs-uri-path", "cs-uri-stem"),
    "c-useragent": ("cs-user-agent", "cs(User-Agent)", "c-agent"),
    "c-username": ("cs-username",),
    "cs-content-type": ("cs(Content-Type)",),
    "cs-cookie": ("cs(Cookie)",),
    "cs-host": ("cs(Host)", "r-host"),
    "cs-method": ("s-operation",),
    "cs-referer": ("cs(Referer)",),
    "cs-referrer": ("cs-referer", "cs(Referer)"),
    "cs-uri": ("c-uri",),
    "cs-uri-query": ("c-uri-query",),
    "cs-uri-stem": ("cs-uri-path", "c-uri-stem"),
    "cs-user-agent": ("cs(User-Agent)", "c-agent"),
    "dst_ip": ("r-ip", "cs-ip"),
    "r-dns": ("cs-host", "cs(Host)", "r-host"),
    "referer": ("cs-referer", "cs(Referer)"),
    "src_ip": ("c-ip",),
}
# http.sys writes path and query as one field.
_HTTPERR: Final[Aliases] = {
    "c-uri-path": ("cs-uri",),
    "cs-uri-stem": ("cs-uri",),
    "cs-uri-query": ("cs-uri",),
    "c-uri": ("cs-uri",),
    "c-uri-stem": ("cs-uri",),
    "c-uri-query": ("cs-uri",),
    "src_ip": ("c-ip",),
}
_HTTPPROXY: Final[Aliases] = {
    "cs-method": ("Method",),
    "cs-uri-stem": ("UrlStem",),
    "c-uri-stem": ("UrlStem",),
    "cs-uri-query": ("UrlQuery",),
    "c-uri-query": ("UrlQuery",),
    "c-uri": ("UrlQuery",),
    "cs-uri": ("UrlQuery",),
    "c-ip": ("ClientIpAddress",),
    "src_ip": ("ClientIpAddress",),
    "cs-user-agent": ("UserAgent",),
    "cs(User-Agent)": ("UserAgent",),
    "c-useragent": ("UserAgent",),
    "sc-status": ("HttpStatus",),
    "cs-username": ("AuthenticatedUser",),
    "c-username": ("AuthenticatedUser",),
    "cs-host": ("UrlHost",),
    "cs(Host)": ("UrlHost",),
    "s-computername": ("ServerHostName",),
    "c-uri-path": ("UrlStem",),
    "cs-bytes": ("RequestBytes",),
    "sc-bytes": ("ResponseBytes",),
}
# Defender's events name their data with spaces; the taxonomy writes the names without.
_DEFENDER: Final[Aliases] = {
    name.replace(" ", ""): (name,)
    for name in (
        *("Action Name", "Category Name", "Detection User", "Error Code", "New Value", "Old Value"),
        *("Origin Name", "Process Name", "Product Name", "Severity Name", "Source Name"),
        *("Threat ID", "Threat Name"),
    )
}


def _azure(*names: str) -> dict[str, tuple[str, ...]]:
    """Columns of Azure Monitor's tables -> the same in Graph and in diagnostic settings, where
    names begin in lower case and may stand below ``properties``."""
    low = {
        name: ".".join(part[:1].lower() + part[1:] for part in name.split(".")) for name in names
    }
    return {name: (low[name], f"properties.{low[name]}", f"properties.{name}") for name in names}


_ENTRA_SIGN_INS: Final[Aliases] = {
    **_azure(
        "AuthenticationRequirement", "DeviceDetail.deviceId", "DeviceDetail.isCompliant",
        "NetworkLocationDetails", "ResourceDisplayName", "RiskState", "conditionalAccessStatus",
    ),
    "ClientApp": ("ClientAppUsed", "clientAppUsed", "properties.clientAppUsed"),
    "DeviceDetail.trusttype": (
        "DeviceDetail.trustType", "deviceDetail.trustType", "properties.deviceDetail.trustType",
    ),
    "ResultDescription": (
        "resultDescription", "status.failureReason", "properties.status.failureReason",
    ),
    "Resultdescription": (
        "ResultDescription", "resultDescription", "status.failureReason",
        "properties.status.failureReason",
    ),
    "ResultType": ("resultType", "status.errorCode", "properties.status.errorCode"),
    "Username": ("UserPrincipalName", "userPrincipalName", "properties.userPrincipalName"),
    "userAgent": ("UserAgent", "properties.userAgent"),
}  # fmt: skip
# SigmaHQ's rules for the audit log write ``properties.message`` for what was done.
_DONE: Final = (
    "OperationName", "operationName", "activityDisplayName", "properties.activityDisplayName",
)  # fmt: skip
_ENTRA_AUDIT: Final[Aliases] = {
    **_azure(
        "ActivityDisplayName", "Category", "LoggedByService", "TargetResources",
        "TargetResources.modifiedProperties", "TargetResources.modifiedProperties.newValue",
    ),
    "OperationName": _DONE,
    "operationName": _DONE,
    "properties.message": _DONE,
    "activityType": ("ActivityDisplayName", *_DONE),
    "ActivityType": ("ActivityDisplayName", *_DONE),
    "category": ("Category", "properties.category"),
    "properties.result": ("Result", "result", "resultType"),
    "properties.targetResources": ("TargetResources", "targetResources"),
    "targetResources.type": ("TargetResources.type", "properties.targetResources.type"),
}  # fmt: skip
_ACTIVITY: Final[Aliases] = {
    "CategoryValue": ("category", "category.value"),
    "OperationNameValue": ("operationName",),
    "ResourceId": ("resourceId", "_ResourceId"),
    "ResourceProviderValue": ("resourceProviderName.value", "ResourceProvider"),
    "operationName": ("OperationNameValue", "OperationName"),
    "properties.message": ("Properties.message", "operationName", "OperationNameValue"),
}
_M365: Final[Aliases] = {
    "eventName": ("Operation",),
    "eventSource": ("Workload",),
    "status": ("ResultStatus",),
}
_GOOGLE: Final[Aliases] = {
    "eventName": ("protoPayload.metadata.event.eventName", "protoPayload.methodName"),
    "eventService": ("protoPayload.serviceName",),
    "gcp.audit.method_name": ("protoPayload.methodName",),
    "protoPayload.Servicename": ("protoPayload.serviceName",),
    "data.protoPayload.logName": ("logName",),
    "data.protoPayload.resource.type": ("resource.type",),
    **{
        f"data.{name}": (name,)
        for name in (
            "protoPayload.authorizationInfo.granted", "protoPayload.authorizationInfo.permission",
            "protoPayload.methodName", "protoPayload.serviceName",
        )
    },
}  # fmt: skip
BY_SERVICE: Final[Mapping[str, Aliases]] = {
    "access": _ACCESS,
    "activitylogs": _ACTIVITY,
    "auditlogs": _ENTRA_AUDIT,
    "exchange": _M365,
    "gcp.audit": _GOOGLE,
    "google_workspace.admin": _GOOGLE,
    "google_workspace.login": _GOOGLE,
    "signinlogs": _ENTRA_SIGN_INS,
    "threat_detection": _M365,
    "threat_management": _M365,
    "elff": _PROXY,
    "iis": _IIS,
    "httperr": _HTTPERR,
    "httpproxy": _HTTPPROXY,
    "squid": _PROXY,
    "windefend": _DEFENDER,
}
# The taxonomy's names for a request -> the neutral names of ``model.network``.
NEUTRAL: Final[Mapping[str, str]] = {
    "c-ip": "src_ip",
    "c-uri": "uri",
    "c-uri-extension": "uri",
    "c-uri-path": "uri",
    "c-uri-query": "uri",
    "c-uri-stem": "uri",
    "c-useragent": "user_agent",
    "c-username": "username",
    "cs(Host)": "host",
    "cs(Referer)": "referrer",
    "cs(User-Agent)": "user_agent",
    "cs-bytes": "bytes_out",
    "cs-host": "host",
    "cs-method": "method",
    "cs-referer": "referrer",
    "cs-referrer": "referrer",
    "cs-uri": "uri",
    "cs-uri-extension": "uri",
    "cs-uri-path": "uri",
    "cs-uri-query": "uri",
    "cs-uri-stem": "uri",
    "cs-user-agent": "user_agent",
    "cs-username": "username",
    "r-dns": "host",
    "referer": "referrer",
    "s-ip": "dst_ip",
    "s-port": "dst_port",
    "sc-bytes": "bytes_in",
    "sc-status": "status",
}
