"""What PNG and JPEG files say of themselves in their first bytes. For whoever looks before anything is decoded."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple, Optional

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE, _WITH_ALPHA = 3, (4, 6)
"""Colour types of PNG."""
_JPEG = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class PictureHeader(NamedTuple):
    """Size and transparency."""

    width: int
    height: int
    has_alpha: bool
    """As a channel."""
    has_clear_color: bool = False
    """A palette one of whose colours is transparent. Not every reader makes an alpha channel of it."""


def read(stream: BinaryIO) -> Optional[PictureHeader]:
    """The header of a picture from its beginning; None where it is neither PNG nor JPEG.

    Raises:
        ValueError: It is cut short or damaged.
    """
    start = stream.read(26)
    try:
        if start.startswith(PNG_SIGNATURE):
            return _png(start, stream)
        if start.startswith(_JPEG):
            stream.seek(len(_JPEG))
            return _jpeg(stream)
    except struct.error:
        raise ValueError("it is cut short") from None
    return None


def _png(start: bytes, stream: BinaryIO) -> PictureHeader:
    width, height, _, kind = struct.unpack(">IIBB", start[16:26])
    return PictureHeader(width, height, kind in _WITH_ALPHA, kind == _PALETTE and b"tRNS" in stream.read(4096))


def _jpeg(stream: BinaryIO) -> PictureHeader:
    """Walks the segments to the frame header (ITU-T T.81, B.1.1 and B.2.2)."""
    while True:
        mark, kind, length = struct.unpack(">BBH", stream.read(4))
        if mark != 0xFF:
            raise ValueError("there is no segment where one should be")
        if kind in _FRAMES:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return PictureHeader(width, height, False)
        stream.seek(length - 2, 1)
