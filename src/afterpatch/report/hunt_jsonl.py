"""A hunt as JSON lines: one line per rule and host, in ranked order, nothing cut.

The fields are those of ``hunt.findings[]`` (``docs/hunt.md``).
"""

from afterpatch.report.ascii_json import json_lines
from afterpatch.report.shape import HuntDocument


def hunt_jsonl(document: HuntDocument) -> bytes:
    """Every finding; empty when there is none."""
    return json_lines(document["hunt"]["findings"])
