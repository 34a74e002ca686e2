"""What a check is, and what it is given."""

from __future__ import annotations

import dataclasses
import os
from functools import cached_property
from typing import Callable, Iterator, List, Sequence, Set, Tuple

import numpy as np

from topforge_capture.capture import CaptureError
from topforge_capture.findings import Finding, Severity
from topforge_capture.photo import Photo
from topforge_capture.posture import AS_WRITTEN, FINE, Posture, read_as
from topforge_capture.survey import Progress, Survey


@dataclasses.dataclass(frozen=True)
class Options:
    """What the person who asks expects of the capture."""

    minimum_views: int = 8
    """Fewer training views are an error."""
    mesh_scale: float = 0.0
    """Side of the training box around the origin, world units; 0 = unknown, it is only recommended."""
    masks: str = "wanted"
    """Whether every view needs a mask: a key of `checks.masks.WITHOUT`."""
    other_readings: bool = True
    """Look whether poses make sense in another convention; not where TopForge found them itself."""


@dataclasses.dataclass(frozen=True, eq=False)
class Material:
    """Everything a check may look at. What is costly is made on first use and kept."""

    survey: Survey
    options: Options

    @cached_property
    def photos(self) -> Tuple[Photo, ...]:
        """The training photos that could be decoded."""
        return self.survey.of("train")

    @cached_property
    def posed(self) -> Tuple[Photo, ...]:
        """The training photos whose masks carve: without any, no check looks at shape and place."""
        return tuple(photo for photo in self.photos if photo.carves)

    @cached_property
    def alike(self) -> Tuple[Photo, ...]:
        """The training photos whose pixels can be compared: those with masks, or all where none has one."""
        return tuple(photo for photo in self.photos if photo.masked) or self.photos

    @cached_property
    def world(self) -> np.ndarray:
        """[4, 4] from the pose file's world to TopForge's."""
        return self.survey.captures[0].file_to_world

    @cached_property
    def posture(self) -> Posture:
        """The training cameras as written, and their hull."""
        return read_as(AS_WRITTEN, self.posed, self.world, FINE)

    def file(self, photo: Photo) -> str:
        """The name of a photo in findings."""
        return self.survey.name(photo.view.image)

    def files(self, photos: List[Photo]) -> Tuple[str, ...]:
        """The names of photos in findings."""
        return tuple(self.file(photo) for photo in photos)


@dataclasses.dataclass(frozen=True)
class Check:
    """A named check."""

    name: str
    title: str
    needs: Tuple[str, ...]
    """Checks that must have found no error; otherwise this one has nothing to stand on and is left out."""
    function: Callable[[Material], Iterator[Finding]]


def check(
    name: str, title: str, needs: Tuple[str, ...] = ()
) -> Callable[[Callable[[Material], Iterator[Finding]]], Check]:
    """Makes a `Check` of a function from `Material` to findings."""
    return lambda function: Check(name, title, needs, function)


def run(checks: Sequence[Check], material: Material, progress: Progress) -> List[Tuple[Check, List[Finding]]]:
    """Runs checks in order; those whose needs failed give no finding at all."""
    results: List[Tuple[Check, List[Finding]]] = []
    failed: Set[str] = set()
    for index, each in enumerate(checks):
        progress(index / len(checks), "checking %s" % each.title.lower())
        groundless = bool(failed.intersection(each.needs))
        findings = [] if groundless else list(each.function(material))
        if groundless or any(finding.severity is Severity.ERROR for finding in findings):
            failed.add(each.name)
        results.append((each, findings))
    return results


def from_error(error: CaptureError, survey: Survey) -> Finding:
    """A reader's failure as a finding, its paths shortened to those below the capture."""
    sentence = error.reason.replace(str(survey.folder) + os.sep, "")
    return Finding(Severity.ERROR, error.code, sentence, error.fix, tuple(survey.name(file) for file in error.files))
