"""The cameras and the training bound of a result: as small frusta and a box in SOPs, as camera objects in /obj.

Matrices of cameras.json are for column vectors, Houdini's for row vectors: the transpose. Both look along -z with y up.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import hou

from topforge.errors import TopForgeError
from topforge.results import Result
from topforge_houdini import messages, result_choice

APERTURE = 41.4214
"""Houdini's default film width, millimetres; focal lengths follow from it."""
FRUSTUM_DEPTH = 0.1
"""Length of a drawn frustum as a share of the camera's distance to the origin."""
_FRUSTUM = (0, 1, 2, 3, 0, 4, 1, 2, 4, 3)
"""One line along all eight edges of a pyramid: corners 0 to 3 around its base, 4 the eye; one edge is drawn twice."""
_BOX = (0, 1, 3, 2, 0, 4, 5, 7, 6, 4, 5, 1, 3, 7, 6, 2)
"""One line along all twelve edges of a box; corner number = x + 2 y + 4 z; a few edges are drawn twice."""


class DamagedCamerasError(TopForgeError):
    """cameras.json is not what the trainer writes."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Run the item again.")


class NoCamerasError(TopForgeError):
    """There is nothing to make camera objects of."""

    def __init__(self, result: Result) -> None:
        super().__init__(
            "The result in %s has no cameras: %s does not write them." % (result.run, result.adapter),
            "Train with TopForge's own trainer, or import the cameras of the capture.",
        )


@dataclasses.dataclass(frozen=True)
class Camera:
    """One photograph's camera, as cameras.json has it."""

    name: str
    image: str
    """The photograph; "" when the result does not say."""
    rows: tuple[tuple[float, ...], ...]
    """[4][4] camera to world for row vectors, as Houdini has it: the last row is the position."""
    fov_y: float
    """Radians."""
    principal_offset: tuple[float, float]
    """Principal point minus image centre, pixels, x right and y down."""
    width: int
    height: int
    near: float
    far: float

    @property
    def focal(self) -> float:
        """Millimetres, for APERTURE."""
        return 0.5 * APERTURE * self.height / self.width / math.tan(0.5 * self.fov_y)

    @property
    def window(self) -> tuple[float, float]:
        """How far the frustum's window is moved, in widths to the right and heights upwards."""
        x, y = self.principal_offset
        return (-x / self.width, y / self.height)

    def to_world(self, point: Sequence[float]) -> tuple[float, float, float]:
        """A point in camera space, in the world."""
        row = (*point, 1.0)
        x, y, z = (sum(row[k] * self.rows[k][column] for k in range(4)) for column in range(3))
        return x, y, z

    def frustum(self) -> list[tuple[float, float, float]]:
        """Four corners of what the photograph shows, counter-clockwise from bottom left, and the eye."""
        depth = FRUSTUM_DEPTH * math.dist(self.rows[3][:3], (0.0, 0.0, 0.0))
        half_height = depth * math.tan(0.5 * self.fov_y)
        half_width = half_height * self.width / self.height
        across, up = 2 * half_width * self.window[0], 2 * half_height * self.window[1]
        signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        base = [self.to_world((across + x * half_width, up + y * half_height, -depth)) for x, y in signs]
        return [*base, self.to_world((0.0, 0.0, 0.0))]


def read(result: Result) -> list[Camera]:
    """The cameras of a result; none when its trainer writes none.

    Raises:
        DamagedCamerasError: cameras.json is not in our form.
    """
    found = result.with_role("cameras")
    if not found:
        return []
    path = result.path(found[0])
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["cameras"]
        return [_camera(entry, _capture(result)) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DamagedCamerasError(path, "is not a list of cameras (%s: %s)" % (type(error).__name__, error)) from error


def _camera(entry: Mapping[str, Any], capture: Path) -> Camera:
    matrix = entry["camera_to_world"]
    if len(matrix) != 4 or any(len(row) != 4 for row in matrix):
        raise ValueError("camera_to_world is not 4 x 4")
    image = str(entry.get("image", ""))  # results of TopForge's first version do not say
    x, y = entry["principal_offset"]
    return Camera(
        name=str(entry["name"]),
        image=(capture / image).as_posix() if image else "",
        rows=tuple(tuple(float(matrix[row][column]) for row in range(4)) for column in range(4)),
        fov_y=float(entry["fov_y"]),
        principal_offset=(float(x), float(y)),
        width=int(entry["width"]),
        height=int(entry["height"]),
        near=float(entry["near"]),
        far=float(entry["far"]),
    )


def _capture(result: Result) -> Path:
    """The folder of the photographs, as the item named it; relative ones start at the run folder."""
    return result.run / str(result.provenance.get("item", {}).get("dataset") or "")


def geometry(result: Result) -> hou.Geometry | None:
    """One open polygon for each camera, with what it was; None when the result has no cameras."""
    views = read(result)
    if not views:
        return None
    made = hou.Geometry()
    made.createPoints([corner for view in views for corner in view.frustum()])
    made.createPolygons([tuple(5 * k + corner for corner in _FRUSTUM) for k in range(len(views))], is_closed=False)
    texts = {"name": ["cameras/" + view.name for view in views], "image": [view.image for view in views]}
    for name, values in texts.items():
        made.addAttrib(hou.attribType.Prim, name, "")
        made.setPrimStringAttribValues(name, values)
    numbers = {
        "focal": [view.focal for view in views],
        "aperture": [APERTURE] * len(views),
        "resolution": [float(size) for view in views for size in (view.width, view.height)],
        "window": [share for view in views for share in view.window],
        "transform": [value for view in views for row in view.rows for value in row],
    }
    for name, flat in numbers.items():
        size = len(flat) // len(views)
        made.addAttrib(hou.attribType.Prim, name, 0.0 if size == 1 else (0.0,) * size)
        made.setPrimFloatAttribValues(name, flat)
    return made


def box(result: Result) -> hou.Geometry | None:
    """The training box, a cube of side `mesh_scale` around the origin, as one line; None when the result has none."""
    side = result.provenance.get("config", {}).get("mesh_scale")
    if not isinstance(side, (int, float)):
        return None
    half = 0.5 * side
    made = hou.Geometry()
    made.createPoints([(x, y, z) for z in (-half, half) for y in (-half, half) for x in (-half, half)])
    made.createPolygons([_BOX], is_closed=False)
    made.addAttrib(hou.attribType.Prim, "name", "")
    made.setPrimStringAttribValues("name", ["bound"])
    return made


def make_objects(result: Result, parent: hou.OpNode, name: str) -> hou.OpNode:
    """A subnet of camera objects that see what the photographs show, each with its photograph as background.

    Args:
        result: As read.
        parent: Where it goes: /obj.
        name: Of the subnet; a node of that name makes it get a number.

    Returns:
        The subnet.

    Raises:
        NoCamerasError: The result has none.
        DamagedCamerasError: cameras.json is not in our form.
    """
    views = read(result)
    if not views:
        raise NoCamerasError(result)
    subnet = parent.createNode("subnet", name)
    for view in views:
        _make_object(subnet, view)
    subnet.layoutChildren()
    return subnet


def _make_object(subnet: hou.OpNode, view: Camera) -> None:
    camera = cast(hou.ObjNode, subnet.createNode("cam", re.sub(r"[^A-Za-z0-9_]", "_", "cam_" + view.name)))
    camera.setParms(
        {
            "resx": view.width,
            "resy": view.height,
            "aspect": 1.0,
            "aperture": APERTURE,
            "focal": view.focal,
            # Not yet seen in a real Houdini: that these two have the sense of USD's aperture offsets.
            "winx": view.window[0],
            "winy": view.window[1],
            "near": view.near,
            "far": view.far,
        }
    )
    camera.setWorldTransform(hou.Matrix4(view.rows))
    background = camera.parm("vm_background")  # the viewport's picture behind the scene; renderers may take it away
    if background is not None:
        background.set(view.image)


@messages.in_dialog
def create_cameras(kwargs: Mapping[str, Any]) -> hou.OpNode:
    """The button Create Cameras."""
    node = cast(hou.OpNode, kwargs["node"])
    return make_objects(result_choice.chosen(node), cast(hou.OpNode, hou.node("/obj")), node.name() + "_cameras")
