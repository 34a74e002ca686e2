"""The small PNG codec of the reports against pictures made by hand and by Pillow."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest

from topforge.report import png
from topforge.report.png import Picture, UnsupportedPngError

FILTERS = range(5)


def predicted(kind, left, up, corner):
    """PNG specification, section 9.2, word by word."""
    if kind == 4:
        estimate = left + up - corner
        distances = [(abs(estimate - value), place) for place, value in enumerate((left, up, corner))]
        return (left, up, corner)[min(distances)[1]]
    return (0, left, up, (left + up) // 2)[kind]


def filtered(rows, step, kinds):
    """Rows of bytes, filtered naively."""
    above, result = bytes(len(rows[0])), b""
    for kind, row in zip(kinds, rows):
        result += bytes([kind])
        for i, value in enumerate(row):
            left, corner = (row[i - step], above[i - step]) if i >= step else (0, 0)
            result += bytes([(value - predicted(kind, left, above[i], corner)) & 255])
        above = row
    return result


def file_of(raw, width, height, colour, depth=8, interlace=0):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace)
    body = zlib.compress(raw)
    halves = [(b"IDAT", body[: len(body) // 2]), (b"tEXt", b"a\0b"), (b"IDAT", body[len(body) // 2 :])]
    chunks = [(b"IHDR", header), *halves, (b"IEND", b"")]
    return png.SIGNATURE + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def noise(width, height, channels, seed=1):
    source = random.Random(seed)
    return Picture(width, height, channels, bytes(source.randrange(256) for _ in range(width * height * channels)))


@pytest.mark.parametrize("colour", [0, 2, 4, 6])
@pytest.mark.parametrize("kind", FILTERS)
def test_every_filter_and_colour_type_is_read(kind, colour):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    source, width, height = random.Random(kind), 7, 5
    rows = [bytes(source.randrange(256) for _ in range(width * channels)) for _ in range(height)]
    found = png.decode(file_of(filtered(rows, channels, [kind] * height), width, height, colour))
    kept = {1: 1, 2: 1, 3: 3, 4: 3}[channels]
    wanted = b"".join(row[i : i + kept] for row in rows for i in range(0, len(row), channels))
    assert (found.width, found.height, found.channels, found.data) == (width, height, kept, wanted)


def test_filters_change_from_row_to_row():
    rows = [bytes(range(start, start + 12)) for start in (0, 50, 3, 90, 200)]
    found = png.decode(file_of(filtered(rows, 3, [4, 3, 2, 1, 0]), 4, 5, 2))
    assert found.data == b"".join(rows)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read_again(channels):
    picture = noise(9, 6, channels)
    assert png.decode(png.encode(picture)) == picture


def test_pillow_reads_what_we_write_and_we_read_what_it_writes():
    image = pytest.importorskip("PIL.Image")
    picture = noise(33, 21, 3)
    theirs = image.open(io.BytesIO(png.encode(picture)))
    assert theirs.tobytes() == picture.data
    stream = io.BytesIO()
    theirs.save(stream, "PNG", optimize=True)
    assert png.decode(stream.getvalue()) == picture


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"GIF89a",
        png.SIGNATURE,
        file_of(b"\0" * 8, 2, 2, 3),
        file_of(b"\0" * 26, 2, 2, 2, depth=16),
        file_of(b"\0" * 14, 2, 2, 2, interlace=1),
        file_of(b"\0" * 9, 2, 2, 2),
        file_of(b"\0" * 15, 2, 2, 2),
        file_of(b"\7" + b"\0" * 6 + b"\0" * 7, 2, 2, 2),
        file_of(b"\0" * 14, 2, 2, 2)[:-30],
        file_of(b"", 100_000, 100_000, 2),
    ],
)
def test_anything_else_is_refused(content):
    with pytest.raises(UnsupportedPngError):
        png.decode(content)


def test_a_bomb_is_not_unpacked():
    with pytest.raises(UnsupportedPngError):
        png.decode(file_of(b"\0" * 50_000_000, 2, 2, 2))


def test_reducing_averages_whole_blocks():
    picture = noise(11, 7, 3)
    small = png.reduced(picture, 4)
    assert (small.width, small.height) == (3, 2)
    for y in range(2):
        for x in range(3):
            for c in range(3):
                block = [picture.data[((3 * y + j) * 11 + 3 * x + i) * 3 + c] for j in range(3) for i in range(3)]
                assert small.data[(y * 3 + x) * 3 + c] == sum(block) // 9
    assert png.reduced(picture, 11) is picture


def test_the_difference_is_white_where_equal_and_darker_with_the_error():
    first = Picture(2, 2, 3, bytes(12))
    second = Picture(2, 2, 3, bytes([0, 0, 0, 3, 3, 3, 9, 0, 0, 255, 255, 255]))
    assert png.difference(first, second, gain=4).data == bytes([255, 243, 243, 0])
    with pytest.raises(UnsupportedPngError):
        png.difference(first, Picture(1, 2, 3, bytes(6)))
