import io

import pytest

from afterpatch.formats.text_blocks import Block, LongLine, head_text, read_blocks


def parts(data: bytes, block_bytes: int = 64, max_line_bytes: int = 100) -> list[object]:
    """Lines as (number, text) and long lines as they are."""
    found: list[object] = []
    for part in read_blocks(io.BytesIO(data), block_bytes, max_line_bytes):
        if isinstance(part, LongLine):
            found.append(part)
            continue
        starts, ends = part.spans()
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=part.first):
            found.append((number, part.data[start:end]))
    return found


def test_lines_are_numbered_across_blocks_and_line_ends_removed() -> None:
    data = b"one\r\n\ntwo\r\r\n" + b"x" * 70 + b"\nlast"
    assert parts(data) == [(1, b"one"), (2, b""), (3, b"two\r"), (4, b"x" * 70), (5, b"last")]


def test_a_last_line_without_line_end_is_marked() -> None:
    *_, last = read_blocks(io.BytesIO(b"a\nb"))
    assert isinstance(last, Block)
    assert not last.ended


@pytest.mark.parametrize("block_bytes", [1, 16, 64, 5000])
def test_long_lines_are_counted_and_not_kept_however_blocks_fall(block_bytes: int) -> None:
    data = b"a\n" + b"x" * 101 + b"\n" + b"y" * 100 + b"\n" + b"z" * 3000 + b"\nb\n" + b"w" * 500
    assert parts(data, block_bytes) == [
        (1, b"a"),
        LongLine(2, 101),
        (3, b"y" * 100),
        LongLine(4, 3000),
        (5, b"b"),
        LongLine(6, 500),
    ]


def test_an_endless_line_holds_no_more_than_the_limit() -> None:
    class Endless(io.RawIOBase):
        left = 200

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b"x" * size if self.left > 0 else b""

    found = list(read_blocks(Endless(), 1 << 16, 1 << 17))  # type: ignore[arg-type]
    assert found == [LongLine(1, 199 * (1 << 16))]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_other_encodings_become_utf8(encoding: str) -> None:
    text = "#é\r\n€ 𝄞\n"
    assert parts(text.encode(encoding), block_bytes=3) == [
        (1, "#é".encode()),
        (2, "€ 𝄞".encode()),
    ]
    assert head_text(text.encode(encoding)) == text


def test_half_a_utf16_character_stays_visible() -> None:
    assert parts("#a\n".encode("utf-16-le") + b"b") == [(1, b"#a"), (2, b"\\x62")]


def test_blocks_of_empty_lines_stay_small() -> None:
    blocks = list(read_blocks(io.BytesIO(b"\n" * 600_000), 1 << 20))
    assert [len(block.breaks) for block in blocks if isinstance(block, Block)] == [
        1 << 18,
        1 << 18,
        600_000 - (1 << 19),
    ]
