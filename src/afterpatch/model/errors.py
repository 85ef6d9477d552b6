"""Errors a user can cause, as a drawn tree.

    AfterpatchError
    ├── UsageError          wrong arguments, missing path
    ├── CampaignError       a campaign pack or rule does not hold; names file and line
    └── EvidenceChanged     evidence on disk no longer has the hash an assessment recorded

Bad *evidence* never raises: it becomes a :class:`afterpatch.model.places.Gap`.
"""


class AfterpatchError(Exception):
    """Base of every error whose text is meant for the user."""


class UsageError(AfterpatchError):
    """The command line asks for something that is not there."""


class CampaignError(AfterpatchError):
    """A campaign pack is wrong. ``problems`` lists every one as ``file:line: text``."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class EvidenceChanged(AfterpatchError):  # noqa: N818  (reads as a fact, not as a fault of ours)
    """Evidence on disk is not what the assessment read."""
