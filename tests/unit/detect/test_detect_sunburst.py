"""SUNBURST: labels, names, answers, hosts. Victims are never named here; made-up ones are."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from afterpatch.detect.sunburst.answers import delay_min, is_second_stage, meaning_of, method
from afterpatch.detect.sunburst.encode import name_labels, ping_label, query_name
from afterpatch.detect.sunburst.hosts import Host, Sighting, scope
from afterpatch.detect.sunburst.labels import decode
from afterpatch.detect.sunburst.names import join
from afterpatch.detect.sunburst.observations import observe

ID = bytes.fromhex("0123456789abcdef")
THEN = datetime(2020, 6, 13, 8, 30, tzinfo=UTC)
# Mandiant's published CNAME rows: label, region, second-stage name, when (UTC).
CNAMES = (
    ("6a57jk2ba1d9keg15cbg", "eu-west-1", "freescanonline.com", "2020-06-13T09:20:41Z"),
    ("7sbvaemscs0mc925tb99", "us-west-2", "deftsecurity.com", "2020-06-11T22:37:33Z"),
    ("gq1h856599gqh538acqn", "us-west-2", "freescanonline.com", "2020-06-13T08:48:40Z"),
    ("ihvpgv9psvq02ffo77et", "us-east-2", "thedoccloud.com", "2020-06-20T02:54:06Z"),
    ("k5kcubuassl3alrf7gm3", "eu-west-1", "thedoccloud.com", "2020-07-22T17:15:57Z"),
    ("mhdosoksaccf9sni9icp", "eu-west-1", "thedoccloud.com", "2020-07-23T18:43:00Z"),
)


def dice() -> Random:
    return Random(7)


def ping(**how) -> str:
    return query_name(ping_label(ID, THEN, dice(), **how), ID)


def chunks_of(domain: str) -> list[tuple[int, str]]:
    labels = (decode(label) for label in name_labels(ID, domain, dice()))
    return [(label.sequence, label.chunk) for label in labels]


def only(*sightings: Sighting) -> Host:
    (host,) = scope(sightings).hosts
    return host


def test_published_cname_rows_fall_into_their_half_hour():
    for text, region, _, when in CNAMES:
        label = decode(f"{text}.appsync-api.{region}.avsvmcloud.com")
        assert (label.kind, label.stage2, label.region_ok, label.reason) == (
            "ping",
            True,
            True,
            None,
        )
        late = datetime.fromisoformat(when) - label.time
        assert timedelta(0) <= late < timedelta(minutes=30)


def test_published_cname_rows_give_five_hosts_in_the_http_stage():
    rows = (
        Sighting(f"{t}.appsync-api.{r}.avsvmcloud.com", to, datetime.fromisoformat(when))
        for t, r, to, when in CNAMES
    )
    hosts = scope(rows).hosts
    assert [host.stage for host in hosts] == ["http-c2"] * 5
    assert {name for host in hosts for name in host.second_stage} == {c[2] for c in CNAMES}


def test_ping_with_products():
    states = {"Defender": "running", "F-Secure": "stopped", "ESET": "stopped and running"}
    label = decode(ping(stage2=True, products=states))
    assert (label.host_id, label.time, label.stage2) == (ID.hex(), THEN, True)
    assert dict(label.products) == states
    assert decode(ping()).products is None


def test_case_of_a_query_does_not_matter():
    assert decode(ping().upper()) == decode(ping())


def test_wrong_region_is_flagged():
    label = decode(ping().replace("us-west-2", "us-east-1"))
    assert label.region_ok is False
    assert "us-west-2 expected" in label.reason


@pytest.mark.parametrize("year", [2012, 2019, 2033])
def test_impossible_time_is_flagged(year):
    label = decode(ping_label(ID, datetime(year, 5, 1, tzinfo=UTC), dice()))
    assert "impossible time" in label.reason


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not a label"),
        ("abc", "too few"),
        ("5btjo4rcbp3tiq8bo6t", "not the last and not full"),  # mistyped, in the public list
        ("putinhasasmallpackage", "a ping has 20 or 23"),  # the public list's own warning
        ("\x1b[31m\x00", "not a label"),
        ("ééééééééééééééééééééé", "not a label"),
        ("zzzzzzzzzzzzzzzzzzzz", "base32"),
    ],
)
def test_what_the_malware_cannot_have_written(text, why):
    label = decode(text)
    assert label.kind == "invalid"
    assert why in label.reason


def test_a_name_is_certain_only_from_a_complete_log():
    chunks = chunks_of("corp.long-example-domain.test")
    assert join(chunks, complete=True).confidence == "certain"
    sampled = join(chunks)
    assert sampled.confidence == "ambiguous"
    assert sampled.domain == join(chunks, complete=True).domain == "corp.long-example-domain.test"


def test_a_lone_last_chunk_is_always_ambiguous():
    assert join(chunks_of("corp.test"), complete=True).confidence == "ambiguous"


def test_missing_chunks_leave_a_mark():
    chunks = chunks_of("a" * 15 + "b" * 20 + "c" * 10)
    lost = join(chunks[:1] + chunks[2:])
    assert lost.confidence == "ambiguous"  # nothing shows the loss before the last chunk
    head = join(chunks[:2])
    assert (head.confidence, head.domain[-1]) == ("partial", "…")
    assert join(chunks[1:]).because == "chunk 0 is missing"


def test_a_marker_betrays_a_lost_chunk():
    # Chunk 0 is cut before an escape, so the next must start with it.
    chunks = chunks_of("a" * 15 + "." + "b" * 15 + "c" * 16 + "d")
    assert join([chunks[0], chunks[-1]]).because == "a chunk after chunk 0 is missing"


def test_two_texts_for_one_chunk_are_not_joined():
    one, other = chunks_of("first-long-example.test"), chunks_of("other-long-example.test")
    disputed = join([*one, other[0]])
    assert (disputed.confidence, disputed.because) == ("partial", "different texts for chunk 0")


@pytest.mark.parametrize(
    ("value", "family", "effect"),
    [
        ("18.130.0.1", "NetBios+ext", "stage2"),
        ("184.73.255.255", "NetBios+ext", "stage2"),
        ("184.74.0.0", "InterNetwork", "exit"),
        ("8.18.145.7", "NetBios", "continue"),
        ("20.140.0.1", "ImpLink", "stop"),
        ("131.228.15.255", "ImpLink", "stop"),
        ("239.1.1.1", "Atm", "stop"),
        ("240.0.0.1", "InterNetwork", "exit"),  # /4 in the code, /3 in press lists
        ("fd00::1", "Atm", "stop"),
        ("::1", "Atm", "stop"),
        ("74.114.31.255", "Ipx", "reset"),
        ("::ffff:20.140.0.1", "InterNetworkV6", "exit"),
        ("freescanonline.com", "CNAME", "cname"),
    ],
)
def test_answers(value, family, effect):
    meaning = meaning_of(value)
    assert (meaning.family, meaning.effect) == (family, effect)


@pytest.mark.parametrize(
    ("octet", "delay"),
    [(0, (30, 120)), (4, (240, 300)), (16, (480, 600)), (20, (1440, 1560)), (64, (4320, 5760)),
     (68, (10020, 10140)), (80, (20100, 20220)), (84, (43140, 43260)), (171, (30, 120))],
)  # fmt: skip
def test_the_last_octet_sets_the_delay(octet, delay):
    assert delay_min(f"8.18.144.{octet}") == delay
    assert delay_min(f"20.140.0.{octet}") is None


@pytest.mark.parametrize(("octet", "name"), [(1, "GET"), (8, "HEAD"), (128, "PUT"), (255, "POST")])
def test_the_last_octet_sets_the_method(octet, name):
    assert method(f"18.130.0.{octet}") == name
    assert method(f"8.18.144.{octet}") is None


def test_second_stage_names():
    assert is_second_stage("Www.FreeScanOnline.com.")
    assert not is_second_stage("notfreescanonline.com")


def test_stages():
    assert only(Sighting(ping())).stage == "beaconed"
    assert only(Sighting(ping(), "96.31.172.9", THEN)).stage == "terminated"
    assert only(Sighting(ping(stage2=True))).stage == "targeted"
    assert only(Sighting(ping(), "99.79.1.1", THEN)).stage == "targeted"
    assert only(Sighting(ping(stage2=True), "thedoccloud.com", THEN)).stage == "http-c2"


def test_terminated_after_targeted_shows_both():
    host = only(
        Sighting(ping(), "18.130.0.1", THEN),
        Sighting(ping(stage2=True), "96.31.172.9", THEN + timedelta(minutes=2)),
    )
    assert (host.stage, host.stopped) == ("targeted", True)
    assert any("96.31.172.9" in why and "stopped by the operator" in why for why in host.because)
    assert only(Sighting(ping(), "18.130.0.1", THEN)).stopped is False


def test_doubts_of_lone_labels():
    name = query_name(name_labels(ID, "corp.test", dice())[0], ID)
    assert only(Sighting(name, None, THEN)).doubts == ()
    late = datetime(2020, 12, 20, tzinfo=UTC)
    assert "made public" in only(Sighting(name, None, late)).doubts[0]
    assert only(Sighting(name, None, late), Sighting(ping())).doubts == ()
    ahead = only(Sighting(ping(), None, THEN - timedelta(days=3)))
    assert "days after it was asked" in ahead.doubts[0]
    random = query_name(name_labels(ID, "q7x2k9d41z.8w3", dice())[0], ID)
    assert "looks random" in only(Sighting(random)).doubts[0]


def test_addresses_before_the_name_are_not_answers():
    seen = observe(f"2020-06-13 08:48:40 10.1.2.3 asks 10.0.0.1 for {ping()}\n".encode())
    assert [sighting.answer for sighting in seen.sightings] == [None]


def test_blocks_do_not_tear_lines_or_objects(monkeypatch):
    monkeypatch.setattr("afterpatch.detect.sunburst.observations.BLOCK_BYTES", 64)
    lines = f"{ping()},8.18.144.4\nwww.example.com\n??\n".encode() * 5
    seen = observe(lines)
    assert (len(seen.sightings), seen.others, seen.unread) == (5, 5, 5)
    record = f'{{"qname": "{ping()}", "value": "8.18.144.4"}}\n{{"qname": "a.example"}}\nx y\n'
    seen = observe(record.encode() * 5)
    assert (len(seen.sightings), seen.others, seen.unread) == (5, 5, 5)


def test_a_cname_before_stage_2_is_an_error_to_the_malware():
    host = only(Sighting(ping(), "thedoccloud.com", THEN))
    assert host.stage == "beaconed"
    assert any("before stage 2" in reason for reason in host.because)


def test_a_name_asked_again_later_ends_nothing():
    host = only(Sighting(ping(), "20.140.0.1", THEN + timedelta(days=180)))
    assert host.stage == "beaconed"
    assert any("not counted" in reason for reason in host.because)


def test_the_next_query_is_forecast():
    minutes = timedelta(minutes=1)
    assert only(Sighting(ping(), "8.18.144.4", THEN)).next_query == (
        THEN + 240 * minutes,
        THEN + 300 * minutes,
    )
    assert only(Sighting(ping(), "18.130.0.4", THEN)).next_query == (
        THEN + minutes,
        THEN + 3 * minutes,
    )
    assert only(Sighting(ping(), "20.140.0.4", THEN)).next_query is None
    assert only(Sighting(ping())).next_query is None


def test_flagged_labels_are_charged_to_nobody():
    found = scope([Sighting(ping()), Sighting(ping().replace("us-west-2", "us-east-1"))])
    assert (len(found.hosts), len(found.flagged), found.hosts[0].labels) == (1, 1, 1)


def test_files_of_all_shapes_mean_the_same():
    name, time = ping(), "2020-06-13T08:48:40Z"
    wanted = (Sighting(name, "8.18.144.4", datetime.fromisoformat(time)),)
    record = f'{{"qname": "{name}", "value": "8.18.144.4", "date": "{time}"}}'
    for text in (
        f"{name},8.18.144.4,{time}",
        f"2020-06-13 08:48:40\t{name}.\tA\t8.18.144.4",
        record,
        f"[{record}]",
        f'"results": [\n{record}\n]',
        f"A,{name.replace('.com', '[.]com')},8.18.144.4,2020-06-13 08:48:40",
    ):
        assert observe(text.encode()).sightings == wanted, text


def test_what_is_not_read_is_counted():
    seen = observe(f"{ping()}\nwww.example.com\n?? ??\n\n".encode())
    assert (len(seen.sightings), seen.others, seen.unread) == (1, 1, 1)
    seen = observe(b'{"qname": 1}\n{broken}\nnoise\n{"date": {}}\n')
    assert (seen.sightings, seen.others, seen.unread) == ((), 2, 2)


def test_a_hostile_file_costs_no_time():
    for data in (b"{" * 200_000, b"[" + b" " * 200_000 + b"x{}", b"a." * 100_000, b'{"' * 100_000):
        observe(data)


def test_public_names(public_data):
    seen = observe((public_data / "sunburst/uniq-hostnames.txt").read_bytes())
    labels = [decode(sighting.name) for sighting in seen.sightings]
    assert (len(labels), seen.unread, seen.others) == (1722, 0, 0)
    # One line is a copy of another with a character lost; the rest is all true.
    assert [label.label for label in labels if label.reason] == ["5btjo4rcbp3tiq8bo6t"]
    assert sum(label.kind == "ping" for label in labels) == 645
    assert sum(label.products is not None for label in labels) == 288
    assert len({label.host_id for label in labels if label.host_id}) == 410


def test_public_passive_dns(public_data):
    seen = observe((public_data / "sunburst/sunburst_raw.json").read_bytes())
    assert (len(seen.sightings), seen.others, seen.unread) == (1460, 68, 0)
    found = scope(seen.sightings)
    assert found.flagged == ()
    assert not any(host.name.confidence == "certain" for host in found.hosts)
    targeted = {host.host_id for host in found.hosts if host.stage == "targeted"}
    bits = {label.host_id for s in seen.sightings if (label := decode(s.name)).stage2}
    answered = {
        decode(s.name).host_id for s in seen.sightings if meaning_of(s.answer).effect == "stage2"
    }
    assert targeted == bits | answered
    assert len(answered - bits) == 1  # only its answer tells
