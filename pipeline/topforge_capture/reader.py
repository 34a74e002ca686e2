"""Finds out a capture's format and reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, List, Tuple

from topforge_capture import colmap, colmap_model, llff, nerf_synthetic
from topforge_capture.capture import Capture, CaptureError

SPLITS = ("train", "val", "test")


def read(folder: Path, split: str = "train", on_problem: Callable[[CaptureError], None] | None = None) -> Capture:
    """Reads the poses of a capture and looks at the headers of its images; decodes none of them.

    Args:
        folder: Holds `transforms_<split>.json` (NeRF-synthetic), `poses_bounds.npy` (LLFF, NeRD) or a
            COLMAP model in `sparse/`.
        split: "train", "val" or "test".
        on_problem: Called with the failure of a single view, which is then left out; None = such a failure is raised.

    Raises:
        CaptureError: There is no capture, no such split, or something in it cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise CaptureError("no-capture", "%s is not a folder." % folder, "Give the folder that holds the capture.")
    report = on_problem or _raise
    transforms = nerf_synthetic.transforms_file(folder, split)
    if transforms is not None:
        return nerf_synthetic.read(transforms, split, report)
    found = splits(folder)
    if found == ("train",) and (folder / "poses_bounds.npy").is_file() and split == "train":
        return llff.read(folder, split, report)
    model = colmap_model.find(folder)
    if found == ("train",) and model and split == "train":
        return colmap.read(folder, model, split, report)
    if found:
        reason = "%s has no split %r; it has %s." % (folder, split, ", ".join(found))
        raise CaptureError("no-split", reason, "Add transforms_%s.json, or ask for another split." % split)
    forms = "transforms_train.json (NeRF-synthetic), poses_bounds.npy (LLFF), sparse/ (COLMAP)"
    reason = "%s holds none of: %s." % (folder, forms)
    raise CaptureError("no-capture", reason, "Give the folder that holds the capture's pose file.")


def splits(folder: Path) -> Tuple[str, ...]:
    """The splits a capture has, in the order train, val, test. LLFF and COLMAP captures have "train" alone."""
    folder = Path(folder)
    found: List[str] = [split for split in SPLITS if nerf_synthetic.transforms_file(folder, split)]
    other = (folder / "poses_bounds.npy").is_file() or colmap_model.find(folder) is not None
    return tuple(found) or (("train",) if other else ())


def _raise(problem: CaptureError) -> None:
    raise problem
