"""SUNBURST's HTTP stage: URIs, agents, IDs in headers and bodies, joined to the DNS host."""

import uuid
from datetime import UTC, datetime
from random import Random

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afterpatch.detect.sunburst.encode import ping_label, query_name
from afterpatch.detect.sunburst.hosts import Sighting, scope
from afterpatch.detect.sunburst.http import (
    etag_of,
    family_of,
    id_from_etag,
    id_from_user_id,
    likeness,
    user_id_of,
)
from afterpatch.detect.sunburst.observations import observe
from afterpatch.detect.sunburst.requests import requests
from afterpatch.model.batches import RAW, TIME, Batch, Logsource

ID = bytes.fromhex("0123456789abcdef")
THEN = datetime(2020, 6, 13, 8, 30, tzinfo=UTC)
MASK = bytes(range(40, 48))
ORION = "SolarWindsOrionImprovementClient/3.0.0.382"
CRYPTO = "Microsoft-CryptoAPI/6.3"


@pytest.mark.parametrize(
    ("uri", "family"),
    [
        ("/swip/upd/SolarWinds.CortexPlugin.Orion.Wireless.Nodes-3.14.2.xml", "swip"),
        ("/swip/upd/Orion.UI.xml", "swip"),
        ("/swip/upd/Nodes-19.29.xml", "swip"),
        ("/swip/Events", "swip"),
        ("https://a.example/swip/Upload.ashx?x=1", "swip"),
        ("/fonts/woff/6047-freefont-ExtraBoldItalic.woff2", "fonts"),
        ("/fonts/woff/100-noto-lightitalic-webfont7.woff2", "fonts"),
        ("/pki/crl/2345-universal_ca.crl", "crl"),
        ("/pki/crl/999.crl", "crl"),
        ("/pki/crl/9999-ca-65535.crl", "crl"),
        ("/pki/crl/products/MicRooCerAut_2010-06-23.crl", None),
        ("/fonts/woff/roboto.woff2", None),
        ("/fonts/woff/100-noto-LightItalic.woff2", None),
        ("/fonts/woff/12345-freefont-Bold.woff2", None),
        ("/swip/upd/update.xml", None),
        ("/x/swip/Events", None),
        ("", None),
    ],
)
def test_families_of_uris(uri, family):
    assert family_of(uri) == family


@pytest.mark.parametrize(
    ("uri", "agent", "fits"),
    [
        ("/swip/Events", None, True),
        ("/swip/Events", ORION, True),
        ("/swip/Events", "Mozilla/5.0", False),
        ("/fonts/woff/100-freefont-Bold.woff2", None, True),
        ("/fonts/woff/100-freefont-Bold.woff2", ORION, False),
        ("/pki/crl/100-ca.crl", CRYPTO, True),
        ("/pki/crl/100-ca.crl", None, False),
    ],
)
def test_agents_of_families(uri, agent, fits):
    assert likeness(uri, agent).agent_fits is fits
    assert likeness(uri, agent, agent_logged=False).agent_fits is None


def test_orion_itself_talks_to_its_vendor():
    assert likeness("/swip/Events", ORION, "api.solarwinds.com.") is None
    assert likeness("/swip/Events", ORION, "notsolarwinds.com") is not None


@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_ids_come_back(host_id, mask):
    assert id_from_etag(etag_of(host_id, mask)) == host_id.hex()
    assert id_from_user_id(user_id_of(host_id)) == host_id.hex()[:14]


@given(st.uuids(version=4))
def test_true_guids_give_no_id(guid):
    assert id_from_user_id(str(guid)) is None


def test_what_has_no_id():
    assert id_from_etag('"5f2a-3"') is None
    assert id_from_user_id("no guid") is None
    assert id_from_user_id(str(uuid.UUID(int=0))) is None


def zeek(*rows):
    table = pl.DataFrame(
        rows, schema=["uri", "user_agent", "host", RAW], orient="row"
    ).with_columns(pl.lit(1_592_038_120_000_000).alias(TIME))
    return Batch(Logsource("proxy", "zeek", "http"), table)


def test_requests_of_a_log():
    etag = f"If-None-Match: {etag_of(ID, MASK)}"
    found = list(
        requests(
            zeek(
                ("/swip/upd/Orion.UI.xml", None, "thedoccloud.com", etag),
                ("/swip/upd/Orion.UI.xml", "curl/7", "thedoccloud.com", ""),
                ("/swip/upd/Orion.UI.xml", "curl/7", "mirror.example", ""),
                ("/swip/Events", ORION, "api.solarwinds.com", ""),
                ("/index.html", None, "www.example", ""),
                ("/any", "x", "c.example", f'{{"userId":"{user_id_of(ID)}"}}'),
            )
        )
    )
    assert [(r.server, r.host_id, r.sure) for r in found] == [
        ("thedoccloud.com", ID.hex(), True),
        ("thedoccloud.com", None, True),
        ("c.example", ID.hex()[:14], True),
    ]


def test_requests_join_the_host_of_the_queries():
    query = Sighting(query_name(ping_label(ID, THEN, Random(1), stage2=True), ID), None, THEN)
    made = list(
        requests(
            zeek(
                (
                    "/fonts/woff/100-freefont-Bold.woff2",
                    None,
                    "c.example",
                    f"If-None-Match={etag_of(ID, MASK)}",
                ),
                ("/swip/Events", ORION, "c.example", f'"userId":"{user_id_of(ID)}"'),
                ("/pki/crl/100-ca.crl", CRYPTO, "c.example", ""),
            )
        )
    )
    found = scope([query], made)
    (host,) = found.hosts
    assert (host.host_id, host.stage) == (ID.hex(), "http-c2")
    assert any("If-None-Match" in why for why in host.because)
    assert any("userId" in why for why in host.because)
    assert [request.family for request in found.unjoined] == ["crl"]


def test_a_sure_request_without_queries_is_a_host():
    (host,) = scope(
        [], requests(zeek(("/swip/Events", ORION, "c.example", f'"userId":"{user_id_of(ID)}"')))
    ).hosts
    assert (host.host_id, host.stage, host.name.domain) == (ID.hex()[:14], "http-c2", None)


def test_requests_in_loose_lines():
    etag = etag_of(ID, MASK)
    line = (
        f"2020-06-13T08:40:00Z GET https://c.example/swip/upd/Orion.UI.xml If-None-Match: {etag}\n"
    )
    seen = observe(line.encode())
    (request,) = seen.requests
    assert (request.server, request.host_id, request.sure, seen.unread) == (
        "c.example",
        ID.hex(),
        False,
        0,
    )
    assert scope([], seen.requests).unjoined == (request,)
