"""The photographs: path traced by Mitsuba 3 from the very files that ship as ground truth."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mitsuba as mi
import numpy as np

from sample import cameras, shape

RESOLUTION = 256
MAX_DEPTH = 6
FACE_AHEAD = np.array([[-1, 0, 0], [0, 0, 1], [0, 1, 0]], dtype=float)  # Mitsuba's y-up panorama to ours (light.py)


def ply_file(mesh: shape.Mesh) -> bytes:
    """The mesh as a binary PLY with normals and texture coordinates, vertices split at texture seams, for Mitsuba."""
    corner = np.stack([mesh.triangles.ravel(), mesh.texcoord_triangles.ravel()], axis=1)
    pairs, index = np.unique(corner, axis=0, return_inverse=True)
    normals = shape.vertex_normals(mesh.positions, mesh.triangles)
    uv = mesh.texcoords[pairs[:, 1]] * [1, -1] + [0, 1]  # Mitsuba's v runs down the rows
    vertices = np.hstack([mesh.positions[pairs[:, 0]], normals[pairs[:, 0]], uv]).astype("<f4")
    faces = np.empty(len(mesh.triangles), dtype=[("n", "u1"), ("v", "<i4", 3)])
    faces["n"], faces["v"] = 3, index.reshape(-1, 3)
    names = "".join(f"property float {name}\n" for name in ("x", "y", "z", "nx", "ny", "nz", "u", "v"))
    head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n{names}"
    head += f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    return head.encode() + vertices.tobytes() + faces.tobytes()


def load_mesh(mesh: shape.Mesh, bsdf: dict) -> object:
    """The mesh as a Mitsuba shape."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.ply"
        path.write_bytes(ply_file(mesh))
        return mi.load_dict({"type": "ply", "filename": str(path), "bsdf": bsdf})


def bitmap(image: np.ndarray, raw: bool) -> dict:
    """A texture from bytes [H, W] or [H, W, 3]; `raw` values are linear, others sRGB-encoded."""
    data = mi.Bitmap(np.ascontiguousarray(image if image.ndim == 3 else image[..., None]))
    data.set_srgb_gamma(not raw)
    return {"type": "bitmap", "bitmap": data, "raw": raw, "filter_type": "bilinear", "wrap_mode": "clamp"}


def material(colour: np.ndarray, roughness: np.ndarray, metallic: np.ndarray) -> dict:
    """Metallic-roughness: Disney's principled surface, F0 = 0.04 where it is not metal."""
    return {
        "type": "principled",
        "base_color": bitmap(colour, raw=False),
        "roughness": bitmap(roughness, raw=True),
        "metallic": bitmap(metallic, raw=True),
        "specular": 0.5,
    }


def environment(radiance: np.ndarray) -> dict:
    """A panorama [H, W, 3] as light.py orients it."""
    to_world = np.eye(4)
    to_world[:3, :3] = FACE_AHEAD
    return {"type": "envmap", "bitmap": mi.Bitmap(radiance), "to_world": mi.ScalarTransform4f(to_world)}


def sensor(pose: np.ndarray, samples: int, resolution: int = RESOLUTION) -> object:
    """A pinhole camera; one pixel is the mean over its own square."""
    flip = np.diag([-1.0, 1.0, -1.0, 1.0])  # Mitsuba's camera looks along +z with x to the left
    return mi.load_dict(
        {
            "type": "perspective",
            "fov": float(np.degrees(cameras.FIELD_OF_VIEW)),
            "to_world": mi.ScalarTransform4f(pose @ flip),
            "film": {
                "type": "hdrfilm",
                "width": resolution,
                "height": resolution,
                "pixel_format": "rgba",
                "component_format": "float32",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "multijitter", "sample_count": samples},
        }
    )


def scene(surface: object, radiance: np.ndarray) -> object:
    """The object alone under its light; the light itself is not seen by the camera."""
    integrator = {"type": "path", "max_depth": MAX_DEPTH, "hide_emitters": True}
    return mi.load_dict({"type": "scene", "integrator": integrator, "object": surface, "light": environment(radiance)})


def photograph(stage: object, pose: np.ndarray, samples: int, seed: int, resolution: int = RESOLUTION) -> np.ndarray:
    """Premultiplied linear radiance and coverage [H, W, 4] float32."""
    return np.array(mi.render(stage, sensor=sensor(pose, samples, resolution), spp=samples, seed=seed))


def develop(linear: np.ndarray) -> np.ndarray:
    """Straight-alpha sRGB bytes [H, W, 4] of premultiplied linear radiance: clipped to [0, 1], no tone mapping."""
    alpha = np.clip(linear[..., 3:], 0, 1)
    alpha = np.where(alpha < 0.5 / 255, 0.0, alpha)
    colour = np.clip(np.where(alpha > 0, linear[..., :3] / np.maximum(alpha, 1e-6), 0.0), 0, 1)
    encoded = np.where(colour <= 0.0031308, 12.92 * colour, 1.055 * colour ** (1 / 2.4) - 0.055)
    return np.round(255 * np.concatenate([encoded, alpha], axis=-1)).astype(np.uint8)
