"""The full chain: forged session, write through a virtual directory's URL, file on disk.

Order, statuses and timing follow a real case published by a national CERT (two runs, ten minutes
apart, one with a failed clean-up) and a public laboratory run.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from afterpatch.simulate import webfiles, windows
from afterpatch.simulate.dice import canary, dice, guid, word
from afterpatch.simulate.ecp import oab_row
from afterpatch.simulate.scene import Scene

# Spelling of the cmdlets' virtual directories -> the ECP schema that writes them.
DIRECTORIES: Final = {
    "Oab": "OABVirtualDirectory",
    "Ecp": "ECPVirtualDirectory",
    "Owa": "OWAVirtualDirectory",
    "WebServices": "EWSVirtualDirectory",
    "ActiveSync": "EASVirtualDirectory",
    "Autodiscover": "AutodiscoverVirtualDirectory",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the chain: what its requests share."""

    scene: Scene
    canary: str
    session: str
    target: str
    directory: str

    @property
    def schema(self) -> str:
        """``OABVirtualDirectory``."""
        return DIRECTORIES[self.directory]

    def service(self, verb: str, schema: str) -> str:
        """A DDI service path as the forgery names it."""
        path = f"ecp/DDI/DDIService.svc/{verb}"
        return f"{path}?msExchEcpCanary={self.canary}&schema={schema}#"

    def command(
        self, seconds: float, text: str, schema: str, shows: str = "", ex: str = ""
    ) -> None:
        """What the ECP Server log says of it."""
        query = f"msExchEcpCanary={self.canary}&schema={schema}"
        verb = "GetObject" if text.startswith(("Get-", "Pipeline")) else "SetObject"
        path = f"/ecp/DDI/DDIService.svc/{verb}"
        when = self.scene.later(seconds)
        self.scene.ecp_row(when, text, query, shows, ex, self.session, path)


def _begin(scene: Scene) -> Run:
    token = canary(scene.rng)
    scene.trace.known(scene.act.actor, "canaries", token)
    return Run(scene, token, guid(scene.rng), guid(scene.rng), scene.param("directory", "Oab"))


def _forge_session(run: Run, proxy_row: bool) -> None:
    scene = run.scene
    scene.trace.happens("session-forged")
    client = "ExchangeServicesClient/0.0.0.0"
    first, second = "autodiscover/autodiscover.xml?#", "mapi/emsmdb/?#"
    scene.forge(scene.later(0), first, 200, "attempted", agent=client, proxy_row=proxy_row)
    scene.forge(scene.later(1.537), second, 200, "attempted", "data-accessed", proxy_row=proxy_row)
    scene.forge(
        scene.later(4.048), "ecp/proxyLogon.ecp?#", 241, "session-forged", proxy_row=proxy_row
    )


def _read_directory(run: Run, proxy_row: bool) -> None:
    scene = run.scene
    target = run.service("GetObject", run.schema)
    scene.forge(scene.later(9.381), target, 200, "attempted", "session-forged", proxy_row=proxy_row)
    identity = "ADPropertiesOnly=$true.Identity=$null"
    run.command(9.227, f"Get-{run.directory}VirtualDirectory.{identity}", run.schema)
    run.command(9.335, "Pipeline.1|Get-MailboxRegionalConfiguration", run.schema)


def session_forged(scene: Scene) -> None:
    """Up to a granted session and a look at the directory: 241, then GetObject."""
    run = _begin(scene)
    _forge_session(run, True)
    _read_directory(run, True)


def full_chain(scene: Scene) -> None:
    """The whole chain. ``proxy``: full, stops (HttpProxy ends at GetObject) or none."""
    proxy = scene.param("proxy", "full")
    run = _begin(scene)
    _forge_session(run, proxy != "none")
    _read_directory(run, proxy != "none")
    _write_url(run, proxy == "full")
    _reset(run, proxy == "full")
    _clean_up(run, proxy == "full")


def _url(scene: Scene) -> str:
    key = scene.param("key", word(dice(scene.plan.seed, str(scene.act.at), "key"), 6))
    payload = webfiles.markup(scene.param("payload", "script"), key)
    return f"http://{scene.param('url_host', 'f')}/{payload}"


def _write_url(run: Run, proxy_row: bool) -> None:
    scene = run.scene
    scene.trace.happens("write-fired")
    url, name = _url(scene), f"Set-{run.directory}VirtualDirectory"
    field = scene.param("field", "ExternalUrl")
    run.command(11.61, f"{name}.{field}='{url}'.Identity='{run.target}'", run.schema, "write-fired")
    run.command(
        11.672,
        f"Get-{run.directory}VirtualDirectory.ADPropertiesOnly=$true.Identity='{run.target}'",
        run.schema,
    )
    target = run.service("SetObject", run.schema)
    scene.forge(scene.later(11.7), target, 200, "attempted", "write-fired", proxy_row=proxy_row)
    parameters = f'-{field} "{url}" -Identity "{run.target}"'
    event = windows.cmdlet(scene.plan, scene.later(11.59), name, parameters)
    scene.note(f"windows:{windows.MANAGEMENT}", scene.later(11.59), event, "write-fired")
    _application_events(scene, 11.5)


def _application_events(scene: Scene, seconds: float) -> None:
    """MSExchange Control Panel 4, 47, 48 and the pools' restarts (laboratory run)."""
    plan, when = scene.plan, scene.later(seconds)
    log, panel = f"windows:{windows.APPLICATION}", "MSExchange Control Panel"
    static = scene.param("stem", "/ecp/y.js")
    failed = (
        f"Current user: '{plan.domain}/Users/Administrator'\r\nRequest for URL "
        f"'https://{plan.name.lower()}:444/ecp/about.aspx?a=]:444{static}"
        f"(https://localhost{static})' failed with the following error:\r\n"
        "System.Web.HttpUnhandledException (0x80004005): Exception of type "
        "'System.Web.HttpUnhandledException' was thrown."
    )
    started = "Exchange Control Panel started an Async web request in the thread 176."
    messages = ((4, 2, failed), (47, 4, f"{started}\r\nCommand: 'SetObject'"))
    for number, level, text in messages:
        event = windows.application(plan, when, panel, number, level, text)
        scene.note(log, when, event, "", "session-forged")
    stopped = "[Oab] Application shutting down."
    provider = "MSExchange Front End HTTP Proxy"
    later = scene.later(seconds + 3)
    event = windows.application(plan, later, provider, 1002, 4, stopped)
    scene.note(log, later, event)


def _reset(run: Run, proxy_row: bool) -> None:
    scene = run.scene
    schema = f"Reset{run.schema}"
    server = scene.plan.name
    short = {"WebServices": "EWS"}.get(run.directory, run.directory.upper())
    cmdlet = f"{run.directory}VirtualDirectory"
    run.command(16.122, f"Get-{cmdlet}.Identity='{run.target}'", schema)
    run.command(16.258, f"Get-ExchangeServer.Identity='{server}'", schema)
    if scene.param("rebuild", "no") == "yes":
        _rebuild(run, f"{server}\\{short} (Default Web Site)", schema)
    scene.forge(
        scene.later(16.4), run.service("SetObject", schema), 200, "write-fired", proxy_row=proxy_row
    )
    if scene.param("drop", "yes") == "yes":
        drop(scene, scene.later(16.35), run.directory)


def _rebuild(run: Run, name: str, schema: str) -> None:
    """The reset removes the directory and makes it anew (rows of the real case)."""
    scene, cmdlet = run.scene, f"{run.directory}VirtualDirectory"
    plan = scene.plan
    path = f"{webfiles.V15}/FrontEnd/HttpProxy/{run.directory.upper()}".replace("/", "\\")
    made = {"WebSiteName": "Default Web Site", "Server": plan.name, "Role": "ClientAccess"}
    made |= {"InternalURL": f"https://{plan.fqdn}/{run.directory.upper()}", "Path": path}
    steps = (
        (16.31, f"Remove-{cmdlet}", {"Force": "True", "Identity": name}),
        (16.38, f"New-{cmdlet}", made),
    )
    for seconds, verb, parameters in steps:
        spelt = "".join(
            ".Force=$true" if key == "Force" else f".{key}='{value}'"
            for key, value in parameters.items()
        )
        run.command(seconds, f"{verb}{spelt}", schema)
        quoted = " ".join(f'-{key} "{value}"' for key, value in parameters.items())
        when = scene.later(seconds)
        event = windows.cmdlet(plan, when, verb, quoted)
        scene.note(f"windows:{windows.MANAGEMENT}", when, event)


def shell_path(shell: str) -> str:
    """URL path of a page -> where it lies on disk."""
    if shell.startswith("/aspnet_client/"):
        return f"C:/inetpub/wwwroot{shell}"
    return f"{webfiles.V15}/FrontEnd/HttpProxy{shell}"


def drop(scene: Scene, when: datetime, directory: str) -> None:
    """The file arrives: through the server's own C$ share, so the writer is ``System``."""
    scene.trace.happens("file-written")
    shell = scene.param("shell", f"/owa/auth/{word(scene.rng, 8)}.aspx")
    scene.trace.known(scene.act.actor, "shells", shell)
    path = shell_path(shell)
    native = path.replace("/", "\\")
    page = webfiles.dropped_page(scene.plan.fqdn, directory.upper(), _url(scene), when)
    scene.leave(path, page, when, "file-written")
    seen = windows.share_access(scene.plan, when, scene.rng, native.removeprefix("C:\\"))
    scene.note(f"windows:{windows.SECURITY}", when, seen, "file-written")
    created = windows.file_created(scene.plan, when, scene.rng, native)
    scene.note(f"windows:{windows.SYSMON}", when, created, "file-written")


def shell_drop(scene: Scene) -> None:
    """Only the drop: for servers whose other logs are gone."""
    drop(scene, scene.act.at, scene.param("directory", "Oab"))


def _clean_up(run: Run, proxy_row: bool) -> None:
    """``cleanup``: ok, fails (the object was removed under it) or none."""
    scene, how = run.scene, run.scene.param("cleanup", "ok")
    if how == "none":
        return
    plan = scene.plan
    error = ""
    if how == "fails":
        base = ",".join(f"DC={part}" for part in plan.domain.split("."))
        error = (
            "Microsoft.Exchange.Data.Directory.ADNoSuchObjectException:Active Directory operation "
            f"failed on dc01.{plan.domain}. The object 'CN=OAB (Default Web Site),CN=HTTP,"
            f"CN=Protocols,CN={plan.name},CN=Servers,CN=Exchange Administrative Group "
            f"(FYDIBOHF23SPDLT),CN=Administrative Groups,CN={plan.netbios},CN=Microsoft Exchange,"
            f"CN=Services,CN=Configuration,{base}' does not exist.\\r\\n\\r\\n"
            "The object does not exist.\\r\\n"
        )
    text = f"Set-{run.directory}VirtualDirectory.ExternalUrl=$null.Identity='{run.target}'"
    run.command(19.3, text, run.schema, ex=error)
    target = run.service("SetObject", run.schema)
    scene.forge(scene.later(19.4), target, 200, "attempted", "write-fired", proxy_row=proxy_row)


def oab_write(scene: Scene) -> None:
    """CVE-2021-26858: the OAB generator downloaded to where the attacker chose."""
    scene.trace.happens("write-fired")
    path = shell_path(scene.param("shell", f"/owa/auth/{word(scene.rng, 8)}.aspx"))
    native = path.replace("/", "\\")
    text = f"Download failed and temporary file '{native}' needs to be removed"
    scene.note("oabgenerator", scene.act.at, oab_row(scene.act.at, scene.rng, text), "write-fired")


def um_deserialisation(scene: Scene) -> None:
    """CVE-2021-26857: Unified Messaging fails with InvalidCastException.

    With ``child`` yes the failing service also starts a command: the code ran.
    """
    scene.trace.happens("attempted")
    log = f"windows:{windows.APPLICATION}"
    text = (
        "The Microsoft Exchange Unified Messaging service on the server encountered an error while "
        "processing a voice mail header file: System.InvalidCastException: Unable to cast object."
    )
    provider = "MSExchange Unified Messaging"
    event = windows.application(scene.plan, scene.act.at, provider, 1423, 2, text)
    scene.note(log, scene.act.at, event, "attempted")
    if scene.param("child", "no") == "yes":
        scene.trace.happens("shell-used")
        worker = f"{webfiles.V15}/Bin/UMWorkerProcess.exe".replace("/", "\\")
        image, command = "C:\\Windows\\System32\\cmd.exe", "cmd /c whoami"
        when = scene.later(0.4)
        started = windows.process_created(
            scene.plan, when, scene.rng, image, command, worker, worker
        )
        scene.note(f"windows:{windows.SYSMON}", when, started, "shell-used")
