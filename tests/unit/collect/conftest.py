"""A local SWIS server and the certificate it shows."""

from collections.abc import Iterator

import pytest
import trustme
from collect_swis_server import OLD_SCHEMA, SwisServer


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(ca, tmp_path):
    path = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def server(ca) -> Iterator[SwisServer]:
    made = SwisServer({name: list(rows) for name, rows in OLD_SCHEMA.items()}, ca)
    yield made
    made.http.shutdown()
    made.http.server_close()
