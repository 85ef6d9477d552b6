"""Every kind of act, by name: a plain visible list."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final

from afterpatch.model.errors import UsageError
from afterpatch.simulate import aftermath, chain, innocent, probes
from afterpatch.simulate.dice import dice
from afterpatch.simulate.scenario import ServerPlan
from afterpatch.simulate.scene import Scene
from afterpatch.simulate.trace import Trace

ACTS: Final[Mapping[str, Callable[[Scene], None]]] = {
    "nmap-scan": probes.nmap_scan,
    "nuclei-scan": probes.nuclei_scan,
    "burp-scan": probes.burp_scan,
    "autodiscover-attempt": probes.autodiscover_attempt,
    "blocked-attempt": probes.blocked_attempt,
    "aborted-attempt": probes.aborted_attempt,
    "ews-access": probes.ews_access,
    "session-forged": chain.session_forged,
    "full-chain": chain.full_chain,
    "shell-drop": chain.shell_drop,
    "oab-write": chain.oab_write,
    "um-deserialisation": chain.um_deserialisation,
    "shell-check": aftermath.shell_check,
    "shell-use": aftermath.shell_use,
    "shell-removed": aftermath.shell_removed,
    "shell-remains": aftermath.shell_remains,
    "follow-up": aftermath.follow_up,
    "dearcry": aftermath.dearcry,
    "test-amsi": innocent.test_amsi,
    "url-change": innocent.url_change,
    "shell-hunters": innocent.shell_hunters,
    "timeout-logout": innocent.timeout_logout,
    "ediscovery-tool": innocent.ediscovery_tool,
    "vendor-archives": innocent.vendor_archives,
    "mitigated": innocent.mitigated,
}


def play(plan: ServerPlan) -> Trace:
    """Everything the plan's acts leave behind, in time order.

    Raises UsageError for a kind of act that does not exist.
    """
    trace = Trace()
    for number, planned in enumerate(sorted(plan.events, key=lambda act: (act.at, act.kind))):
        act = planned
        if act.kind not in ACTS:
            raise UsageError(f"no such act: {act.kind}; known: {', '.join(ACTS)}")
        if act.actor:
            trace.known(act.actor, "addresses", act.ip)
        rng = dice(plan.seed, plan.name, "act", str(number), act.kind)
        if act.at.microsecond == 0:  # nothing begins on a full second
            act = replace(act, at=act.at + timedelta(milliseconds=rng.randrange(1, 1000)))
        ACTS[act.kind](Scene(plan, act, rng, trace))
    return trace
