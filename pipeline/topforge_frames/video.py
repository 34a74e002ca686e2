"""Frames of a video by the ffmpeg that imageio-ffmpeg brings: all of them small and grey to judge, then the chosen."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Sequence, Tuple

import numpy as np

from topforge_frames import sharpness
from topforge_frames.failures import NoPackageError, UnreadableVideoError

_BITS = {"gray": 8, "rgb24": 24}
"""Bits of a pixel in the forms that frames are asked for in."""
_EVERY_FRAME_ONCE = ("-fps_mode", "passthrough")
"""Or ffmpeg repeats and drops frames to make a steady rate of a phone's unsteady one."""


@dataclasses.dataclass(frozen=True)
class Video:
    """What the file says of itself."""

    path: Path
    width: int
    """Pixels, as shown: a phone's rotation is applied."""
    height: int
    frame_rate: float
    """Frames a second, the mean of an unsteady one."""
    duration: float
    """Seconds."""


def describe(path: Path) -> Video:
    """Reads the header.

    Raises:
        NoPackageError: imageio-ffmpeg is not here.
        UnreadableVideoError: It is no video.
    """
    stream = _read(path, "gray", ())
    meta = _first(path, stream)
    stream.close()
    (width, height), rate = meta["size"], float(meta["fps"])
    if rate <= 0 or not np.isfinite(rate):
        raise UnreadableVideoError(path, "it has no frame rate")
    return Video(path, int(width), int(height), rate, float(meta.get("duration") or 0.0))


def small_frames(video: Video, start: float, end: float) -> Iterator[np.ndarray]:
    """Every frame [h, w] uint8 in grey, its longer side at most `sharpness.SIDE`."""
    scale = min(1.0, sharpness.SIDE / max(video.width, video.height))
    width, height = max(2, round(video.width * scale)), max(2, round(video.height * scale))
    filters = "scale=%d:%d:flags=area" % (width, height)
    stream = _read(video.path, "gray", ("-vf", filters), start, end)
    _first(video.path, stream)
    for data in stream:
        yield np.frombuffer(data, np.uint8).reshape(height, width)


def chosen_frames(video: Video, indices: Sequence[int], start: float, end: float, side: int) -> Iterator[np.ndarray]:
    """The frames [h, w, 3] uint8 with these indices, counted from `start`, in order.

    Args:
        video: As `describe` gives it.
        indices: Ascending.
        start: Seconds.
        end: Seconds; 0 = the end.
        side: Longest side in pixels; 0 = as they are.
    """
    width, height = fitted(video.width, video.height, side)
    stream = _read(
        video.path, "rgb24", ("-vf", "select='%s',scale=%d:%d" % (_expression(indices), width, height)), start, end
    )
    _first(video.path, stream)
    for data in stream:
        yield np.frombuffer(data, np.uint8).reshape(height, width, 3)


def fitted(width: int, height: int, side: int) -> Tuple[int, int]:
    """The size with its longer side at most `side`; 0 = unchanged."""
    scale = min(1.0, side / max(width, height)) if side else 1.0
    return max(1, round(width * scale)), max(1, round(height * scale))


def _expression(indices: Sequence[int]) -> str:
    """Ffmpeg's way to say "one of these", as a balanced tree: its parser refuses deep nesting."""
    terms = ["eq(n\\,%d)" % index for index in indices]
    while len(terms) > 1:
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = ["(%s)" % "+".join(pair) if len(pair) > 1 else pair[0] for pair in pairs]
    return terms[0] if terms else "0"


def _read(path: Path, form: str, options: Tuple[str, ...], start: float = 0.0, end: float = 0.0) -> Any:
    """imageio-ffmpeg's generator: the header first, then the frames as bytes."""
    try:
        import imageio_ffmpeg  # type: ignore[import-untyped, unused-ignore]
    except ImportError as error:
        raise NoPackageError("imageio_ffmpeg", "reading a video") from error
    where: List[str] = ["-ss", "%.6f" % start] if start > 0 else []
    until = ("-t", "%.6f" % (end - start)) if end > 0 else ()
    parameters = {"input_params": where, "output_params": [*until, *options, *_EVERY_FRAME_ONCE]}
    return imageio_ffmpeg.read_frames(str(path), form, bits_per_pixel=_BITS[form], **parameters)


def _first(path: Path, stream: Any) -> Dict[str, Any]:
    """The header.

    Raises:
        UnreadableVideoError: Ffmpeg refuses the file.
    """
    try:
        meta: Dict[str, Any] = next(stream)
    except (OSError, RuntimeError, StopIteration, KeyError, IndexError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = re.sub(r"^\[[^]]*\]\s*", "", lines[-1]) if lines else "it has no frames"
        raise UnreadableVideoError(path, said.rstrip(".")) from error
    return meta
