"""A small asset with everything in it, exported once: a sphere with painted bumps under an uneven light."""

import dataclasses
import math

import numpy as np
import pytest
import torch
import trimesh

from topforge_train.backend import select
from topforge_train.export import write_delivery
from topforge_train.export.asset import Asset, AssetCamera
from topforge_train.geometry.unwrap import unwrap
from topforge_train.rendering.baking import pad_charts, texel_positions
from topforge_train.rendering.cubemap import texel_directions
from topforge_train.rendering.tangents import orientation, tangents

TEXTURE_SIZE = 256


def bumps(position):
    """Gradient [N, 3] of a height field in space; steep enough that a flipped normal map shows."""
    x, y, z = (6.0 * position).T
    return 0.25 * np.stack([np.cos(x) * np.cos(y), -np.sin(x) * np.sin(y), np.cos(z)], axis=-1)


def world_normals(position):
    """Unit normals [N, 3] of the bumpy unit sphere, from its definition: no texture space involved."""
    smooth = position / np.linalg.norm(position, axis=-1, keepdims=True)
    gradient = bumps(position)
    bent = smooth - (gradient - smooth * (gradient * smooth).sum(-1, keepdims=True))
    return bent / np.linalg.norm(bent, axis=-1, keepdims=True)


def paint(position):
    """Base colour, occlusion-roughness-metallic [N, 3] each. No occlusion: an independent renderer has its own."""
    x, y, z = position.T
    base_color = 0.5 + 0.35 * np.stack([np.sin(3 * x + y), np.sin(4 * y - z), np.cos(3 * z + x)], axis=-1)
    roughness = 0.3 + 0.1 * np.sin(2 * x + 3 * z)
    metallic = np.clip(0.5 + 2.0 * np.sin(2.5 * y + x), 0.0, 1.0)
    return base_color, np.stack([np.zeros_like(x), roughness, metallic], axis=-1)


def uneven_light(side=32):
    """Cube map [6, n, n, 3]: a warm key, a cool fill and a dim floor, each somewhere else on every axis."""
    direction = texel_directions(side).numpy()
    radiance = 0.15 + 0.25 * np.clip(direction[..., 1:2], 0, 1) * np.array([0.6, 0.8, 1.0])
    for centre, sharpness, colour in (
        ((0.7, 0.5, 0.5), 8.0, (4.0, 3.2, 2.2)),
        ((-0.8, 0.1, 0.6), 8.0, (0.4, 1.0, 2.0)),
        ((0.2, 0.3, -0.9), 4.0, (0.5, 0.15, 0.3)),
    ):
        cosine = direction @ (np.array(centre) / np.linalg.norm(centre))
        radiance = radiance + np.exp(sharpness * (cosine - 1))[..., None] * np.array(colour)
    return radiance.astype(np.float32)


def look_at_origin(eye):
    """Camera to world [4, 4], OpenGL axes, y up."""
    back = np.array(eye) / np.linalg.norm(eye)
    right = np.cross([0.0, 1.0, 0.0], back)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3] = np.stack([right, np.cross(back, right), back, np.array(eye)], axis=-1)
    return matrix


def cameras():
    """Two views from different sides, with names that make one and the same identifier, and not square."""
    views = (("train/r-0", (2.0, 1.2, 2.6), 128, 128), ("train/r 0", (-2.5, -0.8, 1.9), 160, 96))
    return tuple(
        AssetCamera(name, look_at_origin(eye), math.radians(38.0), width, height, 0.1, 100.0)
        for name, eye, width, height in views
    )


@pytest.fixture(scope="session")
def backend():
    return select.load("warp")


@pytest.fixture(scope="session")
def asset(backend):
    """The painted sphere: 5120 triangles, 256 x 256 texels, normal map made from normals known in world space."""
    sphere = trimesh.creation.icosphere(subdivisions=4)
    vertices = torch.from_numpy(np.array(sphere.vertices, np.float32))
    triangles = torch.from_numpy(np.array(sphere.faces, np.int32))
    uv, uv_triangles = unwrap(vertices, triangles, TEXTURE_SIZE)
    frame = tangents(vertices, vertices, triangles, uv, uv_triangles)
    frame = torch.cat([frame, orientation(uv, uv_triangles).unsqueeze(-1)], dim=-1)
    texel, position = texel_positions(backend, vertices, triangles, uv, uv_triangles, TEXTURE_SIZE)
    _, tangent = texel_positions(backend, frame, uv_triangles, uv, uv_triangles, TEXTURE_SIZE)
    normal = torch.from_numpy(world_normals(position.numpy())).double()
    bitangent = tangent[:, 3:] * torch.linalg.cross(position, tangent[:, :3])
    basis = torch.stack([tangent[:, :3], bitangent, position], dim=-1).double()  # columns, as a renderer combines them
    local = torch.nn.functional.normalize(torch.linalg.solve(basis, normal), dim=-1)
    colour, ks = paint(position.numpy())
    values = torch.cat([torch.from_numpy(colour), torch.from_numpy(ks), local], dim=-1).float()
    texels = torch.zeros(TEXTURE_SIZE**2, 9).index_copy(0, texel, values).reshape(TEXTURE_SIZE, TEXTURE_SIZE, 9)
    inside = torch.zeros(TEXTURE_SIZE**2, 1).index_fill(0, texel, 1.0).reshape(TEXTURE_SIZE, TEXTURE_SIZE, 1)
    texels = pad_charts(texels, inside).numpy()
    length = np.linalg.norm(texels[..., 6:], axis=-1, keepdims=True)
    return Asset(
        vertices=vertices.numpy(),
        normals=vertices.numpy(),
        triangles=triangles.numpy(),
        uv=uv.numpy(),
        uv_triangles=uv_triangles.numpy(),
        tangents=frame.numpy(),
        base_color=texels[..., :3],
        ks=texels[..., 3:6],
        normal_map=texels[..., 6:] / length,
        probe=uneven_light(),
        cameras=cameras(),
    )


@pytest.fixture(scope="session")
def transparent(asset):
    """The asset with an opacity that rises along u."""
    rise = np.linspace(0, 1, TEXTURE_SIZE, dtype=np.float32)
    return dataclasses.replace(asset, opacity=np.tile(rise[:, None], (TEXTURE_SIZE, 1, 1)))


@pytest.fixture(scope="session")
def transparent_delivery(transparent, tmp_path_factory):
    """The folder a person gets of the transparent asset."""
    folder = tmp_path_factory.mktemp("transparent")
    write_delivery(folder, transparent)
    return folder


@pytest.fixture(scope="session", name="world_normals")
def world_normals_fixture():
    """The function: unit normals [N, 3] of the bumpy sphere at positions [N, 3]."""
    return world_normals


@pytest.fixture(scope="session")
def delivery(asset, tmp_path_factory):
    """The folder a person gets."""
    folder = tmp_path_factory.mktemp("delivery")
    write_delivery(folder, asset)
    return folder
