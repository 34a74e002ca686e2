"""What nvdiffrec can train on, told apart and checked as it would be read, before a GPU is used."""

from __future__ import annotations

import ast
import dataclasses
import json
import struct
from pathlib import Path
from typing import Any, List, Optional, Sequence, Tuple

from topforge import picture_header, strict_json
from topforge.errors import TopForgeError
from topforge.picture_header import PictureHeader
from topforge.trainers.nvdiffrec_options import DEFAULT_SIZE

MESH, NERF, LLFF = "mesh", "nerf", "llff"
POSES = "poses_bounds.npy"
SPLITS = ("transforms_train.json", "transforms_test.json")
_PICTURES = (".png", ".jpg", ".jpeg")

Size = Tuple[int, int]


class CaptureRuleError(TopForgeError):
    """A capture that nvdiffrec cannot read."""

    def __init__(self, where: Path, problem: str, fix: str) -> None:
        super().__init__("%s: %s." % (where, problem), fix)


class SizeError(TopForgeError):
    """The size to train at is not that of the photographs."""

    def __init__(self, picture: Path, size: Size, train_res: Size) -> None:
        super().__init__(
            '"train_res" is [%d, %d], but %s is %d high and %d wide: nvdiffrec compares them pixel by pixel.'
            % (*train_res, picture, *size),
            "Set train_res to [%d, %d], or to null; to train smaller, scale the photographs." % size,
        )


class UnknownSizeError(TopForgeError):
    """Photographs in a format that is not looked into, and no size given."""

    def __init__(self) -> None:
        super().__init__(
            '"train_res" is null, and the photographs are neither PNG nor JPEG, so that their size is not known.',
            "Set train_res to their [height, width].",
        )


@dataclasses.dataclass(frozen=True)
class Dataset:
    """What kind of dataset, and the size of its pictures."""

    kind: str
    size: Size
    """Height, width; for a mesh the default."""
    picture: Optional[Path] = None
    """One of that size."""

    def require_size(self, train_res: Optional[Size]) -> None:
        """Refuses another size to train at.

        Raises:
            SizeError: With the size it must be.
            UnknownSizeError: Nothing tells the size.
        """
        if train_res is not None and self.picture is not None and tuple(train_res) != self.size:
            raise SizeError(self.picture, self.size, train_res)
        if train_res is None and self.picture is None and self.kind != MESH:
            raise UnknownSizeError()


def kind_of(path: Path) -> str:
    """MESH, NERF or LLFF, as nvdiffrec tells them apart; by what is there, without reading it.

    Raises:
        CaptureRuleError: None of them.
    """
    if path.suffix.lower() == ".obj":
        return MESH
    if (path / POSES).is_file():
        return LLFF
    if (path / SPLITS[0]).is_file():
        return NERF
    forms = "a mesh (.obj), a folder with %s, or one with %s" % (POSES, SPLITS[0])
    fix = "Convert the capture: `topforge convert` writes both forms."
    raise CaptureRuleError(path, "nvdiffrec reads %s, and this is none of them" % forms, fix)


def check(path: Path) -> Dataset:
    """Checks a capture, or only tells that it is a mesh, whose own rules are `upstream.mesh_rules`.

    Raises:
        TopForgeError: The first thing nvdiffrec would fail on, with its fix.
    """
    kind = kind_of(path)
    if kind == MESH:
        return Dataset(MESH, DEFAULT_SIZE)
    return _check_nerf(path) if kind == NERF else _check_llff(path)


def _check_nerf(folder: Path) -> Dataset:
    pictures: List[Path] = []
    for name in SPLITS:
        if not (folder / name).is_file():
            fix = "Add it; the frames of %s would do for a start." % SPLITS[0]
            raise CaptureRuleError(folder, "it has no %s, which nvdiffrec reads too" % name, fix)
        pictures += _pictures_of(folder / name)
    return _equal(NERF, pictures, needs_alpha=True)


def _pictures_of(file: Path) -> List[Path]:
    root = strict_json.read(file)
    if not isinstance(root, dict) or type(root.get("camera_angle_x")) not in (int, float):
        raise CaptureRuleError(file, 'it has no number "camera_angle_x"', "Export the transforms again.")
    frames = root.get("frames")
    if not isinstance(frames, list) or not frames:
        raise CaptureRuleError(file, 'it has no "frames"', "Export the transforms again.")
    return [_picture_of(file, index, frame) for index, frame in enumerate(frames)]


def _picture_of(file: Path, index: int, frame: Any) -> Path:
    where = "frames[%d]" % index
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str) or not _is_matrix(frame):
        problem = '%s needs a "file_path" and a 4 x 4 "transform_matrix"' % where
        raise CaptureRuleError(file, problem, "Export the transforms again.")
    named = str(frame["file_path"])
    path = file.parent / named
    found = sorted(path.parent.glob(path.name + ".*")) if path.parent.is_dir() else []
    if len(found) == 1:
        return found[0]
    if not found and path.is_file():
        problem = '%s: file_path "%s" has an extension; nvdiffrec adds one itself and finds nothing' % (where, named)
        raise CaptureRuleError(file, problem, 'Write "%s".' % Path(named).with_suffix("").as_posix())
    if not found:
        raise CaptureRuleError(file, '%s: there is no picture "%s.*"' % (where, path), "Put it there.")
    names = ", ".join(each.name for each in found)
    fix = "Move all but one away, or give the others names that begin otherwise."
    raise CaptureRuleError(file, '%s: "%s" means several pictures (%s)' % (where, named, names), fix)


def _is_matrix(frame: Any) -> bool:
    matrix = frame.get("transform_matrix")
    rows = matrix if isinstance(matrix, list) else []
    return len(rows) == 4 and all(
        isinstance(row, list) and len(row) == 4 and all(type(value) in (int, float) for value in row) for row in rows
    )


def _equal(kind: str, pictures: Sequence[Path], needs_alpha: bool) -> Dataset:
    """The common size of the pictures."""
    first: Optional[Tuple[Path, Size]] = None
    for path in pictures:
        picture = _header(path)
        if picture is None:
            continue
        if needs_alpha and not picture.has_alpha:
            fix = "Export RGBA PNG with the mask as alpha, or use the poses_bounds.npy form, which has masks/."
            raise CaptureRuleError(path, "it has no alpha channel, which is the mask", fix)
        size = (picture.height, picture.width)
        if first is not None and first[1] != size:
            problem = "it is %d x %d, but %s is %d x %d" % (*size, first[0], *first[1])
            raise CaptureRuleError(path, problem + " (height x width)", "Export all photographs at one size.")
        first = first or (path, size)
    if first is None:  # EXR or HDR, which only the trainer can read
        return Dataset(kind, DEFAULT_SIZE)
    return Dataset(kind, first[1], first[0])


def _header(path: Path) -> Optional[PictureHeader]:
    """Size and alpha of a picture; None for EXR and HDR, which are not looked into."""
    try:
        with path.open("rb") as stream:
            return picture_header.read(stream)
    except (OSError, ValueError) as error:
        raise CaptureRuleError(path, "it cannot be read (%s)" % error, "Export it again as PNG.") from error


def _check_llff(folder: Path) -> Dataset:
    images, masks = _listed(folder / "images"), _listed(folder / "masks")
    poses = _rows(folder / POSES)
    if not poses == len(images) == len(masks):
        problem = "%s has %d poses, but there are %d images and %d masks" % (POSES, poses, len(images), len(masks))
        raise CaptureRuleError(folder, problem, "Give each pose one image and one mask; they are paired by name.")
    _equal(LLFF, [images[0], *masks], needs_alpha=False)
    return _equal(LLFF, images, needs_alpha=False)


def _listed(folder: Path) -> List[Path]:
    if not folder.is_dir():
        fix = "A capture with poses_bounds.npy needs images/ and masks/; masks are compulsory."
        raise CaptureRuleError(folder, "there is no such folder", fix)
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES)


def _rows(path: Path) -> int:
    """Number of poses, from the file's header (NumPy's format 1 to 3).

    Raises:
        CaptureRuleError: Not a table of 17 columns.
    """
    try:
        with path.open("rb") as stream:
            magic = stream.read(8)
            if magic[:6] != b"\x93NUMPY":
                raise ValueError("it is no .npy file")
            wide = magic[6] > 1
            (length,) = struct.unpack("<I" if wide else "<H", stream.read(4 if wide else 2))
            shape = ast.literal_eval(stream.read(length).decode("latin1"))["shape"]
    except (OSError, ValueError, KeyError, SyntaxError, struct.error) as error:
        raise CaptureRuleError(path, "it cannot be read (%s)" % error, "Export the poses again.") from error
    if len(shape) != 2 or shape[1] != 17 or shape[0] < 1:
        problem = "its shape is %s, not [poses, 17]" % json.dumps(shape)
        raise CaptureRuleError(path, problem, "Export the poses in LLFF's form.")
    return int(shape[0])
