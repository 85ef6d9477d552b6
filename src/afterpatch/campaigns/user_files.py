"""A text file of the user's, read whole, with all its problems told at once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from afterpatch.model.errors import UsageError

T = TypeVar("T")


def load_user_file(path: str, read: Callable[[str, str], tuple[T, list[str]]]) -> T:
    """What ``read(text, name)`` makes of the file. Raises UsageError with every problem."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text") from error
    found, problems = read(text, path)
    if problems:
        raise UsageError("\n".join(problems))
    return found
