"""The list of layouts. A new collector is one module and one line here.

Order matters: those with the strongest markers first, CyLR (which has none) last.
"""

from typing import Final

from afterpatch.evidence.layouts.acquire import ACQUIRE
from afterpatch.evidence.layouts.cylr import CYLR
from afterpatch.evidence.layouts.kape import KAPE
from afterpatch.evidence.layouts.layout import Layout
from afterpatch.evidence.layouts.uac import UAC
from afterpatch.evidence.layouts.velociraptor import HUNT, VELOCIRAPTOR

LAYOUTS: Final[tuple[Layout, ...]] = (HUNT, VELOCIRAPTOR, UAC, ACQUIRE, KAPE, CYLR)
