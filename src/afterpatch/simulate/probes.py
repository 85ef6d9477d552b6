"""Acts that stop short of a forged session: scans, attempts, mail read by forgery alone."""

from afterpatch.simulate.dice import guid, word
from afterpatch.simulate.scene import Request, Scene


def _probe(scene: Scene, seconds: float, anchor: str, status: int, stem: str) -> None:
    """A scanner's GET with an X-AnonResource-Backend cookie (signature-base PR 125)."""
    request = Request(
        when=scene.later(seconds),
        method="GET",
        stem=stem,
        status=status,
        took_ms=scene.rng.randrange(10, 400),
        cells={
            "AnchorMailbox": f"ServerInfo~{anchor}",
            "RoutingHint": "X-AnonResource-Backend-Cookie",
            "TargetServer": anchor,
            "TargetServerVersion": "0.00.0003.000",
            "ProxyAction": "Proxy",
            "BackEndStatus": str(status),
            "GenericErrors": "WebExceptionStatus=NameResolutionFailure;" if status >= 500 else "",
        },
    )
    scene.send(request, "scanned")


def nmap_scan(scene: Scene) -> None:
    """The nmap script: its own host as target."""
    scene.trace.happens("scanned")
    _probe(scene, 0, "localhost/ecp/default.flt?", 500, "/owa/auth/x.js")
    _probe(scene, 1.4, "localhost/owa/auth/logon.aspx?", 500, "/owa/auth/x.js")


def nuclei_scan(scene: Scene) -> None:
    """nuclei: an interactsh name that reports the call back."""
    scene.trace.happens("scanned")
    name = f"{word(scene.rng, 20)}.interact.sh"
    status = int(scene.param("status", "200"))
    _probe(scene, 0, f"{name}/ecp/default.flt?", status, "/owa/auth/x.js")


def burp_scan(scene: Scene) -> None:
    """Burp: a collaborator name."""
    scene.trace.happens("scanned")
    name = f"{word(scene.rng, 30)}.burpcollaborator.net"
    _probe(scene, 0, f"{name}/ecp/default.flt?", 500, "/owa/auth/x.js")


def autodiscover_attempt(scene: Scene) -> None:
    """No valid mailbox was known: the attempt ends at autodiscover (CSS-Exchange PR 306)."""
    scene.trace.happens("attempted")
    status = int(scene.param("status", "200"))
    for i in range(int(scene.param("times", "2"))):
        scene.forge(
            scene.later(2.1 * i),
            "autodiscover/autodiscover.xml?#",
            status,
            "attempted",
            agent="ExchangeServicesClient/0.0.0.0",
        )


def blocked_attempt(scene: Scene) -> None:
    """The chain against a patched server: every request refused."""
    scene.trace.happens("attempted")
    status = int(scene.param("status", "500"))
    targets = ("autodiscover/autodiscover.xml?#", "mapi/emsmdb/?#", "ecp/proxyLogon.ecp?#")
    for i, target in enumerate(targets):
        scene.forge(scene.later(1.2 * i), target, status, "attempted", passed=False)


def aborted_attempt(scene: Scene) -> None:
    """URL Rewrite aborts before Exchange sees the request: no HttpProxy row at all.

    IIS writes status 0 and win32 error 1236, connection aborted (inferred, no public row).
    """
    scene.trace.happens("attempted")
    for i in range(3):
        when = scene.later(1.1 * i)
        request = Request(when=when, method="POST", stem="/ecp/y.js", status=0, took_ms=1)
        scene.web_row(request, guid(scene.rng), "", "attempted")


def ews_access(scene: Scene) -> None:
    """Mail read through the forgery alone: no session, no file (CERT-LV)."""
    scene.trace.happens("data-accessed")
    for i in range(int(scene.param("times", "5"))):
        scene.forge(
            scene.later(3.7 * i),
            "EWS/Exchange.asmx?a=",
            200,
            "data-accessed",
            agent=scene.param("agent", "ExchangeServicesClient/15.01.2044.003"),
        )
