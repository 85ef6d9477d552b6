"""A read-only line to a SolarWinds Orion server: SWIS, its information service, over REST.

Enters: an address, an account, SWQL questions. Leaves: rows, page by page. It can only ask: the
client underneath (``orionsdk``) also changes and deletes, and none of that is reachable from here.

The service answers on port 17774 since version 2023, on 17778 before; its certificate is checked
unless the caller says otherwise, which ``orionsdk`` by itself never does.
Sources: solarwinds/orionsdk-python 0.5.0; solarwinds/OrionSDK wiki, "REST" and "Use SWQL".
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import requests
from orionsdk.swisclient import SwisClient
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from afterpatch.model.errors import AfterpatchError

PORTS: Final = (17774, 17778)
PAGE_ROWS: Final = 10_000
TIMEOUT_S: Final = 60
RETRIES: Final = 3
_BUSY: Final = (502, 503, 504)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")

Row = Mapping[str, Any]


class SwisError(AfterpatchError):
    """The server was not reached, not trusted, or did not answer the question."""


class Swis:
    """Made by :func:`connect`."""

    def __init__(self, client: SwisClient, port: int, page_rows: int = PAGE_ROWS) -> None:
        self._client = client
        self.port = port
        self.page_rows = page_rows

    def query(self, swql: str, **parameters: object) -> list[Row]:
        """All rows of one question. Raises :class:`SwisError`."""
        try:
            answer = self._client.query(swql, **parameters)
        except (requests.RequestException, ValueError) as error:
            raise SwisError(f"port {self.port}: {_reason(error)}") from error
        rows = answer.get("results") if isinstance(answer, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise SwisError(f"port {self.port}: the answer is not a list of rows")
        return rows

    def fields(self, entity: str) -> frozenset[str]:
        """The fields this server's schema has for an entity; none when it lacks the entity."""
        swql = "SELECT Name FROM Metadata.Property WHERE EntityName = @entity"
        return frozenset(str(row.get("Name")) for row in self.query(swql, entity=entity))

    def rows(
        self, entity: str, fields: Sequence[str], where: str = "", **parameters: object
    ) -> Iterator[Row]:
        """Rows of an entity, ordered by its fields, asked for in pages.

        Names are checked, for they stand in the question itself; values go as parameters.
        """
        for name in (entity, *fields):
            if not _NAME.fullmatch(name):
                raise SwisError(f"{name!r} is no name of SWQL")
        listed = ", ".join(fields)
        first = 1
        while True:
            last = first + self.page_rows - 1
            rows = f"ORDER BY {listed} WITH ROWS {first} TO {last}"
            swql = f"SELECT {listed} FROM {entity} {where} {rows}"  # noqa: S608  (checked names)
            page = self.query(swql, **parameters)
            yield from page[: self.page_rows]
            if len(page) < self.page_rows:
                return
            first = last + 1


def connect(
    host: str,
    user: str,
    password: str,
    port: int | None = None,
    verify: bool | str = True,
    timeout_s: float = TIMEOUT_S,
) -> Swis:
    """Find the port that answers and log in.

    verify  True, or the path of a PEM file with the certificate to trust; False = trust anybody.
    Raises :class:`SwisError` that says what to do.
    """
    refused = []
    for candidate in (port,) if port else PORTS:
        session = _session()
        client = SwisClient(
            host, user, password, candidate, verify=verify, session=session, timeout=timeout_s
        )
        swis = Swis(client, candidate)
        try:
            swis.query("SELECT TOP 1 ServerName FROM Orion.Engines")
        except SwisError as error:
            if isinstance(error.__cause__, requests.ConnectionError) and not isinstance(
                error.__cause__, requests.exceptions.SSLError
            ):
                refused.append(str(error))
                continue
            raise
        return swis
    raise SwisError(f"{host}: no answer ({'; '.join(refused)})")


def _session() -> requests.Session:
    """Asks again when the service is busy; goes nowhere else with the password."""
    session = requests.Session()
    session.trust_env = False  # no proxy or .netrc of the environment sees the password
    session.max_redirects = 0
    # Every question only reads, so asking twice is safe although it is a POST.
    retry = Retry(
        total=RETRIES,
        connect=0,
        status_forcelist=_BUSY,
        allowed_methods=["POST"],
        backoff_factor=0.5,
    )
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def _reason(error: Exception) -> str:
    match error:
        case requests.exceptions.SSLError():
            return "its certificate is not trusted; give the server's certificate with --ca FILE"
        case requests.ConnectTimeout() | requests.ReadTimeout():
            return "no answer in time"
        case requests.ConnectionError():
            return "not reachable"
        case requests.TooManyRedirects():
            return "answered with a redirection, which is not followed"
        case requests.HTTPError() if error.response is not None:
            status = error.response.status_code
            if status in (401, 403):
                return f"user name or password refused ({status})"
            return f"refused the question ({status} {error.response.reason})"
    return f"answered with something that is not JSON ({type(error).__name__})"
