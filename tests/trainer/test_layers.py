"""Depth peeling against its naive twin, and the images of layers over each other against what they must be."""

from __future__ import annotations

import imageio.v3 as imageio
import pytest
import torch

from topforge_train.backend import load, parallel, reference
from topforge_train.mesh_reference import painted_mesh
from topforge_train.rendering import layers
from topforge_train.rendering.light import EnvironmentLight, PrefilteredLight
from topforge_train.rendering.material import INITIAL_OPACITY, MaterialLimits, TextureMaterial
from topforge_train.rendering.render import Shape, render
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.views.camera import make_cameras

BACKEND = load("warp")


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def soup(triangles=14, seed=3):
    """Two views of large triangles that cut through each other, some through the camera plane."""
    clip = (random(2, 3 * triangles, 4, seed=seed) - 0.35) * torch.tensor([2.0, 2.0, 1.0, 1.5])
    return clip, torch.arange(3 * triangles).reshape(-1, 3).int()


def squares(*made):
    """Squares that face the camera, each (half its side, depth), in NDC: clip [1, 4 n, 4], triangles [2 n, 3]."""
    signs = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    corners = [torch.cat([signs * half, torch.full((4, 1), depth), torch.ones(4, 1)], dim=1) for half, depth in made]
    first = 4 * torch.arange(len(made))[:, None, None]
    return torch.cat(corners)[None], (first + torch.tensor([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3).int()


@pytest.mark.parametrize("threads", [1, 2])
def test_every_layer_equals_its_twin(threads):
    parallel.set_threads(threads)
    clip, triangles = soup()
    found = layers.peel(BACKEND, clip, triangles, (23, 31), [None] * 8)
    parallel.set_threads(0)
    wanted = None
    covered = []
    for index, layer in enumerate(found):
        wanted = reference.rasterize(clip.double(), triangles, (23, 31), wanted)
        assert torch.equal(layer.ids, wanted.ids), index
        assert layer.layer == index
        torch.testing.assert_close(layer.depth, wanted.depth.float(), atol=1e-5, rtol=0)
        covered.append(len(layer.pixel))
    assert covered[0] > covered[2] > covered[4] > 20


def test_weights_of_a_hidden_layer_are_differentiable():
    clip, triangles = soup()
    clips = [clip.clone().requires_grad_(), clip.double().requires_grad_()]
    slopes = []
    for operator, positions in zip((BACKEND.rasterize, reference.rasterize), clips):
        front = operator(positions, triangles, (20, 20))
        hidden = operator(positions, triangles, (20, 20), behind=front)
        weights = random(*hidden.barycentric.shape, seed=5).to(positions)
        slopes.append(torch.autograd.grad((hidden.barycentric * weights).sum(), positions)[0])
    # A pixel next to the line where a triangle's plane meets the eye has an enormous slope; its size is what counts.
    assert (slopes[0] - slopes[1]).norm() < 1e-3 * slopes[1].norm()


def test_surfaces_in_one_place_are_seen_one_after_another():
    clip, triangles = squares((0.6, 0.0), (0.6, 0.0), (0.6, 0.5))
    found = layers.peel(BACKEND, clip, triangles, (16, 16), [None] * 4)
    owners = [layer.ids[0, 8, 8].item() for layer in found]
    assert [(owner + 1) // 2 for owner in owners[:3]] == [1, 2, 3]
    assert not len(found[3].pixel)


def test_a_layer_with_a_capacity_ends_in_padding():
    clip, triangles = squares((0.6, 0.0), (0.3, 0.5))
    exact = layers.peel(BACKEND, clip, triangles, (16, 16), [None, None])
    roomy = layers.peel(BACKEND, clip, triangles, (16, 16), [300, 200])
    for one, other in zip(exact, roomy):
        count = len(one.pixel)
        assert other.count.item() == count
        assert torch.equal(other.pixel[:count], one.pixel)
        assert torch.equal(other.barycentric[:count], one.barycentric)
        assert (other.pixel[count:] == 256).all()


def image_of(clip, triangles, colors, opacities, size, count):
    """Squares of one colour and opacity each, in `count` layers: [1, size, size, 4]."""
    found = layers.peel(BACKEND, clip, triangles, (size, size), [None] * count)
    images = []
    for layer in found:
        square = layer.triangle.long() // 2
        opacity = opacities[square][:, None]
        values = torch.cat([colors[square] * opacity, opacity], dim=1)
        images.append(layer.scatter(values, values.new_zeros(1, 1, 1, 4)))
    return layers.composite(BACKEND, images, clip, triangles, found)


RED, GREEN = torch.tensor([1.0, 0, 0]), torch.tensor([0, 1.0, 0])


def test_what_lies_behind_shows_through():
    clip, triangles = squares((0.31, -0.5), (0.81, 0.5))
    image = image_of(clip, triangles, torch.stack([RED, GREEN]), torch.tensor([0.25, 1.0]), 32, 2)
    torch.testing.assert_close(image[0, 16, 16], torch.tensor([0.25, 0.75, 0, 1]))
    torch.testing.assert_close(image[0, 16, 5], torch.tensor([0, 1.0, 0, 1]))
    assert (image[0, 0, 0] == 0).all()


def test_one_layer_is_what_it_always_was():
    clip, triangles = squares((0.43, 0.0))
    (layer,) = layers.peel(BACKEND, clip, triangles, (24, 24), [None])
    plain = layer.scatter(random(len(layer.pixel), 4), torch.zeros(1, 1, 1, 4))
    found = layers.composite(BACKEND, [plain], clip, triangles, [layer])
    assert torch.equal(found, BACKEND.antialias(plain, clip, triangles, layer))


@pytest.mark.parametrize("front", [0.5, 1.0])
def test_an_edge_counts_once_however_many_layers_end_there(front):
    """Front and back of a closed surface end together: coverage outside the outline is the area, not area over area."""
    clip, triangles = squares((0.43, -0.5), (0.43, 0.5))
    opacities = torch.tensor([front, 1.0])
    image = image_of(clip, triangles, torch.stack([RED, GREEN]), opacities, 24, 2)
    exact = 0.43**2 * 24**2  # the share of pixels that a square of half the side 0.43 covers
    corners = 4 * 0.5  # what the blending of rows and columns may lose at four corners, in pixels
    assert abs(image[..., 3].sum().item() - exact) < corners
    torch.testing.assert_close(image[..., 0], front * image[..., 3])
    torch.testing.assert_close(image[..., 1], (1 - front) * image[..., 3])


def test_what_is_behind_an_outline_stays_whole():
    """Green goes on behind the red square's edge: no gap in it, though the list of the second layer ends there."""
    clip, triangles = squares((0.43, -0.5), (0.9, 0.5))
    image = image_of(clip, triangles, torch.stack([RED, GREEN]), torch.tensor([0.5, 1.0]), 24, 2)
    inner = image[0, 3:-3, 3:-3]
    torch.testing.assert_close(inner[..., 3], torch.ones(18, 18))
    torch.testing.assert_close(inner[..., 0] + inner[..., 1], torch.ones(18, 18))
    assert inner[..., 1].min() > 0.5 - 1e-6


def test_a_hidden_outline_has_a_gradient():
    """An opaque square behind half transparent glass grows: the image says by how much, as finite differences do."""
    size, side = 64, 0.43

    def green(half):
        clip, triangles = squares((0.9, -0.5), (0.5, 0.5))
        clip = torch.cat(
            [clip[:, :4], clip[:, 4:] * torch.stack([half / 0.5, half / 0.5, half * 0 + 1, half * 0 + 1])], 1
        )
        colors, opacities = torch.stack([RED, GREEN]), torch.tensor([0.5, 1.0])
        return image_of(clip, triangles, colors, opacities, size, 2)[..., 1].sum()

    half = torch.tensor(side, requires_grad=True)
    green(half).backward()
    exact = 0.5 * 2 * side * size**2  # half of d(side^2 size^2) / d side
    assert half.grad.item() == pytest.approx(exact, rel=0.1)


def sheet(half, z, patch):
    """A square [4, 3] of half side `half` at depth z that looks towards +z, and its corner of the texture [4, 2]."""
    signs = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    position = torch.cat([signs * half, torch.full((4, 1), z)], dim=1)
    return position, torch.tensor([0.26 + 0.48 * patch, 0.5]) + signs * torch.tensor([0.2, 0.4])


def two_sheets():
    """A small square in front of a larger one, each with half of the texture."""
    (front, front_uv), (back, back_uv) = sheet(0.5, 0.4, 0), sheet(0.8, -0.4, 1)
    triangles = torch.tensor([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], dtype=torch.int32)
    vertices, uv = torch.cat([front, back]), torch.cat([front_uv, back_uv])
    normals = torch.tensor([[0.0, 0, 1]]).expand(8, 3)
    frame = torch.cat([tangents(vertices, normals, triangles, uv, triangles), orientation(uv, triangles)[:, None]], 1)
    return Shape(vertices, triangles, normals, uv, triangles, frame)


def views(*angles):
    """Cameras 3 away that look at the origin, turned about y."""
    count = len(angles)
    poses = torch.eye(4, dtype=torch.float64).repeat(count, 1, 1)
    for pose, angle in zip(poses, torch.tensor(angles, dtype=torch.float64)):
        cosine, sine = torch.cos(angle).item(), torch.sin(angle).item()
        pose[:3, :3] = torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        pose[:3, 3] = pose[:3, :3] @ torch.tensor([0.0, 0.0, 3.0], dtype=torch.float64)
    return make_cameras(poses, torch.full((count,), 0.7), torch.ones(count), torch.zeros(count, 2), 0.1, 10.0)


PLAIN = [0.0, 0.5, 0.0, 0.0, 0.0, 1.0]
"""No occlusion, half rough, no metal, no bumps."""


def painted(front, back):
    """Texels [16, 16, 10]: a colour and an opacity for each half."""
    halves = [torch.tensor([*color, *PLAIN, opacity]).expand(16, 8, 10) for color, opacity in (front, back)]
    return torch.cat(halves, dim=1).contiguous()


def material(texels):
    """Two layers deep; only colour and opacity may change."""
    limits = [torch.tensor([*[bound] * 3, *PLAIN, bound]) for bound in (0.0, 1.0)]
    return TextureMaterial(texels, MaterialLimits(*limits), layers=2)


def test_a_half_transparent_square_before_another_is_recovered():
    """Its opacity and colour, and the colour of what is seen through it and beside it."""
    shape, light = two_sheets(), EnvironmentLight.grey(16).prefilter()
    cameras = views(-1.2, -0.4, 0.1, 1.2, 3.4)  # beside the other, through both, and from behind

    def picture(looked):
        return render(BACKEND, cameras, shape, looked, light, (40, 40)).image

    with torch.no_grad():
        light = PrefilteredLight([level.detach() for level in light.levels])
        truth = picture(material(painted(((0.8, 0.2, 0.1), 0.4), ((0.1, 0.6, 0.3), 1.0))))
    assert (truth[0, ..., 3] - 0.4).abs().min() < 1e-3  # glass before nothing
    learnt = material(painted(((0.5, 0.5, 0.5), INITIAL_OPACITY), ((0.5, 0.5, 0.5), INITIAL_OPACITY)))
    optimiser = torch.optim.Adam(learnt.parameters(), lr=0.03)
    for _ in range(120):
        loss = (picture(learnt) - truth).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        learnt.clamp_()
    front, back = learnt.texels.detach()[5:11, 2:6].mean((0, 1)), learnt.texels.detach()[5:11, 10:14].mean((0, 1))
    torch.testing.assert_close(front[:3], torch.tensor([0.8, 0.2, 0.1]), atol=0.06, rtol=0)
    torch.testing.assert_close(back[:3], torch.tensor([0.1, 0.6, 0.3]), atol=0.06, rtol=0)
    assert front[9].item() == pytest.approx(0.4, abs=0.03)
    assert back[9].item() == pytest.approx(1.0, abs=0.03)


def test_the_inner_side_of_what_is_transparent_is_lit_like_the_outer():
    shape, light = two_sheets(), EnvironmentLight.grey(16).prefilter()
    texels = painted(((0.5, 0.5, 0.5), 1.0), ((0.5, 0.5, 0.5), 1.0))
    image = render(BACKEND, views(0.0, torch.pi), shape, material(texels), light, (32, 32)).image
    torch.testing.assert_close(image[0, 16, 16], image[1, 16, 16], atol=1e-3, rtol=0)


def test_room_for_every_layer_changes_nothing():
    shape, light = two_sheets(), EnvironmentLight.grey(16).prefilter()
    looked = material(painted(((0.8, 0.2, 0.1), 0.4), ((0.1, 0.6, 0.3), 0.9)))
    cameras = views(-0.3, 0.3)
    exact = render(BACKEND, cameras, shape, looked, light, (32, 32))
    lengths = exact.lengths
    assert list(lengths) == ["pixels", "pixels, layer 1"]
    roomy = render(BACKEND, cameras, shape, looked, light, (32, 32), room={name: n + 50 for name, n in lengths.items()})
    assert {name: length.item() for name, length in roomy.lengths.items()} == lengths
    torch.testing.assert_close(roomy.image, exact.image)
    slopes = [torch.autograd.grad(found.image.square().sum(), looked.texels)[0] for found in (exact, roomy)]
    torch.testing.assert_close(*slopes)


MESH = """mtllib two.mtl
v -0.5 -0.5 0.4\nv 0.5 -0.5 0.4\nv 0.5 0.5 0.4\nv -0.5 0.5 0.4
v -0.8 -0.8 -0.4\nv 0.8 -0.8 -0.4\nv 0.8 0.8 -0.4\nv -0.8 0.8 -0.4
vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1
usemtl glass\nf 1/1 2/2 3/3 4/4
usemtl wall\nf 5/1 6/2 7/3 8/4
"""


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_reference_mesh_is_looked_through_by_the_alpha_of_its_pictures(tmp_path, depth):
    (tmp_path / "two.obj").write_text(MESH)
    (tmp_path / "two.mtl").write_text("newmtl glass\nmap_Kd glass.png\nnewmtl wall\nKd 0.1 0.8 0.3\n")
    pixels = torch.tensor([200, 60, 40, 64], dtype=torch.uint8).expand(8, 8, 4).numpy()
    imageio.imwrite(tmp_path / "glass.png", pixels)
    mesh, _ = painted_mesh.load(tmp_path / "two.obj")
    light = EnvironmentLight.grey(16).prefilter()
    image = painted_mesh.draw(BACKEND, mesh, views(0.0), light, (32, 32), 2, depth)[0]
    opaque = painted_mesh.draw(BACKEND, mesh.only(torch.tensor([0, 1])), views(0.0), light, (32, 32), 2)[0]
    wall = painted_mesh.draw(BACKEND, mesh.only(torch.tensor([2, 3])), views(0.0), light, (32, 32), 2)[0]
    share = 64 / 255 if depth > 1 else 1.0
    torch.testing.assert_close(image[16, 16], share * opaque[16, 16] + (1 - share) * wall[16, 16], atol=1e-4, rtol=0)
    torch.testing.assert_close(image[16, 6], wall[16, 6], atol=1e-4, rtol=0)
