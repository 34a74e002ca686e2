"""Cameras of an OpenUSD stage (UsdGeomCamera). Written as text; read with Pixar's library where there is one.

USD's cameras have no photographs. Attributes of our own carry them: `topforge:image`, `topforge:mask`,
`topforge:split`, `topforge:resolution`. Without them a camera's image is the one that is called like the camera.
Focal length and apertures are in tenths of a scene unit, so that only their ratios matter; aperture offsets move the
frustum's window, which is against the principal point. Matrices are for row vectors. Units are not scaled.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import FAR, NEAR, Capture, CaptureError, Dataset, View
from topforge_capture.formats.base import (
    SPLITS,
    Z_UP_TO_Y_UP,
    Format,
    Holds,
    OnProblem,
    Source,
    bad_value,
    find_photograph,
    relative_path,
)
from topforge_capture.headers import read_header
from topforge_capture.usd_text import camera_text, indented, layer_text, prim_names

SUFFIXES = (".usda", ".usd", ".usdc", ".usdz")
DOC = "Cameras of a capture, written by TopForge"


def find(path: Path) -> Optional[Path]:
    """The stage that is named, or `cameras.usda` (`.usd`, `.usdc`) in a folder. A result's asset must be named."""
    if path.is_file():
        return path if path.suffix.lower() in SUFFIXES else None
    return next((path / ("cameras" + s) for s in SUFFIXES if (path / ("cameras" + s)).is_file()), None)


def _stage(file: Path) -> Tuple[Any, Any, Any]:
    """The stage, and pxr's UsdGeom and Usd.

    Raises:
        CaptureError: There is no USD library, or it cannot read the file.
    """
    try:
        from pxr import Tf, Usd, UsdGeom  # type: ignore[import-untyped]
    except ImportError as error:
        reason = "%s: reading USD needs Pixar's library, which this Python does not have." % file
        fix = "Read it in Houdini's Python (hython), or install usd-core into the environment that --env names."
        raise CaptureError("no-usd", reason, fix, (file,)) from error
    try:
        return Usd.Stage.Open(str(file)), UsdGeom, Usd
    except Tf.ErrorException as error:
        detail = str(error).strip().splitlines()[0].rsplit(" : ", 1)[-1].strip("'")
        reason = "%s cannot be opened as a USD stage: %s." % (file, detail)
        raise CaptureError("bad-usd", reason, "Export it again.", (file,)) from error


class _Stage(NamedTuple):
    """A stage's cameras. The stage stays with them: prims end with it."""

    stage: Any
    turn: np.ndarray
    """[4, 4] from its world to TopForge's."""
    cameras: List[Tuple[Any, Any, np.ndarray]]
    """Prim, camera (GfCamera) and [4, 4] camera to world."""


def _opened(file: Path) -> _Stage:
    """Every camera, at the stage's first time."""
    stage, geom, usd = _stage(file)
    time = usd.TimeCode.EarliestTime()
    turn = Z_UP_TO_Y_UP if geom.GetStageUpAxis(stage) == geom.Tokens.z else np.eye(4)
    found = []
    for prim in stage.Traverse():
        if prim.IsA(geom.Camera):
            camera = geom.Camera(prim).GetCamera(time)
            found.append((prim, camera, turn @ np.array(camera.transform, np.float64).T))
    if not found:
        raise CaptureError("no-frames", "%s holds no camera." % file, "Export the cameras.", (file,))
    return _Stage(stage, turn, found)


def _split(prim: Any) -> str:
    value = prim.GetAttribute("topforge:split")
    return str(value.Get()) if value else "train"


def splits(source: Source) -> Tuple[str, ...]:
    """Those that cameras name."""
    opened = _opened(source.file)
    named = {_split(prim) for prim, _, _ in opened.cameras}
    return tuple(split for split in SPLITS if split in named)


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads the cameras of one split.

    Raises:
        CaptureError: The stage cannot be used.
    """
    views: List[View] = []
    opened = _opened(source.file)
    for prim, camera, matrix in opened.cameras:
        try:
            if _split(prim) == split:
                views.append(_view(source, prim, camera, matrix))
        except CaptureError as problem:
            on_problem(problem)
    world = "cameras of %s, turned to y up if the stage is z up" % source.file.name
    return Capture(source.folder, split, "usd", tuple(views), world, opened.turn)


def _view(source: Source, prim: Any, camera: Any, matrix: np.ndarray) -> View:
    name = prim.GetDisplayName() or prim.GetName()
    named = prim.GetAttribute("topforge:image")
    image = find_photograph(source, named.Get().path if named else name)
    header = read_header(image)
    size = prim.GetAttribute("topforge:resolution")
    if size and tuple(size.Get()) != (header.width, header.height):
        reason = "is %s, but %s is %d x %d" % (tuple(size.Get()), image.name, header.width, header.height)
        raise bad_value(source.file, "%s.topforge:resolution" % prim.GetPath(), reason, "Export the cameras again.")
    if camera.projection != type(camera).Perspective or min(camera.focalLength, camera.horizontalAperture) <= 0:
        raise bad_value(source.file, str(prim.GetPath()), "is not a perspective camera", "Leave it out.")
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    if lengths.min() <= 0:
        raise bad_value(source.file, str(prim.GetPath()), "has a matrix that flattens space", "Export it again.")
    matrix[:3, :3] /= lengths  # a scaled parent scales the axes as well; a camera has no size
    across, down = header.width / camera.horizontalAperture, header.height / camera.verticalAperture
    fx, fy = camera.focalLength * across, camera.focalLength * down
    mask = prim.GetAttribute("topforge:mask")
    near, far = camera.clippingRange.min, camera.clippingRange.max
    given = prim.GetAttribute("clippingRange").HasAuthoredValue() and 0 < near < far
    return View(
        name=name,
        image=image,
        mask=find_photograph(source, mask.Get().path) if mask else None,
        camera_to_world=matrix,
        fov_y=2.0 * math.atan(0.5 * header.height / fy),
        width=header.width,
        height=header.height,
        near=_plane(near, NEAR) if given else NEAR,
        far=_plane(far, FAR) if given else FAR,
        principal_offset=(-camera.horizontalApertureOffset * across, camera.verticalApertureOffset * down),
        stretch=fx / fy,
    )


def _plane(stored: float, default: float) -> float:
    """The default when that is what single precision made of it."""
    return default if math.isclose(stored, default, rel_tol=1e-6) else float(stored)


def write(folder: Path, dataset: Dataset) -> None:
    """cameras.usda."""
    pairs = [(view, capture.split) for capture in dataset.captures for view in capture.views]
    prims = prim_names([view.name for view, _ in pairs], before_digit="cam_")
    text = "".join(_text(view, split, prim, folder) for (view, split), prim in zip(pairs, prims))
    scope = 'def Scope "cameras"\n{\n%s}\n' % indented(text, 1)
    atomic.write_text(folder / "cameras.usda", layer_text("cameras", DOC, scope))


def _text(view: View, split: str, prim: str, folder: Path) -> str:
    more = ["custom asset topforge:image = @%s@" % relative_path(view.image, folder)]
    if view.mask:
        more.append("custom asset topforge:mask = @%s@" % relative_path(view.mask, folder))
    more.append('custom string topforge:split = "%s"' % split)
    more.append("custom int2 topforge:resolution = (%d, %d)" % (view.width, view.height))
    size, planes = (view.width, view.height), (view.near, view.far)
    offset = view.principal_offset
    return camera_text(prim, view.name, view.camera_to_world, size, view.fov_y, offset, planes, view.stretch, more)


FORMAT = Format(
    name="usd",
    title="OpenUSD cameras: cameras.usda",
    holds=Holds(stretch=True, planes=True, splits=True, references=True),
    find=find,
    read=read,
    write=write,
    splits=splits,
)
