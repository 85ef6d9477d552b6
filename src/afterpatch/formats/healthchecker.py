"""Exchange HealthChecker results (CLIXML) -> the build, dated, and the host's names.

In: ``ExchangeHealthChecker-*.xml``, PowerShell's Export-Clixml of one or more servers. Out: facts.
The file version of ExSetup.exe is preferred, since security updates replace that file; the build
number of the directory shows the cumulative update only and so gives a three-part build. Will not:
build the object tree; the file can be large, so it is walked once.

Source: microsoft/CSS-Exchange, Diagnostics/HealthChecker (classes ExchangeInformation and
ExchangeBuildInformation, property GenerationTime); [MS-PSRP] for CLIXML.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO, Final

from afterpatch.formats.builds import exchange_build
from afterpatch.formats.format import Format
from afterpatch.formats.safe_xml import UnreadableXmlError, walk
from afterpatch.formats.text_blocks import head_text
from afterpatch.model.batches import Piece, Wanted
from afterpatch.model.places import Fact, Gap, Item, Place
from afterpatch.model.times import parse_utc

READ_BYTES: Final = 1 << 20
MAX_SERVERS: Final = 10_000

_BUILD: Final = ("ExchangeInformation", "BuildInformation")
# Best witness first: (path of property names, shows security updates).
_BUILD_PATHS: Final = (
    ((*_BUILD, "ExchangeSetup", "FileVersion"), True),
    ((*_BUILD, "ExchangeSetup", "FileVersionRaw"), True),
    ((*_BUILD, "VersionInformation", "BuildVersion"), False),
    ((*_BUILD, "BuildNumber"), False),
)
_COMPUTER: Final = ("HardwareInformation", "System")
_MARCH_SU: Final = (*_BUILD, "March2021SUInstalled")
_WANTED: Final = frozenset(
    {
        ("GenerationTime",),
        ("HealthCheckerVersion",),
        (*_COMPUTER, "DNSHostName"),
        (*_COMPUTER, "Domain"),
        _MARCH_SU,
        *(path for path, _ in _BUILD_PATHS),
    }
)


def recognise(head: bytes, item: Item) -> str:
    """ "content" for CLIXML of HealthChecker's own type; "file name" when the type came late."""
    text = head_text(head)
    if "<Objs" not in text[:2_000]:
        return ""
    if "HealthCheckerExchangeServer" in text:
        return "content"
    name = item.origin.rpartition("/")[2].casefold()
    return "file name" if "healthchecker" in name and name.endswith(".xml") else ""


def read(stream: BinaryIO, item: Item, wanted: Wanted | None = None) -> Iterator[Piece]:
    """One piece: each server is one record, skipped because it is no event."""
    del wanted
    servers = _Servers()
    gaps: tuple[Gap, ...] = ()
    try:
        walk(iter(lambda: stream.read(READ_BYTES), b""), servers.start, servers.end)
    except UnreadableXmlError as error:
        gaps = (Gap(item.name, "file", str(error)),)
    found = [server for server in servers.found if server.values]
    if not found and not gaps:
        gaps = (Gap(item.name, "file", "no server in this HealthChecker file"),)
    facts = tuple(fact for server in found for fact in server.facts(item))
    yield Piece(records=len(found), skipped=len(found), facts=facts, gaps=gaps)


class _Server:
    def __init__(self, name: str, line: int) -> None:
        self.values: dict[tuple[str, ...], str] = {("ServerName",): name}
        self.line = line

    def facts(self, item: Item) -> Iterator[Fact]:
        values, place = self.values, Place(item.name, self.line)
        when = _time(values.get(("GenerationTime",), ""))
        detail = {"host": values[("ServerName",)], "from": "HealthChecker"}
        yield Fact("host.name", values[("ServerName",)], when, place, {"from": "HealthChecker"})
        host, domain = values.get((*_COMPUTER, "DNSHostName")), values.get((*_COMPUTER, "Domain"))
        if host and domain and "." in domain:
            yield Fact("host.fqdn", f"{host}.{domain}", when, place, {"from": "HealthChecker"})
        if _MARCH_SU in values:
            detail["march-2021-su-installed"] = values[_MARCH_SU]
        for path, shows_updates in _BUILD_PATHS:
            build = exchange_build(values.get(path, ""))
            if build:
                detail["property"] = path[-1]
                if not shows_updates:
                    build = ".".join(build.split(".")[:3])
                    detail["limits"] = "shows the cumulative update, not security updates"
                yield Fact("exchange.build", build, when, place, detail)
                return


def _time(text: str) -> datetime | None:
    try:
        return parse_utc(text)
    except (ValueError, OverflowError):
        return None


class _Servers:
    """Follows the names (attribute ``N``) of nested properties; a ServerName opens a server."""

    def __init__(self) -> None:
        self.found: list[_Server] = []
        self._names: list[str] = []
        self._line = 0

    def start(self, _: str, attributes: dict[str, str], line: int) -> None:
        self._names.append(attributes.get("N", ""))
        self._line = line

    def end(self, _: str, text: str) -> None:
        if self._names[-1]:
            path = tuple(name for name in self._names if name)
            if path == ("ServerName",):
                if len(self.found) >= MAX_SERVERS:
                    raise UnreadableXmlError(f"more than {MAX_SERVERS} servers; the rest not read")
                self.found.append(_Server(text.strip(), self._line))
            elif self.found and path in _WANTED:
                self.found[-1].values.setdefault(path, text.strip())
        self._names.pop()


FORMAT: Final = Format(kind="healthchecker", recognise=recognise, read=read)
