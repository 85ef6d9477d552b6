"""Shared by all tests: where public data lies, if it is there at all."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A law that fails must fail for everybody, at once and again.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")

PUBLIC_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def rule_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests keep parsed rules in a folder of their own, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AFTERPATCH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def public_data() -> Path:
    """A folder of public data beside the checkout; tests that need it skip without it."""
    if not PUBLIC_DATA.is_dir():
        pytest.skip(f"public data is not beside the checkout ({PUBLIC_DATA.name}/ missing)")
    return PUBLIC_DATA


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="Take today's texts as right.")
    parser.addoption("--all-public-data", action="store_true", help="All of it, not a sample.")
