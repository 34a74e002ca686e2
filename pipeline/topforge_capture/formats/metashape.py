"""Agisoft Metashape's camera export: one XML with sensors (lenses) and cameras.

Facts are those of Metashape's manual (appendix "Camera models") and of published exports: `transform` of a camera is
camera to chunk, OpenCV axes; `transform` of the chunk (or of the camera's component) has rotation, translation and
scale into the world, which is z up; cx and cy are counted from the middle of the image; b1 = fx - fy and b2 is the
skew; p1 and p2 stand the other way round than OpenCV's. Geographic chunk transforms are not undone: they are a rigid
motion into another right-handed frame, whose up is not z.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import numpy as np

from topforge import atomic
from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.formats.base import (
    HALF_TURN,
    Z_UP_TO_Y_UP,
    Format,
    Holds,
    OnProblem,
    Source,
    bad_value,
    common_axes_point,
    find_mask,
    find_photograph,
    label,
    moved,
)
from topforge_capture.headers import read_header
from topforge_capture.images import wrong_size
from topforge_capture.lens import FISHEYE, POLYNOMIAL, Distortion

KINDS = {"frame": POLYNOMIAL, "fisheye": FISHEYE}
Lens = Tuple[int, int, Dict[str, float], str]
"""Width, height, calibration by key, type."""


def find(path: Path) -> Optional[Path]:
    """The XML that is named, or the only one in a folder that is Metashape's."""
    files = [path] if path.is_file() else sorted(path.glob("*.xml")) if path.is_dir() else []
    found = [file for file in files if file.suffix.lower() == ".xml" and _is_ours(file)]
    return found[0] if found else None


def _is_ours(file: Path) -> bool:
    with file.open("rb") as stream:
        start = stream.read(4096)
    return b"<document" in start and b"<chunk" in start


def read(source: Source, split: str, on_problem: OnProblem) -> Capture:
    """Reads the cameras that were aligned; the others have no pose and are left out.

    Raises:
        CaptureError: The file as a whole cannot be used.
    """
    chunk = _chunk(source.file)
    lenses = {sensor.get("id", ""): sensor for sensor in chunk.iterfind("sensors/sensor")}
    world = _transform(source.file, chunk.find("transform"))
    components = {c.get("id", ""): _transform(source.file, c.find("transform")) for c in _placed(chunk)}
    cameras = [camera for camera in chunk.iterfind("cameras//camera") if camera.find("transform") is not None]
    if not cameras:
        reason = "%s has no camera with a transform." % source.file
        raise CaptureError("no-frames", reason, "Align the photographs, then export the cameras.", (source.file,))
    matrices = []
    for camera in cameras:
        above = components.get(camera.get("component_id", ""), world)
        matrices.append(Z_UP_TO_Y_UP @ _rigid(above @ _matrix(source.file, camera)) @ HALF_TURN)
    origin = common_axes_point(matrices)
    views: List[View] = []
    for camera, matrix in zip(cameras, matrices):
        matrix[:3, 3] -= origin
        try:
            views.append(_view(source, camera, matrix, lenses))
        except CaptureError as problem:
            on_problem(problem)
    sentence = "cameras of %s, z up, turned to y up, moved so that %s becomes the origin"
    file_to_world = moved(Z_UP_TO_Y_UP, origin)
    text = sentence % (source.file.name, np.round(origin, 4))
    return Capture(source.folder, split, "metashape", tuple(views), text, file_to_world)


def _placed(chunk: ElementTree.Element) -> List[ElementTree.Element]:
    """The components with a transform of their own, which replaces the chunk's."""
    return [component for component in chunk.iter("component") if component.find("transform") is not None]


def _chunk(file: Path) -> ElementTree.Element:
    try:
        chunk = ElementTree.parse(file).getroot().find("chunk")
    except (OSError, ElementTree.ParseError) as error:
        raise CaptureError("bad-xml", "%s: %s." % (file, error), "Export the cameras again.", (file,)) from error
    if chunk is None:
        raise CaptureError("bad-xml", "%s has no chunk." % file, "Export the cameras from Metashape.", (file,))
    return chunk


def _floats(file: Path, element: ElementTree.Element, count: int) -> np.ndarray:
    try:
        numbers = np.array((element.text or "").split(), np.float64)
    except ValueError:
        numbers = np.empty(0)
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise bad_value(file, element.tag, "is not %d finite numbers" % count, "Export the cameras again.")
    return numbers


def _transform(file: Path, element: Optional[ElementTree.Element]) -> np.ndarray:
    """[4, 4] of a `transform` with rotation, translation and scale; nothing is the identity."""
    matrix = np.eye(4)
    if element is None:
        return matrix
    parts = {name: element.find(name) for name in ("rotation", "translation", "scale")}
    if parts["rotation"] is not None:
        matrix[:3, :3] = _floats(file, parts["rotation"], 9).reshape(3, 3)
    if parts["scale"] is not None:
        matrix[:3, :3] *= _floats(file, parts["scale"], 1)[0]
    if parts["translation"] is not None:
        matrix[:3, 3] = _floats(file, parts["translation"], 3)
    return matrix


def _matrix(file: Path, camera: ElementTree.Element) -> np.ndarray:
    element = camera.find("transform")
    assert element is not None
    return _floats(file, element, 16).reshape(4, 4)


def _rigid(matrix: np.ndarray) -> np.ndarray:
    """The scale of the chunk moves cameras apart, but a camera's own axes keep their length."""
    result = matrix.copy()
    result[:3, :3] /= np.cbrt(np.linalg.det(matrix[:3, :3]))
    return result


def _view(
    source: Source, camera: ElementTree.Element, matrix: np.ndarray, lenses: Dict[str, ElementTree.Element]
) -> View:
    name = camera.get("label", "")
    sensor = lenses.get(camera.get("sensor_id", ""))
    if sensor is None:
        raise bad_value(source.file, "camera %s" % name, "names a sensor that is not there", "Export it again.")
    width, height, values, kind = _lens(source.file, sensor)
    image = find_photograph(source, name)
    header = read_header(image)
    if (header.width, header.height) != (width, height):
        raise wrong_size(image, (header.width, header.height), (width, height), source.file.name)
    f, b1 = values["f"], values["b1"]
    return View(
        name=label(name) if name.lower().endswith(image.suffix.lower()) else name,
        image=image,
        mask=find_mask(source.folder / "masks", image.name),
        camera_to_world=matrix,
        fov_y=2.0 * math.atan(0.5 * height / f),
        width=width,
        height=height,
        principal_offset=(values["cx"], values["cy"]),
        stretch=(f + b1) / f,
        skew=values["b2"],
        distortion=_distortion(source.file, values, kind),
    )


def _lens(file: Path, sensor: ElementTree.Element) -> Lens:
    """The adjusted calibration of a sensor."""
    kind = sensor.get("type", "frame")
    found = [c for c in sensor.iterfind("calibration") if c.get("class", "adjusted") == "adjusted"]
    where = "sensor %s" % sensor.get("id")
    if kind not in KINDS or not found:
        reason = "is of the type %s%s" % (kind, "" if found else ", without an adjusted calibration")
        raise bad_value(file, where, reason, "Align the photographs as frame or fisheye cameras.")
    size = found[0].find("resolution") if found[0].find("resolution") is not None else sensor.find("resolution")
    names = ("f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2", "p3", "p4")
    values = {name: 0.0 for name in names}
    for element in found[0]:
        if element.tag in values:
            values[element.tag] = float(_floats(file, element, 1)[0])
    if size is None or values["f"] <= 0 or values["f"] + values["b1"] <= 0:
        raise bad_value(file, where, "has no resolution, or no positive focal length", "Export the cameras again.")
    if values["p3"] or values["p4"]:
        raise bad_value(file, where, "has p3 or p4, which no other format knows", "Align without them, or undistort.")
    return int(size.get("width", 0)), int(size.get("height", 0)), values, kind


def _distortion(file: Path, values: Dict[str, float], kind: str) -> Distortion:
    tangential = (values["p2"], values["p1"])  # Metashape's p1 goes with x
    if kind == "fisheye" and any(tangential):
        raise bad_value(file, "p1", "is not 0 in a fisheye sensor, which OpenCV's has not", "Align without P1 and P2.")
    return Distortion.of(KINDS[kind], [values["k%d" % index] for index in range(1, 5)], tangential)


def write(folder: Path, dataset: Dataset) -> None:
    """cameras.xml: a sensor for each lens, a chunk without a transform of its own."""
    document = ElementTree.Element("document", version="2.0.0")
    chunk = ElementTree.SubElement(document, "chunk", label="TopForge", enabled="true")
    numbers: Dict[Tuple[object, ...], int] = {}
    for view in dataset.views:
        numbers.setdefault(_key(view), len(numbers))
    sensors = ElementTree.SubElement(chunk, "sensors", next_id=str(len(numbers)))
    for view in {numbers[_key(view)]: view for view in dataset.views}.values():
        _write_sensor(sensors, view, numbers[_key(view)])
    cameras = ElementTree.SubElement(chunk, "cameras", next_id=str(len(dataset.views)), next_group_id="0")
    for index, view in enumerate(dataset.views):
        sensor = str(numbers[_key(view)])
        camera = ElementTree.SubElement(cameras, "camera", id=str(index), sensor_id=sensor, label=view.image.stem)
        matrix = np.linalg.inv(Z_UP_TO_Y_UP) @ view.camera_to_world @ HALF_TURN
        ElementTree.SubElement(camera, "transform").text = " ".join("%.17g" % value for value in matrix.reshape(-1))
    text = ElementTree.tostring(document, encoding="unicode")
    atomic.write_text(folder / "cameras.xml", '<?xml version="1.0" encoding="UTF-8"?>\n%s\n' % text)


def _key(view: View) -> Tuple[object, ...]:
    return (view.width, view.height, view.intrinsics, view.skew, view.distortion)


def _write_sensor(sensors: ElementTree.Element, view: View, number: int) -> None:
    kind = "fisheye" if view.distortion.model == FISHEYE else "frame"
    sensor = ElementTree.SubElement(sensors, "sensor", id=str(number), label="lens %d" % number, type=kind)
    size = {"width": str(view.width), "height": str(view.height)}
    ElementTree.SubElement(sensor, "resolution", size)
    calibration = ElementTree.SubElement(sensor, "calibration", {"type": kind, "class": "adjusted"})
    ElementTree.SubElement(calibration, "resolution", size)
    fx, fy, _, _ = view.intrinsics
    values = {"f": fy, "cx": view.principal_offset[0], "cy": view.principal_offset[1], "b1": fx - fy, "b2": view.skew}
    values.update({"k%d" % (index + 1): value for index, value in enumerate(view.distortion.k)})
    values.update({"p1": view.distortion.p[1], "p2": view.distortion.p[0]})
    for name, value in values.items():
        ElementTree.SubElement(calibration, name).text = "%.17g" % value


FORMAT = Format(
    name="metashape",
    title="Agisoft Metashape: cameras.xml",
    holds=Holds(
        stretch=True,
        skew=True,
        distortion=frozenset({"polynomial", "polynomial-k4", "fisheye"}),
        coverage="mask",
    ),
    find=find,
    read=read,
    write=write,
    world_to_file=np.linalg.inv(Z_UP_TO_Y_UP),
    mask_by_file=True,
)
