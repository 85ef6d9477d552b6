"""One act on one server: how a request becomes rows in every log that sees it.

A request to Exchange leaves up to three rows that share one id: HttpProxy, the front-end IIS site
and the back-end IIS site. Acts are written in terms of requests; this module writes the rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from afterpatch.simulate import ecp, httpproxy, w3c
from afterpatch.simulate.csvtext import agent_cell
from afterpatch.simulate.dice import guid
from afterpatch.simulate.scenario import Act, ServerPlan
from afterpatch.simulate.trace import Trace, WebFile

# A version below E15MinVersion in the cookie makes the proxy use port 443; the exploit names a
# 15.0 build, as the public rows do (Test-AMSI.ps1 uses 1941997017).
COOKIE_VERSION = 1941962753


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked and what it was answered.

    cells  HttpProxy columns beyond those every row has.
    back   back-end path and query, when the request was passed on; "" = not passed on.
    """

    when: datetime
    method: str
    stem: str
    status: int
    query: str = ""
    protocol: str = "Owa"
    agent: str = ""
    ip: str = ""
    user: str = ""
    took_ms: int = 40
    back: str = ""
    back_user: str = ""
    host: str = ""
    cells: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """An act about to be played."""

    plan: ServerPlan
    act: Act
    rng: Random
    trace: Trace

    def later(self, seconds: float) -> datetime:
        """A time after the act began."""
        return self.act.at + timedelta(milliseconds=round(seconds * 1000))

    def param(self, name: str, default: str) -> str:
        """A parameter of the act."""
        return self.act.params.get(name, default)

    def note(
        self, log: str, when: datetime, text: str, shows: str = "", may_show: str = ""
    ) -> None:
        """Leave one row, on this act's account."""
        self.trace.add(log, when, text, shows, may_show, self.act.actor)

    def leave(
        self, path: str, content: bytes, when: datetime, shows: str = "", may_show: str = ""
    ) -> None:
        """Leave one file."""
        may_show = may_show or shows
        self.trace.files[path] = WebFile(content, when, shows, may_show, self.act.actor)

    def send(self, request: Request, shows: str = "", may_show: str = "") -> None:
        """Leave the rows of one request. Only the HttpProxy row counts as proof of ``shows``."""
        may_show = may_show or shows
        key = guid(self.rng)
        self.proxy_row_of(request, key, shows, may_show)
        self.web_row(request, key, "", may_show)
        if request.back:
            path, _, query = request.back.partition("?")
            self.note(
                "iis-back",
                request.when,
                w3c.iis_row(
                    request.when,
                    self.plan.address,
                    request.method,
                    "/" + path,
                    w3c.traced(query.split("#")[0], key),
                    444,
                    self.plan.address,
                    request.agent or self.act.agent,
                    f"{request.status} 0 0",
                    request.took_ms,
                    request.back_user or f"{self.plan.netbios}\\{self.plan.name}$",
                ),
                "",
                may_show,
            )

    def web_row(self, request: Request, key: str, shows: str, may_show: str = "") -> None:
        """The front-end IIS row alone."""
        substatus = {404: "404 0 2", 401: "401 1 2148074254"}
        row = w3c.iis_row(
            request.when,
            self.plan.address,
            request.method,
            request.stem,
            w3c.traced(request.query, key),
            443,
            request.ip or self.act.ip,
            request.agent or self.act.agent,
            substatus.get(request.status, f"{request.status} 0 0"),
            request.took_ms,
            request.user,
        )
        self.note("iis-front", request.when, row, shows, may_show)

    def proxy_row_of(self, request: Request, key: str, shows: str, may_show: str) -> None:
        """The HttpProxy row alone."""
        cells = {
            "RequestId": key,
            "Protocol": request.protocol,
            "UrlHost": request.host or self.plan.public_name,
            "UrlStem": request.stem,
            "UrlQuery": f"?{request.query}" if request.query else "",
            "AuthenticationType": "FBA",
            "IsAuthenticated": "true" if request.user else "false",
            "AuthenticatedUser": request.user,
            "UserAgent": agent_cell(request.agent or self.act.agent),
            "ClientIpAddress": request.ip or self.act.ip,
            "ServerHostName": self.plan.name,
            "HttpStatus": str(request.status),
            "Method": request.method,
            **(request.cells or {}),
        }
        if request.back:
            cells |= {"BackEndStatus": str(request.status), "ProxyAction": "Proxy"}
        build = self.plan.build_at(request.when)
        row = httpproxy.row(request.when, build, request.took_ms, cells)
        self.note(f"httpproxy:{request.protocol}", request.when, row, shows, may_show)

    def forge(
        self,
        when: datetime,
        target: str,
        status: int,
        shows: str = "",
        may_show: str = "",
        agent: str = "",
        passed: bool = True,
        proxy_row: bool = True,
    ) -> None:
        """One request with a forged back-end cookie (CVE-2021-26855).

        ``target`` is the back-end path with its query. The act's ``cookie`` parameter says which
        way the forgery went in: resource (X-BEResource), anonymous (X-AnonResource-Backend) or
        backend (seen only in the BackEndCookie column).
        """
        cookie = self.param("cookie", "resource")
        aim = f"a]@{self.plan.fqdn}:444/{target}"
        cells = {"TargetServer": aim, "TargetServerVersion": "15.00.0001.000"}
        if cookie == "backend":
            until = when + timedelta(minutes=10)
            fate = f"Server~{aim}~{COOKIE_VERSION}~{until:%Y-%m-%dT%H:%M:%S}"
            cells |= {"BackEndCookie": fate, "RoutingHint": "X-BEResource-Cookie"}
        else:
            hint = "AnonResource-Backend" if cookie == "anonymous" else "BEResource"
            cells |= {"AnchorMailbox": f"ServerInfo~{aim}", "RoutingHint": f"X-{hint}-Cookie"}
        owa = cookie == "anonymous"
        request = Request(
            when=when,
            method="POST",
            stem=self.param("stem", "/owa/auth/x.js" if owa else "/ecp/y.js"),
            status=status,
            protocol="Owa" if owa else "Ecp",
            agent=agent,
            took_ms=self.rng.randrange(30, 1600),
            back=target if passed else "",
            cells=cells | ({} if passed else {"BackEndStatus": str(status)}),
        )
        if proxy_row:
            self.send(request, shows, may_show)
        else:
            self.web_row(request, guid(self.rng), "", may_show or shows)

    def ecp_row(
        self,
        when: datetime,
        command: str,
        query: str,
        shows: str = "",
        error: str = "",
        session: str = "",
        path: str = "/ecp/DDI/DDIService.svc/SetObject",
    ) -> None:
        """One line of the ECP Server log."""
        build = self.plan.build_at(when)
        url = f"{path}?{query}"
        row = ecp.ecp_row(
            when, self.plan.name, build, self.rng, command, url, error, session=session
        )
        self.note("ecp-server", when, row, shows)
