"""A picture of the cameras around the hull of the masks: in perspective, and from above."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from topforge_capture import hull_picture, text
from topforge_capture.canvas import COLOURS, FAINT, PAPER, Canvas, Colour
from topforge_capture.checks import Material
from topforge_capture.hull import Hull
from topforge_capture.projection import Projection, orthographic, perspective
from topforge_capture.report import Results, has_hull

WIDTH, HEIGHT, HEAD, FOOT, SPLIT = 1500, 860, 76, 46, 880
AXES = (("x", (203, 52, 56)), ("y", (54, 146, 72)), ("z", (46, 98, 196)))
HELD_OUT = (150, 156, 164)
MOST_LABELS = 14


@dataclasses.dataclass(frozen=True, eq=False)
class Stage:
    """What both views show."""

    cameras: List[Dict[str, Any]]
    hull: Hull | None
    box: np.ndarray | None
    """[2, 3] the training box."""
    focus: np.ndarray
    reach: float
    """Distance of the farthest camera from the focus, astray ones left aside."""
    floor: float
    """Height of the grid."""
    step: float
    """Spacing of the grid, world units."""


def write(path: Path, material: Material, results: Results, report: Dict[str, Any]) -> None:
    """Writes the picture as PNG; with cameras that have no common hull it shows the cameras alone."""
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.text(28, 28, "Cameras of %s" % Path(report["capture"]).name, 22)
    canvas.text(28, 55, text.verdict(report), 14, FAINT)
    if report["cameras"]:
        stage = _stage(material, results, report)
        height = HEIGHT - HEAD - FOOT
        _draw(canvas, stage, perspective(stage.focus, stage.reach, (0, HEAD, SPLIT, height)))
        canvas.line([(SPLIT, HEAD + 16), (SPLIT, HEIGHT - FOOT - 16)], (225, 226, 228), 1)
        _draw(canvas, stage, orthographic(stage.focus, stage.reach, (SPLIT, HEAD, WIDTH - SPLIT, height)))
        canvas.text(SPLIT + 22, HEAD + 18, "from above", 14, FAINT)
        _legend(canvas, stage, report)
    canvas.save(path)


def _stage(material: Material, results: Results, report: Dict[str, Any]) -> Stage:
    hull = material.posture.hull if has_hull(material, results) else None
    positions = np.array([camera["camera_to_world"] for camera in report["cameras"]])[:, :3, 3]
    focus = material.posture.focus if hull else positions.mean(axis=0)
    distances = np.linalg.norm(positions - focus, axis=1)
    reach = max(float(np.percentile(distances, 95)) * 1.05, 1e-6)
    side = material.options.mesh_scale or (report["box"]["mesh_scale"] if report["box"] else 0.0)
    box = 0.5 * side * np.array([[-1.0] * 3, [1.0] * 3]) if side else None
    floor = float(hull.bounds()[0, 1]) if hull else float(focus[1])
    return Stage(report["cameras"], hull, box, focus, reach, floor, _nice_step(reach / 3))


def _nice_step(value: float) -> float:
    """The nearest of 1, 2, 5 times a power of ten not above `value`."""
    unit = 10.0 ** np.floor(np.log10(value))
    return float(max(factor * unit for factor in (1, 2, 5) if factor * unit <= value))


def _draw(canvas: Canvas, stage: Stage, projection: Projection) -> None:
    """Grid and box, cameras behind the object, the object, cameras before it."""
    _grid(canvas, stage, projection)
    _axes(canvas, stage, projection)
    depth = {id(c): float(projection.project(_position(c)[None])[1][0]) for c in stage.cameras}
    middle = float(projection.project(stage.focus[None])[1][0])
    ordered = sorted(stage.cameras, key=lambda camera: (_gravity(camera), -depth[id(camera)]))
    behind = {id(camera) for camera in ordered if depth[id(camera)] > middle and not _gravity(camera)}
    for camera in ordered:
        if id(camera) in behind:
            _frustum(canvas, stage, projection, camera, fade=0.45)
    if stage.box is not None:
        _box(canvas, stage.box, projection)
    if stage.hull:
        x, y, pixels = hull_picture.render(stage.hull, projection)
        canvas.paste(x, y, pixels, hull_picture.DENSITY)
    for camera in ordered:
        if id(camera) not in behind:
            _frustum(canvas, stage, projection, camera, fade=0.0)
    _labels(canvas, stage, projection)


def _grid(canvas: Canvas, stage: Stage, projection: Projection) -> None:
    """A round grid on the floor, its lines at multiples of the step."""
    for axis, across in ((0, 2), (2, 0)):
        first = np.ceil((stage.focus[axis] - stage.reach) / stage.step) * stage.step
        for at in np.arange(first, stage.focus[axis] + stage.reach, stage.step):
            half = np.sqrt(max(stage.reach**2 - (at - stage.focus[axis]) ** 2, 0.0))
            ends = np.full((2, 3), stage.floor)
            ends[:, axis] = at
            ends[:, across] = stage.focus[across] - half, stage.focus[across] + half
            canvas.line(projection.project(ends)[0], (224, 225, 228), 1)


def _axes(canvas: Canvas, stage: Stage, projection: Projection) -> None:
    for _, colour, points in _visible_axes(stage, projection):
        canvas.line(points[:2], colour, 2)


def _visible_axes(stage: Stage, projection: Projection) -> Iterator[Tuple[str, Colour, np.ndarray]]:
    """Name, colour, and pixels [3, 2] of origin, end and label, of the axes that are not seen end on."""
    for axis, (name, colour) in enumerate(AXES):
        end = np.zeros(3)
        end[axis] = 0.42 * stage.reach
        points = projection.project(np.array([np.zeros(3), end, 1.1 * end]))[0]
        if np.linalg.norm(points[1] - points[0]) > 8:
            yield name, colour, points


def _box(canvas: Canvas, box: np.ndarray, projection: Projection) -> None:
    corners = np.array([[box[(i >> axis) & 1, axis] for axis in range(3)] for i in range(8)])
    points = projection.project(corners)[0]
    for first in range(8):
        for axis in range(3):
            if not first >> axis & 1:
                canvas.line([points[first], points[first | 1 << axis]], (*FAINT, 170), 1)


def _frustum(canvas: Canvas, stage: Stage, projection: Projection, camera: Dict[str, Any], fade: float) -> None:
    """A pyramid whose base is the image, with a small roof on its upper side."""
    colour = _mixed(_colour(camera), fade)
    depth = 0.11 * stage.reach
    up = depth * np.tan(0.5 * camera["fov_y"])
    right = up * camera["width"] / camera["height"]
    local = np.array(
        [(0, 0, 0), (-right, -up, -depth), (right, -up, -depth), (right, up, -depth), (-right, up, -depth),
         (-0.35 * right, 1.15 * up, -depth), (0, 1.6 * up, -depth), (0.35 * right, 1.15 * up, -depth)]
    )  # fmt: skip
    pose = np.array(camera["camera_to_world"])
    points = projection.project(local @ pose[:3, :3].T + pose[:3, 3])[0]
    serious = _gravity(camera) > 0
    canvas.polygon(points[1:5], (*colour, 90 if serious else 40))
    for corner in points[1:5]:
        canvas.line([points[0], corner], colour, 1.6 if serious else 1)
    canvas.line([*points[1:5], points[1]], colour, 2 if serious else 1.2)
    canvas.polygon(points[5:8], colour)
    canvas.dot(points[0][0], points[0][1], 3.4 if serious else 2.2, colour)


def _labels(canvas: Canvas, stage: Stage, projection: Projection) -> None:
    for name, colour, points in _visible_axes(stage, projection):
        canvas.text(points[2][0], points[2][1], name, 16, colour, "mm")
    serious = [camera for camera in stage.cameras if _gravity(camera)]
    taken: List[np.ndarray] = []
    for camera in sorted(serious, key=lambda each: each["severity"])[:MOST_LABELS]:
        place = projection.project(_position(camera)[None])[0][0]
        at_edge = place[0] > WIDTH - 160
        place += (WIDTH - 14 - place[0], 24) if at_edge else (8, -9)
        while any(np.abs(place - other).max() < 13 for other in taken):
            place += (0, 14)
        taken.append(place)
        canvas.text(place[0], place[1], camera["image"], 12, COLOURS[camera["severity"]], "rm" if at_edge else "lm")


def _legend(canvas: Canvas, stage: Stage, report: Dict[str, Any]) -> None:
    y = HEIGHT - 26
    entries: List[Tuple[str, Colour]] = [("training view", COLOURS["fine"])]
    if any(camera["split"] != "train" for camera in stage.cameras):
        entries.append(("validation or test view", HELD_OUT))
    for severity, words in (("warning", "with a warning"), ("error", "with an error")):
        if any(camera["severity"] == severity for camera in stage.cameras):
            entries.append((words, COLOURS[severity]))
    x = 34.0
    for words, colour in entries:
        canvas.dot(x, y, 5.5, colour)
        canvas.text(x + 13, y, words, 14)
        x += 13 + 7.4 * len(words) + 34
    notes = "grid: %g" % stage.step
    if stage.box is not None:
        notes += "   ·   box: %g, around the origin (world units)" % round(float(np.ptp(stage.box[:, 0])), 4)
    canvas.text(WIDTH - 28, y, notes, 14, FAINT, "rm")


def _gravity(camera: Dict[str, Any]) -> int:
    return {"error": 2, "warning": 1}.get(camera["severity"], 0)


def _position(camera: Dict[str, Any]) -> np.ndarray:
    return np.array(camera["camera_to_world"])[:3, 3]


def _colour(camera: Dict[str, Any]) -> Colour:
    held_out = camera["split"] != "train" and camera["severity"] in ("fine", "note")
    return HELD_OUT if held_out else COLOURS[camera["severity"]]


def _mixed(colour: Colour, fade: float) -> Colour:
    return tuple(round(c * (1 - fade) + paper * fade) for c, paper in zip(colour, PAPER))
