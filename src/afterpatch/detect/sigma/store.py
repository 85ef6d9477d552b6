"""A folder that remembers parsed rules and compiled automata between runs.

Enters: rule texts, literals. Leaves: what parsing or compiling would give. Every file is named
after a hash of all it was made from, this code included, and begins with the hash of its content:
what does not fit exactly is made anew. Nothing in it is code. Will not do: fail. A folder that
cannot be read or written costs time only.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

import hyperscan
import orjson

from afterpatch.detect.sigma.garbage import no_collection
from afterpatch.detect.sigma.parsed import Parsed
from afterpatch.detect.sigma.plain import from_plain, to_plain
from afterpatch.model.campaigns import RuleText
from afterpatch.model.rules import Placeholders

MAX_FILES: Final = 256
_HASH_BYTES: Final = 32


def load_rules(
    texts: Iterable[RuleText], placeholders: Placeholders, store: "RuleStore | None" = None
) -> Parsed:
    """As ``parse.parse_rules``, out of the store where it holds the very same texts parsed."""
    held = tuple(texts)
    if not held:
        return Parsed((), (), ())
    if store is None:
        return _parse(held, placeholders)
    key = store.key("rules", _content(held, placeholders))
    parsed = store.parsed(key)
    if parsed is None:
        parsed = _parse(held, placeholders)
        store.keep_parsed(key, parsed)
    return parsed


def _parse(texts: Sequence[RuleText], placeholders: Placeholders) -> Parsed:
    # Here, because importing pySigma takes longer than reading thousands of rules from the store.
    from afterpatch.detect.sigma.parse import parse_rules

    return parse_rules(texts, placeholders)


def _content(texts: Sequence[RuleText], placeholders: Placeholders) -> Iterator[bytes]:
    yield orjson.dumps({name: placeholders[name] for name in sorted(placeholders)})
    for text in texts:
        yield text.path.encode("utf-8", "surrogatepass")
        yield text.text.encode("utf-8", "surrogatepass")


class RuleStore:
    """One folder, made on first use. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, kind: str, parts: Iterable[bytes]) -> str:
        """A file name that changes with any of the parts and with this program."""
        digest = hashlib.sha256(_program())
        for part in parts:
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
        return f"{kind}-{digest.hexdigest()}"

    def parsed(self, key: str) -> Parsed | None:
        """What was kept, or None."""
        data = self._read(key)
        if data is None:
            return None
        try:
            with no_collection():
                return from_plain(orjson.loads(data))
        except (LookupError, TypeError, ValueError):
            return None

    def keep_parsed(self, key: str, parsed: Parsed) -> None:
        """For the next run; not for rules whose texts JSON cannot say."""
        with suppress(orjson.JSONEncodeError):
            self._write(key, orjson.dumps(to_plain(parsed)))

    def automaton(
        self, expressions: Sequence[bytes], *, lines: bool, once: int
    ) -> hyperscan.Database | None:
        """A database compiled of these expressions, or None. Hyperscan checks what it reads."""
        data = self._read(self._automaton_key(expressions, lines, once))
        if data is None:
            return None
        try:
            database = hyperscan.loadb(data, hyperscan.HS_MODE_BLOCK)
            database.scratch = hyperscan.Scratch(database)
        except hyperscan.error:
            return None
        return database

    def keep_automaton(
        self, expressions: Sequence[bytes], database: hyperscan.Database, *, lines: bool, once: int
    ) -> None:
        """For the next run."""
        self._write(self._automaton_key(expressions, lines, once), hyperscan.dumpb(database))

    def _automaton_key(self, expressions: Sequence[bytes], lines: bool, once: int) -> str:
        kind = f"{'lines' if lines else ''} {once}".encode()
        return self.key("automaton", (kind, *expressions))

    def _read(self, key: str) -> bytes | None:
        path = self.folder / key
        try:
            data = path.read_bytes()
        except OSError:
            return None
        checked = memoryview(data)[_HASH_BYTES:]
        if hashlib.sha256(checked).digest() != data[:_HASH_BYTES]:
            return None
        with suppress(OSError):
            os.utime(path)  # what is used stays longest
        return bytes(checked)

    def _write(self, key: str, data: bytes) -> None:
        """Whole or not at all, whoever else writes."""
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(data).digest() + data)
                Path(name).replace(self.folder / key)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        files = [path for path in self.folder.iterdir() if path.name[0] != "."]
        if len(files) > MAX_FILES:
            oldest = sorted(files, key=lambda path: path.stat().st_mtime)
            for path in oldest[: len(files) - MAX_FILES]:
                path.unlink(missing_ok=True)


@cache
def _program() -> bytes:
    """Hash of what makes the content of a store: this folder's code and the libraries it calls."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    for library in ("pysigma", "google-re2", "hyperscan"):
        digest.update(version(library).encode())
    return digest.digest()
