"""YARA rules over the content of files.

Enters: rule texts, then bytes. Leaves: matches with the strings that proved them. A text that does
not compile is reported and leaves the others standing. Will not do: open files, choose what to
scan, include other files.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import yara_x

from afterpatch.model.campaigns import RuleText
from afterpatch.model.hits import RuleInfo

TIME_LIMIT_S: Final = 30
MAX_STRINGS: Final = 20
EXCERPT_BYTES: Final = 120


class ScanIncomplete(Exception):  # noqa: N818  (a statement about evidence, not a fault of ours)
    """A scan hit its time limit or failed: the content counts as unread."""


@dataclass(frozen=True, slots=True)
class YaraMatch:
    """``strings``: (offset in bytes, printable excerpt) of matched strings, by offset, cut."""

    rule: str
    strings: tuple[tuple[int, str], ...]


class YaraEngine:
    """All YARA rules of a run, compiled once per process.

    A rule's id is its ``meta: id``, else ``yara:<rule name>``. The pack's words stand in its meta:
    title, stage, weak ("true"/"false"), finds, misses, level, reference.
    """

    def __init__(self, texts: Iterable[RuleText], time_limit_s: int = TIME_LIMIT_S) -> None:
        unsupported: list[tuple[str, str]] = []
        compiler = yara_x.Compiler()
        compiler.enable_includes(False)
        for text in texts:
            compiler.new_namespace(text.path)
            try:
                compiler.add_source(text.text, origin=text.path)
            except (yara_x.CompileError, ValueError) as error:
                unsupported.append((text.path, str(error)))
        self._rules = compiler.build()
        self._time_limit_s = time_limit_s
        self._scanner = self._new_scanner()
        self._ids: dict[tuple[str, str], str] = {}
        infos: dict[str, RuleInfo] = {}
        for rule in self._rules:
            info = _info(rule.identifier, rule.metadata, rule.tags)
            if info.id in infos:
                unsupported.append((info.id, f"{rule.namespace}: same id as an earlier rule"))
                continue
            infos[info.id] = info
            self._ids[rule.namespace, rule.identifier] = info.id
        self.infos = tuple(infos.values())
        self.unsupported = tuple(unsupported)

    def _new_scanner(self) -> yara_x.Scanner:
        """One serves many files: making it costs as much as scanning a small one."""
        scanner = yara_x.Scanner(self._rules)
        scanner.set_timeout(self._time_limit_s)
        scanner.max_matches_per_pattern(MAX_STRINGS)
        return scanner

    def scan(self, data: bytes) -> tuple[YaraMatch, ...]:
        """Rules that match the content, sorted by id. Raises :class:`ScanIncomplete`."""
        if not self.infos:
            return ()
        try:
            results = self._scanner.scan(data)
        except (yara_x.TimeoutError, yara_x.ScanError) as error:
            self._scanner = self._new_scanner()
            raise ScanIncomplete(f"YARA scan not finished: {error}") from error
        found = []
        for rule in results.matching_rules:
            identity = self._ids.get((rule.namespace, rule.identifier))
            if identity is not None:
                found.append(YaraMatch(identity, _strings(rule, data)))
        return tuple(sorted(found, key=lambda match: match.rule))


def _info(name: str, metadata: Iterable[tuple[str, object]], tags: Iterable[str]) -> RuleInfo:
    meta: Mapping[str, str] = {key.lower(): str(value) for key, value in metadata}
    reference = meta.get("reference", "")
    return RuleInfo(
        id=meta.get("id") or f"yara:{name}",
        title=meta.get("title") or meta.get("description") or name,
        level=meta.get("level", "high"),
        engine="yara",
        stage=meta.get("stage", ""),
        weak=meta.get("weak", "false").lower() == "true",
        finds=meta.get("finds") or meta.get("description", ""),
        misses=meta.get("misses", ""),
        tags=tuple(tags),
        references=(reference,) if reference else (),
    )


def _strings(rule: yara_x.Rule, data: bytes) -> tuple[tuple[int, str], ...]:
    spans = sorted({(m.offset, m.length) for pattern in rule.patterns for m in pattern.matches})
    return tuple((offset, excerpt(data, offset, length)) for offset, length in spans[:MAX_STRINGS])


def excerpt(data: bytes, offset: int, length: int) -> str:
    r"""The bytes as printable text, others as ``\xHH``, cut at ``EXCERPT_BYTES``."""
    piece = data[offset : offset + min(length, EXCERPT_BYTES)]
    return "".join(chr(b) if 0x20 <= b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in piece)
