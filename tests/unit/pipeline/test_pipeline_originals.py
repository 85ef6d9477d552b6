"""Original records found again: also the first of a block, and those behind a line too long."""

import json
from pathlib import Path

import pytest

from afterpatch.model.places import Place
from afterpatch.pipeline.originals import events_at, originals

AWS = {"eventVersion": "1.08", "eventSource": "s3", "eventName": "x"}
AWS |= {"eventTime": "2021-03-02T04:05:06Z"}
LINE = "type=CWD msg=audit(1614657906.789:{}): cwd=/\n"
LOGS = {
    "cloud": json.dumps({"Records": [{**AWS, "eventID": str(at)} for at in range(1, 5001)]}),
    "audit.log": LINE.format(1)
    + "x" * 1_100_000
    + "\n"
    + "".join(map(LINE.format, range(3, 5001))),
}


@pytest.mark.parametrize("name", LOGS)
def test_a_record_is_found_wherever_it_stands(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOGS[name])
    source = next(iter(events_at([str(tmp_path)]))).place.source
    places = [Place(source, record) for record in (1, 2048, 2049, 4097, 5000)]
    found = originals([str(tmp_path)], places)
    for place in places:
        [text] = found[place].texts
        assert f'"{place.record}"' in text or f":{place.record})" in text
