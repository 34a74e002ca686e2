"""Width, height and alpha of PNG and JPEG files, from their first bytes: enough to refuse a capture before a GPU is."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import BinaryIO, Optional

from topforge.errors import TopForgeError

_PNG = b"\x89PNG\r\n\x1a\n"
_WITH_ALPHA = (4, 6)
_JPEG = b"\xff\xd8"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class UnreadablePictureError(TopForgeError):
    """A file that is no whole picture."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Export it again as PNG.")


@dataclasses.dataclass(frozen=True)
class Picture:
    """What a picture file says about itself."""

    height: int
    width: int
    has_alpha: bool


def read(path: Path) -> Optional[Picture]:
    """Size and alpha of a picture; None for other formats (EXR, HDR), which are not looked into.

    Raises:
        UnreadablePictureError: It cannot be read, or is cut short.
    """
    try:
        with path.open("rb") as stream:
            start = stream.read(26)
            if start.startswith(_PNG):
                width, height, _, kind = struct.unpack(">IIBB", start[16:26])
                return Picture(height, width, kind in _WITH_ALPHA)
            if start.startswith(_JPEG):
                stream.seek(2)
                return _jpeg(stream)
    except (OSError, struct.error) as error:
        raise UnreadablePictureError(path, "it cannot be read (%s)" % error) from error
    return None


def _jpeg(stream: BinaryIO) -> Picture:
    """Walks the segments to the frame header; running off the end raises struct.error."""
    while True:
        mark, kind, length = struct.unpack(">BBH", stream.read(4))
        if mark != 0xFF:
            raise struct.error("no segment where one should be")
        if kind in _FRAMES:
            _, height, width = struct.unpack(">BHH", stream.read(5))
            return Picture(height, width, False)
        stream.seek(length - 2, 1)
