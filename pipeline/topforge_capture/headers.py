"""Width, height and channels of an image file from its first bytes, without decoding it."""

from __future__ import annotations

import dataclasses
import re
import struct
from pathlib import Path
from typing import BinaryIO

from topforge import picture_header
from topforge_capture.capture import CaptureError

EXR_SIGNATURE = b"\x76\x2f\x31\x01"
SUFFIXES = (".png", ".jpg", ".jpeg", ".exr", ".hdr")
"""File endings that can be read, in order of preference where a dataset names a file without its ending."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What an image file says about itself."""

    width: int
    height: int
    has_alpha: bool


def read_header(path: Path) -> Header:
    """Size of an image, in pixels, and whether it has an alpha channel.

    Raises:
        CaptureError: `missing-image` or `unreadable-image`.
    """
    try:
        with path.open("rb") as stream:
            header = _parse(stream)
    except FileNotFoundError:
        raise missing(path) from None
    except (OSError, struct.error, ValueError, AttributeError) as error:
        raise unreadable(path, str(error)) from error
    if header.width < 1 or header.height < 1:
        raise unreadable(path, "it says its size is %d x %d" % (header.width, header.height))
    return header


def missing(path: Path) -> CaptureError:
    """The failure of an image that is named but not there."""
    return CaptureError("missing-image", "%s does not exist." % path, "Copy it there, or remove its frame.", (path,))


def unreadable(path: Path, why: str) -> CaptureError:
    """The failure of a file that is there but is not a whole image."""
    reason = "%s cannot be read as an image: %s." % (path, why.rstrip(".") or "unexpected content")
    return CaptureError("unreadable-image", reason, "Copy or export it again as PNG, JPEG or HDR.", (path,))


def _parse(stream: BinaryIO) -> Header:
    common = picture_header.read(stream)
    if common is not None:
        return Header(common.width, common.height, common.has_alpha or common.has_clear_color)
    stream.seek(0)
    start = stream.read(32)
    if start.startswith(EXR_SIGNATURE):
        return _parse_exr(start + stream.read(65536))
    if start.startswith(b"#?"):
        size = re.search(rb"-Y (\d+) \+X (\d+)", start + stream.read(4096))
        if size is None:
            raise ValueError("no '-Y height +X width' line, the only orientation that is supported")
        return Header(int(size.group(2)), int(size.group(1)), False)
    raise ValueError("it is empty" if not start else "it begins like none of PNG, JPEG, EXR, HDR")


def _parse_exr(start: bytes) -> Header:
    """Reads the `dataWindow` and `channels` attributes (OpenEXR file layout, "Header")."""
    window = re.search(rb"dataWindow\x00box2i\x00\x10\x00\x00\x00(.{16})", start, re.DOTALL)
    if window is None:
        raise ValueError("no dataWindow in the EXR header")
    left, top, right, bottom = struct.unpack("<4i", window.group(1))
    channels = re.search(rb"channels\x00chlist\x00(.{4})", start, re.DOTALL)
    names = start[channels.end() : channels.end() + struct.unpack("<I", channels.group(1))[0]] if channels else b""
    return Header(right - left + 1, bottom - top + 1, names.startswith(b"A\x00"))
