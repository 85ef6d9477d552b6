"""Where parsed rules are kept between runs."""

from pathlib import Path

import platformdirs
import pytest

from afterpatch.cli.rule_cache import VARIABLE, rule_cache


def test_the_variable_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert rule_cache() == tmp_path / "rules"


def test_an_empty_variable_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert rule_cache() is None


def test_without_it_the_users_own_cache_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)
    found = rule_cache()
    assert found == Path(platformdirs.user_cache_dir("afterpatch", appauthor=False)) / "rules"
    assert not found.is_relative_to(Path.cwd())
