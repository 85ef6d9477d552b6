"""Event logs are small here: read them as columns all the same."""

import pytest

from afterpatch.formats import evtx


@pytest.fixture(scope="session", autouse=True)
def _columns_from_the_first_chunk():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evtx, "PLAIN_CHUNKS", 0)
        yield
