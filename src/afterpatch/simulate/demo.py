"""The simulated incident of ``afterpatch demo``: seven servers, every kind of verdict.

Small on purpose: one or two rows an hour for the logs a verdict needs. Writes nothing itself.
"""

from datetime import datetime
from typing import Final

from afterpatch.simulate.aftermath import browser
from afterpatch.simulate.scenario import Act, Layout, Scenario, ServerPlan, Volume, utc

_FIRST: Final = utc("2021-01-01")
_LAST: Final = utc("2021-03-13")
# Half-empty HttpProxy folders are the rule: the log rolls after about 30 days (CSS-Exchange #251).
_MONTH_BACK: Final = {"httpproxy:*": utc("2021-02-11")}
_CU18: Final = ("15.1.2106.2", "15.1.2106.13")
_CU19: Final = ("15.1.2176.2", "15.1.2176.9")
# Logs that no verdict of this incident stands on: left out, so that the demo is quick.
_NOT_NEEDED: Final = frozenset(
    {
        "oabgenerator",
        *(f"httpproxy:{name}" for name in ("Eas", "Mapi", "Oab", "PowerShell", "RpcHttp")),
    }
)
# Documentation addresses (RFC 5737) stand in for attackers' and strangers' machines.
_FALCON, _HERON, _SCANNER, _HUNTER = "203.0.113.21", "198.51.100.99", "203.0.113.200", "192.0.2.77"


def _server(
    number: int,
    builds: tuple[str, str],
    patched: str | None,
    events: tuple[Act, ...],
    rolled: dict[str, datetime],
    layout: Layout = "folder",
    every_hours: int = 4,
) -> ServerPlan:
    name = f"EX{number:02d}"
    return ServerPlan(
        name=name,
        fqdn=f"{name.lower()}.contoso.local",
        product_build_before=builds[0],
        build_after=builds[1] if patched else None,
        patched_at=utc(patched) if patched else None,
        days=(_FIRST, _LAST),
        events=events,
        rolled=rolled,
        layout=layout,
        volume=Volume(60, every_hours, ("Ecp", "Owa", "Ews", "Mapi")),
        address=f"10.20.1.{10 + number}",
        seed=f"demo-{number}",
    )


def _act(kind: str, at: str, ip: str, actor: str = "", agent: str = "", **params: str) -> Act:
    return Act(kind, utc(at), ip, agent or "python-requests/2.25.1", actor, params)


def _compromised() -> ServerPlan:
    shell = "/owa/auth/RedirSuiteServerProxy.aspx"
    chrome, actor = browser("88.0.4324.182"), "falcon"
    return _server(
        1,
        _CU18,
        "2021-03-05T21:40:00",
        (
            _act("nmap-scan", "2021-02-26T10:12:03", _SCANNER),
            _act("full-chain", "2021-02-28T05:49:42", _FALCON, actor, shell=shell, key="klk12",
                 cleanup="fails", rebuild="yes"),
            _act("shell-check", "2021-03-01T03:06:27", _FALCON, actor, chrome, shell=shell),
            _act("shell-use", "2021-03-02T11:20:05", _FALCON, actor, chrome, shell=shell),
            _act("follow-up", "2021-03-03T02:14:55", _FALCON, actor, chrome, shell=shell,
                 what="minidump"),
            _act("follow-up", "2021-03-03T02:31:10", _FALCON, actor, chrome, shell=shell,
                 what="mail"),
            _act("shell-removed", "2021-03-08T20:36:27", _FALCON, actor, chrome, shell=shell),
        ),
        _MONTH_BACK,
    )  # fmt: skip


def _two_actors() -> ServerPlan:
    first, second = "/aspnet_client/supp0rt.aspx", "/owa/auth/OutlookZH.aspx"
    return _server(
        5,
        _CU19,
        None,
        (
            _act("full-chain", "2021-02-27T22:03:11", _FALCON, "falcon", shell=first, key="orange",
                 payload="percent"),
            _act("shell-use", "2021-02-28T01:10:40", _FALCON, "falcon", browser("86.0.4240.198"),
                 shell=first),
            _act("full-chain", "2021-03-03T06:59:10", _HERON, "heron", shell=second, key="NO9BxmCX",
                 stem="/ecp/main.css", proxy="stops"),
            _act("shell-use", "2021-03-04T16:45:33", _HERON, "heron", browser("88.0.4324.150"),
                 shell=second, command="net group \"Exchange Organization administrators\""),
        ),
        _MONTH_BACK,
        "velociraptor",
    )  # fmt: skip


def demo_scenario() -> Scenario:
    """Seven servers of one organisation, January to March 2021."""
    hunters = browser("88.0.4324.182")
    servers = (
        _compromised(),
        _server(2, _CU19, "2021-03-03T01:30:00", (
            _act("nuclei-scan", "2021-03-05T14:20:01", _SCANNER),
            _act("nmap-scan", "2021-03-06T09:01:44", _SCANNER),
        ), {}, "cylr"),
        _server(3, _CU18, "2021-03-04T19:00:00", (), {"httpproxy:*": utc("2021-02-20")}, "kape"),
        _server(4, _CU19, "2021-03-03T20:10:00", (
            _act("autodiscover-attempt", "2021-02-28T07:11:52", _HERON),
            _act("blocked-attempt", "2021-03-05T03:40:12", _HERON),
            _act("shell-hunters", "2021-03-06T17:27:44", _HUNTER, agent=hunters),
        ), _MONTH_BACK, "cylr"),
        _two_actors(),
        _server(6, _CU19, "2021-03-02T23:15:00", (
            _act("url-change", "2021-02-03T09:14:20", "10.20.5.40"),
        ), {}, every_hours=1),
        _server(7, _CU18, "2021-03-06T08:00:00", (
            _act("ews-access", "2021-02-25T23:51:37", _FALCON, "falcon", stem="/ecp/x.js"),
        ), _MONTH_BACK, "cylr"),
    )  # fmt: skip
    return Scenario("demo", servers, "demo")
