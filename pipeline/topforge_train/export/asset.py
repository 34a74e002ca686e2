"""A reconstructed asset as plain arrays: what every writer in this folder takes.

World is y-up, right-handed, in the units of the capture. Texture rows grow downwards: row 0 holds v = 0.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import Dict, Optional, Tuple

import numpy as np
from numpy.typing import NDArray

from topforge.errors import FailureClass, TopForgeError
from topforge_train.export import images
from topforge_train.export.images import Floats

Indices = NDArray[np.int32]


def v_turned(uv: Floats) -> Floats:
    """Texture coordinates [N, 2], v from the other edge: in OBJ and USD it grows upwards, in assets downwards."""
    return uv * np.float32([1.0, -1.0]) + np.float32([0.0, 1.0])


@dataclasses.dataclass(frozen=True)
class AssetCamera:
    """One photograph's camera, to be found again in other programs."""

    name: str
    camera_to_world: NDArray[np.float64]  # [4, 4], OpenGL camera axes
    fov_y: float
    """Radians."""
    width: int
    height: int
    near: float
    far: float
    principal_offset: Tuple[float, float] = (0.0, 0.0)
    """Principal point minus image centre, pixels, x right and y down."""
    image: str = ""
    """The photograph, relative to the capture's folder, with `/`; "" when there is none."""


@dataclasses.dataclass(frozen=True)
class Asset:
    """Mesh, material and light."""

    vertices: Floats  # [V, 3]
    normals: Floats  # [V, 3] unit
    triangles: Indices  # [F, 3] into vertices, counter-clockwise from outside
    uv: Floats  # [Vt, 2] in [0, 1], v downwards
    uv_triangles: Indices  # [F, 3] into uv
    tangents: Floats  # [Vt, 4]: unit MikkTSpace tangent, w = +1 or -1; w * cross(normal, tangent) is image-up
    base_color: Floats  # [S, S, 3] linear, [0, 1]
    ks: Floats  # [S, S, 3] linear: occlusion (0 = fully lit, nvdiffrec's sense), perceptual roughness, metalness
    normal_map: Floats  # [S, S, 3] unit tangent-space normals, OpenGL convention (+y is image-up)
    probe: Floats  # [6, n, n, 3] linear radiance, faces +x -x +y -y +z -z as OpenGL orients them
    cameras: Tuple[AssetCamera, ...]
    bound: Optional[float] = None
    """Side of the training box, a cube around the origin, world units; None when nobody says."""
    normal_bits: int = 8
    """Bits a channel of the normal map beside asset.usda: 8 or 16. nvdiffrec's tree and glTF have 8."""
    opacity: Optional[Floats] = None
    """[S, S, 1] linear, [0, 1]: how much of what lies behind a texel is hidden; None = the surface is opaque."""

    @cached_property
    def pictures(self) -> Dict[str, bytes]:
        """The textures as PNG files by name, made once, whatever asks for them; `normal_16` where the asset has it."""
        pictures = {
            "base_color": images.base_color(self.base_color, self.opacity),
            "ks": images.quantise(self.ks),
            "occlusion_roughness_metallic": images.occlusion_roughness_metallic(self.ks),
            "normal": images.normal(self.normal_map),
        }
        if self.normal_bits == 16:
            pictures["normal_16"] = images.normal_16(self.normal_map)
        return images.compressed(pictures)

    def check_finite(self) -> None:
        """Refuses not-a-number and infinity: other programs show them as black holes, or crash.

        Raises:
            NotFiniteError: Names the first array that holds one.
        """
        for field in dataclasses.fields(self):
            values = getattr(self, field.name)
            if isinstance(values, np.ndarray) and values.dtype.kind == "f":
                wrong = int((~np.isfinite(values)).sum())
                if wrong:
                    raise NotFiniteError(field.name, wrong, values.size)


class NotFiniteError(TopForgeError):
    """The trainer arrived at numbers that no file should hold."""

    failure_class = FailureClass.TRAINER

    def __init__(self, name: str, wrong: int, size: int) -> None:
        super().__init__(
            "The result cannot be exported: %d of %d numbers in its %s are not finite." % (wrong, size, name),
            "Continue from an earlier checkpoint with a lower learning_rate.",
        )
