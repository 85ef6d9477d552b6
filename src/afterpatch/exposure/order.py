"""Patched before or after the first exploitation? And until when could it have happened?

Enters: an :class:`Exposure`. Leaves: a :class:`PatchOrder`; the end of the time to look at. What
the evidence leaves open is ``unknown``.
"""

from datetime import datetime

from afterpatch.exposure.timeline import QUIET
from afterpatch.model.verdicts import BuildState, Exposure, ExposureSpan, PatchOrder


def patch_order(
    exposure: Exposure, first_exploitation: datetime | None, until: datetime | None
) -> PatchOrder:
    """Order of patch and first exploitation.

    Shape:   no exploitation (None) and fixed in the end is ``patched-before``; affected in the end
             is ``not-patched``, unless the last build was seen long before ``until``.
    Errors:  none.
    """
    if not exposure.timeline:
        return "unknown"
    last = exposure.timeline[-1]
    if last.state in ("affected", "mitigated"):
        stale = until is not None and until - last.end > QUIET
        return "unknown" if stale else "not-patched"
    patched = exposure.patched_at
    if patched and first_exploitation and first_exploitation <= patched.start:
        # The fix went in after ``start``: exploitation came first, unless the host had been fixed
        # then and lost the fix again.
        had_fix = any(_fixed_at(span, first_exploitation) for span in exposure.timeline)
        return "unknown" if had_fix else "patched-after-exploitation"
    if last.state == "unknown":
        return "unknown"
    if first_exploitation is None:
        return "patched-before"
    # What ran before a host was first seen fixed is not known.
    safe_from = patched.end if patched else exposed_until(exposure, until or last.end)
    return "patched-before" if first_exploitation >= safe_from else "unknown"


def final_state(exposure: Exposure) -> BuildState:
    """What the host ran in the end, as far as the evidence says."""
    return exposure.timeline[-1].state if exposure.timeline else "unknown"


def exposed_until(exposure: Exposure, until: datetime) -> datetime:
    """Latest time at which the host may still have been affected.

    The start of the last unbroken fixed stretch; ``until`` where the host is not fixed in the end.
    A mitigated host counts as exposed: mitigations close one CVE of a chain.
    """
    latest = until
    for span in reversed(exposure.timeline):
        if span.state != "fixed":
            break
        latest = span.start
    return latest


def _fixed_at(span: ExposureSpan, when: datetime) -> bool:
    return span.state == "fixed" and span.start <= when < span.end
