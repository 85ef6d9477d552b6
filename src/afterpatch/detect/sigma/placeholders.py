"""Values for ``expand`` placeholders: the user's file, and putting them into a rule's values.

A rule with ``|expand: '%Administrators%'`` says nothing until somebody says who administers. The
file is YAML, name -> value or list of values:

    Administrators: [adm-1, adm-2]
    internal_domains: corp.example

Values are Sigma values: ``*`` and ``?`` are wild unless escaped. In a regular expression they stand
for themselves. Will not do: open files; pass a rule off as complete that still needs a name.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Final

import yaml

from afterpatch.model.errors import UsageError

Placeholders = Mapping[str, tuple[str, ...]]
ESCAPED_PERCENT: Final = "\ufdd0"  # a percent sign that opens no placeholder; never a character
MAX_VALUES: Final = 100_000  # of one value with several placeholders: the lists multiply

_NAME: Final = re.compile(r"%([^%\\]+)%")
_ESCAPED: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\%")


def read_placeholders(text: str) -> dict[str, tuple[str, ...]]:
    """The user's file. Raises UsageError naming the placeholder that is not as it must be.

    Every value is read as the text that stands there (``NO`` is a country, not a boolean). A name
    without values stays needed.
    """
    loader = yaml.BaseLoader(text)
    try:
        document = loader.get_single_data()
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(
            f"placeholders: not readable as YAML: {' '.join(str(error).split())}"
        ) from error
    finally:
        loader.dispose()
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise UsageError("placeholders: must be a mapping of placeholder names to values")
    return {
        str(name).strip("%"): tuple(_listed(name, value))
        for name, value in document.items()
        if value not in ("", [])
    }


def _listed(name: str, value: Any) -> Iterator[str]:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, str):
            raise UsageError(f"placeholder '{name}': must be a value or a list of values")
        yield each


def filled(value: str, placeholders: Placeholders, *, literal: bool) -> str | list[str]:
    r"""A value under ``expand`` with all known placeholders replaced: one text, or one for each
    combination. ``\%`` becomes :data:`ESCAPED_PERCENT`. ``literal``: values are no patterns.
    """
    value = _ESCAPED.sub(rf"\1{ESCAPED_PERCENT}", value)  # "a plain percent … by escaping it"
    parts = _NAME.split(value)  # text, name, text, name, …, text
    choices: list[tuple[str, ...]] = []
    combinations = 1
    for position, part in enumerate(parts):
        known = placeholders.get(part, ()) if position % 2 else ()
        quote = re.escape if literal else str
        values = tuple(quote(each).replace("%", ESCAPED_PERCENT) for each in known)
        choices.append(values or ((f"%{part}%" if position % 2 else part),))
        combinations *= len(choices[-1])
    if combinations > MAX_VALUES:
        raise ValueError(f"placeholders in '{value}' stand for more than {MAX_VALUES} values")
    texts = ["".join(each) for each in product(*choices)]
    return texts if len(texts) > 1 else texts[0]
