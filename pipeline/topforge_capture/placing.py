"""Puts images and masks where a format wants them: copied, linked or left; alpha from masks and masks from alpha."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Callable, Set, Tuple

import imageio.v3 as imageio
import numpy as np

from topforge_capture.capture import CaptureError, Dataset, View
from topforge_capture.formats.base import Format
from topforge_capture.headers import read_header
from topforge_capture.images import coverage, load_pixels

MODES = ("copy", "link", "reference")
Progress = Callable[[float, str], None]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where images go, and how."""

    form: Format
    folder: Path
    mode: str
    """One of MODES."""
    scratch: Path
    """Images below it were made for this conversion: they are moved, whatever the mode."""


def place(dataset: Dataset, where: Place, progress: Progress) -> Tuple[Dataset, int]:
    """Places all images and masks.

    Returns:
        The capture with their new paths, and how many images were written anew instead of being taken over.

    Raises:
        CaptureError: `not-by-reference`: the format finds images by their place; or a file cannot be read or linked.
    """
    if where.mode == "reference" and not where.form.holds.references:
        reason = "The format %s finds images by their place; they cannot be left where they are." % where.form.name
        raise CaptureError("not-by-reference", reason, "Use --images link or --images copy.")
    taken: Set[str] = set()
    captures, rewritten, done = [], 0, 0
    for capture in dataset.captures:
        views = []
        for view in capture.views:
            progress(done / len(dataset.views), "placing %s" % view.image.name)
            stem = _stem(view, capture.split, where.form.by_split, taken)
            placed, anew = _place_view(view, where, capture.split if where.form.by_split else "images", stem)
            views.append(placed)
            rewritten += anew
            done += 1
        captures.append(dataclasses.replace(capture, views=tuple(views)))
    return dataclasses.replace(dataset, captures=tuple(captures)), rewritten


def _stem(view: View, split: str, by_split: bool, taken: Set[str]) -> str:
    """A file name without ending that no other view has."""
    plain = re.sub(r"[^\w\-]", "_", view.name)
    for stem in (plain, "%s_%s" % (split, plain), *("%s_%s_%d" % (split, plain, n) for n in range(2, 10000))):
        key = "%s/%s" % (split if by_split else "", stem.lower())
        if key not in taken:
            taken.add(key)
            return stem
    raise AssertionError("ten thousand views of one name")


def _place_view(view: View, where: Place, sub: str, stem: str) -> Tuple[View, int]:
    holds = where.form.holds
    alpha = read_header(view.image).has_alpha
    if holds.coverage == "alpha" and view.mask is not None:
        path = _target(where, sub, stem + ".png")
        _write_with_alpha(view, path)
        return dataclasses.replace(view, image=path, mask=None), 1
    if holds.coverage == "mask" and (alpha or view.mask is not None):
        return _place_with_mask(view, where, sub, stem, alpha)
    image = _take(view.image, where, sub, stem + view.image.suffix.lower())
    mask = None
    if view.mask is not None and holds.coverage == "either":
        mask = _take(view.mask, where, "masks", stem + view.mask.suffix.lower())
    return dataclasses.replace(view, image=image, mask=mask), 0


def _place_with_mask(view: View, where: Place, sub: str, stem: str, alpha: bool) -> Tuple[View, int]:
    """An image without alpha, and its mask in a file of its own."""
    suffix = ".png" if alpha else view.image.suffix.lower()
    mask_path = _target(where, "masks", (stem + suffix if where.form.mask_by_file else stem) + ".png")
    if view.mask is not None and view.mask.suffix.lower() == ".png":
        mask = _take(view.mask, where, "masks", mask_path.name)
    else:
        mask = mask_path
        _write_mask(view, mask_path)
    if not alpha:
        return dataclasses.replace(view, image=_take(view.image, where, sub, stem + suffix), mask=mask), 0
    path = _target(where, sub, stem + suffix)
    imageio.imwrite(path, load_pixels(view.image)[..., :3])
    return dataclasses.replace(view, image=path, mask=mask), 1


def _write_with_alpha(view: View, path: Path) -> None:
    pixels = _integers(view.image)
    alpha = np.round(np.iinfo(pixels.dtype).max * coverage(view, pixels)).astype(pixels.dtype)
    imageio.imwrite(path, np.concatenate([pixels[..., :3], alpha[..., None]], axis=2))


def _write_mask(view: View, path: Path) -> None:
    imageio.imwrite(path, np.round(255 * coverage(view, load_pixels(view.image))).astype(np.uint8))


def _integers(path: Path) -> np.ndarray:
    """Pixels in 8 bits, sRGB.

    Raises:
        CaptureError: `float-image`.
    """
    pixels = load_pixels(path)
    if pixels.dtype.kind == "f":
        reason = "%s is a floating point image, which cannot be given an alpha channel here." % path
        raise CaptureError("float-image", reason, "Choose a format with masks of their own, such as llff.", (path,))
    return pixels if pixels.dtype == np.uint8 else np.round(pixels / 257.0).astype(np.uint8)


def _target(where: Place, sub: str, name: str) -> Path:
    folder = where.folder / sub
    folder.mkdir(exist_ok=True)
    return folder / name


def _take(path: Path, where: Place, sub: str, name: str) -> Path:
    """The file's place after copying, linking, or leaving it where it is."""
    made = where.scratch in path.parents
    if where.mode == "reference" and not made:
        return path.absolute()
    target = _target(where, sub, name)
    if made:
        path.replace(target)
    elif where.mode == "link":
        _link(path, target)
    else:
        shutil.copyfile(path, target)
    return target


def _link(path: Path, target: Path) -> None:
    try:
        target.symlink_to(path.absolute())
    except OSError as error:
        reason = "%s cannot be linked to: %s." % (path, error)
        raise CaptureError("no-link", reason, "Use --images copy.", (path,)) from error
