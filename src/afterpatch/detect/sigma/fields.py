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
``cs-host``) lead there through ``NEUTRAL``. What a sensor sees of HTTP is what a proxy and what a
web server would have logged, so those logs serve rules of both categories; SigmaHQ's own mappings
for Zeek did the same (``ecs-zeek-corelight``: proxy and webserver to http.log, dns to dns.log,
firewall to conn.log). They log the request's target as one text, like http.sys: a test on the stem
or the extension sees that part of it; one on the query sees the target, its path and its query; one
on the URL sees the target, its path and host + target.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from afterpatch.detect.sigma.ast import TEXT_OPS, Op, Scope
from afterpatch.detect.sigma.field_names import BY_SERVICE, NEUTRAL
from afterpatch.formats.windows_logsources import WIDER_CATEGORY
from afterpatch.model.batches import Logsource
from afterpatch.model.network import NATIVE, native

Part = Literal["", "stem", "query", "extension"]


@dataclass(frozen=True, slots=True)
class View:
    """One text an event shows: the first non-null of ``columns``.

    With ``query`` it is that text + "?" + the first non-null of ``query``, and null unless both
    are there. With ``host`` it is the first non-null of ``host`` + that text, and null unless that
    text starts with a slash. With ``plus_is_space`` every "+" in it is a space; with ``unmarked``
    it has no "?" in front. A query joined to something never has one. With ``members`` the text is
    a list, one member per line, and a test holds if it holds for any of them. With ``part`` it is
    that part of a URL or of a request's target, null where there is none: ``stem`` (the path),
    ``query`` (without its mark), ``extension`` (of the path's last segment, without the dot).
    """

    columns: tuple[str, ...]
    query: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    plus_is_space: bool = False
    unmarked: bool = False
    members: bool = False
    part: Part = ""


# Requests as a sensor saw them: (product, service) of batches whose category is ``proxy``.
_SEEN_HTTP: Final = frozenset({("pcap", "http"), ("suricata", "http"), ("zeek", "http")})
_URL_FIELDS: Final = frozenset({"cs-uri-query", "c-uri-query", "c-uri", "cs-uri", "UrlQuery"})
_PROXY_URL_FIELDS: Final = frozenset({"c-uri", "cs-uri"})
_PART_OF_URL: Final[Mapping[str, Part]] = {
    "c-uri-extension": "extension",
    "c-uri-path": "stem",
    "c-uri-query": "query",
    "c-uri-stem": "stem",
    "cs-uri-extension": "extension",
    "cs-uri-path": "stem",
    "cs-uri-query": "query",
    "cs-uri-stem": "stem",
}
_QUERIES: Final = frozenset({"UrlQuery", "cs-uri-query", "c-uri-query"})
_MARKED_QUERIES: Final = frozenset({"elff", "httpproxy"})
_IIS_HEADERS: Final = frozenset({"cs(User-Agent)", "cs(Referer)", "cs(Cookie)"})
_STEM: Final = "cs-uri-stem"
# Whose values are lists wherever they have several lines, see "Lists" above.
_LISTING_PRODUCTS: Final = frozenset(
    {"aws", "azure", "bitbucket", "gcp", "github", "kubernetes", "m365", "okta", "opencanary",
     "pcap", "suricata", "zeek"}
)  # fmt: skip
_LISTING_SERVICES: Final = frozenset({"dns-debug", "passive-dns"})
# Unnamed data of Windows events: all of it, and each by itself.
_DATA: Final = "Data"
_WHOLE_OPS: Final[frozenset[Op]] = TEXT_OPS - {"contains"} | {"cidr", "compare", "timepart"}
DATA_ITEMS: Final = tuple(View((f"param{place}",)) for place in range(1, 33))


@lru_cache(maxsize=1 << 14)
def names(field: str, logsource: Logsource) -> tuple[str, ...]:
    """Columns that may hold the field, best first; the rule's own spelling leads."""
    aliases = BY_SERVICE.get(logsource.service, {}).get(field, ())
    if (logsource.product, logsource.service) in NATIVE:
        aliases = native(logsource, NEUTRAL.get(field, field))
    return (field, *(name for name in aliases if name != field))


@lru_cache(maxsize=1 << 14)
def value_view(field: str, logsource: Logsource) -> View:
    """What the field itself is in an event: whether it is there, what other fields compare to."""
    part = _PART_OF_URL.get(field, "") if _has_one_url(logsource) else ""
    return View(names(field, logsource), part=part)


@lru_cache(maxsize=1 << 14)
def views(field: str, op: Op, logsource: Logsource) -> tuple[View, ...]:
    """The views of an event a test looks at; it holds if it holds on any of them."""
    value = replace(value_view(field, logsource), members=_has_lists(logsource))
    if op not in TEXT_OPS and field != _DATA:
        return (value,)
    plain = replace(value, part="")
    if field == _DATA and logsource.product == "windows" and op in _WHOLE_OPS:
        return plain, *DATA_ITEMS
    if op not in TEXT_OPS:
        return (plain,)
    if _has_one_url(logsource):
        return _of_one_url(field, op, value, logsource)
    if logsource.service == "iis" and _IIS_HEADERS.intersection(plain.columns):
        return plain, replace(plain, plus_is_space=True)
    stem = names(_STEM, logsource)
    if logsource.category == "proxy" and field in _PROXY_URL_FIELDS:
        return plain, View(("cs-uri-target",)), View(stem)
    found = [plain]
    if logsource.service in _MARKED_QUERIES and not _QUERIES.isdisjoint(plain.columns):
        found.append(replace(plain, unmarked=True))
    if logsource.category == "webserver" and field in _URL_FIELDS:
        found += View(stem), View(stem, plain.columns)
    return tuple(found)


def _has_one_url(logsource: Logsource) -> bool:
    """Whether one column has path and query."""
    return logsource.service == "httperr" or _is_seen_http(logsource)


def _of_one_url(field: str, op: Op, value: View, logsource: Logsource) -> tuple[View, ...]:
    if field not in _URL_FIELDS:
        return (value,)
    whole = replace(value, part="")
    # What a part contains, the whole contains.
    stem = () if op == "contains" else (replace(value, part="stem"),)
    if logsource.category == "proxy" and field in _PROXY_URL_FIELDS:
        return whole, *stem, replace(whole, host=names("cs-host", logsource))
    query = () if op == "contains" else (replace(value, part="query"),)
    return whole, *stem, *query


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
