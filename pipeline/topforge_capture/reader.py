"""Finds out a capture's format and reads it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, Optional, Tuple

from topforge_capture import formats, pinhole
from topforge_capture.capture import Capture, CaptureError, Dataset, View

OnProblem = Callable[[CaptureError], None]


def read(folder: Path, split: str = "train", on_problem: Optional[OnProblem] = None) -> Capture:
    """Reads the poses of a capture to train on, and looks at the headers of its images; decodes none of them.

    Args:
        folder: Holds `transforms_<split>.json` (NeRF-synthetic), `poses_bounds.npy` (LLFF, NeRD), a COLMAP model in
            `sparse/`, or what else `formats.FORMATS` knows.
        split: "train", "val", "test", or another that a NeRF-synthetic capture has a file of.
        on_problem: Called with the failure of a single view, which is then left out; None = such a failure is raised.

    Raises:
        CaptureError: There is no capture, no such split, something in it cannot be used, or a lens is no pinhole.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is a file, not a folder" if folder.exists() else "does not exist"
        raise CaptureError("no-capture", "%s %s." % (folder, problem), "Give the folder that holds the capture.")
    report = on_problem or _raise
    form, source = _find(folder)
    found = form.splits(source)
    if split not in found and not form.has_other(source, split):
        reason = "%s has no split %r; it has %s." % (folder, split, ", ".join(found))
        raise CaptureError("no-split", reason, "Add transforms_%s.json, or ask for another split." % split)
    capture = form.read(source, split, report)
    return dataclasses.replace(capture, views=tuple(view for view in capture.views if _passes(view, report)))


def read_all(path: Path, photographs: Optional[Path] = None, on_problem: Optional[OnProblem] = None) -> Dataset:
    """Reads a capture whatever its lenses: all splits, its sparse cloud, and what it says about the object's place.

    Args:
        path: The capture's folder, or a file in it.
        photographs: A folder where images are looked for first.
        on_problem: As in `read`.

    Raises:
        CaptureError: As `read`, lenses excepted.
    """
    form, source = _find(Path(path), photographs)
    captures = tuple(form.read(source, split, on_problem or _raise) for split in form.splits(source))
    points = form.points(source)
    if points is not None:
        points = points.moved(captures[0].file_to_world)
    return Dataset(captures, points, form.bound(source))


def splits(folder: Path) -> Tuple[str, ...]:
    """The splits a capture has, in the order train, val, test; none where there is no capture."""
    found = formats.find(Path(folder))
    return found[0].splits(found[1]) if found else ()


def _find(path: Path, photographs: Optional[Path] = None) -> Tuple[formats.Format, formats.Source]:
    found = formats.find(path, photographs)
    if found is None and not path.exists():
        fix = "Give the capture's folder, or the file with its poses."
        raise CaptureError("no-capture", "%s does not exist." % path, fix)
    if found is None:
        named = "transforms_train.json (NeRF-synthetic), poses_bounds.npy (LLFF), sparse/ (COLMAP)"
        reason = "%s holds none of: %s, nor any other form that is known." % (path, named)
        raise CaptureError("no-capture", reason, "Give the folder that holds the capture's pose file.")
    return found


def _passes(view: View, report: OnProblem) -> bool:
    try:
        pinhole.require(view)
    except CaptureError as problem:
        report(problem)
        return False
    return True


def _raise(problem: CaptureError) -> None:
    raise problem
