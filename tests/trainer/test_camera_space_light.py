"""A light that moves with the camera: shading does not depend on the world's axes, and agrees with a fixed light."""

import dataclasses

import pytest
import torch

from topforge_train.backend import load
from topforge_train.geometry import FlexiCubes
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.rendering.light import EnvironmentLight, prefiltered
from topforge_train.rendering.material import MaterialLimits, TextureMaterial
from topforge_train.rendering.render import Shape, render
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.views.camera import make_cameras
from topforge_train.views.corrections import rotations

BACKEND = load("auto", "cpu")
TURN = rotations(torch.tensor([[0.4, -1.1, 0.7]]))[0]


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def shape():
    """An ellipsoid with texture coordinates of a sort and a normal map's frame."""
    surface = FlexiCubes(torch.tensor([[-1.0] * 3, [1.0] * 3]), 12)
    surface.initialise(lambda points: (points * torch.tensor([1.0, 1.5, 1.2])).norm(dim=1) - 0.8)
    mesh = surface.extract(False)
    return turned(Mesh(mesh.vertices.detach(), mesh.triangles), torch.eye(3))


def turned(mesh, rotation):
    """The mesh, turned, with what shading needs; texture coordinates stay."""
    vertices = mesh.vertices @ rotation.T
    uv = 0.5 + 0.4 * mesh.vertices[:, :2] + 0.1 * mesh.vertices[:, 2:]
    normals = vertex_normals(Mesh(vertices, mesh.triangles))
    frame = tangents(vertices, normals, mesh.triangles, uv, mesh.triangles)
    frame = torch.cat([frame, orientation(uv, mesh.triangles).unsqueeze(-1)], dim=-1)
    return Shape(vertices, mesh.triangles, normals, uv, mesh.triangles, frame)


def cameras(rotation):
    """Two cameras, turned with the world; the second looks past the middle, its axis off the image's centre."""
    poses = torch.eye(4).repeat(2, 1, 1)
    poses[1, :3, :3] = rotations(torch.tensor([[0.0, 0.9, 0.0]]))[0]
    poses[:, :3, 3] = (poses[:, :3, :3] @ torch.tensor([0.1, 0.0, 3.0])[:, None])[..., 0]
    poses[:, :3] = rotation @ poses[:, :3]
    centre = torch.tensor([[0.0, 0.0], [0.1, -0.2]])
    return make_cameras(poses, torch.full((2,), 0.7), torch.ones(2), centre, 0.1, 10.0), poses


def picture(shape, rotation, light):
    texels = torch.cat([random(8, 8, 6), torch.tensor([0.3, -0.2, 0.9]).expand(8, 8, 3)], dim=-1)
    material = TextureMaterial(texels, MaterialLimits(torch.full((9,), -1.0), torch.ones(9)))
    return render(BACKEND, cameras(rotation)[0], shape, material, light, (40, 40))


def test_rotations_of_cameras_are_those_of_their_poses():
    batch, poses = cameras(TURN)
    torch.testing.assert_close(batch.rotation, poses[:, :3, :3].transpose(1, 2), atol=1e-5, rtol=0)


def test_turning_the_world_changes_nothing_under_a_light_that_moves_along(shape):
    fixed = prefiltered(random(6, 1, 1, 3, seed=1).expand(-1, 16, 16, -1).contiguous())
    moving = dataclasses.replace(fixed, moves_with_camera=True)
    there = turned(shape, TURN)
    here, after = picture(shape, torch.eye(3), moving), picture(there, TURN, moving)
    torch.testing.assert_close(here.image, after.image, atol=2e-3, rtol=0)
    torch.testing.assert_close(here.normal @ TURN.T, after.normal, atol=2e-3, rtol=0)
    assert (picture(shape, torch.eye(3), fixed).image - picture(there, TURN, fixed).image).abs().max() > 0.05


def test_before_a_camera_without_rotation_both_lights_are_one(shape):
    fixed = prefiltered(random(6, 1, 1, 3, seed=1).expand(-1, 16, 16, -1).contiguous())
    both = [
        picture(shape, torch.eye(3), light) for light in (fixed, dataclasses.replace(fixed, moves_with_camera=True))
    ]
    torch.testing.assert_close(both[0].image[0], both[1].image[0], atol=1e-4, rtol=0)
    assert (both[0].image[1] - both[1].image[1]).abs().max() > 0.05


def test_the_option_reaches_the_light():
    from topforge.trainers.builtin_options import BuiltinOptions

    for moves in (False, True):
        light = EnvironmentLight.from_options(BuiltinOptions(camera_space_light=moves, probe_res=16))
        assert light.prefilter().moves_with_camera is moves


def test_the_vertices_gradient_agrees_with_differences(shape):
    """Through positions, normals and frames that are turned into the camera's axes."""
    light = dataclasses.replace(
        prefiltered(random(6, 1, 1, 3, seed=1).expand(-1, 16, 16, -1).contiguous()), moves_with_camera=True
    )
    vertices = shape.vertices.clone().requires_grad_()
    weight = random(2, 40, 40, 4, seed=5)[..., :3]
    normals = vertex_normals(Mesh(vertices, shape.triangles))

    def loss(normals):
        return (picture(dataclasses.replace(shape, normals=normals), torch.eye(3), light).image[..., :3] * weight).sum()

    direction = random(*normals.shape, seed=6) - 0.5
    (slope,) = torch.autograd.grad(loss(normals), normals)
    with torch.no_grad():
        difference = (loss(normals + 1e-2 * direction) - loss(normals - 1e-2 * direction)) / 2e-2
    assert float((slope * direction).sum()) == pytest.approx(float(difference), rel=0.03)
