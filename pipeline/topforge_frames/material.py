"""What COLMAP is given: images without alpha that stand upright, and masks by COLMAP's names."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Dict, List, Optional, Set, Tuple

import numpy as np
from PIL import Image

from topforge_frames import photos
from topforge_frames.failures import MaskSizeError, TooFewImagesError

FEWEST = 3
_READ = (".png", ".jpg", ".jpeg")
"""What COLMAP and every reader of captures reads; other forms are laid out as PNG."""
_HALF = 127
"""Masks and alpha above this are the object."""
_FOCAL_LENGTH, _DETAILS = 0x920A, 0x8769
"""EXIF's tags: the focal length, and the block it stands in."""
_GREY = (128, 128, 128)


@dataclasses.dataclass(frozen=True)
class Material:
    """Images and masks in the scratch folder."""

    images: Path
    masks: Path
    """NAME.png with the image's whole name; empty where nothing is masked."""
    names: Tuple[str, ...]
    masked: Tuple[str, ...]
    """Names of the images that have a mask."""
    one_lens: bool
    """Whether all have one size and one focal length, so that one lens can have taken them."""


def prepare(source: Path, work: Path, hide: bool) -> Material:
    """Lays out the images of `source` (and its masks, separate ones or alpha) in `work`.

    Args:
        source: Holds the images, or `images/` and perhaps `masks/`.
        work: Scratch.
        hide: Paint grey what lies under transparent alpha; else whatever colours the file has there are shown.

    Raises:
        TopForgeError: Too few images, an unreadable one, or a mask of another size.
    """
    found = photos.find(source)
    if len(found) < FEWEST:
        raise TooFewImagesError(found[0].parent, len(found))
    images, masks = work / "images", work / "masks"
    for folder in (images, masks):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    names: List[str] = []
    masked: List[str] = []
    lenses: Set[Tuple[Tuple[int, int], Optional[float]]] = set()
    for path in found:
        names.append(path.name if path.suffix.lower() in _READ else path.stem + ".png")
        coverage = _lay_out(path, source / "masks", images / names[-1], hide)
        if coverage is not None:
            Image.fromarray(np.where(coverage > _HALF, 255, 0).astype(np.uint8)).save(masks / (names[-1] + ".png"))
            masked.append(names[-1])
        lenses.add(_lens(path))
    return Material(images, masks, tuple(names), tuple(masked), len(lenses) == 1)


def _lay_out(path: Path, masks: Path, target: Path, hide: bool) -> Optional[np.ndarray]:
    """Writes one image as COLMAP is to see it, to `target`; its coverage [h, w] if it has any."""
    with Image.open(path) as probe:
        has_alpha = "A" in probe.getbands() or "transparency" in probe.info
    if not has_alpha and not photos.is_turned(path) and target.name == path.name:
        shutil.copy2(str(path), str(target))
        return _separate(path, masks)
    picture = photos.load(path).convert("RGBA")
    flat = picture.convert("RGB")
    if hide:
        flat = Image.new("RGB", picture.size, _GREY)
        flat.paste(picture, mask=picture.getchannel("A"))
    photos.save(flat, target)
    return np.asarray(picture.getchannel("A")) if has_alpha else _separate(path, masks)


def _separate(path: Path, folder: Path) -> Optional[np.ndarray]:
    """The first channel of the image's mask file.

    Raises:
        MaskSizeError: It has another size than the image.
    """
    mask = photos.mask_of(path, folder)
    if mask is None:
        return None
    picture, size = photos.load(mask).convert("L"), photos.load(path).size
    if picture.size != size:
        raise MaskSizeError(mask, picture.size, size)
    return np.asarray(picture)


def _lens(path: Path) -> Tuple[Tuple[int, int], Optional[float]]:
    """Size and focal length, as far as the file tells."""
    with Image.open(path) as picture:
        details: Dict[int, object] = picture.getexif().get_ifd(_DETAILS)
        focal = details.get(_FOCAL_LENGTH)
        return picture.size, None if focal is None else float(str(focal))
