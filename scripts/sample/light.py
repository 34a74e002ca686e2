"""Two environments: a photographer's studio and, for relighting, an evening with a low orange sun bank.

A panorama [H, W, 3] holds linear radiance. It is what one sees standing at the origin, facing +y with +z up and +x to
the right: the texel centre at column fraction u and row fraction v (row 0 on top) shows the direction

    (sin(pi v) sin(phi), sin(pi v) cos(phi), cos(pi v)),   phi = 2 pi (u - 1/2).
"""

from __future__ import annotations

import numpy as np

# Soft boxes: azimuth from +x towards +y and elevation (degrees), half width and half height (degrees), radiance (rgb).
STUDIO = [
    (-40, 42, 26, 20, (2.00, 1.66, 1.24)),
    (62, 24, 8, 30, (1.00, 1.42, 2.00)),
    (150, 38, 22, 15, (1.62, 1.42, 1.22)),
    (-135, 14, 10, 22, (1.70, 1.04, 0.84)),
    (10, 76, 18, 18, (1.20, 1.26, 1.34)),
    (-92, 58, 5, 5, (8.00, 7.50, 6.60)),
    (112, 12, 4, 4, (7.00, 6.30, 5.40)),
    (20, 28, 3, 3, (9.00, 8.60, 8.20)),
]
EVENING = [
    (175, 12, 34, 10, (2.60, 1.20, 0.38)),
    (20, 35, 16, 24, (0.34, 0.86, 1.70)),
    (95, 62, 12, 12, (1.30, 0.80, 2.30)),
    (-70, 25, 5, 14, (0.60, 2.40, 1.60)),
    (-120, 48, 4, 4, (9.00, 6.00, 3.60)),
]


def directions(width: int, height: int) -> np.ndarray:
    """World direction [H, W, 3] of each texel's centre."""
    phi = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    theta = np.pi * (np.arange(height) + 0.5) / height
    sine = np.sin(theta)[:, None]
    return np.stack([sine * np.sin(phi), sine * np.cos(phi), np.cos(theta)[:, None] + 0 * phi], axis=-1)


def soft_box(toward: np.ndarray, azimuth: float, elevation: float, width: float, height: float) -> np.ndarray:
    """A rounded rectangle of light [H, W] in [0, 1] with a soft rim, facing the origin."""
    a, e = np.radians(azimuth), np.radians(elevation)
    centre = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)])
    right = np.array([-np.sin(a), np.cos(a), 0.0])
    depth = toward @ centre
    x = np.degrees(np.arctan2(toward @ right, depth)) / width
    y = np.degrees(np.arctan2(toward @ np.cross(centre, right), depth)) / height
    rim = (np.abs(x) ** 4 + np.abs(y) ** 4) ** 0.25
    t = np.clip((1.18 - rim) / 0.36, 0, 1)
    return np.where(depth > 0, t * t * (3 - 2 * t), 0.0)


def gradient(up: np.ndarray, ground: tuple, horizon: tuple, zenith: tuple) -> np.ndarray:
    """Sky and ground [H, W, 3] from the direction's height `up` in [-1, 1]."""
    sky = np.array(horizon) + np.clip(up, 0, 1)[..., None] ** 0.6 * (np.array(zenith) - np.array(horizon))
    floor = np.array(ground) * (1 - 0.45 * np.clip(-up, 0, 1)[..., None])
    blend = np.clip(up / 0.10 + 0.5, 0, 1)[..., None]
    return floor + blend * blend * (3 - 2 * blend) * (sky - floor)


def panorama(boxes: list, backdrop: tuple, width: int = 1024, height: int = 512) -> np.ndarray:
    """Linear radiance [height, width, 3] float32 of soft boxes before a backdrop (ground, horizon, zenith)."""
    toward = directions(width, height)
    radiance = gradient(toward[..., 2], *backdrop)
    for azimuth, elevation, half_width, half_height, colour in boxes:
        mask = soft_box(toward, azimuth, elevation, half_width, half_height)[..., None]
        radiance = radiance + mask * (np.array(colour) - radiance)
    return radiance.astype(np.float32)


def studio() -> np.ndarray:
    """The light of the capture."""
    return 1.05 * panorama(STUDIO, ((0.17, 0.14, 0.12), (0.40, 0.39, 0.39), (0.28, 0.33, 0.42)))


def evening() -> np.ndarray:
    """The second light, for relighting: other colours from other directions."""
    return 1.45 * panorama(EVENING, ((0.07, 0.08, 0.11), (0.42, 0.23, 0.20), (0.09, 0.12, 0.26)))


def halve(image: np.ndarray) -> np.ndarray:
    """Box-filters an image [H, W, C] to half its size."""
    height, width, channels = image.shape
    return image.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))


def encode_rgbe(image: np.ndarray) -> np.ndarray:
    """Shared-exponent bytes [H, W, 4] of radiance [H, W, 3] (Ward 1991), rounded to nearest."""
    largest = image.max(-1)
    exponent = np.where(largest > 1e-32, np.floor(np.log2(np.maximum(largest, 1e-32))) + 1, -128)
    mantissa = np.round(image * 256 / 2.0 ** exponent[..., None])
    overflow = mantissa.max(-1) > 255
    exponent = exponent + overflow
    mantissa = np.round(image * 256 / 2.0 ** exponent[..., None])
    return np.concatenate([mantissa, (exponent + 128)[..., None]], axis=-1).astype(np.uint8)


def decode_rgbe(encoded: np.ndarray) -> np.ndarray:
    """Radiance [H, W, 3] float32 of shared-exponent bytes [H, W, 4]."""
    scale = np.exp2(encoded[..., 3:].astype(np.float64) - 136)
    return (encoded[..., :3] * scale).astype(np.float32)


def hdr_file(encoded: np.ndarray) -> bytes:
    """A Radiance .hdr file, run-length encoded, of shared-exponent bytes [H, W, 4]."""
    height, width = encoded.shape[:2]
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {height} +X {width}\n".encode()
    start = bytes([2, 2, width >> 8, width & 255])
    rows = [start + b"".join(run_length(row[:, channel].tobytes()) for channel in range(4)) for row in encoded]
    return head + b"".join(rows)


def run_length(row: bytes) -> bytes:
    """One channel of one scanline: (128 + n, value) for a run of n, (n, values) for n values that differ."""
    out, literal, place = bytearray(), bytearray(), 0
    while place < len(row):
        run = 1
        while run < 127 and place + run < len(row) and row[place + run] == row[place]:
            run += 1
        if run >= 3 or len(literal) == 128:
            out += bytes([len(literal)]) + literal if literal else b""
            literal.clear()
        if run >= 3:
            out += bytes([128 + run, row[place]])
            place += run
        else:
            literal.append(row[place])
            place += 1
    return bytes(out + (bytes([len(literal)]) + literal if literal else b""))
