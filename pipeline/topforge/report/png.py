"""Just enough PNG to compare and scale pictures without a library: 8 bits a channel, not interlaced.

Grey, RGB, and both with alpha (which is dropped: the trainers' pictures are composited already). Anything else is
refused by name, and the page then embeds the file as it is. PNG specification, second edition, sections 7 and 9.
"""

from __future__ import annotations

import dataclasses
import itertools
import operator
import struct
import zlib
from typing import Callable, Iterator, List, Tuple

MOST_PIXELS = 4096 * 4096
"""Larger pictures would take the better part of a minute."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}
"""Channels by colour type: grey, RGB, grey with alpha, RGB with alpha."""
_KEPT = {1: 1, 2: 1, 3: 3, 4: 3}


class UnsupportedPngError(Exception):
    """Not a PNG of the kind this module reads; the text says why. Never leaves the package."""


@dataclasses.dataclass(frozen=True)
class Picture:
    """Pixels in rows from the top: bytes of `channels` (1 or 3) each."""

    width: int
    height: int
    channels: int
    data: bytes

    def channel(self, index: int) -> Picture:
        """One channel as a grey picture."""
        return Picture(self.width, self.height, 1, self.data[index :: self.channels])


def size_of(content: bytes) -> Tuple[int, int]:
    """Width and height from the header.

    Raises:
        UnsupportedPngError: It has none.
    """
    if content[:8] != SIGNATURE or content[12:16] != b"IHDR" or len(content) < 33:
        raise UnsupportedPngError("is not a PNG")
    width, height = struct.unpack(">II", content[16:24])
    return width, height


def decode(content: bytes) -> Picture:
    """The pixels of a PNG file.

    Raises:
        UnsupportedPngError: Another depth, a palette, interlacing, or damage.
    """
    width, height = size_of(content)
    depth, colour, _, _, interlace = struct.unpack(">5B", content[24:29])
    if depth != 8 or colour not in _CHANNELS or interlace:
        raise UnsupportedPngError("is a PNG of %d bits, colour type %d, interlace %d" % (depth, colour, interlace))
    if width * height > MOST_PIXELS:
        raise UnsupportedPngError("is too large, %d x %d" % (width, height))
    channels = _CHANNELS[colour]
    expected = height * (width * channels + 1)
    try:
        compressed = b"".join(data for kind, data in _chunks(content) if kind == b"IDAT")
        raw = zlib.decompressobj().decompress(compressed, expected + 1)
    except (zlib.error, struct.error) as error:
        raise UnsupportedPngError("is damaged (%s)" % error) from error
    if len(raw) != expected:
        raise UnsupportedPngError("is damaged (%d bytes of pixels)" % len(raw))
    data = _unfiltered(raw, width * channels, channels)
    return Picture(width, height, _KEPT[channels], _without_alpha(data, channels))


def _chunks(content: bytes) -> Iterator[Tuple[bytes, bytes]]:
    offset = 8
    while offset + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[offset : offset + 8])
        yield kind, content[offset + 8 : offset + 8 + length]
        offset += 12 + length


def _unfiltered(raw: bytes, stride: int, step: int) -> bytes:
    above, rows = bytes(stride), []
    for start in range(0, len(raw), stride + 1):
        kind, row = raw[start], raw[start + 1 : start + 1 + stride]
        if kind > 4:
            raise UnsupportedPngError("is damaged (filter %d)" % kind)
        above = _FILTERS[kind](row, above, step)
        rows.append(above)
    return b"".join(rows)


def _sub(row: bytes, _above: bytes, step: int) -> bytes:
    result = bytearray(len(row))
    for channel in range(step):
        result[channel::step] = bytes([value & 255 for value in itertools.accumulate(row[channel::step])])
    return bytes(result)


def _up(row: bytes, above: bytes, _step: int) -> bytes:
    return bytes([value & 255 for value in map(operator.add, row, above)])


def _average(row: bytes, above: bytes, step: int) -> bytes:
    result = bytearray(len(row))
    for channel in range(step):
        left, values = 0, []
        for value, up in zip(row[channel::step], above[channel::step]):
            left = (value + ((left + up) >> 1)) & 255
            values.append(left)
        result[channel::step] = bytes(values)
    return bytes(result)


def _paeth(row: bytes, above: bytes, step: int) -> bytes:
    result = bytearray(len(row))
    for channel in range(step):
        left = corner = 0
        values = []
        for value, up in zip(row[channel::step], above[channel::step]):
            to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
            if to_left > to_up or to_left > to_corner:
                left = up if to_up <= to_corner else corner
            left = (value + left) & 255
            corner = up
            values.append(left)
        result[channel::step] = bytes(values)
    return bytes(result)


_FILTERS: Tuple[Callable[[bytes, bytes, int], bytes], ...] = (
    lambda row, above, step: row,
    _sub,
    _up,
    _average,
    _paeth,
)


def _without_alpha(data: bytes, channels: int) -> bytes:
    if channels in (1, 3):
        return data
    if channels == 2:
        return data[::2]
    result = bytearray(len(data) // 4 * 3)
    for channel in range(3):
        result[channel::3] = data[channel::4]
    return bytes(result)


def encode(picture: Picture) -> bytes:
    """A PNG file; every row is filtered with Sub, which is quick and does well on renderings."""
    stride, step = picture.width * picture.channels, picture.channels
    rows: List[bytes] = []
    for start in range(0, len(picture.data), stride):
        row = picture.data[start : start + stride]
        rows.append(b"\x01" + bytes([(a - b) & 255 for a, b in zip(row, bytes(step) + row)]))
    return content_of(picture.width, picture.height, 8, step, zlib.compress(b"".join(rows), 9))


def content_of(width: int, height: int, depth: int, channels: int, body: bytes) -> bytes:
    """The content of a PNG file.

    Args:
        width: Pixels of a row.
        height: Rows.
        depth: Bits a channel.
        channels: 1 for grey, 3 for RGB.
        body: The filtered rows, compressed.
    """
    header = struct.pack(">IIBBBBB", width, height, depth, 2 if channels == 3 else 0, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def reduced(picture: Picture, most: int) -> Picture:
    """The picture made smaller by a whole factor, averaging, until its longer side is at most `most` pixels."""
    factor = -(-max(picture.width, picture.height) // most)
    width, height = picture.width // factor, picture.height // factor
    if factor == 1 or not width or not height:
        return picture
    step, area = picture.channels, factor * factor
    stride, rows = picture.width * step, []
    for top in range(0, height * factor, factor):
        lines = [picture.data[(top + i) * stride : (top + i + 1) * stride] for i in range(factor)]
        sums = [sum(column) for column in zip(*lines)]
        row = bytearray(width * step)
        for channel in range(step):
            one = sums[channel::step]
            parts = [one[offset : width * factor : factor] for offset in range(factor)]
            row[channel::step] = bytes([sum(part) // area for part in zip(*parts)])
        rows.append(bytes(row))
    return Picture(width, height, step, b"".join(rows))


def difference(first: Picture, second: Picture, gain: int = 4) -> Picture:
    """Where two pictures of one size differ: white where equal, darker with the channels' mean absolute difference.

    Args:
        first: One picture.
        second: The other, of the same size and channels.
        gain: Black stands for a difference of 1 / gain of the whole range.

    Raises:
        UnsupportedPngError: They are of different sizes.
    """
    if (first.width, first.height, first.channels) != (second.width, second.height, second.channels):
        raise UnsupportedPngError("has another size than its reference")
    apart = [abs(a - b) for a, b in zip(first.data, second.data)]
    step = first.channels
    sums = map(sum, zip(*(apart[channel::step] for channel in range(step))))
    shades = bytes(max(0, 255 - total * gain // step) for total in range(255 * step + 1))
    return Picture(first.width, first.height, 1, bytes([shades[total] for total in sums]))
