"""What a rule's field name means in the columns of one log source.

Enters: a rule's field name, the test's kind, the batch's log source. Leaves: the views of an event
the test looks at. Will not do: reading events.

Two facts drive this table.

*Names.* Rules use the Sigma taxonomy (``cs-uri-stem``, ``c-ip``), batches keep each format's own
names (``UrlStem``, ``ClientIpAddress``). The value of a field is the first non-null among the
rule's own spelling and its aliases, so native names always work.

*Where the path is.* The taxonomy defines ``cs-uri-query`` as the query alone, but more than half of
the community's webserver rules write URL paths into it, and IIS and Exchange split stem and query.
So for log sources of category ``webserver`` a text test on ``cs-uri-query`` (or ``c-uri``,
``cs-uri``, ``c-uri-query``) holds when it holds on ANY of three views:

    the query, where present · the stem, where present · stem + "?" + query, where both are present

A proxy's ``c-uri`` is the whole URL, but rules also write paths into it. So for category ``proxy``
a text test on ``c-uri`` or ``cs-uri`` holds when it holds on the URL, on path and query, or on the
path.

HttpProxy and ProxySG log a query with its question mark, the taxonomy means it without: a text test
on a query alone holds on either. IIS writes a space in a header's value as "+", so a text test on
one of those, and a keyword, holds on the value as logged or with its pluses as spaces.

*Lists.* Zeek, Suricata, captures, passive DNS and Windows' DNS debug log have lists (answers, the
names of a certificate). Their readers write one member per line, and there a test holds if it holds
for any member, as in other engines that know lists; the specification is silent (its issue 212
proposes the same). Lines of a value that is no list (a payload Suricata shows as text) only add
places where a text may start or end. Windows events have one such field: ``Data``, the data without
names. Its items may have lines of their own, so a test on it holds if it holds for all of it or for
any of the columns ``param1``, ``param2`` … that have one item each.

Each test picks its view by itself; ``not`` negates the whole. Tests that are not about text (null,
exists, numbers, addresses, time parts, field references) see the query alone.

*Network logs.* Zeek, Suricata, DNS servers and flow records: ``model.network`` says which column
is ``query``, ``answer``, ``src_ip`` …, and the taxonomy's names for requests (``c-uri``,
``cs-host``) lead there through ``_NEUTRAL``. What a sensor sees of HTTP is what a proxy and what a
web server would have logged, so those logs serve rules of both categories; SigmaHQ's own mappings
for Zeek did the same (``ecs-zeek-corelight``: proxy and webserver to http.log, dns to dns.log,
firewall to conn.log). There a text test on the URL holds on the URI as logged or on host + URI.

Sources: SigmaHQ taxonomy appendix (webserver, proxy); W3C names as IIS writes them; HttpProxy
``#Fields`` of Exchange 2016 CU22.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from afterpatch.detect.sigma.ast import TEXT_OPS, Op, Scope
from afterpatch.formats.windows_logsources import WIDER_CATEGORY
from afterpatch.model.batches import Logsource
from afterpatch.model.network import NATIVE, native


@dataclass(frozen=True, slots=True)
class View:
    """One text an event shows: the first non-null of ``columns``.

    With ``query`` it is that text + "?" + the first non-null of ``query``, and null unless both
    are there. With ``host`` it is the first non-null of ``host`` + that text, and null unless that
    text starts with a slash. With ``plus_is_space`` every "+" in it is a space; with ``unmarked``
    it has no "?" in front. A query joined to something never has one. With ``members`` the text is
    a list, one member per line, and a test holds if it holds for any of them.
    """

    columns: tuple[str, ...]
    query: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    plus_is_space: bool = False
    unmarked: bool = False
    members: bool = False


Aliases = Mapping[str, tuple[str, ...]]

_IIS: Final[Aliases] = {
    "cs-user-agent": ("cs(User-Agent)",),
    "c-useragent": ("cs(User-Agent)",),
    "cs-referer": ("cs(Referer)",),
    "cs-referrer": ("cs(Referer)",),
    "referer": ("cs(Referer)",),
    "cs-cookie": ("cs(Cookie)",),
    "cs-host": ("cs(Host)",),
    "c-uri-stem": ("cs-uri-stem",),
    "c-uri-query": ("cs-uri-query",),
    "c-uri": ("cs-uri-query",),
    "cs-uri": ("cs-uri-query",),
    "c-username": ("cs-username",),
    "src_ip": ("c-ip",),
    "cs-content-type": ("cs(Content-Type)",),
    "c-uri-path": ("cs-uri-stem",),
    "dst_ip": ("s-ip",),
}
# Access logs name no columns: batches have the taxonomy's names, so only its synonyms are here.
_ACCESS: Final[Aliases] = {
    "c-uri": ("cs-uri-query",),
    "c-uri-path": ("cs-uri-stem",),
    "c-uri-query": ("cs-uri-query",),
    "c-uri-stem": ("cs-uri-stem",),
    "c-useragent": ("cs-user-agent",),
    "c-username": ("cs-username",),
    "cs(Host)": ("cs-host",),
    "cs(Referer)": ("cs-referer",),
    "cs(User-Agent)": ("cs-user-agent",),
    "cs-referrer": ("cs-referer",),
    "cs-uri": ("cs-uri-query",),
    "referer": ("cs-referer",),
    "src_ip": ("c-ip",),
}
# Names of ProxySG, ISA and TMG; ``web_url`` puts together or takes apart what they leave out.
# Every proxy's ``c-uri`` is the whole URL, its ``cs-uri-stem`` the path.
_PROXY: Final[Aliases] = {
    "c-uri": ("cs-uri",),
    "c-uri-extension": ("cs-uri-extension",),
    "c-uri-path": ("cs-uri-path", "cs-uri-stem"),
    "c-uri-query": ("cs-uri-query",),
    "c-uri-stem": ("cs-uri-path", "cs-uri-stem"),
    "c-useragent": ("cs-user-agent", "cs(User-Agent)", "c-agent"),
    "c-username": ("cs-username",),
    "cs-content-type": ("cs(Content-Type)",),
    "cs-cookie": ("cs(Cookie)",),
    "cs-host": ("cs(Host)", "r-host"),
    "cs-method": ("s-operation",),
    "cs-referer": ("cs(Referer)",),
    "cs-referrer": ("cs-referer", "cs(Referer)"),
    "cs-uri": ("c-uri",),
    "cs-uri-query": ("c-uri-query",),
    "cs-uri-stem": ("cs-uri-path", "c-uri-stem"),
    "cs-user-agent": ("cs(User-Agent)", "c-agent"),
    "dst_ip": ("r-ip", "cs-ip"),
    "r-dns": ("cs-host", "cs(Host)", "r-host"),
    "referer": ("cs-referer", "cs(Referer)"),
    "src_ip": ("c-ip",),
}
# http.sys writes path and query as one field; a stem test there sees both.
_HTTPERR: Final[Aliases] = {
    "cs-uri-stem": ("cs-uri",),
    "cs-uri-query": ("cs-uri",),
    "c-uri": ("cs-uri",),
    "c-uri-stem": ("cs-uri",),
    "c-uri-query": ("cs-uri",),
    "src_ip": ("c-ip",),
}
_HTTPPROXY: Final[Aliases] = {
    "cs-method": ("Method",),
    "cs-uri-stem": ("UrlStem",),
    "c-uri-stem": ("UrlStem",),
    "cs-uri-query": ("UrlQuery",),
    "c-uri-query": ("UrlQuery",),
    "c-uri": ("UrlQuery",),
    "cs-uri": ("UrlQuery",),
    "c-ip": ("ClientIpAddress",),
    "src_ip": ("ClientIpAddress",),
    "cs-user-agent": ("UserAgent",),
    "cs(User-Agent)": ("UserAgent",),
    "c-useragent": ("UserAgent",),
    "sc-status": ("HttpStatus",),
    "cs-username": ("AuthenticatedUser",),
    "c-username": ("AuthenticatedUser",),
    "cs-host": ("UrlHost",),
    "cs(Host)": ("UrlHost",),
    "s-computername": ("ServerHostName",),
    "c-uri-path": ("UrlStem",),
    "cs-bytes": ("RequestBytes",),
    "sc-bytes": ("ResponseBytes",),
}
# Defender's events name their data with spaces; the taxonomy writes the names without.
_DEFENDER: Final[Aliases] = {
    name.replace(" ", ""): (name,)
    for name in (
        *("Action Name", "Category Name", "Detection User", "Error Code", "New Value", "Old Value"),
        *("Origin Name", "Process Name", "Product Name", "Severity Name", "Source Name"),
        *("Threat ID", "Threat Name"),
    )
}
_BY_SERVICE: Final[Mapping[str, Aliases]] = {
    "access": _ACCESS,
    "elff": _PROXY,
    "iis": _IIS,
    "httperr": _HTTPERR,
    "httpproxy": _HTTPPROXY,
    "squid": _PROXY,
    "windefend": _DEFENDER,
}
# The taxonomy's names for a request -> the neutral names of ``model.network``.
_NEUTRAL: Final[Mapping[str, str]] = {
    "c-ip": "src_ip",
    "c-uri": "uri",
    "c-uri-query": "uri",
    "c-uri-stem": "uri",
    "c-useragent": "user_agent",
    "c-username": "username",
    "cs(Host)": "host",
    "cs(Referer)": "referrer",
    "cs(User-Agent)": "user_agent",
    "cs-bytes": "bytes_out",
    "cs-host": "host",
    "cs-method": "method",
    "cs-referer": "referrer",
    "cs-referrer": "referrer",
    "cs-uri": "uri",
    "cs-uri-query": "uri",
    "cs-uri-stem": "uri",
    "cs-user-agent": "user_agent",
    "cs-username": "username",
    "r-dns": "host",
    "referer": "referrer",
    "s-ip": "dst_ip",
    "s-port": "dst_port",
    "sc-bytes": "bytes_in",
    "sc-status": "status",
}
# Requests as a sensor saw them: (product, service) of batches whose category is ``proxy``.
_SEEN_HTTP: Final = frozenset({("pcap", "http"), ("suricata", "http"), ("zeek", "http")})
_URL_FIELDS: Final = frozenset({"cs-uri-query", "c-uri-query", "c-uri", "cs-uri", "UrlQuery"})
_PROXY_URL_FIELDS: Final = frozenset({"c-uri", "cs-uri"})
_QUERIES: Final = frozenset({"UrlQuery", "cs-uri-query", "c-uri-query"})
_MARKED_QUERIES: Final = frozenset({"elff", "httpproxy"})
_IIS_HEADERS: Final = frozenset({"cs(User-Agent)", "cs(Referer)", "cs(Cookie)"})
_STEM: Final = "cs-uri-stem"
# Whose values are lists wherever they have several lines, see "Lists" above.
_LISTING_PRODUCTS: Final = frozenset({"pcap", "suricata", "zeek"})
_LISTING_SERVICES: Final = frozenset({"dns-debug", "passive-dns"})
# Unnamed data of Windows events: all of it, and each by itself.
_DATA: Final = "Data"
_WHOLE_OPS: Final[frozenset[Op]] = TEXT_OPS - {"contains"} | {"cidr", "compare", "timepart"}
DATA_ITEMS: Final = tuple(View((f"param{place}",)) for place in range(1, 33))


@lru_cache(maxsize=1 << 14)
def names(field: str, logsource: Logsource) -> tuple[str, ...]:
    """Columns that may hold the field, best first; the rule's own spelling leads."""
    aliases = _BY_SERVICE.get(logsource.service, {}).get(field, ())
    if (logsource.product, logsource.service) in NATIVE:
        aliases = native(logsource, _NEUTRAL.get(field, field))
    return (field, *(name for name in aliases if name != field))


@lru_cache(maxsize=1 << 14)
def views(field: str, op: Op, logsource: Logsource) -> tuple[View, ...]:
    """The views of an event a test looks at; it holds if it holds on any of them."""
    plain = View(names(field, logsource), members=_has_lists(logsource))
    if field == _DATA and logsource.product == "windows" and op in _WHOLE_OPS:
        return plain, *DATA_ITEMS
    if op not in TEXT_OPS:
        return (plain,)
    if _is_seen_http(logsource) and _NEUTRAL.get(field) == "uri":
        return plain, replace(plain, host=names("cs-host", logsource))
    if logsource.service == "iis" and _IIS_HEADERS.intersection(plain.columns):
        return plain, replace(plain, plus_is_space=True)
    stem = names(_STEM, logsource)
    if logsource.category == "proxy" and field in _PROXY_URL_FIELDS:
        return plain, View(("cs-uri-target",)), View(stem)
    found = [plain]
    if logsource.service in _MARKED_QUERIES and not _QUERIES.isdisjoint(plain.columns):
        found.append(replace(plain, unmarked=True))
    # http.sys has one column that already holds both.
    if (
        logsource.category == "webserver"
        and field in _URL_FIELDS
        and not {*stem} & {*plain.columns}
    ):
        found += View(stem), View(stem, plain.columns)
    return tuple(found)


def keyword_views(columns: Iterable[str], logsource: Logsource) -> Iterator[View]:
    """The views of an event with these columns that a keyword looks at."""
    has_lists = _has_lists(logsource)
    for column in columns:
        yield View((column,), members=has_lists)
        if logsource.service == "iis" and column in _IIS_HEADERS:
            yield View((column,), plus_is_space=True)


def _has_lists(logsource: Logsource) -> bool:
    return logsource.product in _LISTING_PRODUCTS or logsource.service in _LISTING_SERVICES


def _is_seen_http(logsource: Logsource) -> bool:
    return (logsource.product, logsource.service) in _SEEN_HTTP


def applies(scope: Scope, logsource: Logsource) -> bool:
    """A rule applies where each part of a log source it names is equal; a category also applies to
    the narrower ones it takes in (``registry_event`` to ``registry_set``), and ``webserver`` to
    requests that a sensor saw."""
    category = logsource.category
    also = "webserver" if _is_seen_http(logsource) else WIDER_CATEGORY.get(category, category)
    return (
        scope.category in ("", category, also)
        and scope.product in ("", logsource.product)
        and scope.service in ("", logsource.service)
    )
