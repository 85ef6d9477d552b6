"""What became of rule texts: a module of its own, so that kept results need no parser."""

from dataclasses import dataclass

from afterpatch.detect.sigma.ast import Correlation, Rule


@dataclass(frozen=True, slots=True)
class Parsed:
    """What became of the texts, in input order.

    unsupported        (rule id or path, reason).
    needs_placeholder  (rule id, names of the placeholders the user gave no values for).
    """

    rules: tuple[Rule, ...]
    correlations: tuple[Correlation, ...]
    unsupported: tuple[tuple[str, str], ...]
    needs_placeholder: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """(rule id or path, reason) of everything that is not evaluated, for whatever reason."""
        needy = (
            (rule, f"needs placeholder {', '.join(f'%{name}%' for name in names)}")
            for rule, names in self.needs_placeholder
        )
        return (*self.unsupported, *needy)
