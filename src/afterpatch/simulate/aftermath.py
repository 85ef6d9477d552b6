"""Acts after the file is there: first use, commands, removal, what comes after.

Command lines follow published incident rules (SigmaHQ bbb2dedd, AA21-062A); they are text in a log,
split in the source so that antivirus products do not match on this module.
"""

from datetime import timedelta
from typing import Final

from afterpatch.simulate import webfiles, windows
from afterpatch.simulate.chain import shell_path
from afterpatch.simulate.dice import guid, word
from afterpatch.simulate.scene import Request, Scene

CMD: Final = "C:\\Windows\\System32\\cmd.exe"
_BROWSER: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_FOLLOW_UP: Final = {
    "lsass": "c:\\windows\\temp\\procdump64.exe -accepteula -ma lsass.exe c:\\windows\\temp\\l.dmp",
    "minidump": "rund"
    "ll32.exe C:\\windows\\System32\\com"
    "svcs.dll MiniDump 692 "
    "C:\\windows\\temp\\lsass.dmp full",
    "mail": "C:\\ProgramData\\7z.exe a -v500m -r C:\\ProgramData\\pst\\it.zip C:\\ProgramData\\pst",
    "task": "schtasks /create /ru system /sc minute /mo 45 /tn VSPerfMon /tr "
    "C:\\ProgramData\\VSPerfMon\\VSPerfMon.cmd /f",
    "hide": 'attrib +h +s +r "C:\\inetpub\\wwwroot\\aspnet_client\\*.aspx"',
    "cabinet": "makecab c:\\windows\\temp\\lsass.dmp C:\\inetpub\\wwwroot\\aspnet_client\\l.zip",
}


def _page(scene: Scene) -> str:
    return scene.param("shell", "/owa/auth/unknown.aspx")


def _ask(
    scene: Scene, seconds: float, method: str, status: int, shows: str, may_show: str = ""
) -> None:
    """A request for the page: both the IIS row and, below /owa, the HttpProxy row prove it."""
    page = _page(scene)
    request = Request(
        when=scene.later(seconds),
        method=method,
        stem=page,
        status=status,
        took_ms=scene.rng.randrange(20, 240),
        agent=scene.param("agent", scene.act.agent),
    )
    key = guid(scene.rng)
    scene.web_row(request, key, shows, may_show)
    if not page.startswith("/aspnet_client/"):
        scene.proxy_row_of(request, key, shows, may_show or shows)


def _first_use(scene: Scene, seconds: float) -> None:
    """ASP.NET compiles the page once; the compiler's cvtres is benign, its note stays."""
    when = scene.later(seconds)
    path, note = webfiles.compiled_page(_page(scene), scene.rng)
    if not any(_page(scene).rsplit("/", 1)[-1].lower() in known for known in _compiled(scene)):
        scene.leave(path, note, when, "shell-used")
        created = windows.file_created(
            scene.plan, when, scene.rng, path.replace("/", "\\"), windows.W3WP.lower()
        )
        scene.note(f"windows:{windows.SYSMON}", when, created, "shell-used")


def _compiled(scene: Scene) -> list[str]:
    return [path for path in scene.trace.files if path.endswith(".compiled")]


def shell_check(scene: Scene) -> None:
    """Somebody looks whether the page is there, and it is: GET 200, page compiled."""
    scene.trace.happens("shell-used")
    _ask(scene, 0, "GET", 200, "shell-used")
    _first_use(scene, 0.2)


def shell_use(scene: Scene) -> None:
    """Commands through the page: POST 200, page compiled, ``w3wp`` starts ``cmd``."""
    scene.trace.happens("shell-used")
    _first_use(scene, 0.2)
    for i in range(int(scene.param("times", "3"))):
        _ask(scene, 4.0 * i, "POST", 200, "shell-used")
    if scene.param("commands", "yes") == "yes":
        _start(scene, 0.4, f"cmd /c {scene.param('command', 'whoami')}", "shell-used")


def _start(scene: Scene, seconds: float, command: str, shows: str) -> None:
    """``w3wp.exe`` starts ``cmd.exe``, seen by Sysmon and by process auditing."""
    when, plan = scene.later(seconds), scene.plan
    seen = windows.process_created(
        plan, when, scene.rng, CMD, command, windows.W3WP, windows.OWA_POOL
    )
    scene.note(f"windows:{windows.SYSMON}", when, seen, shows)
    audited = windows.process_audited(plan, when, scene.rng, CMD, command, windows.W3WP)
    scene.note(f"windows:{windows.SECURITY}", when, audited, shows)


def shell_removed(scene: Scene) -> None:
    """The page is deleted; the next look gets 302 (below /owa) or 404."""
    scene.trace.files.pop(shell_path(_page(scene)), None)
    missing = 404 if _page(scene).startswith("/aspnet_client/") else 302
    for i in range(3):
        _ask(scene, 60 + 0.6 * i, "GET", missing, "", "scanned")


def shell_remains(scene: Scene) -> None:
    """A shell long gone, its logs too: only the compiled note is left."""
    scene.trace.happens("shell-used")
    path, note = webfiles.compiled_page(_page(scene), scene.rng)
    scene.leave(path, note, scene.act.at, "shell-used")
    scene.trace.known(scene.act.actor, "shells", _page(scene))


def follow_up(scene: Scene) -> None:
    """What came after the shell; ``what`` names one of the published command lines."""
    scene.trace.happens("follow-up")
    command = _FOLLOW_UP[scene.param("what", "minidump")]
    _start(scene, 0, f"cmd /c {command}", "follow-up")
    _ask(scene, 0, "POST", 200, "shell-used")


def dearcry(scene: Scene) -> None:
    """Ransomware as in the CISA note of 12 March 2021: a service, then .CRYPT files."""
    scene.trace.happens("follow-up")
    plan, when = scene.plan, scene.act.at
    _start(scene, 0, f"cmd /c c:\\windows\\temp\\{word(scene.rng, 6)}.exe", "shell-used")
    installed = windows.service_installed(plan, when, "msupdate", "C:\\windows\\temp\\rans.exe")
    scene.note(f"windows:{windows.SYSTEM}", when, installed, "follow-up")
    for i in range(20):
        later = when + timedelta(seconds=5 + i)
        target = f"D:\\Shares\\{word(scene.rng, 9)}.docx.CRYPT"
        image = "C:\\windows\\temp\\rans.exe"
        created = windows.file_created(plan, later, scene.rng, target, image)
        scene.note(f"windows:{windows.SYSMON}", later, created, "follow-up")


def browser(chrome: str) -> str:
    """A browser's user agent."""
    return f"{_BROWSER} Chrome/{chrome} Safari/537.36"
