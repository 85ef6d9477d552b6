"""A client of SWIS that can only read: queries, page by page, over verified TLS.

Enters: a server's address and an account. Leaves: rows. Built on ``orionsdk``, whose own defaults
are no verification and the right to change things; here a session refuses every request that is
not a query. Raises :class:`OrionError`, in words for the user.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from orionsdk.swisclient import SwisClient
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from afterpatch.model.errors import AfterpatchError

PORTS: Final = (17774, 17778)  # from 2023 on; before
PAGE_ROWS: Final = 5_000
TIMEOUT_S: Final = 60
_RETRIES: Final = 3
_BUSY: Final = (429, 502, 503, 504)

Row = Mapping[str, Any]


class OrionError(AfterpatchError):
    """Orion cannot be reached, or does not answer a query."""


class EntityMissingError(OrionError):
    """This Orion has no such entity: the module is not installed, or the version is another."""


class Orion:
    """One Orion server. ``verify``: False, True, or the path of a file with certificates."""

    def __init__(
        self,
        address: str,
        user: str,
        password: str,
        *,
        verify: bool | str = True,
        timeout_s: float = TIMEOUT_S,
        page_rows: int = PAGE_ROWS,
    ) -> None:
        host, port = _host_port(address)
        self._page_rows = page_rows
        self._clients = [
            SwisClient(
                f"[{host}]" if ":" in host else host,
                user,
                password,
                port=number,
                verify=verify,
                session=_ReadOnly(verify),
                timeout=timeout_s,
            )
            for number in ((port,) if port else PORTS)
        ]

    def rows(self, select: str, order_by: str) -> Iterator[Row]:
        """All rows of a query, page by page. ``order_by`` must order them totally."""
        first = 1
        while True:
            last = first + self._page_rows - 1
            page = self._query(f"{select} ORDER BY {order_by} WITH ROWS {first} TO {last}")
            yield from page
            if len(page) < self._page_rows:
                return
            first = last + 1

    def _query(self, text: str) -> list[Row]:
        """One query, at the first port that answers; later ones stay with it."""
        failed: list[str] = []
        for client in tuple(self._clients):
            try:
                answer = client.query(text)
            except requests.exceptions.SSLError as error:
                raise OrionError(f"the certificate cannot be verified: {_short(error)}") from None
            except (requests.ConnectionError, requests.Timeout) as error:
                failed.append(_short(error))
                continue
            except requests.HTTPError as error:
                raise _refused(error) from None
            except (requests.RequestException, ValueError) as error:
                raise OrionError(f"no answer that can be read: {_short(error)}") from None
            self._clients = [client]
            return _results(answer)
        raise OrionError(f"cannot be reached: {'; '.join(failed)}")


class _ReadOnly(requests.Session):
    """Sends queries and nothing else, follows no redirect, takes no proxy from the environment."""

    def __init__(self, verify: bool | str) -> None:
        super().__init__()
        self.verify = verify
        self.trust_env = False
        retry = Retry(
            total=_RETRIES,
            connect=0,
            backoff_factor=0.5,
            status_forcelist=_BUSY,
            allowed_methods=("POST",),
            raise_on_status=False,
        )
        self.mount("https://", HTTPAdapter(max_retries=retry))

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **kwargs: Any) -> Any:
        """Raises OrionError for anything but a query."""
        if method != "POST" or not urlsplit(str(url)).path.endswith("/v3/Json/Query"):
            raise OrionError(f"refused to send {method!s}: this client only reads")
        kwargs["allow_redirects"] = False
        answer = super().request(method, url, *args, **kwargs)
        if answer.is_redirect:
            raise OrionError("the server points elsewhere; redirects are not followed")
        return answer


def _host_port(address: str) -> tuple[str, int | None]:
    parts = urlsplit(address if "//" in address else f"https://{address}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if port == -1 or parts.scheme != "https" or not parts.hostname or parts.username:
        raise OrionError(f"{address!r} is no https address of a server (name or name:port)")
    return parts.hostname, port


def _refused(error: requests.HTTPError) -> OrionError:
    status = error.response.status_code
    reason = str(error.response.reason)[:200]
    if status in (401, 403):
        return OrionError("the account may not log on or query")
    if status == requests.codes.bad_request and "not found in catalog" in reason.lower():
        return EntityMissingError(reason)
    return OrionError(f"answered {status}: {reason}")


def _results(answer: Any) -> list[Row]:
    found = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise OrionError("the answer is not what SWIS sends: no list of results")
    return found


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
