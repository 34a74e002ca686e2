"""glTF 2.0 binary: one mesh, metallic-roughness material, MikkTSpace normal map, textures inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Tuple

import numpy as np

import topforge
from topforge import atomic
from topforge_capture import glb
from topforge_train.export.asset import Asset, Floats, Indices

LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP = 9729, 9987, 33071


def unified(asset: Asset) -> Tuple[Indices, Indices, Indices]:
    """One index list where position and texture coordinate have one each.

    Returns:
        For each unified vertex its position and its texture vertex, and the triangles [F, 3] over unified vertices.
    """
    pair = asset.triangles.reshape(-1).astype(np.int64) * len(asset.uv) + asset.uv_triangles.reshape(-1)
    unique, inverse = np.unique(pair, return_inverse=True)
    return unique // len(asset.uv), unique % len(asset.uv), inverse.reshape(-1, 3)


def unit_normals(normals: Floats) -> Floats:
    """The normals [N, 3] at full length. A vertex of triangles without area has none and gets +y: glTF wants a unit."""
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    return np.where(length > 0.5, normals / np.maximum(length, 1e-20), np.float32([0.0, 1.0, 0.0])).astype(np.float32)


def unit_tangents(tangents: Floats, normals: Floats) -> Floats:
    """The tangents [N, 4] at full length; any perpendicular to the normal where the texture triangles have no area."""
    axis = np.eye(3, dtype=np.float32)[np.abs(normals).argmin(axis=-1)]
    perpendicular = np.cross(normals, axis)
    chosen = np.where(np.linalg.norm(tangents[:, :3], axis=-1, keepdims=True) > 0.5, tangents[:, :3], perpendicular)
    unit = chosen / np.linalg.norm(chosen, axis=-1, keepdims=True)
    return np.concatenate([unit, tangents[:, 3:]], axis=-1).astype(np.float32)


def write_glb(path: Path, asset: Asset) -> None:
    """Writes the asset as one self-contained file. glTF's axes and texture origin are ours; nothing is converted."""
    buffer = glb.Buffer()
    position, texture, triangles = unified(asset)
    normal = unit_normals(asset.normals[position])
    attributes = {
        "POSITION": buffer.accessor(asset.vertices[position], **glb.bounds(asset.vertices[position])),
        "NORMAL": buffer.accessor(normal),
        "TANGENT": buffer.accessor(unit_tangents(asset.tangents[texture], normal)),
        "TEXCOORD_0": buffer.accessor(asset.uv[texture]),
    }
    primitive = {
        "attributes": attributes,
        "indices": buffer.accessor(triangles.reshape(-1).astype(np.uint32), glb.ELEMENT_ARRAY_BUFFER),
        "material": 0,
        "mode": 4,
    }
    maps = (asset.pictures[name] for name in ("base_color", "occlusion_roughness_metallic", "normal"))
    pictures = [{"bufferView": buffer.view(content), "mimeType": "image/png"} for content in maps]
    document = {
        "asset": {"version": "2.0", "generator": "TopForge %s" % topforge.__version__},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "asset"}],
        "meshes": [{"name": "asset", "primitives": [primitive]}],
        "materials": [_material(asset.opacity is not None)],
        "textures": [{"source": k, "sampler": 0} for k in range(3)],
        "images": pictures,
        "samplers": [{"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR, "wrapS": CLAMP, "wrapT": CLAMP}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": buffer.length}],
    }
    atomic.write_bytes(path, glb.container(json.dumps(document, separators=(",", ":")), bytes(buffer.data)))


def _material(transparent: bool) -> Dict[str, Any]:
    # Whoever sees through a surface sees the inner side behind it.
    return {
        "name": "material",
        **({"alphaMode": "BLEND", "doubleSided": True} if transparent else {}),
        "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}, "metallicRoughnessTexture": {"index": 1}},
        "occlusionTexture": {"index": 1},
        "normalTexture": {"index": 2},
    }
