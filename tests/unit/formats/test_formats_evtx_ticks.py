"""Times of event logs to 100 ns, read as columns or plainly, and what must stay as it was."""

import io
import re
import struct
import zlib
from collections import Counter
from datetime import UTC, datetime

import evtx as package
import pytest
from evtx_rows import assert_same, columns, originals, plain, rows
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from afterpatch.formats import evtx_plain, evtx_ticks
from afterpatch.simulate import evtx as write
from afterpatch.simulate import evtx_parts as parts
from afterpatch.simulate.evtx_events import SYSTEM, Event, inline, instance
from afterpatch.simulate.evtx_parts import Instance, Node, Sub

WHEN = datetime(2021, 3, 2, 4, 5, 6, 789_012, UTC)
TICKS = 132_591_315_067_890_120  # the same, since 1601
SIX = "2021-03-02T04:05:06.789012Z"
CHUNK = 65_536
LAST = 2_650_466_808_009_999_999  # what the package can read at most
SEVENTH = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})\dZ")


def moment(ticks: int) -> parts.Value:
    return 0x11, struct.pack("<Q", ticks)


def event(tick=0, **data):
    return Event(WHEN, "Security", "P", 1, "mx01.a.example", data, tick)


def log_of(*bodies) -> bytes:
    """A log of instances; each is made from its number."""
    [chunk] = write.chunks([(WHEN, body) for body in bodies])
    return write.header(1, 1 + len(bodies)) + chunk


def with_data(data: Node, *values) -> parts.Instance:
    system = instance(event(), 1).values
    return Instance(SYSTEM, (*system[:-1], Instance(data, values)))


def cells(data: bytes, *names: str) -> list[tuple]:
    """Columns of the only kind of event in a log, which both ways of reading agree on."""
    assert_same(data)
    [batch] = [batch for piece in columns(data) for batch in piece.batches]
    return list(batch.frame.select(names).iter_rows())


def system_times(data: bytes) -> list[str]:
    texts = sorted(originals(plain(data)))
    return [re.findall(r'"SystemTime":"([^"]*)"', text)[0] for _, text in texts]


def from_package(data: bytes) -> list[str | None]:
    """What the package itself makes of every record; None = nothing."""
    records = package.PyEvtxParser(io.BytesIO(data), 1).records_json()
    found: list[str | None] = []
    for _ in range(2_400):
        try:
            found.append(next(records)["data"])
        except StopIteration:
            break
        except RuntimeError:
            found.append(None)
    return found


def test_the_last_digit_of_a_time_is_read():
    data = write.log([event(tick, X=parts.filetime(WHEN, 9 - tick)) for tick in (0, 7, 9)])
    assert cells(data, "@time", "X") == [
        (1_614_657_906_789_012, "2021-03-02T04:05:06.7890129Z"),
        (1_614_657_906_789_012, "2021-03-02T04:05:06.7890122Z"),
        (1_614_657_906_789_012, "2021-03-02T04:05:06.7890120Z"),
    ]
    # The time in the records' headers is of the same microsecond, with another digit.
    assert data.count(parts.filetime(WHEN)[1]) == 5
    assert system_times(data) == [
        "2021-03-02T04:05:06.7890120Z",
        "2021-03-02T04:05:06.7890127Z",
        "2021-03-02T04:05:06.7890129Z",
    ]


def test_times_within_one_microsecond_keep_each_its_own():
    data = write.log([event(5, B=moment(TICKS + 9), A=moment(TICKS + 1), C=moment(TICKS + 9))] * 2)
    assert (
        cells(data, "A", "B", "C")
        == [("2021-03-02T04:05:06.7890121Z", *["2021-03-02T04:05:06.7890129Z"] * 2)] * 2
    )
    assert system_times(data) == ["2021-03-02T04:05:06.7890125Z"] * 2


def test_what_only_looks_like_a_time_stays():
    milliseconds = struct.pack("<8H", 2021, 3, 2, 2, 4, 5, 6, 789)
    looks_so = event(
        7, Text=SIX, Quoted=f'at "{SIX}"', Number=parts.number(TICKS + 3, 0x0A),
        System=(0x12, milliseconds), Time=moment(TICKS - 115), Bytes=(0x0E, moment(TICKS + 3)[1]),
    )  # fmt: skip
    data = write.log([looks_so])
    assert cells(data, "Text", "Quoted", "Number", "System", "Time") == [
        (
            SIX,
            f'at "{SIX}"',
            str(TICKS + 3),
            "2021-03-02T04:05:06.789000Z",
            "2021-03-02T04:05:06.7890005Z",
        )
    ]
    assert system_times(data) == [f"{SIX[:-1]}7Z"]


@pytest.mark.parametrize(
    ("ticks", "shown"),
    [
        (0, "1601-01-01T00:00:00.0000000Z"),
        (7, "1601-01-01T00:00:00.0000007Z"),
        (10**7 - 1, "1601-01-01T00:00:00.9999999Z"),
        (116_444_736_000_000_001, "1970-01-01T00:00:00.0000001Z"),
        (LAST, "9999-12-30T22:00:00.9999999Z"),
    ],
)
def test_odd_times(ticks, shown):
    data = write.log([event(X=moment(ticks)), event(X=moment(TICKS + 7))])
    assert cells(data, "X") == [(shown,), ("2021-03-02T04:05:06.7890127Z",)]
    assert evtx_ticks.filetime(ticks) == shown


@pytest.mark.parametrize("ticks", [LAST + 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_time_that_the_package_cannot_read_costs_its_record_only(ticks):
    data = write.log([event(7, X=moment(ticks)), event(X=moment(TICKS + 7))])
    assert cells(data, "X") == [("2021-03-02T04:05:06.7890127Z",)]
    assert sum(gap.records for piece in plain(data) for gap in piece.gaps) == 1


def test_lists_of_times_and_times_used_twice_or_in_a_text():
    times = (0x91, struct.pack("<3Q", TICKS + 1, TICKS + 2, TICKS + 3))
    data = Node(
        "EventData",
        (
            Node("Data", (Sub(1, 0x11),), (("Name", "Late"),)),
            Node("Data", ("from ", Sub(0, 0x11), " to ", Sub(1, 0x11)), (("Name", "Span"),)),
            Node("Data", (Sub(0, 0x11),), (("Name", "Early"),)),
            Node("Data", (Sub(2, 0x91),), (("Name", "List"),)),
        ),
    )
    values = (moment(TICKS + 4), moment(TICKS + 8), times)
    log = log_of(*[lambda _number: with_data(data, *values)] * 3)
    early, late, last = (f"{SIX[:-1]}{digit}Z" for digit in (4, 8, 3))
    [found] = {*cells(log, "Late", "Early", "List")}
    assert found == (late, early, last)
    [(span,)] = {*cells(log, "Span")}
    assert early in span
    assert late in span
    assert Counter(re.findall(f"{SIX[:-1]}(.)Z", originals(plain(log)).popitem()[0][1])) == Counter(
        "04884123"
    )


def test_events_within_events():
    own: Instance | parts.Value = moment(TICKS + 9)
    for depth in range(5):
        kind, _ = (0x21, ()) if depth else own
        node = Node(f"Level{depth}", (Sub(0, kind), Node("Time", (Sub(1, 0x11),))))
        own = Instance(node, (own, moment(TICKS + depth)))
    data = Node("UserData", (Node("Box", (Sub(0, 0x21),)),))
    log = log_of(*[lambda _number: with_data(data, own)] * 2)
    assert_same(log)
    for _, text in originals(plain(log)):
        assert re.findall(f"{SIX[:-1]}(.)Z", text) == [*"0901234"]


@pytest.mark.parametrize(
    "shown", ["2021-03-02T04:05:06.7890127Z", "2021-03-02T04:05:06.123456789Z"]
)
def test_a_forwarded_event_keeps_the_digits_it_came_with(shown):
    body = inline(event(), 1)
    system, data = body.content
    content = [
        Node("TimeCreated", (), (("SystemTime", shown),)) if part.name == "TimeCreated" else part
        for part in system.content
    ]
    log = log_of(lambda _number: Node("Event", (Node("System", tuple(content)), data)))
    assert_same(log)
    assert system_times(log) == [shown]
    [batch] = columns(log)[0].batches
    assert batch.frame["@time"].to_list() == [int(f"1614657906{shown[20:26]}")]


def test_a_text_that_is_a_mark_stays_a_text():
    data = write.log([event(7, X="x"), event(3)])
    mark = next(iter(evtx_ticks.marked(data[4096:]).times))
    data = write.log([event(7, X=mark), event(3)])
    [text, other] = [text for _, text in sorted(originals(plain(data)))]
    assert f'"X":"{mark}"' in text
    assert f'"SystemTime":"{SIX}"' in text  # in doubt, what the package says
    assert f'"SystemTime":"{SIX[:-1]}3Z"' in other


def sealed(data: bytes) -> bytes:
    """A log of one chunk with right checksums."""
    out = bytearray(data)
    chunk = out[4096:]
    (free,) = struct.unpack_from("<I", chunk, 48)
    struct.pack_into("<I", out, 4096 + 52, zlib.crc32(chunk[512:free]))
    struct.pack_into("<I", out, 4096 + 124, zlib.crc32(out[4224:4608], zlib.crc32(out[4096:4216])))
    return bytes(out)


def test_a_damaged_record_costs_no_digit_of_others():
    data = bytearray(write.log([event(7, X=moment(TICKS + 3), Y=str(i)) for i in range(9)]))
    (size,) = struct.unpack_from("<I", data, 4096 + 516)
    at = 4096 + 512 + size
    (size,) = struct.unpack_from("<I", data, at + 4)
    data[at + 60 : at + size - 4] = b"\xee" * (size - 64)
    found = [text for _, text in originals(plain(bytes(data)))]
    assert len(found) == 8
    assert all("06.7890127Z" in text and "06.7890123Z" in text for text in found)


@pytest.mark.parametrize("size", [60, 150, 200, 254])
def test_a_value_longer_than_its_record_shows_the_next_one_as_it_is(size):
    # The package reads on in the record behind, where times are: what it makes of them stays.
    data = write.log([event(7, X=moment(TICKS + 3)) for _ in range(6)])
    byte_sizes_at = [at for at in range(4608, len(data)) if data[at : at + 4] == b"\1\0\4\0"]
    assert len(byte_sizes_at) == 18
    for at in byte_sizes_at:
        damaged = bytearray(data)
        damaged[at] = size
        assert_is_the_package_s_text(sealed(bytes(damaged)))


def one_record(body: bytes) -> bytes:
    """A log of one record with these bytes of Binary XML."""
    size = 28 + len(body) + -len(body) % 8
    record = struct.pack("<IIQQ", 0x2A2A, size, 1, TICKS) + body.ljust(size - 28, b"\0")
    chunk = bytearray(512) + record + struct.pack("<I", size)
    struct.pack_into("<8sQQQQIII", chunk, 0, b"ElfChnk\0", 1, 1, 1, 1, 128, 512, len(chunk))
    return sealed(write.header(1, 2) + chunk.ljust(CHUNK, b"\0"))


def values(*descriptors: tuple[int, int], raw: bytes = b"") -> bytes:
    """A template instance of values of these sizes and types; its template is nowhere."""
    head = struct.pack("<4sBBIII", b"\x0f\1\1\0", 0x0C, 1, 7, 0x300, len(descriptors))
    return head + b"".join(struct.pack("<HH", *one) for one in descriptors) + raw


def nested(*more: tuple[int, int]) -> bytes:
    """As many instances within one another as a chunk has room for."""
    body = values((8, 0x11), raw=bytes(8))
    while len(body) < 64_000:
        body = values((len(body), 0x21), *more, raw=body)
    return body


@pytest.mark.parametrize(
    ("body", "times"),
    [
        (nested(), 1),
        (nested((0, 0)), 1),
        (values(*[(8, 0x11)] * 4_096, raw=bytes(8 * 4_096)), 4_096),
        (values(*[(8, 0x11)] * 4_097, raw=bytes(8 * 4_097)), 0),
        (values((64_000, 0x91), raw=bytes(64_000)), 8_000),
        (values(*[(18, 0x21)] * 2_000, raw=values() * 2_000), 0),
        (values(*[(0, 0x21)] * 4_000, (8, 0x11), raw=bytes(8)), 1),
        (values((12, 0x11), (7, 0x11), (8, 0x11), raw=bytes(27)), 2),
        (values((8, 0x11), (65_535, 0x21), raw=bytes(8)), 0),
        (values((8, 0x11), raw=bytes(8))[:-9], 0),
        (struct.pack("<4sBBII", b"\x0f\1\1\0", 0x0C, 1, 7, 550) + b"\xff" * 40, 0),
        (b"\x0f\1\1", 0),
        (b"\x0c", 0),
        (b"", 0),
    ],
)
def test_hostile_values_are_walked_once(body, times):
    data = one_record(body)
    assert len(evtx_ticks.marked(data[4096:]).times) == times
    assert plain(data)[-1].events == 0
    assert_is_the_package_s_text(data)


def assert_is_the_package_s_text(data: bytes) -> list[str]:
    """Texts of all records: those of the package, but for seventh digits."""
    found = list(evtx_plain.records_of(data[4096:]))
    theirs = from_package(data)
    assert [SEVENTH.sub(r"\1Z", record.text) or None for record in found] == theirs
    return [record.text for record in found]


times = st.one_of(
    st.integers(-12, 12).map(lambda more: TICKS + more),
    st.sampled_from([0, 1, 9, 10, LAST, LAST - 1]),
    st.integers(0, LAST),
)
others = st.one_of(
    st.integers(-1, 1).map(lambda more: parts.text(f"2021-03-02T04:05:06.{789_012 + more}Z")),
    times.map(lambda ticks: parts.number(ticks, 0x0A)),
    times.map(lambda ticks: (0x0E, b"\x11" + struct.pack("<Q", ticks))),
    st.just((0x12, struct.pack("<8H", 2021, 3, 2, 2, 4, 5, 6, 789))),
    st.integers(0, 3).map(lambda more: parts.sid("-".join(["S-1-5", *"1234"[: more + 1]]))),
    st.just(parts.NULL),
    st.lists(times, max_size=4).map(lambda some: (0x91, struct.pack(f"<{len(some)}Q", *some))),
)
fields = st.lists(st.one_of(times.map(moment), others), max_size=6)
events = st.lists(st.tuples(st.integers(0, 9), fields), min_size=1, max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events)
def test_both_ways_show_the_same_times(some):
    """The law: every cell and every text, whatever else in a record is like a time of it."""
    data = write.log(
        [event(tick, **{f"X{n}": value for n, value in enumerate(v)}) for tick, v in some]
    )
    found = assert_same(data)
    expected = Counter(
        evtx_ticks.filetime(int.from_bytes(raw, "little"))
        for _, values in some
        for kind, raw in values
        if kind == 0x11
    )
    shown = Counter(
        value
        for (_, row), count in found.items()
        for name, value in row
        if isinstance(value, str) and SEVENTH.fullmatch(value)
        for _ in range(count)
    )
    assert expected <= shown
    assert system_times(data) == [f"{SIX[:-1]}{tick}Z" for tick, _ in some]


places = st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 4, 8, 0x11, 0x21, 60, 0x91, 200, 255]))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(places, min_size=1, max_size=4))
def test_damage_changes_nothing_but_digits(damage):
    data = bytearray(SEED)
    (free,) = struct.unpack_from("<I", data, 4096 + 48)
    for share, value in damage:
        at = 512 + int(share * (free - 513))
        data[4096 + at] = value
    assert_is_the_package_s_text(sealed(bytes(data)))


SEED = write.log(
    [event(i, A=moment(TICKS + i), S=parts.sid("S-1-5-18"), B=str(i)) for i in range(9)]
)


def test_public_logs_show_the_package_s_texts_with_digits_that_stand_in_their_records(public_data):
    """Digits compared with bytes: each time's eight are in its record, behind its header."""
    shown = 0
    last_digits: Counter[str] = Counter()
    for path in sorted(public_data.rglob("*.evtx")):
        data = path.read_bytes()
        for at in range(4096, len(data) - CHUNK + 1, CHUNK):
            chunk = data[at : at + CHUNK]
            if not chunk.startswith(b"ElfChnk\0"):
                continue
            texts = assert_is_the_package_s_text(write.header(1, 1) + chunk)
            for text, record in zip(texts, records_in(chunk), strict=False):
                for time in re.findall(r'"SystemTime":"([^"]*)"', text):
                    assert ticks_of(time) in record
                    last_digits[time[-2]] += 1
                    shown += 1
    assert shown > 8_000
    assert min(last_digits[digit] for digit in "0123456789") > 500


def records_in(chunk: bytes):
    """The records of a sound chunk without their headers."""
    at = 512
    while chunk[at : at + 4] == b"**\0\0":
        (size,) = struct.unpack_from("<I", chunk, at + 4)
        yield chunk[at + 24 : at + size]
        at += size


def ticks_of(time: str) -> bytes:
    """The eight bytes of a FILETIME that Windows shows so."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", time)
    since = datetime.fromisoformat(time[:19] + "Z") - datetime(1601, 1, 1, tzinfo=UTC)
    return struct.pack("<Q", (since.days * 86_400 + since.seconds) * 10**7 + int(time[20:27]))


def test_rows_of_a_chunk_read_plainly_have_seven_digits():
    data = bytearray(write.log([event(7, X=moment(TICKS + 3))] * 3))
    data[4096 + 52] ^= 0xFF  # a wrong checksum: the columnar reader leaves the chunk
    assert rows(columns(bytes(data))) == rows(plain(bytes(data)))
    assert {row["X"] for p in columns(bytes(data)) for b in p.batches
            for row in b.frame.iter_rows(named=True)} == {"2021-03-02T04:05:06.7890123Z"}  # fmt: skip
