"""Pixels of a view: linear RGB with straight alpha, float32, row 0 at the top."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Tuple

import imageio.v3 as imageio
import numpy as np

from topforge_capture import radiance
from topforge_capture.capture import CaptureError, View
from topforge_capture.headers import missing, unreadable

GIVE_MASKS = "Save RGBA images, or name a mask for each frame (`mask_path`; LLFF: the folder masks/)."
"""What to do about images that do not say which pixels are the object."""


def load_image(view: View) -> np.ndarray:
    """Decodes a view's image and, where there is one, its separate mask.

    Integer images (PNG, JPEG) are taken as sRGB and decoded to linear, alpha excepted; EXR and HDR are taken as linear.

    Returns:
        [height, width, 4] float32: linear RGB >= 0, straight alpha in [0, 1]; row 0 is the top of the image.

    Raises:
        CaptureError: `missing-image`, `unreadable-image`, `wrong-size`, or `no-alpha` when neither an alpha channel
            nor a mask says which pixels are the object.
    """
    pixels = load_pixels(view.image)
    result = np.empty((view.height, view.width, 4), np.float32)
    result[..., 3] = coverage(view, pixels)
    result[..., :3] = to_linear(pixels[..., :3])
    return result


def coverage(view: View, pixels: np.ndarray) -> np.ndarray:
    """How much of each pixel is object.

    Args:
        view: The view.
        pixels: Its image as `load_pixels` gives it.

    Returns:
        [height, width] float32 in [0, 1], from the mask's first channel, or the image's alpha where there is no mask.

    Raises:
        CaptureError: As `load_image`.
    """
    found = coverage_if_any(view, pixels)
    if found is None:
        raise no_alpha(view.image)
    return found


def coverage_if_any(view: View, pixels: np.ndarray) -> Optional[np.ndarray]:
    """The same; None where nothing says which pixels are the object.

    Raises:
        CaptureError: `missing-image`, `unreadable-image` or `wrong-size`.
    """
    _expect_size(view, view.image, pixels)
    if view.mask is not None:
        mask = load_pixels(view.mask)
        _expect_size(view, view.mask, mask)
        return to_unit(mask[..., 0])
    return to_unit(pixels[..., 3]) if pixels.shape[2] == 4 else None


def load_pixels(path: Path) -> np.ndarray:
    """The stored numbers of an image: [height, width, 3 or 4] uint8, uint16 or float32, row 0 at the top.

    Grey images are repeated to three channels. A 16-bit PNG with colours arrives in 8 bits: Pillow, which decodes
    it for imageio, keeps no more.

    Raises:
        CaptureError: `missing-image` or `unreadable-image`.
    """
    try:
        pixels = radiance.read(path) if path.suffix.lower() == ".hdr" else np.asarray(imageio.imread(path))
    except FileNotFoundError:
        raise missing(path) from None
    except (OSError, ValueError, SyntaxError, ImportError, RuntimeError, IndexError) as error:
        raise unreadable(path, str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.dtype.kind not in "uf" or not 1 <= pixels.shape[2] <= 4:
        raise unreadable(path, "it decodes to %s of %s" % (pixels.dtype, list(pixels.shape)))
    if pixels.shape[2] <= 2:
        pixels = np.concatenate([np.repeat(pixels[..., :1], 3, axis=2), pixels[..., 1:]], axis=2)
    return pixels.astype(np.float32) if pixels.dtype.kind == "f" else pixels


def to_linear(pixels: np.ndarray) -> np.ndarray:
    """Linear light as float32, same shape: integers are sRGB (IEC 61966-2-1, decoded by table), floats are linear."""
    if pixels.dtype.kind == "f":
        return pixels
    return srgb_to_linear(np.linspace(0.0, 1.0, np.iinfo(pixels.dtype).max + 1)).astype(np.float32)[pixels]


def to_unit(values: np.ndarray) -> np.ndarray:
    """Masks and alpha as float32 in [0, 1]: integers divided by their largest value, no colour space."""
    if values.dtype.kind == "f":
        return np.clip(values, 0.0, 1.0)
    return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)


def srgb_to_linear(encoded: np.ndarray) -> np.ndarray:
    """The sRGB decoding curve (IEC 61966-2-1) of values in [0, 1]; same shape."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: np.ndarray) -> np.ndarray:
    """The sRGB encoding curve (IEC 61966-2-1); clipped to [0, 1]; same shape."""
    value = np.clip(linear, 0.0, 1.0)
    return np.where(value <= 0.0031308, value * 12.92, 1.055 * value ** (1.0 / 2.4) - 0.055)


def no_alpha(path: Path) -> CaptureError:
    """The failure of an image that does not say which pixels are the object."""
    reason = "%s has no alpha channel and no mask: nothing says which pixels are the object." % path
    return CaptureError("no-alpha", reason, GIVE_MASKS, (path,))


def wrong_size(path: Path, found: Tuple[int, int], expected: Tuple[int, int], source: str) -> CaptureError:
    """The failure of a picture whose (width, height) is not what `source` says."""
    reason = "%s is %d x %d pixels, but %s says %d x %d." % (path, *found, source, *expected)
    return CaptureError("wrong-size", reason, "Export it again at %d x %d." % expected, (path,))


def _expect_size(view: View, path: Path, pixels: np.ndarray) -> None:
    found = (pixels.shape[1], pixels.shape[0])
    if found != (view.width, view.height):
        raise wrong_size(path, found, (view.width, view.height), "its view")
