"""The last stage: write the asset, measure the held-out views, sum up."""

from __future__ import annotations

import dataclasses
import json
import platform
import resource
from typing import Any, Dict, List, Tuple

import numpy as np
import torch
from torch import Tensor

import topforge
from topforge import atomic
from topforge.errors import FailureClass, TopForgeError
from topforge_train.evaluation import perceptual, validation
from topforge_train.export import write_delivery, write_hull, write_tree
from topforge_train.export.asset import Asset, AssetCamera
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.rendering.baking import pad_charts, texel_positions
from topforge_train.rendering.colour import linear_to_srgb
from topforge_train.rendering.cubemap import to_latlong
from topforge_train.rendering.material import opacity_map, split_maps
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.surface_pass import Start, SurfacePass
from topforge_train.training.session import Session


class SpoiltResultError(TopForgeError):
    """The very last step of the training spoilt the result, after the last loss was looked at."""

    failure_class = FailureClass.TRAINER

    def __init__(self, parts: List[str]) -> None:
        super().__init__(
            "The result holds values that are not finite numbers (%s)." % ", ".join(parts),
            "Lower learning_rate (half is a good start).",
        )


def deliver(session: Session, surface: SurfacePass) -> None:
    """Writes everything a person or an importer expects into `session.output`."""
    session.output.mkdir(parents=True, exist_ok=True)
    session.reporter.stage("export", 0.96, "writing the asset")
    start, light = surface.start, surface.light.base.detach()
    final = make_asset(session, start, surface.vertices.detach(), surface.material.texels.detach(), light)
    spoilt = [field.name for field in dataclasses.fields(final) if not is_finite(getattr(final, field.name))]
    if spoilt:
        raise SpoiltResultError(spoilt)
    if not session.options.base_mesh:
        first = make_asset(session, start, start.vertices, start.texels, start.light)
        write_tree(session.output / "dmtet_mesh", first, str(session.device))
    write_delivery(session.output, final, str(session.device))
    hull, side = session.prepared.hull, session.options.mesh_scale
    if not write_hull(session.output / "hull.obj", hull.cones, side, hull.disagreeing, hull.growth):
        session.reporter.message("There is no hull.obj: the masks leave nothing out, or have no shape in common.")
    session.pictures.write(session.output / "probe.png", tonemapped_probe(light))
    session.reporter.stage("validate", 0.98, "measuring held-out views")
    measure, lpips = perceptual.find(session.device)
    views = validation.run(session, surface.scene(), measure) if session.options.validate else []
    session.pictures.finish()
    write_summary(session, surface, views, lpips)
    session.reporter.stage("done", 1.0, "complete")


def is_finite(value: Any) -> bool:
    """False for an array with NaN or infinity in it."""
    return not isinstance(value, np.ndarray) or bool(np.isfinite(value).all())


def make_asset(session: Session, start: Start, vertices: Tensor, texels: Tensor, light: Tensor) -> Asset:
    """Plain arrays of the given state; texels outside the charts are filled from the nearest inside."""
    options = session.options
    with torch.no_grad():
        normals = vertex_normals(Mesh(vertices, start.triangles))
        frame = tangents(vertices, normals, start.triangles, start.uv, start.uv_triangles)
        sign = orientation(start.uv, start.uv_triangles).unsqueeze(-1)
        size = texels.shape[0]
        covered, _ = texel_positions(session.backend, vertices, start.triangles, start.uv, start.uv_triangles, size)
        inside = texels.new_zeros(size * size, 1)
        inside[covered] = 1.0
        padded = pad_charts(texels, inside.reshape(size, size, 1))
        padded = resampled(padded, options.export_res[0] if options.export_res else size)
        base_color, ks, normal_map = split_maps(padded)
        opacity = opacity_map(padded)
    return Asset(
        vertices=vertices.numpy(force=True),
        normals=normals.numpy(force=True),
        triangles=start.triangles.numpy(force=True),
        uv=start.uv.numpy(force=True),
        uv_triangles=start.uv_triangles.numpy(force=True),
        tangents=torch.cat([frame, sign], dim=-1).numpy(force=True),
        base_color=base_color.numpy(force=True),
        ks=ks.numpy(force=True),
        normal_map=normal_map.numpy(force=True),
        probe=light.numpy(force=True),
        cameras=asset_cameras(session),
        bound=options.mesh_scale,
        normal_bits=options.normal_bits,
        opacity=None if opacity is None else opacity.numpy(force=True),
    )


def resampled(texels: Tensor, size: int) -> Tensor:
    """Texels [S, S, C] at another size [size, size, C]: means over areas when smaller, bilinear when larger."""
    if size == texels.shape[0]:
        return texels
    image = texels.permute(2, 0, 1).unsqueeze(0)
    scaled = torch.nn.functional.interpolate(image, (size, size), mode="bilinear", antialias=True)
    return scaled[0].permute(1, 2, 0)


def asset_cameras(session: Session) -> Tuple[AssetCamera, ...]:
    """The training cameras."""
    images, (near, far) = session.training, session.options.cam_near_far
    height, width = images.resolution
    offset = images.centre * torch.tensor([0.5 * width, 0.5 * height])
    return tuple(
        AssetCamera(name, pose.numpy(), float(fov_y), width, height, near, far, (float(x), float(y)), file)
        for name, file, pose, fov_y, (x, y) in zip(
            images.names, images.files, images.camera_to_world, images.fov_y, offset
        )
    )


def tonemapped_probe(base: Tensor, height: int = 256) -> Tensor:
    """The light as a display picture [H, 2 H, 3]: latitude-longitude, exposed so that its mean is mid-grey."""
    radiance = to_latlong(base.detach(), height, 2 * height)
    exposure = 0.3 / radiance.mean().clamp(min=1e-6)
    return linear_to_srgb((radiance * exposure).clamp(0, 1))


def write_summary(session: Session, surface: SurfacePass, views: List[Dict[str, Any]], lpips: str) -> None:
    """summary.json: final metrics, per-view records, what made them; `lpips` says which, or why there is none."""
    metrics: Dict[str, float] = {
        "triangles": len(surface.start.triangles),
        "vertices": len(surface.start.vertices),
        "seconds": round(session.clock.elapsed, 2),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    if views:
        metrics.update({key: validation.mean(views, key) for key in ("psnr", "ssim", "lpips") if key in views[0]})
    on_gpu = session.device.type == "cuda"
    if on_gpu:
        metrics["peak_gpu_memory_mib"] = round(torch.cuda.max_memory_allocated(session.device) / 2**20, 1)
    provenance = {
        "topforge": topforge.__version__,
        "backend": session.backend.name,
        "device": torch.cuda.get_device_name(session.device) if on_gpu else "cpu",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "threads": torch.get_num_threads(),
        "processes": session.ranks.size,
        "seed": session.options.seed,
        "lpips": lpips,
    }
    licences = [session.backend.licence] if session.backend.licence else []
    summary = {"metrics": metrics, "provenance": provenance, "licences": licences, "views": views}
    summary.update(lowered=session.lowered, setbacks=session.setbacks)
    summary.update(preparation=list(session.prepared.remarks), corrections=surface.views.records())
    atomic.write_text(session.output / "summary.json", json.dumps(summary, indent=1) + "\n")
