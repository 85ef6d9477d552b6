import csv
from datetime import timedelta

import pytest

from afterpatch.simulate.acts import play
from afterpatch.simulate.httpproxy import COLUMNS
from afterpatch.simulate.scenario import Act, ServerPlan, Volume, utc

START = utc("2021-03-01")


@pytest.fixture
def make_plan():
    """A small plan: one day, one server; keywords replace what is in it."""

    def make(*acts, **changes):
        usual = {
            "name": "EX01",
            "fqdn": "ex01.contoso.local",
            "product_build_before": "15.1.2106.2",
            "days": (START, START + timedelta(days=1)),
            "events": acts,
            "volume": Volume(rows=60),
        }
        return ServerPlan(**usual | changes)

    return make


@pytest.fixture
def act():
    """An act at ten in the morning of the plan's day, or that many hours later."""

    def make(kind, hours=0.0, actor="a", **params):
        return Act(kind, START + timedelta(hours=10 + hours), "203.0.113.9", actor=actor,
                   params=params)  # fmt: skip

    return make


@pytest.fixture
def played(make_plan, act):
    """Kind and parameters -> the trace of that one act."""

    def run(kind, **params):
        return play(make_plan(act(kind, **params)))

    return run


@pytest.fixture
def proxy_rows():
    """A trace or text of HttpProxy rows -> one dictionary per row."""

    def read(source, protocol="Ecp"):
        if hasattr(source, "rows"):
            texts = [row.text for row in source.rows.get(f"httpproxy:{protocol}", ())]
        else:
            texts = [line for line in source.splitlines() if line[:2] == "20"]
        return [dict(zip(COLUMNS, cells, strict=True)) for cells in csv.reader(texts)]

    return read
