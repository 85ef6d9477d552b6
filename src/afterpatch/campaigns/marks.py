"""YAML with line numbers: text in; plain data and "which line is this value on?" out.

Only ``yaml.CSafeLoader`` is used: a pack may come from anybody, so no object is ever constructed.
A key given twice is an error here; YAML libraries silently keep the last one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

Step: TypeAlias = str | int


@dataclass(frozen=True, slots=True)
class Marked:
    """One YAML document: its data, and the node tree that knows the lines."""

    data: Any
    node: yaml.Node

    def line(self, *path: Step) -> int:
        """Line (from 1) of the deepest part of ``path`` that exists."""
        node, line = self.node, self.node.start_mark.line + 1
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            node, line = found
        return line


def _child(node: yaml.Node, step: Step) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(step):
                return value, key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item = node.value[step]
        return item, item.start_mark.line + 1
    return None


def parse(text: str, name: str) -> tuple[list[Marked], list[str]]:
    """Every document of a YAML text, and problems as ``name:line: text``. Never raises."""
    documents: list[Marked] = []
    problems: list[str] = []
    try:
        loader = yaml.CSafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is None:
                break
            problems += [
                f"{name}:{line}: the key '{key}' is given twice" for key, line in _repeated(node)
            ]
            documents.append(Marked(loader.construct_document(node), node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.append(f"{name}:{line}: not valid YAML: {error.problem or error.context}")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problems.append(f"{name}:1: not valid YAML: {str(error).splitlines()[0]}")
    return documents, problems


def _repeated(node: yaml.Node) -> Iterator[tuple[str, int]]:
    """(key, line) of keys given twice, at any depth."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.value, key.start_mark.line + 1
                seen.add(key.value)
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item)


def path_text(path: Sequence[Step]) -> str:
    """``('stages', 2, 'band')`` -> ``stages[2].band``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
