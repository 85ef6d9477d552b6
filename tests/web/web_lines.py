"""Requests as lines of each web server's and proxy's log.

A request is a mapping with the keys of ``web_rules.yml``. A log that has no place for something a
request sets cannot carry it, and says so with None.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

Request = Mapping[str, Any]

AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:102.0) Gecko/20100101 Firefox/102.0"
LONG: Final = "x" * 150
_TIME: Final = "10/Mar/2021:13:55:36 +0100"
# Every log holds these.
_ALWAYS: Final = frozenset({"m", "u", "s", "note"})


@dataclass(frozen=True)
class Log:
    """One log: its kind, where it lies, how a request is written; ``holds`` beyond what all do."""

    kind: str
    origin: str
    line: Callable[[Request], str]
    holds: frozenset[str]
    head: str = ""

    def write(self, request: Request) -> bytes | None:
        """The log with one request in it, or None if it cannot carry it."""
        if set(request) - _ALWAYS - self.holds:
            return None
        if self.kind == "httpproxy" and "," in (request.get("agent") or ""):
            return None  # HttpProxy writes a space for every comma of an agent
        return f"{self.head}{self.line(request)}\n".encode()


def _get(request: Request, key: str, default: str) -> str:
    value = request.get(key, default)
    return "-" if value is None else str(value).replace("LONG", LONG)


def _apache(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _nginx(text: str) -> str:
    return text.replace("\\", "\\x5C").replace('"', "\\x22")


def _common(request: Request, escape: Callable[[str], str] = _apache) -> str:
    target = escape(_get(request, "u", "/"))
    return (
        f"192.0.2.77 - {escape(_get(request, 'user', '-'))} [{_TIME}] "
        f'"{_get(request, "m", "GET")} {target} HTTP/1.1" {_get(request, "s", "200")} 1234'
    )


def _combined(request: Request, escape: Callable[[str], str] = _apache) -> str:
    referer, agent = _get(request, "referer", "-"), _get(request, "agent", AGENT)
    return f'{_common(request, escape)} "{escape(referer)}" "{escape(agent)}"'


def _vhost(request: Request) -> str:
    return f"{_get(request, 'host', 'www.example.com')}:443 {_combined(request)}"


def _nginx_main(request: Request) -> str:
    return _combined(request, _nginx) + ' "-"'


def _split(target: str) -> tuple[str, str]:
    stem, _, query = target.partition("?")
    return stem, query or "-"


_IIS_FIELDS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "cs(Cookie) cs(Referer) cs-host sc-status time-taken cs(Content-Type)"
)


def _iis(request: Request) -> str:
    stem, query = _split(_get(request, "u", "/"))
    values = (
        "2021-03-10 12:55:36 10.0.0.5",
        _get(request, "m", "GET"),
        stem,
        query,
        "443",
        _get(request, "user", "-"),
        "192.0.2.77",
        _get(request, "agent", AGENT),
        _get(request, "cookie", "-"),
        _get(request, "referer", "-"),
        _get(request, "host", "www.example.com"),
        _get(request, "s", "200"),
        "15",
        _get(request, "type", "-"),
    )
    first, *rest = values
    return " ".join((first, *(value.replace(" ", "+") for value in rest)))


_HTTPPROXY_FIELDS: Final = (
    "DateTime,RequestId,Protocol,UrlHost,UrlStem,UrlQuery,Method,HttpStatus,UserAgent,"
    "AuthenticatedUser,ClientIpAddress,ServerHostName"
)


def _httpproxy(request: Request) -> str:
    stem, query = _split(_get(request, "u", "/"))
    values = (
        "2021-03-10T12:55:36.123Z",
        "guid",
        "Owa",
        _get(request, "host", "www.example.com"),
        stem,
        "" if query == "-" else f"?{query}",
        _get(request, "m", "GET"),
        _get(request, "s", "200"),
        _get(request, "agent", "Mozilla/5.0").removeprefix("-"),
        _get(request, "user", "-").removeprefix("-"),
        "192.0.2.77",
        "EX01",
    )
    return ",".join('"' + v.replace('"', '""') + '"' if set(v) & set(',"') else v for v in values)


def _squid(request: Request) -> str:
    peer = _get(request, "dst", "198.51.100.1")
    return (
        f"1615380936.123    180 192.0.2.77 TCP_MISS/{_get(request, 's', '200')} 1234 "
        f"{_get(request, 'm', 'GET')} {_get(request, 'u', '')} {_get(request, 'user', '-')} "
        f"HIER_DIRECT/{peer} text/html"
    )


def _squid_combined(request: Request) -> str:
    return f"{_combined(request)} TCP_MISS:HIER_DIRECT"


_PROXYSG_FIELDS: Final = (
    "date time time-taken c-ip cs-username sc-status s-action sc-bytes cs-bytes cs-method "
    "cs-uri-scheme cs-host cs-uri-port cs-uri-path cs-uri-query cs-uri-extension cs(User-Agent) "
    "cs(Referer) cs(Cookie) r-ip"
)


def _quoted(value: str) -> str:
    escaped = value.replace('"', '""')
    return f'"{escaped}"' if not value or set(value) & set(' "') else value


def _proxysg(request: Request) -> str:
    url = urlsplit(_get(request, "u", ""))
    last = url.path.rsplit("/", 1)[-1]
    values = (
        "180",
        "192.0.2.77",
        _get(request, "user", "-"),
        _get(request, "s", "200"),
        "TCP_NC_MISS",
        "1234",
        "99",
        _get(request, "m", "GET"),
        url.scheme,
        url.hostname or "-",
        str(url.port or {"http": 80, "https": 443}[url.scheme]),
        url.path or "/",
        f"?{url.query}" if url.query else "-",
        last.rsplit(".", 1)[1] if "." in last else "-",
        _get(request, "agent", AGENT),
        _get(request, "referer", "-"),
        _get(request, "cookie", "-"),
        _get(request, "dst", "198.51.100.1"),
    )
    return "2021-03-10 12:55:36 " + " ".join(map(_quoted, values))


_TMG_FIELDS: Final = (
    "c-ip cs-username c-agent date time s-computername r-host r-ip r-port cs-uri s-operation "
    "sc-status"
).replace(" ", "\t")


def _tmg(request: Request) -> str:
    url = urlsplit(_get(request, "u", ""))
    values = (
        "192.0.2.77",
        _get(request, "user", "anonymous"),
        _get(request, "agent", AGENT),
        "2021-03-10",
        "12:55:36",
        "TMG01",
        url.hostname or "-",
        _get(request, "dst", "198.51.100.1"),
        "80",
        _get(request, "u", ""),
        _get(request, "m", "GET"),
        _get(request, "s", "200"),
    )
    return "\t".join(values)


def _httperr(request: Request) -> str:
    method, target = _get(request, "m", "GET"), _get(request, "u", "/").replace(" ", "+")
    status = _get(request, "s", "200")
    return (
        f"2021-03-10 12:55:36 192.0.2.77 50123 10.0.0.5 443 HTTP/1.1 {method} {target} {status} "
        "1 Timer_ConnectionIdle OWA"
    )


def _seen(request: Request) -> dict[str, str | int]:
    """What a sensor sees of a request: the target as sent, host apart from it."""
    target = _get(request, "u", "/")
    url = urlsplit(target)
    host = _get(request, "host", url.hostname or "www.example.com")
    if url.scheme:
        target = url.path + (f"?{url.query}" if "?" in target else "")
    seen: dict[str, str | int | None] = {
        "method": _get(request, "m", "GET"),
        "host": host,
        "uri": target or "/",
        "referrer": request.get("referer", "-"),
        "user_agent": request.get("agent", AGENT),
        "request_body_len": 99,
        "response_body_len": 1234,
        "status_code": int(_get(request, "s", "200")),
        "username": _get(request, "user", "-"),
    }
    return {name: value for name, value in seen.items() if value not in (None, "-")}


def _ends(request: Request) -> dict[str, str | int]:
    server = _get(request, "dst", "198.51.100.1")
    return {"id.orig_h": "192.0.2.77", "id.orig_p": 50123, "id.resp_h": server, "id.resp_p": 80}


def _zeek_json(request: Request) -> str:
    head = {"_path": "http", "ts": 1615380936.5, "uid": "CHhAvVGS1DHFjwGM9"}
    return json.dumps(head | _ends(request) | _seen(request), separators=(",", ":"))


_ZEEK_FIELDS: Final = (
    *("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "method", "host", "uri"),
    *("referrer", "user_agent", "request_body_len", "response_body_len", "status_code", "username"),
)


def _zeek_tsv(request: Request) -> str:
    given = {"ts": 1615380936.5, "uid": "CHhAvVGS1DHFjwGM9"} | _ends(request) | _seen(request)
    return "\t".join(str(given.get(name, "-")).replace("\\", "\\\\") for name in _ZEEK_FIELDS)


def _eve(request: Request) -> str:
    seen = _seen(request)
    names = {
        "method": "http_method",
        "host": "hostname",
        "uri": "url",
        "referrer": "http_refer",
        "user_agent": "http_user_agent",
        "response_body_len": "length",
        "status_code": "status",
    }
    event = {
        "timestamp": "2021-03-10T12:55:36.123456+0000",
        "event_type": "http",
        "src_ip": "192.0.2.77",
        "dest_ip": _get(request, "dst", "198.51.100.1"),
        "http": {own: seen[name] for name, own in names.items() if name in seen},
    }
    return json.dumps(event)


_USER: Final = frozenset({"user"})
_HEADERS: Final = frozenset({"referer", "agent", "user"})
WEBSERVERS: Final = {
    "apache common": Log("apache-access", "var/log/httpd/access_log", _common, _USER),
    "apache combined": Log("apache-access", "var/log/apache2/access.log", _combined, _HEADERS),
    "apache vhost": Log(
        "apache-access", "var/log/apache2/other_vhosts_access.log", _vhost, _HEADERS | {"host"}
    ),
    "nginx main": Log("nginx-access", "var/log/nginx/access.log", _nginx_main, _HEADERS),
    "unknown server": Log("access-log", "logs/localhost_access.txt", _combined, _HEADERS),
    "iis": Log(
        "iis-w3c",
        "inetpub/logs/LogFiles/W3SVC1/u_ex210310.log",
        _iis,
        _HEADERS | {"host", "cookie", "type"},
        f"#Software: Microsoft Internet Information Services 10.0\n#Fields: {_IIS_FIELDS}\n",
    ),
    "httpproxy": Log(
        "httpproxy",
        "Logging/HttpProxy/Owa/HttpProxy_2021031012-1.LOG",
        _httpproxy,
        frozenset({"agent", "host", "user"}),
        f"#Log-type: HttpProxy Logs\n#Fields: {_HTTPPROXY_FIELDS}\n",
    ),
    "httperr": Log(
        "httperr",
        "Windows/System32/LogFiles/HTTPERR/httperr1.log",
        _httperr,
        frozenset(),
        "#Software: Microsoft HTTP API 2.0\n#Fields: date time c-ip c-port s-ip s-port cs-version "
        "cs-method cs-uri sc-status s-siteid s-reason s-queuename\n",
    ),
}
PROXIES: Final = {
    "squid": Log("squid", "var/log/squid/access.log", _squid, frozenset({"dst", "user"})),
    "squid combined": Log("squid-combined", "var/log/squid/access.log", _squid_combined, _HEADERS),
    "proxysg": Log(
        "proxy-w3c",
        "SG_main.log",
        _proxysg,
        _HEADERS | {"cookie", "dst"},
        f"#Software: SGOS 6.5\n#Fields: {_PROXYSG_FIELDS}\n",
    ),
    "tmg": Log(
        "proxy-w3c",
        "ISALOG_20210310_WEB_000.w3c",
        _tmg,
        frozenset({"agent", "dst", "user"}),
        f"#Software: Microsoft Forefront Threat Management Gateway\n#Fields: {_TMG_FIELDS}\n",
    ),
}
_SEES: Final = _HEADERS | {"host", "dst"}
# What a sensor saw serves both.
SENSORS: Final = {
    "zeek": Log(
        "zeek",
        "zeek/http.log",
        _zeek_tsv,
        _SEES,
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\thttp\n"
        "#fields\t" + "\t".join(_ZEEK_FIELDS) + "\n#types" + "\tstring" * len(_ZEEK_FIELDS) + "\n",
    ),
    "zeek json": Log("zeek-json", "zeek/http.json", _zeek_json, _SEES),
    "suricata": Log("suricata-eve", "suricata/eve.json", _eve, _SEES - _USER),
}
LOGS: Final = {**WEBSERVERS, **PROXIES, **SENSORS}
