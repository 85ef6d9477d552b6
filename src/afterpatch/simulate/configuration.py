"""Set-up log, patch events, IIS configuration and Microsoft's mitigation rules."""

from datetime import datetime, timedelta
from typing import Final

from afterpatch.simulate.scenario import ServerPlan

SETUP_LOG: Final = "C:/ExchangeSetupLogs/ExchangeSetup.log"
IIS_CONFIG: Final = "C:/Windows/System32/inetsrv/config/applicationHost.config"
SITE_CONFIG: Final = "C:/inetpub/wwwroot/web.config"
_PROXY: Final = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\FrontEnd\\HttpProxy"
_BACK: Final = "C:\\Program Files\\Microsoft\\Exchange Server\\V15\\ClientAccess"
_FRONT_DIRECTORIES: Final = (
    "Autodiscover",
    "ecp",
    "EWS",
    "mapi",
    "Microsoft-Server-ActiveSync",
    "OAB",
    "owa",
    "PowerShell",
    "Rpc",
)
# EOMT's rule names and patterns (microsoft/CSS-Exchange, EOMT.ps1).
_RULES: Final = (
    ("X-AnonResource-Backend Abort - inbound", "(.*)X-AnonResource-Backend(.*)"),
    ("X-BEResource Abort - inbound", "(.*)X-BEResource=(.+)/(.+)~(.+)"),
)


def setup_log(plan: ServerPlan, build: str, started: datetime) -> str:
    """One finished run of Exchange set-up, as it is appended to ExchangeSetup.log."""
    steps = (
        "**********************************************",
        f"Starting Microsoft Exchange Server {_product(build)} Setup",
        "**********************************************",
        "Local time zone: (UTC) Coordinated Universal Time.",
        "Operating system version: Microsoft Windows NT 10.0.14393.0.",
        f"Setup version: {build}.",
        f"Logged on user: {plan.netbios}\\Administrator.",
        "Command Line Parameter Name='mode', Value='Upgrade'.",
        "Setup will run from path 'C:\\Program Files\\Microsoft\\Exchange Server\\V15'.",
        f"Setup is going to run the task for the version {build}.",
        "The Exchange Server setup operation completed successfully.",
        "CurrentResult console.ProcessRunInternal:198: 0",
        "End of Setup",
        "**********************************************",
    )
    lines = []
    for number, text in enumerate(steps):
        when = started + timedelta(minutes=4 * number, milliseconds=325)
        lines.append(f"[{when:%m/%d/%Y %H:%M:%S}.{when.microsecond // 1000:04d}] [0] {text}")
    return "\r\n".join(lines) + "\r\n"


def _product(build: str) -> str:
    return {"15.0": "2013", "15.1": "2016", "15.2": "2019"}[build[:4]]


def update_message(build: str) -> str:
    """MsiInstaller 1022: a security update went in."""
    return (
        "Product: Microsoft Exchange Server. Update 'Security Update for Exchange Server "
        f"{_product(build)} (KB5000871) {build}' installed successfully."
    )


def _application(path: str, pool: str, physical: str) -> str:
    return (
        f'                <application path="{path}" applicationPool="{pool}">\r\n'
        f'                    <virtualDirectory path="/" physicalPath="{physical}" />\r\n'
        "                </application>\r\n"
    )


def _site(name: str, number: int, port: int, root: str, applications: str) -> str:
    return (
        f'            <site name="{name}" id="{number}" serverAutoStart="true">\r\n'
        f"{_application('/', 'DefaultAppPool', root)}{applications}"
        "                <bindings>\r\n"
        f'                    <binding protocol="https" bindingInformation="*:{port}:" />\r\n'
        "                </bindings>\r\n            </site>\r\n"
    )


def iis_config() -> str:
    """applicationHost.config of a server with its usual two sites."""
    front = "".join(
        _application(f"/{name}", f"MSExchange{name}AppPool", f"{_PROXY}\\{name}")
        for name in _FRONT_DIRECTORIES
    )
    back = "".join(
        _application(f"/{name}", f"MSExchange{name}AppPool", f"{_BACK}\\{name}")
        for name in _FRONT_DIRECTORIES
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<configuration>\r\n'
        "    <system.applicationHost>\r\n        <sites>\r\n"
        + _site("Default Web Site", 1, 443, "%SystemDrive%\\inetpub\\wwwroot", front)
        + _site("Exchange Back End", 2, 444, "C:\\inetpub\\wwwroot\\backend", back)
        + "        </sites>\r\n    </system.applicationHost>\r\n</configuration>\r\n"
    )


def site_config(mitigated: bool) -> str:
    """web.config of the Default Web Site, where EOMT puts its two abort rules."""
    rules = "".join(
        f'                <rule name="{name}" enabled="true" stopProcessing="true">\r\n'
        '                    <match url=".*" />\r\n                    <conditions>\r\n'
        f'                        <add input="{{HTTP_COOKIE}}" pattern="{pattern}" />\r\n'
        "                    </conditions>\r\n"
        '                    <action type="AbortRequest" />\r\n                </rule>\r\n'
        for name, pattern in _RULES
    )
    rewrite = (
        f"        <rewrite>\r\n            <rules>\r\n{rules}            </rules>\r\n"
        "        </rewrite>\r\n"
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\r\n<configuration>\r\n    <system.webServer>\r\n'
        + (rewrite if mitigated else "")
        + "    </system.webServer>\r\n</configuration>\r\n"
    )
