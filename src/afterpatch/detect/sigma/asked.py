"""A test as it is put to the columns of a batch.

Enters: a test. Leaves: its number, the texts that a value must hold, and the test as a function.
"""

from functools import cached_property
from itertools import count
from typing import Final

from afterpatch.detect.sigma.ast import FieldTest
from afterpatch.detect.sigma.distinct import Judge, judge_of, required_texts

_NUMBERS: Final = count()


class Asked:
    """A test as the columns of a look are asked it; ``number`` is its own in this process, because
    the rules of several plans may look at the same columns."""

    def __init__(self, test: FieldTest) -> None:
        self.number = next(_NUMBERS)
        self.test = test
        self.literals = required_texts(test)
        # Then a literal that a scan found is the answer. (One with a line end may be two texts.)
        self.is_literal = (test.op, test.cased, test.option) == ("contains", False, "") and (
            "\n" not in test.value
        )

    @cached_property
    def judge(self) -> Judge:
        """The test as a function of one value."""
        return judge_of(self.test)

    @cached_property
    def list_judge(self) -> Judge:
        """The test as a function of a list, one member per line: whether it holds for any."""
        judge = self.judge

        def holds_for_any(text: str, low: str) -> bool:
            if "\n" not in text:
                return judge(text, low)
            return any(map(judge, text.split("\n"), low.split("\n")))

        return holds_for_any
