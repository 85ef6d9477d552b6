"""Benign requests as pre-rendered rows with open places for time and request id.

A server's traffic is drawn from a deck of these; drawing one costs three string substitutions, so
background is written at hundreds of megabytes a second. Shapes follow published sample rows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Final

from afterpatch.simulate import httpproxy, w3c
from afterpatch.simulate.csvtext import agent_cell, stamp
from afterpatch.simulate.dice import guid
from afterpatch.simulate.scenario import ServerPlan

_WHEN: Final = datetime(2001, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
_KEY: Final = "00000000-0000-4000-b000-00000000beef"
TOOK_MS: Final = 900  # longest request in the deck

# Share of each protocol in background traffic; most of it is Exchange probing itself.
WEIGHTS: Final = {
    "Mapi": 30,
    "Ews": 16,
    "Eas": 14,
    "Owa": 11,
    "Ecp": 8,
    "Autodiscover": 8,
    "RpcHttp": 6,
    "PowerShell": 4,
    "Oab": 3,
}
_BROWSERS: Final = (
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/88.0.4324.190 Safari/537.36"
    ),
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:86.0) Gecko/20100101 Firefox/86.0",
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/14.0.3 Safari/605.1.15"
    ),
)
_OUTLOOK: Final = (
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.13628; Pro)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)",
    "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.5311; Pro)",
)
_PHONES: Final = (
    "Apple-iPhone11C8/1804.52",
    "Outlook-iOS-Android/1.0",
    "Android-SAMSUNG-SM-G973F/101.10000",
)
_OWA_PAGES: Final = (
    ("/owa/", ""),
    ("/owa/service.svc", "action=FindItem&EP=1&ID=-27&AC=1"),
    ("/owa/service.svc", "action=GetConversationItems&EP=1&ID=-41&AC=1"),
    ("/owa/ev.owa2", "ns=PendingRequest&ev=PendingNotificationRequest&UA=0"),
    ("/owa/auth/logon.aspx", "replaceCurrent=1&reason=2"),
    ("/owa/prem/15.1.2106.2/resources/images/0/sprite1.mouse.png", ""),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One kind of benign request.

    proxy  HttpProxy row: places for time, id, begin, and when ``proxied`` 3x soon and 3x time.
    front  IIS front-end row: places for second and id. ``back``: the same, or "".
    """

    protocol: str
    proxied: bool
    took_ms: int
    proxy: str
    front: str
    back: str


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    stem: str
    query: str
    agent: str
    ip: str
    user: str
    status: int
    authentication: str
    anchor: str
    hint: str
    host: str


@dataclass(frozen=True, slots=True)
class _People:
    """Users, addresses and ids of one server, drawn once."""

    plan: ServerPlan
    rng: Random
    users: tuple[str, ...]
    addresses: tuple[str, ...]
    mailbox: str

    def call(self, protocol: str) -> _Call:
        """A request of this protocol: by a probe, or by a user."""
        if self.rng.random() < 0.55 or protocol in ("Oab", "PowerShell"):
            return self._probe(protocol)
        return self._human(protocol)

    def _probe(self, protocol: str) -> _Call:
        plan, user = self.plan, f"{self.plan.netbios}\\HealthMailbox{self.mailbox[:7]}"
        stems = {
            "Mapi": ("POST", "/mapi/emsmdb/", f"mailboxId={self.mailbox}@{plan.domain}"),
            "Ews": ("GET", "/ews/", ""),
            "Eas": ("OPTIONS", "/Microsoft-Server-ActiveSync/default.eas", ""),
            "Owa": ("GET", "/owa/exhealth.check", ""),
            "Ecp": ("GET", "/ecp/exhealth.check", ""),
            "Autodiscover": ("POST", "/autodiscover/autodiscover.xml", ""),
            "RpcHttp": ("RPC_IN_DATA", "/rpc/rpcproxy.dll", f"{self.mailbox}@{plan.domain}:6001"),
            "PowerShell": ("POST", "/powershell", "clientApplication=ActiveMonitor;PSVersion=5.1"),
            "Oab": ("GET", f"/oab/{guid(self.rng)}/oab.xml", ""),
        }
        method, stem, query = stems[protocol]
        agent = "MapiHttpClient" if protocol == "Mapi" else f"AMProbe/Local/{protocol}"
        sid = f"Sid~S-1-5-21-2025429265-492894223-1708537768-{self.rng.randrange(1100, 1190)}"
        return _Call(
            method, stem, query, agent, "127.0.0.1", user, 200, "Negotiate", sid,
            "WindowsIdentity", "localhost",
        )  # fmt: skip

    def _human(self, protocol: str) -> _Call:
        rng, plan = self.rng, self.plan
        user, ip = rng.choice(self.users), rng.choice(self.addresses)
        account = f"{plan.netbios}\\{user}"
        stem, query, agent, method = "/ews/exchange.asmx", "", rng.choice(_OUTLOOK), "POST"
        if protocol == "Owa":
            stem, query = rng.choice(_OWA_PAGES)
            agent, method = rng.choice(_BROWSERS), "GET"
        elif protocol == "Ecp":
            stem, query = "/ecp/PersonalSettings/HomePage.aspx", "showhelp=false"
            agent, method = rng.choice(_BROWSERS), "GET"
        elif protocol == "Eas":
            stem, agent = "/Microsoft-Server-ActiveSync/default.eas", rng.choice(_PHONES)
            query = (
                f"Cmd={rng.choice(('Sync', 'Ping'))}&User={user}&DeviceId={rng.randbytes(8).hex()}"
            )
        elif protocol == "Mapi":
            stem, query = "/mapi/emsmdb/", f"mailboxId={guid(rng)}@{plan.domain}"
        elif protocol == "Autodiscover":
            stem = "/autodiscover/autodiscover.xml"
        elif protocol == "RpcHttp":
            stem, method = "/rpc/rpcproxy.dll", "RPC_OUT_DATA"
        status = 401 if rng.random() < 0.07 else 200
        sid = f"Sid~S-1-5-21-2025429265-492894223-1708537768-{rng.randrange(1200, 9000)}"
        return _Call(
            method, stem, query, agent, ip, account if status == 200 else "", status,
            "FBA" if protocol in ("Owa", "Ecp") else "NTLM", sid if status == 200 else "",
            "WindowsIdentity" if status == 200 else "", plan.public_name,
        )  # fmt: skip


def deck(plan: ServerPlan, build: str, rng: Random, per_weight: int) -> dict[str, list[Visit]]:
    """Protocol -> kinds of request; ``per_weight`` kinds for each percent of its share."""
    count = max(4, 4 * per_weight)
    people = _People(
        plan,
        rng,
        tuple(f"user{i:03d}" for i in range(count)),
        tuple(_address(rng) for _ in range(count)),
        guid(rng),
    )
    return {
        protocol: [
            _render(plan, build, protocol, people.call(protocol), rng)
            for _ in range(max(2, weight * per_weight))
        ]
        for protocol, weight in WEIGHTS.items()
        if protocol in plan.volume.protocols
    }


def _address(rng: Random) -> str:
    """An office network or a documentation range (RFC 5737): nobody's real address."""
    if rng.random() < 0.6:
        return f"10.{rng.randrange(20, 40)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
    return f"{rng.choice(('192.0.2', '198.51.100'))}.{rng.randrange(1, 255)}"


def _render(plan: ServerPlan, build: str, protocol: str, call: _Call, rng: Random) -> Visit:
    proxied, took = call.status == 200, rng.randrange(2, TOOK_MS)
    cells = {
        "RequestId": _KEY,
        "Protocol": protocol,
        "UrlHost": call.host,
        "UrlStem": call.stem,
        "UrlQuery": f"?{call.query}" if call.query else "",
        "AuthenticationType": call.authentication,
        "IsAuthenticated": "true" if call.user else "false",
        "AuthenticatedUser": call.user,
        "AnchorMailbox": call.anchor,
        "UserAgent": agent_cell(call.agent),
        "ClientIpAddress": call.ip,
        "ServerHostName": plan.name,
        "HttpStatus": str(call.status),
        "Method": call.method,
    }
    if proxied:
        cells |= {
            "BackEndStatus": "200",
            "ProxyAction": "Proxy",
            "TargetServer": plan.fqdn,
            "TargetServerVersion": httpproxy.padded(build)[:-3] + "000",
            "RoutingHint": call.hint,
            "RequestBytes": str(rng.randrange(0, 9000)),
            "ResponseBytes": str(rng.randrange(90, 90_000)),
        }
    row = httpproxy.row(_WHEN, build, took, cells)
    web = [plan.address, call.method, call.stem, w3c.traced(call.query, _KEY)]
    status = "200 0 0" if proxied else f"{call.status} 1 2148074254"
    front = w3c.iis_row(
        _WHEN, web[0], web[1], web[2], web[3], 443, call.ip, call.agent, status, took, call.user
    )
    back = ""
    if proxied and call.ip != "127.0.0.1":
        back = w3c.iis_row(
            _WHEN, web[0], web[1], web[2], web[3], 444, web[0], call.agent, status, took, call.user
        )
    return Visit(protocol, proxied, took, _opened(row), _opened(front), _opened(back))


def _opened(row: str) -> str:
    """A rendered row -> the same with places for its times and id, in their order."""
    if not row:
        return ""
    escaped = row.replace("%", "%%").replace(_KEY, "%s").replace(stamp(_WHEN), "%s")
    day = f"{_WHEN:%Y-%m-%d}"
    escaped = escaped.replace(f"{_WHEN:%Y-%m-%d %H:%M:%S}", "%s")
    while day in escaped:  # begin and stream times differ from the end time by the request's length
        at = escaped.index(day)
        escaped = escaped[:at] + "%s" + escaped[at + len(stamp(_WHEN)) :]
    return escaped + "\r\n"
