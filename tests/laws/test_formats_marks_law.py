"""A format with marks need not be asked about a head without them."""

from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st

from afterpatch.formats import registry
from afterpatch.model.places import Item

KNOWN = {
    "nfdump-csv": "ts,te,td,sa,da,sp,dp,pr\n",
    "windows-json": '{"EventID": 4624, "Channel": "Security"}\n',
    "suricata-eve": '{"timestamp":"2021-03-03T10:00:00.0+0000","event_type":"dns"}\n',
    "windows-dns-debug": "3/3/2021 10:00:00 AM 0A58 PACKET  00000000033C UDP Rcv 10.0.0.5 "
    "2 Q [0001 D NOERROR] A (3)www(7)example(3)com(0)\n",
    "bind-queries": "03-Mar-2021 10:00:00.123 queries: info: client @0x7f 10.0.0.5#5353 "
    "(www.example.com): query: www.example.com IN A + (10.0.0.1)\n",
    "dnsmasq-queries": "Mar  3 10:00:00 gw dnsmasq[412]: query[A] www.example.com from 10.0.0.5\n",
    "unbound-queries": "[1614765600] unbound[77:0] info: 10.0.0.5 www.example.com. A IN\n",
    "linux-audit": 'type=CWD msg=audit(1364481363.243:24287): cwd="/home"\n',
    "iis-config": "<CONFIGURATION><system.applicationHost></system.applicationHost>\n",
}
PIECES = [*KNOWN.values(), *(text[:40] for text in KNOWN.values()), "\n", "{", '"', "\0", "\ufeff"]
ITEM = Item("unknown", None, "unknown", "host", ("unknown",), 100)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=6).map("".join),
    st.sampled_from(["utf-8", "utf-16", "utf-16-be", "utf-32"]),
)
@example("", "utf-8")
def test_marks_change_no_answer(text: str, encoding: str) -> None:
    head = text.encode(encoding)
    answer = registry.recognise(head, ITEM)
    with patch.object(registry.HeadMarks, "missing", lambda *_: frozenset()):
        assert registry.recognise(head, ITEM) == answer


def test_every_sample_is_known() -> None:
    for kind, text in KNOWN.items():
        known, _ = registry.recognise(text.encode(), ITEM)
        assert known is not None
        assert known.kind == kind
