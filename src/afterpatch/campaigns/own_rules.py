"""Rule files that the user brings: folders and files in, their texts out, nothing dropped silently.

Enters: paths. Leaves: the text of every Sigma (``.yml``, ``.yaml``) and YARA (``.yar``, ``.yara``)
file below them in order of path, what could not be read with the reason, and the files that are no
rules: in a folder also YAML without any part of a Sigma document. Links to folders are not
followed, so a circle cannot hold anybody up. Nothing is parsed.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from afterpatch.campaigns.pack import LANGUAGES, MAX_FILE_BYTES
from afterpatch.model.campaigns import RuleText
from afterpatch.model.errors import UsageError

# What git and editors keep beside rules is not worth a line in the account.
_HIDDEN: Final = (".", "__")
# Other YAML lies in rule repositories, too; a Sigma document has one of these at its top.
_SIGMA: Final = re.compile(
    r"""^["']?(?:detection|logsource|correlation|filter|action)["']?\s*:""", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class OwnRules:
    """``unread``: (path, reason). ``ignored``: paths of files that are neither Sigma nor YARA."""

    texts: tuple[RuleText, ...]
    unread: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


def read_own_rules(paths: Sequence[str]) -> OwnRules:
    """Every rule file of the given folders and files. Raises UsageError for a missing path."""
    texts: dict[str, RuleText] = {}
    unread: dict[str, str] = {}
    ignored: list[str] = []
    for argument in paths:
        root = Path(argument)
        if not root.exists():
            raise UsageError(f"{argument}: there is no such rule file or folder")
        for path in _files(root):
            name = path.as_posix()
            language = LANGUAGES.get(path.suffix.casefold())
            if language is None:
                ignored.append(name)
                continue
            text = _read(path)
            if isinstance(text, _Unread):
                unread[name] = text.reason
            elif language == "sigma" and root.is_dir() and not _SIGMA.search(text):
                ignored.append(name)
            else:
                texts[name] = RuleText(name, language, text)
    return OwnRules(
        tuple(texts[name] for name in sorted(texts)),
        tuple(sorted(unread.items())),
        tuple(sorted(set(ignored))),
    )


@dataclass(frozen=True, slots=True)
class _Unread:
    reason: str


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        yield root
        return
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(_HIDDEN))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith(_HIDDEN))


def _read(path: Path) -> str | _Unread:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            return _Unread(f"larger than {MAX_FILE_BYTES} bytes")
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        return _Unread(f"line {line}: not UTF-8 text")
    except OSError as error:
        return _Unread(f"cannot be read: {error.strerror}")
