"""Photographs of a folder: found, turned the way the camera was held, and handed on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from topforge_frames.failures import MaskSizeError, NoSourceError, SameNameError, UnreadablePhotoError

ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".bmp")
_ORIENTATION = 0x0112
"""EXIF's tag: how the picture has to be turned to stand upright."""
_UPRIGHT = 1
JPEG_QUALITY = 97
"""Artefacts of less are features to a matcher."""


def find(folder: Path) -> List[Path]:
    """The photographs in a folder (in its `images/` where it has one), by name.

    Raises:
        NoSourceError: There are none.
        SameNameError: Two differ in their ending alone.
    """
    place = folder / "images" if (folder / "images").is_dir() else folder
    found = sorted(path for path in place.iterdir() if path.suffix.lower() in ENDINGS and not path.name.startswith("."))
    if not found:
        raise NoSourceError(place, "no photograph is in this folder (%s)" % " ".join(ENDINGS))
    seen: Dict[str, Path] = {}
    for path in found:
        first = seen.setdefault(path.stem, path)
        if first is not path:
            raise SameNameError(first, path)
    return found


def mask_of(photo: Path, folder: Path) -> Optional[Path]:
    """The mask of a photograph in `folder`: NAME.png with its whole name, or with its ending replaced."""
    for name in (photo.name + ".png", photo.stem + ".png", photo.stem + ".jpg"):
        if (folder / name).is_file():
            return folder / name
    return None


def load(path: Path) -> Image.Image:
    """The photograph, upright.

    Raises:
        UnreadablePhotoError: It is damaged, or no photograph.
    """
    try:
        with Image.open(path) as picture:
            picture.load()
            return ImageOps.exif_transpose(picture) or picture
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise UnreadablePhotoError(path, str(error).rstrip(".")) from error


def header(path: Path) -> Tuple[Tuple[int, int], Image.Exif]:
    """Width and height as the file lies, and what the camera said.

    Raises:
        UnreadablePhotoError: It is damaged, or no photograph.
    """
    try:
        with Image.open(path) as picture:
            return picture.size, picture.getexif()
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
        raise UnreadablePhotoError(path, str(error).rstrip(".")) from error


def is_turned(path: Path) -> bool:
    """Whether the file has to be turned to stand upright."""
    return bool(header(path)[1].get(_ORIENTATION, _UPRIGHT) != _UPRIGHT)


def hand_on(source: Path, target_folder: Path, side: int) -> Path:
    """Puts a photograph into a folder: as it is where nothing has to be done (EXIF stays), else upright and smaller.

    What is written anew keeps the focal length and all other EXIF, without the turn that is now in the pixels.
    """
    size, exif = header(source)
    small_enough = not side or max(size) <= side
    if small_enough and not is_turned(source):
        target = target_folder / source.name
        shutil.copy2(str(source), str(target))  # no link: a picture retouched later must not change the result
        return target
    picture = load(source)
    if not small_enough:
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    exif[_ORIENTATION] = _UPRIGHT
    target = target_folder / source.name
    save(picture, target, exif)
    return target


def save(picture: Image.Image, path: Path, exif: Optional[Image.Exif] = None) -> None:
    """Writes a picture in the form that its name says, with next to no loss.

    Args:
        picture: What to write.
        path: Where.
        exif: What the camera said.
    """
    options: Dict[str, Any] = {"exif": exif} if exif is not None else {}
    if path.suffix.lower() in (".jpg", ".jpeg", ".webp"):
        options["quality"] = JPEG_QUALITY
    if path.suffix.lower() in (".jpg", ".jpeg"):
        options["subsampling"] = 0
    picture.save(path, **options)


def hand_on_mask(mask: Path, photo: Path, result: Path, target_folder: Path) -> Path:
    """Puts a mask beside its photograph, turned and scaled as that was.

    Masks are painted over what a viewer shows, upright; one with the file's own, lying size is turned as the file says.

    Args:
        mask: As it came.
        photo: The photograph that it was made from.
        result: What `hand_on` made of that.
        target_folder: Where it goes.

    Raises:
        MaskSizeError: It fits neither way.
    """
    (lying, exif), (size, _) = header(photo), header(result)
    picture = load(mask).convert("L")
    upright = load(photo).size
    if picture.size != upright:
        if picture.size != lying:
            raise MaskSizeError(mask, picture.size, upright)
        picture.getexif()[_ORIENTATION] = exif.get(_ORIENTATION, _UPRIGHT)
        picture = ImageOps.exif_transpose(picture) or picture
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BOX)
    target = target_folder / (result.name + ".png")
    picture.save(target)
    return target


def grey(path: Path, side: int) -> np.ndarray:
    """The photograph [h, w] uint8 in grey, its longer side at most `side`."""
    picture = load(path).convert("L")
    picture.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(picture)


def thumbnail(path: Path, side: int) -> np.ndarray:
    """The photograph [h, w, 4] uint8, its longer side at most `side`."""
    picture = load(path).convert("RGBA")
    picture.thumbnail((side, side), Image.Resampling.BOX)
    return np.asarray(picture)
