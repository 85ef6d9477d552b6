"""The SUNBURST campaign over simulated logs, through every DNS shape the decoder is fed by."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from afterpatch.campaigns.load import load
from afterpatch.detect.decoders import decoder_named
from afterpatch.detect.sunburst.decoder import SunburstDecoder
from afterpatch.model.decoders import DECODERS
from afterpatch.pipeline.run import assess_paths
from afterpatch.simulate.network import NetworkPlan
from afterpatch.simulate.sunburst import InfectedHost, queries, write_sunburst

CAMPAIGN = load("sunburst-orion-2020")
WRITTEN = datetime(2020, 5, 1, tzinfo=UTC)
UNTIL = WRITTEN + timedelta(days=18)
PLAN = NetworkPlan(WRITTEN + timedelta(days=11), days=7, hosts=6, browsing=3)
# HTTP requests are not in dns.log, so this is as far as each story goes.
STAGES = DECODERS["sunburst"]


def bands(folder):
    hosts = assess_paths([str(folder)], CAMPAIGN, workers=1).hosts
    return {host.name: host.verdicts[0].band for host in hosts}


def assessed(folder):
    """The verdict of the one host with findings; of the log's owner, if there is none."""
    hosts = assess_paths([str(folder)], CAMPAIGN, workers=1).hosts
    (verdict,) = [h.verdicts[0] for h in hosts if h.verdicts[0].because or len(hosts) == 1]
    return verdict


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_found_in_zeek_logs(stage, tmp_path):
    host = InfectedHost(WRITTEN, UNTIL, stage)
    write_sunburst(host, PLAN, tmp_path / "all")
    (tmp_path / "case").mkdir()
    (tmp_path / "all" / "dns.log").rename(tmp_path / "case" / "dns.log")
    verdict = assessed(tmp_path / "case")
    assert (verdict.stage, verdict.band) == (stage, "compromised")
    assert host.host_id in str([finding.key for finding in verdict.because])


def test_the_client_is_judged_and_named_by_the_inventory_not_the_owner_of_the_log(tmp_path):
    write_sunburst(InfectedHost(WRITTEN, UNTIL, "targeted"), PLAN, tmp_path / "all")
    for name in ("resolver", "lists"):
        (tmp_path / "case" / name).mkdir(parents=True)
    (tmp_path / "all" / "dns.log").rename(tmp_path / "case" / "resolver" / "dns.log")
    client = json.loads((tmp_path / "all" / "labels.json").read_text())["channels"][0]["host"]
    assert bands(tmp_path / "case") == {client: "compromised", "resolver": "none"}
    (tmp_path / "all" / "inventory.csv").rename(tmp_path / "case" / "lists" / "inventory.csv")
    assert bands(tmp_path / "case") == {"orion1": "compromised", "resolver": "none"}


def test_days_that_are_missing_keep_a_quiet_network_from_being_cleared(tmp_path):
    write_sunburst(InfectedHost(WRITTEN, WRITTEN), PLAN, tmp_path / "all")
    (tmp_path / "case").mkdir()
    (tmp_path / "all" / "dns.log").rename(tmp_path / "case" / "dns.log")
    verdict = assessed(tmp_path / "case")
    assert (verdict.band, verdict.cleared) == ("none", False)
    assert verdict.cannot_be_cleared


def test_the_windows_dns_log_tells_that_it_beaconed(tmp_path):
    lines = []
    for query in queries(InfectedHost(WRITTEN, UNTIL, "targeted")):
        name = "".join(f"({len(part)}){part}" for part in query.name.split(".")) + "(0)"
        lines.append(
            f"{query.time:%-m/%-d/%Y %-I:%M:%S %p} 0E4C PACKET  000000A1B2C3D4E0 UDP Rcv 10.1.2.3"
            f"        a1b2   Q [0001   D   NOERROR] A      {name}\n"
        )
    (tmp_path / "dns.log").write_text("".join(lines))
    verdict = assessed(tmp_path)
    assert verdict.stage == "targeted"  # the last query carries the bit


def test_a_planted_name_is_a_weak_sign(tmp_path):
    name = "putinhasasmallpackage.appsync-api.eu-west-1.avsvmcloud.com"
    (tmp_path / "names.json").write_text(
        f'{{"rrname": "{name}", "rrtype": "A", "rdata": "20.140.0.1", "time_first": 1608200000}}\n'
    )
    verdict = assessed(tmp_path)
    assert verdict.band == "none"
    assert any(finding.weak for finding in verdict.because)


def test_the_decoder_knows_the_stages_the_campaigns_are_told():
    shown = {info.stage for info in decoder_named("sunburst").infos}
    assert shown == set(STAGES)
    assert decoder_named("").infos == ()
    assert all(info.engine == "decoder" for info in SunburstDecoder().infos)
