"""Evidence of a busy server by the gigabyte, for benchmarks: real mix, few hits.

Volume and mix follow a customer's figures over 14 days (389 k HttpProxy rows and 425 k IIS front
rows a day, 13.5 % by people; exchange-hafnium facts, section 1b).
"""

from datetime import timedelta
from pathlib import Path
from typing import Final

from afterpatch.simulate.labels import Labels
from afterpatch.simulate.scenario import Act, ServerPlan, Volume, utc
from afterpatch.simulate.write import write_server

ROWS_A_DAY: Final = 400_000
_START: Final = utc("2021-02-20")
_YEARS: Final = timedelta(days=3650)


def write_bulk(out: Path, gigabytes: float, seed: str = "bulk") -> Labels:
    """Write about this many gigabytes (10^9 bytes) of one server's logs below ``out``.

    The hits lie in the first hour, so that any size holds them. ``labels.json`` is not written.
    """
    shell, address = "/owa/auth/fatal-erro.aspx", "203.0.113.61"
    agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    acts = (
        Act("nmap-scan", _START + timedelta(minutes=3), "203.0.113.200"),
        Act("autodiscover-attempt", _START + timedelta(minutes=9), "198.51.100.7"),
        Act("full-chain", _START + timedelta(minutes=20), address, actor="a",
            params={"shell": shell, "key": "o"}),
        Act("shell-use", _START + timedelta(minutes=41), address, agent, "a",
            params={"shell": shell}),
    )  # fmt: skip
    plan = ServerPlan(
        name="BULK01",
        fqdn="bulk01.contoso.local",
        product_build_before="15.1.2106.2",
        days=(_START, _START + _YEARS),
        events=acts,
        volume=Volume(rows=ROWS_A_DAY),
        seed=seed,
    )
    out.mkdir(parents=True, exist_ok=True)
    label = write_server(plan, out, limit_bytes=round(gigabytes * 1e9))
    return Labels("bulk", seed, (label,))
