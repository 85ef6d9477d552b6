import csv
from datetime import UTC, datetime

from afterpatch.simulate.csvtext import stamp
from afterpatch.simulate.dice import dice
from afterpatch.simulate.httpproxy import COLUMNS
from afterpatch.simulate.scenario import PROTOCOLS
from afterpatch.simulate.visits import deck
from afterpatch.simulate.w3c import IIS_FIELDS

END = stamp(datetime(2021, 3, 1, 8, 0, 1, 500_000, tzinfo=UTC))
BEGIN = stamp(datetime(2021, 3, 1, 8, 0, 1, tzinfo=UTC))


def test_every_visit_opens_into_whole_rows(make_plan):
    kinds = deck(make_plan(), "15.1.2106.2", dice("x"), 3)
    assert set(kinds) == set(PROTOCOLS)
    for visit in (visit for visits in kinds.values() for visit in visits):
        times = (BEGIN,) * 4 + (END,) * 3 if visit.proxied else (BEGIN, END)
        cells = next(csv.reader([visit.proxy % (END, "id", *times)]))
        row = dict(zip(COLUMNS, cells, strict=True))
        assert (row["DateTime"], row["RequestId"], row["Protocol"]) == (END, "id", visit.protocol)
        assert "2001-" not in row["GenericInfo"]
        for web in filter(None, (visit.front, visit.back)):
            fields = (web % ("2021-03-01 08:00:01", "id")).rstrip("\r\n").split(" ")
            assert len(fields) == len(IIS_FIELDS.split(" "))


def test_benign_traffic_varies(make_plan):
    visits = deck(make_plan(), "15.1.2106.2", dice("x"), 10)["Owa"]
    assert len({visit.front for visit in visits}) > len(visits) / 2
    assert not any("ServerInfo~" in visit.proxy for visit in visits)
