"""Texture files of an asset: PNG with the right transfer curve, RGBE for the light."""

from __future__ import annotations

import io
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Dict

import imageio.v3 as imageio
import numpy as np
from numpy.typing import NDArray

from topforge import atomic
from topforge.report.png import content_of as png_content_of
from topforge_capture.images import linear_to_srgb

if TYPE_CHECKING:
    from topforge_train.export.asset import Asset, Floats

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint16]


def quantise(values: Floats) -> Bytes:
    """Display values in [0, 1] as bytes, rounded to nearest."""
    return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def base_color(asset: Asset) -> Bytes:
    """sRGB-encoded base colour [S, S, 3]; where the asset may be transparent, [S, S, 4] with its opacity, linear."""
    encoded = linear_to_srgb(np.clip(asset.base_color, 0.0, 1.0))
    return quantise(encoded if asset.opacity is None else np.concatenate([encoded, asset.opacity], axis=-1))


def ks(asset: Asset) -> Bytes:
    """Linear, nvdiffrec's sense: occlusion with 0 = fully lit, roughness, metalness."""
    return quantise(asset.ks)


def occlusion_roughness_metallic(asset: Asset) -> Bytes:
    """Linear, glTF's sense: occlusion with 1 = fully lit, roughness, metalness."""
    flipped = asset.ks.copy()
    flipped[..., 0] = 1.0 - flipped[..., 0]
    return quantise(flipped)


def normal(asset: Asset) -> Bytes:
    """Linear, n = 2 rgb - 1; OpenGL convention."""
    return quantise(asset.normal_map * 0.5 + 0.5)


def normal_16(asset: Asset) -> Words:
    """As `normal`, with 16 bits a channel: 0.002 degrees instead of half a degree, for mirrors and large renders."""
    return (np.clip(asset.normal_map * 0.5 + 0.5, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)


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


def compressed(asset: Asset) -> Dict[str, bytes]:
    """The asset's textures as PNG files, by the names of the functions above; `normal_16` where it has one.

    Each in a thread of its own: zlib, which takes nearly all of the time, lets the others run.
    """
    with ThreadPoolExecutor() as pool:
        textures = (base_color, ks, occlusion_roughness_metallic, normal)
        begun = {texture.__name__: pool.submit(png, texture(asset)) for texture in textures}
        if asset.normal_bits == 16:
            begun["normal_16"] = pool.submit(png_16, normal_16(asset))
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
