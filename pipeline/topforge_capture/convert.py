"""Turns a capture of any format that is read into one of any format that is written, and says what was lost.

What is written is read back: every view must place points where it did, to a hundredth of a pixel.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import numpy as np

from topforge import atomic
from topforge_capture import box, formats, losses, placing, reader, resample, verification
from topforge_capture.capture import Bound, CaptureError, Dataset, View
from topforge_capture.checks.space import recommended_box
from topforge_capture.formats.base import Format

REPORT = "conversion.json"
VERSION = 1
READ, RESAMPLED, BOXED, PLACED = 0.1, 0.5, 0.7, 0.95
"""Progress at the end of each part."""
Progress = Callable[[float, str], None]


@dataclasses.dataclass(frozen=True, eq=False)
class Request:
    """What is to be done."""

    source: Path
    """The capture's folder, or a file in it."""
    out: Path
    """The folder to write, which must not exist or be empty."""
    to: str
    """One of `formats.NAMES`."""
    images: str = "copy"
    """One of `placing.MODES`."""
    undistort: bool = False
    """Resample images to what format and training hold, instead of losing it."""
    hold_out: int = 0
    """Every so many views become validation views where the capture has no splits; 0 = none."""
    find_box: bool = False
    box: Optional[Bound] = None
    """In TopForge's world, before centring."""
    centre: bool = False
    """Move the world so that the box's middle becomes the origin."""
    fit: float = 0.0
    """Also scale it, so that the box needs a mesh_scale of this; 0 = leave its size."""
    photographs: Optional[Path] = None
    """Where images are looked for first."""


def convert(request: Request, progress: Progress) -> Dict[str, Any]:
    """Converts, and returns the report, which lies in the result as well (`conversion.json`).

    Raises:
        CaptureError: The capture cannot be read, or not be written in this format.
        verification.NotTheSameError: A defect.
    """
    _expect_empty(request.out.absolute())
    problems: List[CaptureError] = []
    progress(0.0, "reading %s" % request.source)
    dataset = reader.read_all(request.source, request.photographs, problems.append)
    if not dataset.views:
        raise _none_read(problems)
    return write(dataset, request, progress, problems)


def _none_read(problems: Sequence[CaptureError]) -> CaptureError:
    """The failure of a capture none of whose views can be read; they mostly have it in common."""
    if not problems:
        return CaptureError("no-frames", "There is no view.", "Export the poses again.")
    first, count = problems[0], len(problems)
    fix = first.fix
    if first.code == "missing-image":
        fix = "Say where the photographs are: --photographs DIR (photographs in a job)."
    reason = first.reason if count == 1 else "None of %d views can be read. The first: %s" % (count, first.reason)
    return CaptureError(first.code, reason, fix, first.files)


def write(
    dataset: Dataset, request: Request, progress: Progress, problems: Sequence[CaptureError] = ()
) -> Dict[str, Any]:
    """The same for a capture that was read, or made, before; `request.source` is a mere name then.

    Args:
        dataset: At least one view.
        request: What is to be done.
        progress: Told how far it is.
        problems: Views that could not be read, for the report.
    """
    out = request.out.absolute()
    _expect_empty(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=atomic.TEMPORARY + out.name, dir=str(out.parent)))
    try:
        report = _write(dataset, request, folder, progress)
        report["left_out"] = [problem.reason for problem in problems]
        atomic.write_json(folder / REPORT, report)
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()
        folder.replace(out)
    finally:
        shutil.rmtree(str(folder), ignore_errors=True)  # gone after success
    progress(1.0, "converted")
    return report


def _expect_empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CaptureError("not-empty", "%s is there already." % out, "Name a folder that does not exist.", (out,))


def _write(dataset: Dataset, request: Request, folder: Path, progress: Progress) -> Dict[str, Any]:
    """Does everything that follows reading."""
    form = formats.by_name(request.to)
    source = dataset.captures[0]
    dataset = held_out(dataset, request.hold_out)
    scratch = folder / "scratch"
    scratch.mkdir()
    whole = dataset  # with the cloud and the masks that tell where the object is, whether the format holds them or not
    lost, blank, dataset = _fitted(dataset, request, form, scratch, _part(progress, READ, RESAMPLED))
    dataset = _boxed(dataset, whole, request, form, _part(progress, RESAMPLED, BOXED))
    move = _move(dataset, request)
    dataset = _moved(dataset, move)
    where = placing.Place(form, folder, request.images, scratch)
    dataset, rewritten = placing.place(dataset, where, _part(progress, BOXED, PLACED))
    form.write(folder, dataset)
    shutil.rmtree(str(scratch))
    return {
        "version": VERSION,
        "source": str(request.source),
        "from": source.format,
        "to": form.name,
        "views": {capture.split: len(capture.views) for capture in dataset.captures},
        "lost": [dataclasses.asdict(loss) for loss in lost],
        "notes": _notes(dataset, form, rewritten, blank),
        "world": source.world,
        "source_to_result": (form.world_to_file @ move @ source.file_to_world).tolist(),
        "box": box.for_trainers(dataset.bound) if dataset.bound is not None else None,
        "pixels": verification.verify(dataset, form, folder),
    }


def _fitted(
    dataset: Dataset, request: Request, form: Format, scratch: Path, progress: Progress
) -> Tuple[List[losses.Loss], float, Dataset]:
    """Losses, the largest blank share of a resampled image, and the capture as the format holds it."""
    holds = form.holds
    if request.undistort:
        holds = dataclasses.replace(holds, distortion=frozenset(), stretch=False, skew=False)
    fitted, lost = losses.fit(dataset, holds)
    if not request.undistort:
        return lost, 0.0, fitted
    blank, done = 0.0, 0
    before = iter(dataset.views)
    captures = []
    for capture in fitted.captures:
        views = []
        for view in capture.views:
            taken = next(before)
            progress(done / len(fitted.views), "resampling %s" % taken.image.name)
            if losses.shift(taken, view) > losses.NOTICEABLE:
                view, share = resample.write(taken, view, scratch / ("%06d.png" % done))
                blank = max(blank, share)
            views.append(view)
            done += 1
        captures.append(dataclasses.replace(capture, views=tuple(views)))
    lost = [loss for loss in lost if loss.pixels == 0]
    return lost, blank, dataclasses.replace(fitted, captures=tuple(captures))


def held_out(dataset: Dataset, every: int) -> Dataset:
    """Makes every so many training views, the first among them, validation views, unless there are splits already."""
    if every <= 0 or len(dataset.captures) > 1:
        return dataset
    capture = dataset.captures[0]
    kept = tuple(view for index, view in enumerate(capture.views) if index % every)
    held = tuple(view for index, view in enumerate(capture.views) if index % every == 0)
    if not kept:
        reason = "--hold_out %d leaves none of %d views to train on." % (every, len(capture.views))
        raise CaptureError("bad-value", reason, "Use --hold_out 8.")
    train = dataclasses.replace(capture, views=kept)
    return dataclasses.replace(dataset, captures=(train, dataclasses.replace(capture, split="val", views=held)))


def _boxed(dataset: Dataset, whole: Dataset, request: Request, form: Format, progress: Progress) -> Dataset:
    if request.box is not None:
        return dataclasses.replace(dataset, bound=request.box)
    wanted = form.needs_bound or request.centre or request.fit > 0
    if request.find_box or (wanted and dataset.bound is None):
        return dataclasses.replace(dataset, bound=box.find(whole, progress))
    return dataset


def _move(dataset: Dataset, request: Request) -> np.ndarray:
    """What brings the box where it is wanted: [4, 4], a shift and one scale for all axes."""
    move = np.eye(4)
    if dataset.bound is not None and (request.centre or request.fit > 0):
        bounds = np.stack([dataset.bound.low, dataset.bound.high])
        middle, _, side = recommended_box(bounds)
        scale = request.fit / side if request.fit > 0 else 1.0
        move[:3, :3] *= scale
        move[:3, 3] = -scale * middle
    return move


def _moved(dataset: Dataset, move: np.ndarray) -> Dataset:
    scale = float(move[0, 0])

    def change(view: View) -> View:
        matrix = view.camera_to_world.copy()
        matrix[:3, 3] = scale * matrix[:3, 3] + move[:3, 3]
        if view.has_planes:
            view = dataclasses.replace(view, near=scale * view.near, far=scale * view.far)
        return dataclasses.replace(view, camera_to_world=matrix)

    return dataclasses.replace(
        dataset.with_views(change),
        points=dataset.points.moved(move) if dataset.points is not None else None,
        bound=dataset.bound.moved(move) if dataset.bound is not None else None,
    )


def _notes(dataset: Dataset, form: Format, rewritten: int, blank: float) -> List[str]:
    notes = []
    if rewritten:
        place = {"alpha": "in their alpha", "mask": "in masks of their own"}.get(form.holds.coverage, "elsewhere")
        notes.append("%d images were written anew, as 8-bit PNG: their coverage is %s now." % (rewritten, place))
    if blank > 0:
        notes.append("Up to %.1f %% of a resampled image is blank: the photograph does not show it." % (100 * blank))
    bare = sum(not losses.has_coverage(view) for view in dataset.views)
    if bare and form.holds.coverage != "none":
        notes.append("%d images have neither mask nor alpha: TopForge's trainer and nvdiffrec need one." % bare)
    splits = [capture.split for capture in dataset.captures]
    if form.name == "nerf-synthetic" and "test" not in splits:
        stand_in = "The validation views stand in for test views, which nvdiffrec insists on."
        notes.append(stand_in if "val" in splits else "nvdiffrec insists on test views: hold some out with --hold_out.")
    if dataset.bound is not None and dataset.bound.source == "cameras":
        notes.append("The box is a guess from the cameras alone: there are neither masks nor a sparse cloud.")
    return notes


def _part(progress: Progress, begin: float, end: float) -> Progress:
    return lambda done, message: progress(begin + (end - begin) * done, message)
