"""Texture files of an asset: PNG with the right transfer curve, RGBE for the light."""

from __future__ import annotations

import io
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Dict, Optional, Union

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from topforge import atomic
from topforge.report.png import content_of as png_content_of
from topforge_capture.images import linear_to_srgb

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]


def quantise(values: Floats) -> Bytes:
    """Display values in [0, 1] as bytes, rounded to nearest."""
    return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def base_color(linear: Floats, opacity: Optional[Floats] = None) -> Bytes:
    """sRGB-encoded base colour [S, S, 3]; where the asset may be transparent, [S, S, 4] with its opacity, linear."""
    encoded = linear_to_srgb(np.clip(linear, 0.0, 1.0))
    return quantise(encoded if opacity is None else np.concatenate([encoded, opacity], axis=-1))


def occlusion_roughness_metallic(ks: Floats) -> Bytes:
    """Linear, glTF's sense: occlusion with 1 = fully lit, where nvdiffrec's has 0; roughness, metalness."""
    flipped = ks.copy()
    flipped[..., 0] = 1.0 - flipped[..., 0]
    return quantise(flipped)


def normal(unit: Floats) -> Bytes:
    """Linear, n = 2 rgb - 1; OpenGL convention."""
    return quantise(unit * 0.5 + 0.5)


def normal_16(unit: Floats) -> Words:
    """As `normal`, with 16 bits a channel: 0.002 degrees instead of half a degree, for mirrors and large renders."""
    return (np.clip(unit * 0.5 + 0.5, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)


def png_16(pixels: Words) -> bytes:
    """A PNG file's content with 16 bits a channel, from [H, W, 3]. Pillow, and so imageio, writes no such colours.

    Rows have filter type 1 of the PNG specification: differences to the left.
    """
    height, width, _ = pixels.shape
    rows = pixels.astype(">u2").view(np.uint8).reshape(height, width * 6)
    filtered = np.ones((height, 1 + width * 6), np.uint8)
    filtered[:, 1:7] = rows[:, :6]
    filtered[:, 7:] = rows[:, 6:] - rows[:, :-6]
    return png_content_of(width, height, 16, 3, zlib.compress(filtered.tobytes(), 6))


def png(pixels: Bytes) -> bytes:
    """A PNG file's content."""
    stream = io.BytesIO()
    imageio.imwrite(stream, pixels, extension=".png")
    return stream.getvalue()


def compressed(pictures: Dict[str, Union[Bytes, Words]]) -> Dict[str, bytes]:
    """Pictures as PNG files, each in a thread of its own: zlib, which takes nearly all of the time, lets others run."""
    with ThreadPoolExecutor() as pool:
        encode = {name: png_16 if pixels.dtype == np.uint16 else png for name, pixels in pictures.items()}
        begun = {name: pool.submit(encode[name], pixels) for name, pixels in pictures.items()}
        return {name: picture.result() for name, picture in begun.items()}


def write_radiance(path: Path, pixels: Floats) -> None:
    """Writes linear radiance [H, W, 3] >= 0 as a flat Radiance RGBE file (Ward, Graphics Gems II, "Real Pixels").

    Rounded to nearest, since readers hardly ever add Ward's half: the error is at most 1/256 of a pixel's largest
    channel. Written here because imageio's writer needs a plugin that is downloaded when first used.
    """
    largest = pixels.max(axis=-1, keepdims=True)
    mantissa, exponent = np.frexp(largest)
    scale = np.where(largest > 1e-32, mantissa * 256.0 / np.maximum(largest, 1e-32), 0.0)
    encoded = np.empty((*pixels.shape[:2], 4), np.uint8)
    encoded[..., :3] = np.minimum(np.rint(pixels * scale), 255.0)
    encoded[..., 3:] = np.where(largest > 1e-32, np.clip(exponent + 128, 0, 255), 0)
    header = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % pixels.shape[:2]
    atomic.write_bytes(path, header.encode("ascii") + encoded.tobytes())
