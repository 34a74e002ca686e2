"""Looks once at everything a capture holds: poses of each split, and each image decoded once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Callable, List, Tuple

from topforge_capture import reader
from topforge_capture.capture import Capture, CaptureError, View
from topforge_capture.photo import Photo, examine

Progress = Callable[[float, str], None]
"""Called with a fraction in [0, 1] and what is being done."""


@dataclasses.dataclass(frozen=True, eq=False)
class Survey:
    """All facts that the checks judge."""

    folder: Path
    captures: Tuple[Capture, ...]
    """The splits that could be read, "train" first."""
    photos: Tuple[Photo, ...]
    """Every image that could be decoded, in the order of `captures`."""
    problems: Tuple[CaptureError, ...]
    """What could not be read."""

    def of(self, split: str) -> Tuple[Photo, ...]:
        """The photos of one split."""
        return tuple(photo for photo in self.photos if photo.split == split)

    def name(self, file: Path) -> str:
        """A file as findings name it: relative to the capture where it lies inside."""
        return file.relative_to(self.folder).as_posix() if self.folder in file.parents else str(file)


def survey(folder: Path, progress: Progress) -> Survey:
    """Reads and decodes a whole capture, collecting what fails instead of stopping at it."""
    problems: List[CaptureError] = []
    captures = _read_splits(folder, problems)
    views = [(capture.split, view) for capture in captures for view in capture.views]
    photos: List[Photo] = []
    for index, (split, view) in enumerate(views):
        progress(index / len(views), "looking at %s" % view.image.name)
        _examine(view, split, photos, problems)
    return Survey(folder, tuple(captures), tuple(photos), tuple(problems))


def _read_splits(folder: Path, problems: List[CaptureError]) -> List[Capture]:
    captures: List[Capture] = []
    for split in reader.splits(folder) or ("train",):
        try:
            captures.append(reader.read(folder, split, problems.append))
        except CaptureError as problem:
            problems.append(problem)
    return captures


def _examine(view: View, split: str, photos: List[Photo], problems: List[CaptureError]) -> None:
    try:
        photos.append(examine(view, split))
    except CaptureError as problem:
        problems.append(problem)
