"""The HttpProxy log: 74 columns, one row per request that the front end passed on.

Columns, spellings and the look of GenericInfo follow published sample rows of build 15.1.2375.7
(artefacts.help, CC0) and rows of real March 2021 intrusions. Shapes only; every value is invented.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from afterpatch.simulate.csvtext import quoted, stamp

BOM: Final = "\ufeff"
COLUMNS: Final[tuple[str, ...]] = tuple(
    """DateTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion ClientRequestId
    Protocol UrlHost UrlStem ProtocolAction AuthenticationType IsAuthenticated AuthenticatedUser
    Organization AnchorMailbox UserAgent ClientIpAddress ServerHostName HttpStatus BackEndStatus
    ErrorCode Method ProxyAction TargetServer TargetServerVersion RoutingType RoutingHint
    BackEndCookie ServerLocatorHost ServerLocatorLatency RequestBytes ResponseBytes
    TargetOutstandingRequests AuthModulePerfContext HttpPipelineLatency
    CalculateTargetBackEndLatency GlsLatencyBreakup TotalGlsLatency AccountForestLatencyBreakup
    TotalAccountForestLatency ResourceForestLatencyBreakup TotalResourceForestLatency ADLatency
    SharedCacheLatencyBreakup TotalSharedCacheLatency ActivityContextLifeTime
    ModuleToHandlerSwitchingLatency ClientReqStreamLatency BackendReqInitLatency
    BackendReqStreamLatency BackendProcessingLatency BackendRespInitLatency
    BackendRespStreamLatency ClientRespStreamLatency KerberosAuthHeaderLatency
    HandlerCompletionLatency RequestHandlerLatency HandlerToModuleSwitchingLatency ProxyTime
    CoreLatency RoutingLatency HttpProxyOverhead TotalRequestTime RouteRefresherLatency UrlQuery
    BackEndGenericInfo GenericInfo GenericErrors EdgeTraceId DatabaseGuid UserADObjectGuid
    PartitionEndpointLookupLatency RoutingStatus""".split()  # noqa: SIM905  (readable columns)
)
_AT: Final = {name: position for position, name in enumerate(COLUMNS)}
_HEADER: Final = ",".join(COLUMNS)

# Latencies of a proxied request, as most rows show them; a request answered by the front end
# itself leaves nearly all of them empty.
_PROXIED: Final[dict[str, str]] = {
    "HttpPipelineLatency": "0",
    "CalculateTargetBackEndLatency": "1",
    "TotalGlsLatency": "0",
    "TotalAccountForestLatency": "0",
    "TotalResourceForestLatency": "0",
    "ADLatency": "0",
    "TotalSharedCacheLatency": "0",
    "ModuleToHandlerSwitchingLatency": "0",
    "ClientReqStreamLatency": "0",
    "BackendReqInitLatency": "1",
    "BackendReqStreamLatency": "0",
    "BackendRespInitLatency": "0",
    "BackendRespStreamLatency": "0",
    "ClientRespStreamLatency": "0",
    "KerberosAuthHeaderLatency": "0",
    "HandlerCompletionLatency": "0",
    "HandlerToModuleSwitchingLatency": "0",
    "CoreLatency": "3",
    "RoutingLatency": "4",
    "HttpProxyOverhead": "4",
    "RoutingStatus": "CafeV1",
}


def padded(build: str) -> str:
    """``15.1.2106.2`` -> ``15.01.2106.002``, as the #Version line and TargetServerVersion say."""
    major, minor, number, revision = (int(part) for part in build.split("."))
    return f"{major}.{minor:02d}.{number}.{revision:03d}"


def version_number(build: str) -> int:
    """The build as cookies carry it: 15.1.2375 -> 1942063431 (sample rows, ``BEVersion-…``)."""
    major, minor, number, _ = (int(part) for part in build.split("."))
    return 0x70000000 | major << 22 | minor << 16 | 0x8000 | number


def head(build: str, first: datetime, bare_header: bool) -> str:
    """What a new hour file begins with.

    ``bare_header`` puts a plain header row before the ``#`` block; both forms exist in the wild.
    """
    block = (
        f"#Software: Microsoft Exchange Server\r\n#Version: {padded(build)}\r\n"
        f"#Log-type: HttpProxy Logs\r\n#Date: {stamp(first)}\r\n#Fields: {_HEADER}\r\n"
    )
    return BOM + (f"{_HEADER}\r\n" if bare_header else "") + block


def generic_info(began: datetime, ended: datetime, build: str, proxied: bool, more: str) -> str:
    """The GenericInfo column: what the front end did, step by step."""
    steps = [f"BeginRequest={stamp(began)}", "CorrelationID=<empty>"]
    if proxied:
        soon = stamp(began + timedelta(milliseconds=3))
        steps += ["ProxyState-Run=None", f"FEAuth=BEVersion-{version_number(build)}"]
        steps += [f"BeginGetRequestStream={soon}", f"OnRequestStreamReady={soon}"]
        steps += [f"BeginGetResponse={soon}", f"OnResponseReady={stamp(ended)}"]
        steps += [f"EndGetResponse={stamp(ended)}", "ProxyState-Complete=ProxyResponseData"]
    return ";".join([*steps, f"SharedCacheGuard=0;{more}EndRequest={stamp(ended)};"])


def row(when: datetime, build: str, took_ms: int, values: Mapping[str, str]) -> str:
    """One line without its line end. ``values`` are columns by name; the rest is filled in.

    Raises KeyError for a column that does not exist.
    """
    proxied = values.get("ProxyAction", "") == "Proxy"
    cells = [""] * len(COLUMNS)
    versions = build.split(".")
    began = when - timedelta(milliseconds=took_ms)
    took = str(took_ms)
    filled = {
        "DateTime": stamp(when),
        "MajorVersion": versions[0],
        "MinorVersion": versions[1],
        "BuildVersion": versions[2],
        "RevisionVersion": versions[3],
        "RequestBytes": "0",
        "ActivityContextLifeTime": took,
        "TotalRequestTime": took,
        "GenericInfo": generic_info(began, when, build, proxied, values.get("*Steps", "")),
    }
    if proxied:
        filled |= _PROXIED | {
            "BackendProcessingLatency": took,
            "RequestHandlerLatency": took,
            "ProxyTime": took,
            "RoutingType": "IntraForest",
        }
    for name, value in (filled | dict(values)).items():
        if name != "*Steps":
            cells[_AT[name]] = quoted(value)
    return ",".join(cells)
