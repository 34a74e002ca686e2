"""Can everything that the pose files name be read?"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Dict, Iterator, List

from topforge_capture.capture import CaptureError
from topforge_capture.checks.registry import Material, check, from_error
from topforge_capture.findings import Finding, Severity, fine

MANY = {
    "missing-image": "%d images that the pose files name do not exist.",
    "unreadable-image": "%d images cannot be read.",
    "wrong-size": "%d pictures are not of the size that their poses or images have.",
}
"""One sentence for many failures of the same kind."""


@check("files", "Files")
def files(material: Material) -> Iterator[Finding]:
    """Pose files and images can be read."""
    survey = material.survey
    kinds: Dict[str, List[CaptureError]] = defaultdict(list)
    for problem in survey.problems:
        if all(problem.reason != other.reason for other in kinds[problem.code]):
            kinds[problem.code].append(problem)
    for code, problems in kinds.items():
        if len(problems) == 1 or code not in MANY:
            yield from (from_error(problem, survey) for problem in problems)
        else:
            names = tuple(survey.name(file) for problem in problems for file in problem.files)
            yield Finding(Severity.ERROR, code, MANY[code] % len(problems), problems[0].fix, names)
    if not survey.problems:
        counts = ", ".join("%d %s" % (len(capture.views), capture.split) for capture in survey.captures)
        yield fine("files", "Every pose has an image that can be read: %s." % counts)


@check("size", "Image size")
def size(material: Material) -> Iterator[Finding]:
    """All images have the same size."""
    sizes = Counter((photo.view.width, photo.view.height) for photo in material.survey.photos)
    if not sizes:
        return
    (width, height), count = sizes.most_common(1)[0]
    odd = [p for p in material.survey.photos if (p.view.width, p.view.height) != (width, height)]
    if odd:
        sentence = "%d of %d images are not %d x %d pixels like the others." % (
            len(odd),
            count + len(odd),
            width,
            height,
        )
        yield Finding(Severity.ERROR, "mixed-sizes", sentence, "Bring all images to one size.", material.files(odd))
    else:
        yield fine("size", "All images are %d x %d pixels." % (width, height))


@check("count", "Number of views", needs=("files",))
def count(material: Material) -> Iterator[Finding]:
    """There are enough training views."""
    views, least = len(material.photos), material.options.minimum_views
    if views < least:
        sentence = "There are %d training views; at least %d are asked for." % (views, least)
        yield Finding(Severity.ERROR, "too-few-views", sentence, "Add views from other directions.")
    elif views < 20:
        sentence = "There are only %d training views; 50 or more give a much better shape." % views
        yield Finding(Severity.WARNING, "few-views", sentence, "Add views from other directions.")
    else:
        yield fine("count", "%d training views." % views)
