"""The placeholders file: what ``%names%`` stand for that Sigma rules expand.

YAML in, a mapping of a name to a text or to a list of texts; names with their values out.
"""

from typing import Final

from afterpatch.campaigns.marks import parse
from afterpatch.campaigns.user_files import load_user_file
from afterpatch.model.rules import Placeholders

_PLAIN: Final = (str, int)  # YAML reads 10. as 10.0: what is neither must be in quotes


def load_placeholders(path: str) -> Placeholders:
    """Every name. Raises UsageError with all problems, ``file:line: text`` each."""
    return load_user_file(path, read_placeholders)


def read_placeholders(text: str, name: str) -> tuple[Placeholders, list[str]]:
    """The names; problems as ``name:line: text``. Never raises."""
    documents, problems = parse(text, name)
    found: dict[str, tuple[str, ...]] = {}
    for document in documents:
        if not isinstance(document.data, dict):
            problems.append(f"{name}:{document.line()}: must map a name to a value or to values")
            continue
        for key, value in document.data.items():
            values = value if isinstance(value, list) else [value]
            if not values or any(isinstance(v, bool) or not isinstance(v, _PLAIN) for v in values):
                line = document.line(str(key))
                problems.append(
                    f"{name}:{line}: '{key}' must be text or a list of texts, in quotes"
                )
                continue
            found[str(key).strip("%")] = tuple(map(str, values))
    return found, problems
