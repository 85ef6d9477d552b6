"""Objects as columns: nothing of them is lost, however they are nested or named."""

from typing import Any

import pytest

from afterpatch.formats.json_columns import MAX_DEPTH, columns_of


def shown(*documents: dict[str, Any]) -> dict[str, list[str | None]]:
    return {series.name: series.to_list() for series in columns_of(documents)}


def test_what_is_nested_too_deeply_for_columns_stays_json() -> None:
    document: dict[str, Any] = {"leaf": "evil"}
    for _ in range(MAX_DEPTH + 1):
        document = {"a": document}
    assert shown(document) == {".".join("a" * (MAX_DEPTH + 1)): ['{"leaf":"evil"}']}


@pytest.mark.parametrize("order", [1, -1])
def test_two_ways_to_one_name_are_one_column(order: int) -> None:
    rows = [{"a.b": 1}, {"a": {"b": 2}}, {"c": 3}][::order]
    assert shown(*rows)["a.b"] == ["1", "2", None][::order]
    assert sorted((shown({"a.b": 1, "a": {"b": 2}})["a.b"][0] or "").split("\n")) == ["1", "2"]


def test_a_reserved_name_takes_no_other_columns_place() -> None:
    assert shown({"@time": "x", "@time_": "y"}) == {"@time__": ["x"], "@time_": ["y"]}
