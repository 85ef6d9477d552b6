"""Fix sets: which Exchange builds carry which security update. Data only.

A fix is a set of branches, never one threshold: 15.1.1415.10 is fixed and 15.1.2176.4 is not. Each
branch (cumulative update) has its own first fixed revision, contains the fix since its release, or
never got it.

Sources: microsoft/CSS-Exchange, Shared/Get-ExchangeBuildVersionInformation.ps1 (commit 01bad118);
Microsoft's build page as stored in righel/ms-exchange-version-nse (commit 0098d07c); the CVE
records. Where they disagree see ``exchange_builds_table.CONFLICTS``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from afterpatch.exposure.versions import Branch, Build

ProductLine = tuple[int, int]  # (15, 1) is Exchange 2016


@dataclass(frozen=True, slots=True)
class Mitigation:
    """Something that stops some of a fix's CVEs without the fix. ``title`` begins a sentence."""

    title: str
    cves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FixSet:
    """One fix and the builds that carry it.

    title           reads on after "with" and "without".
    released        when the first of its updates came out; no build carried it before.
    fixed_from      branch -> first revision with the fix.
    contained_from  product line -> third part of the first cumulative update that holds the fix
                    since its release; later ones do too.
    narrow          branches whose update closes these CVEs and nothing else.
    not_affected    product line -> why the CVEs do not touch it.
    unserviced      doubt to state for branches that never got an update, or "".
    exchange_2010   first fixed Exchange 2010 build, or None where 2010 is not in the records.
    mitigations     fact name -> the mitigation whose presence it tells.
    """

    id: str
    title: str
    cves: tuple[str, ...]
    released: datetime
    fixed_from: Mapping[Branch, int]
    contained_from: Mapping[ProductLine, int]
    narrow: frozenset[Branch] = frozenset()
    not_affected: Mapping[ProductLine, str] = field(default_factory=dict)
    unserviced: str = ""
    exchange_2010: Build | None = None
    mitigations: Mapping[str, Mitigation] = field(default_factory=dict)


_UNSERVICED: Final = (
    "Microsoft assessed only the cumulative updates in service; older ones are held to be affected"
)

# Serviced on 2 March 2021: these got a full security update. The other twenty got one that closes
# the four March CVEs only, until 11 March ("additional set of updates on March 11").
_SERVICED_MARCH_2021: Final = frozenset(
    {(15, 0, 1497), (15, 1, 2106), (15, 1, 2176), (15, 2, 721), (15, 2, 792)}
)

_MARCH_2021: Final[Mapping[Branch, int]] = {
    (15, 0, 847): 64,
    (15, 0, 1395): 12,
    (15, 0, 1473): 6,
    (15, 0, 1497): 12,
    (15, 1, 1415): 10,  # HealthChecker: 8
    (15, 1, 1466): 16,  # HealthChecker: 13
    (15, 1, 1531): 12,
    (15, 1, 1591): 18,
    (15, 1, 1713): 10,
    (15, 1, 1779): 8,
    (15, 1, 1847): 12,
    (15, 1, 1913): 12,
    (15, 1, 1979): 8,
    (15, 1, 2044): 13,
    (15, 1, 2106): 13,
    (15, 1, 2176): 9,
    (15, 2, 221): 18,
    (15, 2, 330): 11,
    (15, 2, 397): 11,
    (15, 2, 464): 15,
    (15, 2, 529): 13,
    (15, 2, 595): 8,
    (15, 2, 659): 12,
    (15, 2, 721): 13,
    (15, 2, 792): 10,
}

_ALL: Final = (
    FixSet(
        id="exchange-mar21su",
        title="the March 2021 security update",
        cves=("CVE-2021-26855", "CVE-2021-26857", "CVE-2021-26858", "CVE-2021-27065"),
        released=datetime(2021, 3, 2, tzinfo=UTC),
        fixed_from=_MARCH_2021,
        contained_from={(15, 1): 2242, (15, 2): 858},  # 2016 CU20 and 2019 CU9, 16 March 2021
        narrow=frozenset(_MARCH_2021) - _SERVICED_MARCH_2021,
        exchange_2010=Build(14, 3, 513, 0),  # Service Pack 3 Rollup 32
        # What ExchangeMitigations.ps1 does; EOMT.ps1 does the first alone. Which CVE each stops:
        # MSRC, "Microsoft Exchange Server Vulnerabilities Mitigations", 5 March 2021.
        mitigations={
            # Two URL Rewrite rules abort requests with X-AnonResource-Backend or X-BEResource.
            "mitigation.eomt": Mitigation(
                "rewrite rules against forged cookies", ("CVE-2021-26855",)
            ),
            "mitigation.um": Mitigation("disabled Unified Messaging services", ("CVE-2021-26857",)),
            "mitigation.oab-pool": Mitigation("stopped OAB application pool", ("CVE-2021-26858",)),
            "mitigation.ecp-pool": Mitigation("stopped ECP application pool", ("CVE-2021-27065",)),
        },
    ),
    FixSet(
        id="exchange-apr21su",
        title="the April 2021 security update (ProxyShell: CVE-2021-34473, CVE-2021-34523)",
        cves=("CVE-2021-34473", "CVE-2021-34523"),
        released=datetime(2021, 4, 13, tzinfo=UTC),
        fixed_from={
            (15, 0, 1497): 15,
            (15, 1, 2176): 12,
            (15, 1, 2242): 8,
            (15, 2, 792): 13,
            (15, 2, 858): 10,
        },
        contained_from={(15, 1): 2308, (15, 2): 922},
        unserviced=_UNSERVICED,
    ),
    FixSet(
        id="exchange-may21su",
        title="the May 2021 security update (ProxyShell: CVE-2021-31207)",
        cves=("CVE-2021-31207",),
        released=datetime(2021, 5, 11, tzinfo=UTC),
        fixed_from={
            (15, 0, 1497): 18,
            (15, 1, 2176): 14,
            (15, 1, 2242): 10,
            (15, 2, 792): 15,
            (15, 2, 858): 12,
        },
        contained_from={(15, 1): 2308, (15, 2): 922},
        unserviced=_UNSERVICED,
    ),
    FixSet(
        id="exchange-nov21su",
        title="the November 2021 security update (CVE-2021-42321)",
        cves=("CVE-2021-42321",),
        released=datetime(2021, 11, 9, tzinfo=UTC),
        fixed_from={
            (15, 1, 2308): 20,
            (15, 1, 2375): 17,
            (15, 2, 922): 19,
            (15, 2, 986): 14,
        },
        contained_from={(15, 1): 2507, (15, 2): 1118},
        not_affected={(15, 0): "the CVE's record names only Exchange 2016 and 2019"},
        unserviced=_UNSERVICED,
    ),
    FixSet(
        id="exchange-nov22su",
        title="the November 2022 security update (ProxyNotShell)",
        cves=("CVE-2022-41040", "CVE-2022-41082"),
        released=datetime(2022, 11, 8, tzinfo=UTC),
        fixed_from={
            (15, 0, 1497): 44,
            (15, 1, 2375): 37,
            (15, 1, 2507): 16,
            (15, 2, 986): 36,
            (15, 2, 1118): 20,
        },
        contained_from={(15, 2): 1258},
        unserviced=_UNSERVICED,
    ),
)

FIXES: Final[Mapping[str, FixSet]] = MappingProxyType({fix.id: fix for fix in _ALL})
