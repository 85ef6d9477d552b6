"""Laws of reading packs: any text gives problems, never an exception; damage is never silent."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from afterpatch.campaigns.lint import lint
from afterpatch.campaigns.marks import parse
from afterpatch.campaigns.new import create
from afterpatch.campaigns.tables import read_indicators, read_networks


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_yaml_text_is_read_or_explained(text: str) -> None:
    documents, problems = parse(text, "x.yml")
    assert all(problem.startswith("x.yml:") for problem in problems)
    assert all(document.line("a", 0, "b") >= 1 for document in documents)


@given(st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_table_text_is_read_or_explained(text: str) -> None:
    header = "type,value,stage,weak,source,note,first_seen,last_seen\n"
    for given_text in (text, header + text):
        rows, problems = read_indicators(given_text, "i.csv")
        assert rows or problems or not given_text.strip() or given_text.strip() == header.strip()
    read_networks("cidr,owner,network_class\n" + text, "n.csv")


@given(st.sampled_from(["campaign.yaml", "rules/first.yml", "tests/rules/first.yml"]), st.data())
@settings(max_examples=60, deadline=None)
def test_damage_is_explained(name: str, data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "my-pack"
        create(folder, "my-pack")
        path = folder / name
        content = path.read_bytes()
        at = data.draw(st.integers(0, len(content) - 1))
        path.write_bytes(content[:at] + data.draw(st.binary(min_size=1, max_size=6)) + content[at:])
        for problem in lint(folder):
            file, line, text = problem.split(":", 2)
            assert (file.endswith((".yaml", ".yml")) and int(line) >= 1) and text
