"""The pictures of a reference mesh that take the photographs' place: drawn once, on the device, before training.

nvdiffrec draws each training view anew, one at a time, which takes longer than learning from it. A pool of views, far
more than photographs anyone takes, teaches the same: docs/mesh-reference.md has what its size does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Optional, Tuple

import torch
from torch import Tensor

from topforge.wavefront import MeshFileError
from topforge_capture import radiance
from topforge_train.backend.interface import Backend
from topforge_train.evaluation import metrics
from topforge_train.mesh_reference import painted_mesh, views
from topforge_train.mesh_reference.painted_mesh import PaintedMesh
from topforge_train.rendering import cubemap
from topforge_train.rendering.light import EnvironmentLight, PrefilteredLight
from topforge_train.views.camera import make_cameras
from topforge_train.views.data import ImageSet, build_pyramid

DEFAULT_SIZE = (512, 512)
"""nvdiffrec's train_res."""
PIXELS_AT_ONCE = 1 << 22
"""Samples that are drawn together, which bounds the memory for it."""


def reference_light(options: Any, device: torch.device) -> PrefilteredLight:
    """`envmap`, scaled, prefiltered.

    Raises:
        MeshFileError: It is not given, or no Radiance picture.
    """
    if not options.envmap:
        raise MeshFileError(Path(options.ref_mesh or ""), "nothing lights it", "Name a .hdr file in envmap.")
    try:
        image = torch.from_numpy(radiance.read(Path(options.envmap))).to(device) * options.env_scale
    except (OSError, ValueError) as error:
        raise MeshFileError(Path(options.envmap), str(error), "Give a latitude-longitude .hdr.") from error
    base = cubemap.from_latlong(image, cubemap.fitting_side(image.shape[0]))
    with torch.no_grad():
        return EnvironmentLight(base, trainable=False).to(device).prefilter()


def draw_views(
    backend: Backend,
    mesh: PaintedMesh,
    light: PrefilteredLight,
    poses: Tensor,
    resolution: Tuple[int, int],
    near_far: Tuple[float, float],
    supersampling: int,
    levels: int,
    name: str,
    layers: int = 1,
) -> ImageSet:
    """Pictures of a mesh from camera-to-world matrices [N, 4, 4], as `load_images` gives photographs."""
    fov_y = torch.full((len(poses),), views.FOV_Y, dtype=torch.float64)
    aspect = torch.full_like(fov_y, resolution[1] / resolution[0])
    centre = torch.zeros(len(poses), 2, dtype=torch.float64)
    cameras = make_cameras(poses, fov_y, aspect, centre, *near_far).to(backend.device)
    together = max(1, PIXELS_AT_ONCE // (resolution[0] * resolution[1] * supersampling**2))
    pyramids: List[Tuple[Tensor, ...]] = []
    for index in torch.arange(len(poses), device=backend.device).split(together):
        images = painted_mesh.draw(backend, mesh, cameras[index], light, resolution, supersampling, layers)
        pyramids.append(build_pyramid(images, levels))
    names = tuple("%s_%04d" % (name, number) for number in range(len(poses)))
    pyramid = tuple(torch.cat(level) for level in zip(*pyramids))
    return ImageSet(names, tuple("" for _ in names), pyramid, cameras, poses, fov_y, centre)


def reference_images(
    path: Path, options: Any, backend: Backend, generator: torch.Generator
) -> Tuple[ImageSet, ImageSet, Tuple[str, ...]]:
    """Training and validation pictures of the mesh `path`, on the device, and remarks on its files.

    Raises:
        MeshFileError: One of the files cannot be used.
    """
    override: Optional[Path] = Path(options.mtl_override) if options.mtl_override else None
    mesh, remarks = painted_mesh.load(path, override, backend.device)
    light = reference_light(options, backend.device)
    train = tuple(options.train_res or DEFAULT_SIZE)
    shown = tuple(options.display_res or train)
    poses = views.random_poses(options.reference_views, generator)
    near_far, layers = options.cam_near_far, options.layers
    training = draw_views(backend, mesh, light, poses, train, near_far, options.spp, 3, "reference", layers)
    poses = views.turntable_poses()
    validation = draw_views(backend, mesh, light, poses, shown, near_far, metrics.SUPERSAMPLING, 1, "turntable", layers)
    if mesh.is_transparent and layers == 1:
        remarks += ('The mesh is drawn opaque: the alpha of its pictures has an effect with "layers" above 1.',)
    return training, validation, remarks
