"""Decoders a campaign may name, and the stages each can show.

A campaign is data plus at most one decoder: code in ``detect`` for what no rule can say.
"""

from collections.abc import Mapping
from typing import Final

DECODERS: Final[Mapping[str, tuple[str, ...]]] = {
    "sunburst": ("beaconed", "terminated", "targeted", "http-c2"),
}
