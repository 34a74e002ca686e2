"""Radiance HDR (`.hdr`, RGBE): imageio reads it only with a library it downloads first, so it is read here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np


def read(path: Path) -> np.ndarray:
    """Reads a Radiance picture stored as `-Y height +X width`, flat or run-length encoded.

    Returns:
        [height, width, 3] float32, linear, row 0 at the top.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is not a whole Radiance picture of that kind.
    """
    data = path.read_bytes()
    header = re.match(rb"#\?.*?\n\n-Y (\d+) \+X (\d+)\n", data, re.DOTALL)
    if header is None or b"32-bit_rle_rgbe" not in header.group(0):
        raise ValueError("not a Radiance RGBE picture stored as '-Y height +X width'")
    height, width = int(header.group(1)), int(header.group(2))
    body = np.frombuffer(data, np.uint8, offset=header.end())
    if body[:4].tolist() == [2, 2, width >> 8, width & 255] and 8 <= width < 32768:
        rgbe = _decode_runs(body, height, width)
    elif body.size >= height * width * 4:
        rgbe = body[: height * width * 4].reshape(height, width, 4)
    else:
        raise ValueError("it ends early")
    scale = np.where(rgbe[..., 3:] > 0, np.ldexp(np.float32(1.0), rgbe[..., 3:].astype(np.int32) - 136), np.float32(0))
    return (rgbe[..., :3].astype(np.float32) * scale).astype(np.float32)


def _decode_runs(body: np.ndarray, height: int, width: int) -> np.ndarray:
    """Undoes the per-channel run-length code: [height, width, 4] uint8 (Ward, Graphics Gems II, "Real Pixels")."""
    data, position = body.tobytes(), 0  # bytes: numpy takes ten times as long for a few of them
    parts = []
    for channel in range(4 * height):
        position += 4 if channel % 4 == 0 else 0
        filled = 0
        while filled < width:
            if position >= len(data):
                raise ValueError("it ends early")
            count = data[position]
            is_run = count > 128
            count -= 128 if is_run else 0
            used = 1 if is_run else count
            if count == 0 or filled + count > width:
                raise ValueError("a scanline is damaged")
            if position + 1 + used > len(data):
                raise ValueError("it ends early")
            values = data[position + 1 : position + 1 + used]
            parts.append(values * count if is_run else values)
            filled += count
            position += 1 + used
    rows = np.frombuffer(b"".join(parts), np.uint8).reshape(height, 4, width)
    return rows.transpose(0, 2, 1)
