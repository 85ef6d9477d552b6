"""Real logs and real events, when they are at hand: every row read, the intrusion told right."""

from afterpatch.campaigns.load import load
from afterpatch.pipeline.run import assess_paths
from afterpatch.report.document import document


def assessed(*paths):
    return document(assess_paths([str(p) for p in paths], load("hafnium-exchange-2021"), workers=1))


def test_every_row_of_the_exchange_samples_is_read(public_data):
    doc = assessed(public_data / "exchange" / "samples")
    assert len(doc["sources"]) == 17
    assert {source["kind"] for source in doc["sources"]}.isdisjoint({"unknown", "unreadable"})
    assert sum(gap["records"] for gap in doc["gaps"]) == 0
    assert doc["counts"]["records"] == doc["counts"]["events"] + doc["counts"]["skipped"]


def test_the_real_proxylogon_run_is_compromised_and_explained(public_data):
    doc = assessed(public_data / "exchange" / "proxylogon-host")
    (host,) = [host for host in doc["hosts"] if host["host"].lower().startswith("mxs01")]
    (verdict,) = host["verdicts"]
    assert verdict["band"] == "compromised"
    assert verdict["stage"] == "shell-used"
    assert verdict["cleared"] is False
    assert verdict["cannot_be_cleared"]
    stages = {finding["stage"] for finding in verdict["because"]}
    assert {"write-fired", "file-written", "shell-used"} <= stages
    excerpts = str(verdict["because"])
    assert "ohyeah.aspx" in excerpts
    assert "Set-OabVirtualDirectory" in excerpts
    clock = [notice for notice in doc["notices"] if notice["topic"] == "clock"]
    assert len(clock) == 1
    assert "5 h" in clock[0]["text"]
    source = next(source for source in doc["sources"] if source["kind"] == "windows-json")
    assert source["records"] == 10_487
    assert source["first"].startswith("2021-03-14T06:39:")


def test_attack_samples_are_read_whole_and_lose_nothing_silently(public_data):
    doc = assessed(public_data / "evtx" / "attack-samples" / "Credential Access")
    counts = doc["counts"]
    assert counts["sources"] > 20
    assert counts["records"] > 500
    lost = sum(gap["records"] for gap in doc["gaps"])
    assert counts["records"] == counts["events"] + counts["skipped"] + lost
