"""Values for ``expand`` placeholders, put into a rule's values.

A rule with ``|expand: '%Administrators%'`` says nothing until somebody says who administers. Values
are Sigma values: ``*`` and ``?`` are wild unless escaped. In a regular expression they stand for
themselves. Will not do: pass a rule off as complete that still needs a name.
"""

import re
from itertools import product
from typing import Final

from afterpatch.model.rules import Placeholders

ESCAPED_PERCENT: Final = "\ufdd0"  # a percent sign that opens no placeholder; never a character
MAX_VALUES: Final = 100_000  # of one value with several placeholders: the lists multiply

_NAME: Final = re.compile(r"%([^%\\]+)%")
_ESCAPED: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\%")


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
