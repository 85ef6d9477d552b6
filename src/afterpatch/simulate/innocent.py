"""Hard negatives: things administrators, vendors and strangers do that look like an attack."""

import io
import zipfile
from typing import Final

from afterpatch.simulate import configuration, windows
from afterpatch.simulate.dice import guid, word
from afterpatch.simulate.scene import Request, Scene

# Names that strangers asked real servers for in March 2021, on servers that never had them.
HUNTED: Final = (
    "/owa/auth/OutlookEN.aspx",
    "/owa/auth/ErrorAA.aspx",
    "/owa/auth/Err0r.aspx",
    "/owa/auth/zntwv.aspx",
    "/owa/auth/getpp.aspx",
    "/owa/auth/Current/themes/errorFS.aspx",
    "/owa/auth/Current/scripts/premium/fexppw.aspx",
    "/owa/auth/Currentthemes/resources/win.ashx",
)
_POWERSHELL: Final = "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.14393"


def test_amsi(scene: Scene) -> None:
    """Microsoft's Test-AMSI.ps1: shaped like a session forgery, answered 400."""
    name = word(scene.rng, 10)
    aim = f"a]@{scene.plan.fqdn}:444/ecp/proxyLogon.ecp#"
    request = Request(
        when=scene.act.at,
        method="POST",
        stem=f"/ecp/Test-{name}.js",
        status=400,
        protocol="Ecp",
        agent=_POWERSHELL,
        ip=scene.plan.address,
        host=scene.plan.fqdn,
        cells={
            "AnchorMailbox": f"ServerInfo~{aim}",
            "RoutingHint": "X-BEResource-Cookie",
            "TargetServer": aim,
            "TargetServerVersion": "15.00.1497.000",
        },
    )
    scene.send(request)


def url_change(scene: Scene) -> None:
    """An administrator moves OWA to a new name: the same cmdlet, no markup."""
    plan, when = scene.plan, scene.act.at
    directory = scene.param("directory", "Owa")
    user = f"{plan.netbios}\\exadmin"
    url = f"https://{plan.public_name}/{directory.lower()}"
    query = f"schema={directory.upper()}VirtualDirectory&msExchEcpCanary={guid(scene.rng)}."
    path = "/ecp/DDI/DDIService.svc/SetObject"
    request = Request(
        when=when,
        method="POST",
        stem=path,
        status=200,
        query=query,
        protocol="Ecp",
        user=user,
        ip="10.20.5.40",
        back=f"{path[1:]}?{query}",
        back_user=user,
        cells={
            "AnchorMailbox": "Sid~S-1-5-21-2025429265-492894223-1708537768-1128",
            "RoutingHint": "WindowsIdentity-NoDatabase",
            "TargetServer": plan.fqdn,
        },
    )
    scene.send(request)
    name = f"Set-{directory}VirtualDirectory"
    identity = f"{plan.name}\\{directory.lower()} (Default Web Site)"
    scene.ecp_row(when, f"{name}.ExternalUrl='{url}'.Identity='{identity}'", query)
    parameters = f'-ExternalUrl "{url}" -Identity "{identity}"'
    event = windows.cmdlet(plan, when, name, parameters)
    scene.note(f"windows:{windows.MANAGEMENT}", when, event)


def _visit(scene: Scene, seconds: float, page: str, status: int, may_show: str = "") -> None:
    request = Request(
        when=scene.later(seconds),
        method="GET",
        stem=page,
        status=status,
        protocol="Ecp" if page.startswith("/ecp") else "Owa",
        took_ms=101,
    )
    scene.send(request, "", may_show)


def shell_hunters(scene: Scene) -> None:
    """Strangers look for other people's shells: 302 for names this server never had."""
    for i, page in enumerate(HUNTED):
        _visit(scene, 0.7 * i, page, 302, "scanned")
    _visit(scene, 9, "/aspnet_client/discover.aspx", 404, "scanned")


def timeout_logout(scene: Scene) -> None:
    """A page that ships with Exchange, and its name in the wrong folder."""
    _visit(scene, 0, "/ecp/auth/TimeoutLogout.aspx", 200)
    _visit(scene, 3, "/owa/auth/TimeoutLogout.aspx", 302)
    _visit(scene, 5, "/owa/auth/OutlookCN.aspx", 200)


def ediscovery_tool(scene: Scene) -> None:
    """A fingerprinting request for the export tool: an odd AnchorMailbox, nothing more."""
    request = Request(
        when=scene.act.at,
        method="GET",
        stem="/ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
        status=200,
        protocol="Ecp",
        agent="Mozilla/5.0 zgrab/0.x",
        back="ecp/Current/exporttool/microsoft.exchange.ediscovery.exporttool.application",
        cells={
            "AnchorMailbox": "ServerVersion~Version 15.0 (Build 0.0)",
            "RoutingHint": "EDiscoveryExportTool-ServerVersion",
            "TargetServer": scene.plan.fqdn,
        },
    )
    scene.send(request)


def vendor_archives(scene: Scene) -> None:
    """Archives in ProgramData that an antivirus product put there (CSS-Exchange #311)."""
    folder = "C:/ProgramData/McAfee/Agent/UpdateData"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("catalog.xml", (2021, 2, 1, 0, 0, 0)), "<catalog />\r\n")
    path = f"{folder}/avvdat-{scene.rng.randrange(9000, 9999)}.zip"
    scene.leave(path, buffer.getvalue(), scene.act.at)
    native = path.replace("/", "\\")
    listing = (
        '"FullName","Length","LastWriteTimeUtc"\r\n'
        f'"{native}","{len(buffer.getvalue())}","{scene.act.at:%Y-%m-%dT%H:%M:%SZ}"\r\n'
    )
    scene.leave("listings/ProgramData.csv", listing.encode(), scene.act.at)


def mitigated(scene: Scene) -> None:
    """Microsoft's EOMT put its two abort rules into the site's web.config."""
    text = configuration.site_config(True).encode()
    scene.leave(configuration.SITE_CONFIG, text, scene.act.at)
