"""Find and load campaign packs: an id or a folder in, a whole, checked ``Campaign`` out.

A pack that does not hold together is refused with every problem at once: a half-loaded pack
would look like a server without findings.
"""

from pathlib import Path
from typing import Final

from afterpatch.campaigns.check import check
from afterpatch.campaigns.pack import CAMPAIGN, pack_sha256, read_pack
from afterpatch.model.campaigns import Campaign
from afterpatch.model.errors import CampaignError, UsageError

PACKS: Final = Path(__file__).parent / "packs"


def available() -> tuple[str, ...]:
    """Ids of the packs shipped with the product, sorted."""
    return tuple(sorted(path.parent.name for path in PACKS.glob(f"*/{CAMPAIGN}")))


def folder_of(id_or_path: str) -> Path:
    """The folder of a shipped pack or of a pack the user brings. Raises UsageError."""
    if id_or_path in available():
        return PACKS / id_or_path
    folder = Path(id_or_path)
    if folder.is_dir():
        return folder
    raise UsageError(
        f"there is no campaign '{id_or_path}': give a folder or one of {', '.join(available())}"
    )


def load(id_or_path: str) -> Campaign:
    """Load and check a pack. Raises UsageError (no such pack), CampaignError (all problems)."""
    folder = folder_of(id_or_path)
    pack = read_pack(folder)
    problems = check(pack)
    if problems or pack.document is None:
        raise CampaignError(problems or [f"{CAMPAIGN}:1: cannot be read"])
    document = pack.document
    return Campaign(
        id=document.id,
        version=document.version,
        title=document.title,
        summary=document.summary,
        references=document.references,
        cves=document.cves,
        product=document.product,
        fix=document.fix,
        window_start=document.window.start,
        stages=tuple(part.model() for part in document.stages),
        logs=tuple(part.model() for part in document.logs),
        clearing=document.clearing,
        keys=tuple(part.model() for part in document.keys),
        lifetimes=tuple(part.model() for part in document.lifetimes),
        actors=tuple(part.model() for part in document.actors),
        advice=document.advised(),
        decoder=document.decoder or "",
        triage=document.triage.model() if document.triage else None,
        rules=pack.rules,
        indicators=pack.indicators,
        networks=pack.networks,
        sha256=pack_sha256(folder),
    )
