"""RealityScan's and RealityCapture's metadata: an XMP file beside each image.

From the published page on its camera math: `Rotation` is world to camera, row by row, camera axes are OpenCV's;
`Position` is the camera's centre; the world is z up. The sample on that page agrees: its cameras stand upright so. So
does a camera that was exported in both ways (tests: the same rotation, to 1e-9, as the CSV's angles say).
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np

from topforge import atomic
from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.formats import realityscan
from topforge_capture.formats.base import (
    HALF_TURN,
    Z_UP_TO_Y_UP,
    Format,
    OnProblem,
    Source,
    bad_value,
    common_axes_point,
    moved,
)

NAMESPACE = "http://www.capturingreality.com/ns/xcr/1.1#"
PREFIX = "{%s}" % NAMESPACE
MODELS = ("perspective", "brown3", "brown4", "brown3t2", "brown4t2")
"""`DistortionModel`; others (division, rational) have no counterpart here, unless all of their coefficients are 0."""
SIDECAR = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
  <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description xcr:Version="3" xcr:PosePrior="initial" xcr:Coordinates="absolute"
       xcr:DistortionModel="%(model)s" xcr:FocalLength35mm="%(focal)s" xcr:Skew="0" xcr:AspectRatio="1"
       xcr:PrincipalPointU="%(u)s" xcr:PrincipalPointV="%(v)s" xcr:CalibrationPrior="initial"
       xmlns:xcr="%(namespace)s">
      <xcr:Rotation>%(rotation)s</xcr:Rotation>
      <xcr:Position>%(position)s</xcr:Position>
      <xcr:DistortionCoeficients>%(brown)s</xcr:DistortionCoeficients>
    </rdf:Description>
  </rdf:RDF>
</x:xmpmeta>
"""


def find(path: Path) -> Optional[Path]:
    """The folder with the XMP files: the one that is named, or its images/."""
    if path.is_file():
        return path.parent if path.suffix.lower() == ".xmp" and _is_ours(path) else None
    return next((place for place in (path, path / "images") if any(map(_is_ours, _files(place)))), None)


def _files(folder: Path) -> List[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xmp") if folder.is_dir() else []


def _is_ours(file: Path) -> bool:
    return NAMESPACE.encode() in file.read_bytes()


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads all images with a pose: the form has no splits.

    Raises:
        CaptureError: The files as a whole cannot be used.
    """
    posed = {file: values for file, values in ((f, _values(f)) for f in _files(source.file)) if "Rotation" in values}
    if not posed:
        reason = "No XMP file in %s has a rotation." % source.file
        raise CaptureError("no-frames", reason, "Export the metadata after the alignment.", (source.file,))
    matrices = [_matrix(file, values) for file, values in posed.items()]
    origin = common_axes_point(matrices)
    views: List[View] = []
    for (file, values), matrix in zip(posed.items(), matrices):
        matrix[:3, 3] -= origin
        try:
            views.append(_view(source, file, values, matrix))
        except CaptureError as problem:
            on_problem(problem)
    text = "cameras of the XMP files, z up, turned to y up, moved so that %s becomes the origin" % np.round(origin, 4)
    matrix = moved(Z_UP_TO_Y_UP, origin)
    return Capture(source.folder, split, "realityscan-xmp", tuple(views), text, matrix)


def _values(file: Path) -> Dict[str, str]:
    """What a sidecar says, as attributes or as elements."""
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except ElementTree.ParseError as error:
        raise CaptureError("bad-xml", "%s: %s." % (file, error), "Export the metadata again.", (file,)) from error
    values: Dict[str, str] = {}
    for element in root.iter():
        if element.tag.startswith(PREFIX):
            values[element.tag[len(PREFIX) :]] = element.text or ""
        for name, value in element.attrib.items():
            if name.startswith(PREFIX):
                values[name[len(PREFIX) :]] = value
    return values


def _numbers(file: Path, values: Dict[str, str], name: str, count: int) -> List[float]:
    try:
        numbers = [float(word) for word in values.get(name, "").split()]
    except ValueError:
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise bad_value(file, "xcr:" + name, "is not %d finite numbers" % count, "Export the metadata again.")
    return numbers


def _matrix(file: Path, values: Dict[str, str]) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(_numbers(file, values, "Rotation", 9)).reshape(3, 3).T
    matrix[:3, 3] = _numbers(file, values, "Position", 3)
    return Z_UP_TO_Y_UP @ matrix @ HALF_TURN


def _view(source: Source, file: Path, values: Dict[str, str], matrix: np.ndarray) -> View:
    model = values.get("DistortionModel", "perspective")
    brown = [0.0] * 6
    if "DistortionCoeficients" in values and model != "perspective":
        brown = _numbers(file, values, "DistortionCoeficients", 6)
    if model not in MODELS and any(brown):
        fix = "Align with a Brown model, or export undistorted images."
        raise bad_value(file, "xcr:DistortionModel", "is %s, which is not known here" % model, fix)
    try:
        skew, aspect = realityscan.numbers_of(values, ("Skew", "AspectRatio"))
        principal = realityscan.numbers_of(values, ("PrincipalPointU", "PrincipalPointV"))
        focal = realityscan.numbers_of(values, ("FocalLength35mm",))[0]
    except ValueError as error:
        raise bad_value(file, "xcr", "is damaged (%s)" % error, "Export the metadata again.") from error
    if abs(skew) > 1e-9 or (abs(aspect - 1.0) > 1e-9 and "AspectRatio" in values) or focal <= 0:
        reason = "has skew %g, aspect ratio %g, focal length %g" % (skew, aspect, focal)
        raise bad_value(file, "xcr", reason, "Align without skew and aspect ratio (a model without K+).")
    beside = Source(source.file, source.folder, source.photographs or file.parent)
    return realityscan.read_view(beside, file.stem, matrix, focal, principal, brown)


def write(folder: Path, dataset: Dataset) -> None:
    """A sidecar beside each image."""
    for view in dataset.views:
        matrix = np.linalg.inv(Z_UP_TO_Y_UP) @ view.camera_to_world @ HALF_TURN
        focal, principal, brown = realityscan.lens(view)
        model = "perspective"
        if view.distortion.kind != "none":
            model = ("brown4" if brown[3] else "brown3") + ("t2" if any(brown[4:]) else "")
        text = SIDECAR % {
            "model": model,
            "focal": _words([focal]),
            "u": _words(principal[:1]),
            "v": _words(principal[1:]),
            "rotation": _words(matrix[:3, :3].T.reshape(-1).tolist()),
            "position": _words(matrix[:3, 3].tolist()),
            "brown": _words(brown),
            "namespace": NAMESPACE,
        }
        atomic.write_text(view.image.with_suffix(".xmp"), text)


def _words(numbers: List[float]) -> str:
    return " ".join("%.17g" % number for number in numbers)


FORMAT = Format(
    name="realityscan-xmp",
    title="RealityScan, RealityCapture: an XMP file beside each image",
    holds=realityscan.HOLDS,
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    mask_by_file=True,
)
