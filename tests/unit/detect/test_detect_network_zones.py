import polars as pl
import pytest

from afterpatch.detect.network.addresses import INTERNAL, Networks
from afterpatch.detect.network.zones import normal_name, zones


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("www.bbc.co.uk", "bbc.co.uk"),
        ("a.appsync-api.us-east-1.avsvmcloud.com", "avsvmcloud.com"),
        ("avsvmcloud.com", "avsvmcloud.com"),
        ("d111.cloudfront.net", "d111.cloudfront.net"),  # a customer's zone, by the private part
        ("x.d111.cloudfront.net", "d111.cloudfront.net"),
        ("x.city.kawasaki.jp", "city.kawasaki.jp"),  # exception rule
        ("b.a.x.y.kawasaki.jp", "x.y.kawasaki.jp"),  # wildcard rule
        ("4.3.2.1.in-addr.arpa", "in-addr.arpa"),
        ("pc.corp.local", "corp.local"),  # unknown suffix
        ("co.uk", "co.uk"),
        ("localhost", "localhost"),
        ("a..b.com", "b.com"),
    ],
)
def test_zone_of_a_name(name: str, zone: str) -> None:
    assert zones(pl.Series([name, "other.example", name])).to_list() == [
        zone,
        "other.example",
        zone,
    ]


def test_names_that_are_none_have_no_zone() -> None:
    table = pl.DataFrame({"query": ["", ".", None, "x" * 300, "WWW.Example.COM."]})
    names = table.select(normal_name("query"))["query"]
    assert names.to_list() == [None, None, None, None, "www.example.com"]
    assert zones(names).to_list() == [None, None, None, None, "example.com"]


def test_networks_know_addresses_of_both_families() -> None:
    own = Networks.of(INTERNAL)
    asked = ["10.1.2.3", "::ffff:10.1.2.3", "203.0.113.9", "2001:db8::1", "fd00::1", "no", None]
    assert own.mask(pl.Series(asked)).to_list() == [True, True, False, False, True, False, False]


def test_a_wrong_network_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/33"):
        Networks.of(["10.0.0.0/33"])
