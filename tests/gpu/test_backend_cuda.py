"""Every operator on CUDA against the same operator on the CPU: values and all gradients.

Inputs are made on the CPU and moved, so both sides see the same bits. An error is the largest difference over the
largest value; the tolerances leave room for another order of additions (atomics) and for fused multiply-add, no more.
Whatever decides who is visible must be equal, not close.
"""

from __future__ import annotations

import math

import pytest
import torch

from topforge_train.backend import load
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.sparse import SparseMatrix
from topforge_train.backend.warp_edges import silhouette_sides
from topforge_train.evaluation.metrics import psnr, ssim
from topforge_train.geometry import DMTet, FlexiCubes
from topforge_train.geometry.hull import visual_hull_sdf
from topforge_train.geometry.laplacian import UniformLaplacian
from topforge_train.geometry.mesh import Mesh, components, vertex_normals
from topforge_train.geometry.unwrap import unwrap
from topforge_train.rendering.brdf import environment_brdf
from topforge_train.rendering.light import log_variation, neutrality, prefiltered
from topforge_train.rendering.material import MaterialLimits, TextureMaterial, VolumeMaterial
from topforge_train.rendering.render import Shape, render
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.views.camera import CameraBatch

pytestmark = pytest.mark.gpu
CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def output_and_gradients(function, tensors, device):
    """The output and the gradients of its sum under fixed random weights, on the CPU."""
    inputs = [tensor.detach().to(device).requires_grad_() for tensor in tensors]
    out = function(device, *inputs)
    weights = random(*out.shape, seed=77) - 0.5
    gradients = torch.autograd.grad(out, inputs, weights.to(out))
    return [tensor.cpu() for tensor in (out.detach(), *gradients)]


def assert_same(function, tensors, tolerance):
    """`function(device, *tensors)` has the same value and gradients on both devices."""
    found = zip(*(output_and_gradients(function, tensors, device) for device in (CPU, CUDA)))
    for index, (here, there) in enumerate(found):
        assert here.shape == there.shape
        assert here.abs().max() > 0, "output %d is empty: this would pass with anything" % index
        error = float((here - there).abs().max() / here.abs().max())
        assert error <= tolerance, "output %d (0 is the value) differs by %g" % (index, error)


@pytest.fixture(scope="module")
def scene(borrowed):
    """Ten thousand triangles before two cameras: vertices, clip positions, triangles."""
    shapes = borrowed("trainer/test_silhouette.py")
    points, triangles = shapes.torus(100, 50)
    return points, shapes.project(points, shapes.camera(), shapes.camera(turn=1.0)), triangles


def through_camera_plane():
    """Large triangles, some with corners behind the eye, that cut through each other."""
    return (random(2, 60, 4, seed=3) - 0.3) * torch.tensor([2.0, 2.0, 1.0, 1.5]), torch.arange(60).reshape(20, 3).int()


def edges_on_pixel_centres(size=32):
    """A net of squares whose edges run exactly through the pixel centres of a size x size image, twice in depth."""
    place = (torch.arange(size) + 0.5) * (2 / size) - 1
    y, x = torch.meshgrid(place, place, indexing="ij")
    net = torch.stack([x, y, 0.25 + 0 * x, 1 + 0 * x], -1).reshape(-1, 4)
    first = (torch.arange(size - 1)[:, None] * size + torch.arange(size - 1)).reshape(-1, 1)
    faces = torch.cat([first + torch.tensor([0, 1, size]), first + torch.tensor([1, size + 1, size])])
    return torch.cat([net, net])[None], torch.cat([faces, faces + size * size]).int()


@pytest.mark.parametrize("size", [(37, 61), (256, 256)])
@pytest.mark.parametrize("which", ["surface", "camera plane", "pixel centres"])
def test_the_same_triangles_are_visible(scene, which, size):
    made = {"surface": lambda: scene[1:], "camera plane": through_camera_plane}
    clip, triangles = made.get(which, lambda: edges_on_pixel_centres(32))()
    here = load().rasterize(clip, triangles, size)
    there = load(device="cuda").rasterize(clip.to(CUDA), triangles.to(CUDA), size)
    assert len(here.pixel) > 500
    for name in ("ids", "pixel", "triangle"):
        assert torch.equal(getattr(here, name), getattr(there, name).cpu()), name
    assert (here.depth - there.depth.cpu()).abs().max() < 1e-6
    assert (here.barycentric - there.barycentric.cpu()).abs().max() < 1e-5


def test_weights_of_fragments(scene):
    _, clip, triangles = scene
    assert_same(
        lambda device, c: load(device=device).rasterize(c, triangles.to(device), (96, 96)).barycentric, [clip], 1e-5
    )


def test_interpolate(scene):
    _, clip, triangles = scene

    def operator(device, c, attributes):
        backend, faces = load(device=device), triangles.to(device)
        return backend.interpolate(attributes, faces, backend.rasterize(c, faces, (96, 96)))

    assert_same(operator, [clip, random(clip.shape[1], 7)], 1e-5)


def test_silhouette_edges_are_equal(scene):
    _, clip, triangles = scene
    opened = triangles[5:].contiguous()  # with a rim
    here, there = (silhouette_sides(clip.to(device), opened.to(device)) for device in (CPU, CUDA))
    assert int((here > 0).sum()) > 200
    assert torch.equal(here, there.cpu())


@pytest.mark.parametrize("mesh", [(100, 50), (140, 70)])
@pytest.mark.parametrize("size", [(128, 96), (256, 256)])
def test_antialias(borrowed, mesh, size):
    """Also where two edges cross between the same two pixels at the same place, as on the larger mesh."""
    shapes = borrowed("trainer/test_silhouette.py")
    points, triangles = shapes.torus(*mesh)
    clip = shapes.project(points, shapes.camera(), shapes.camera(turn=1.0))

    def operator(device, image, c):
        backend, faces = load(device=device), triangles.to(device)
        return backend.antialias(image, c, faces, backend.rasterize(c, faces, image.shape[1:3]))

    assert_same(operator, [random(2, *size, 4), clip], 1e-5)


def test_texture(borrowed):
    levels, coordinates, level = borrowed("trainer/test_sampling.py").texture_inputs(20000)
    assert_same(
        lambda device, at, *maps: load(device=device).texture(maps, at, level.to(device)), [coordinates, *levels], 1e-5
    )


def test_texture_cube(borrowed):
    levels, directions, level = borrowed("trainer/test_sampling.py").cube_inputs(20000)
    assert_same(
        lambda device, at, where, *maps: load(device=device).texture_cube(maps, at, where),
        [directions, level, *levels],
        1e-5,
    )


@pytest.mark.parametrize("spec", [HashGridSpec(), HashGridSpec(5, 2, 10, 4, 96), HashGridSpec(3, 4, 12, 8, 100)])
def test_hash_grid(spec):
    """A place among 511 cells keeps 15 bits within its cell; fused multiply-add changes the last."""
    table, points = random(spec.levels, 2**spec.log2_table, spec.features) - 0.5, random(20000, 3, seed=3)
    assert_same(lambda device, t, p: load(device=device).hash_grid(t, p, spec), [table, points], 2e-4)


def test_operators_use_torchs_current_stream():
    """Behind half a second of work on another stream: a kernel on the wrong one would read what is not there yet."""
    spec, points = HashGridSpec(), random(5000, 3)
    table = random(spec.levels, 2**spec.log2_table, spec.features)
    backend, places, moved = load(device="cuda"), points.to(CUDA), table.to(CUDA)
    torch.cuda.synchronize()
    with torch.cuda.stream(torch.cuda.Stream()):
        late = torch.zeros_like(moved)
        torch.cuda._sleep(10**9)
        late.copy_(moved)
        found = backend.hash_grid(late, places, spec).cpu()
    assert (found - load().hash_grid(table, points, spec)).abs().max() < 1e-4


def test_nothing_in_gives_nothing_out():
    backend, empty = load(device="cuda"), torch.zeros(0, 3, device=CUDA)
    behind = torch.tensor([[[0.0, 0, 0, -1]] * 3], device=CUDA).requires_grad_()
    triangles = torch.tensor([[0, 1, 2]], dtype=torch.int32, device=CUDA)
    fragments = backend.rasterize(behind, triangles, (8, 8))
    assert backend.interpolate(behind[0], triangles, fragments).shape == (0, 4)
    image = backend.antialias(torch.ones(1, 8, 8, 3, device=CUDA), behind, triangles, fragments)
    assert torch.equal(image, torch.ones_like(image))
    assert backend.texture_cube([torch.ones(6, 4, 4, 3, device=CUDA)], empty, empty[:, 0]).shape == (0, 3)
    spec = HashGridSpec()
    assert backend.hash_grid(torch.ones(8, 2**15, 2, device=CUDA), empty, spec).shape == (0, 16)


def test_sparse_product():
    rows, columns = ((random(30000, seed=s) * 1000).long() for s in (1, 2))
    matrix = SparseMatrix.from_entries(rows, columns, random(30000, seed=3), (1000, 1000))
    assert_same(lambda device, x: matrix.to(device) @ x, [random(1000, 3, seed=4) - 0.5], 1e-5)


@pytest.mark.parametrize("side", [16, 64, 256])
def test_prefiltered_light(side):
    normal = torch.nn.functional.normalize(random(3000, 3) - 0.5, dim=-1)
    roughness = random(3000, seed=1)

    def look(device, base):
        base = base.to(device).requires_grad_()
        filtered = prefiltered(base)
        found = filtered.diffuse(normal.to(device)) + filtered.specular(normal.to(device), roughness.to(device))
        (slope,) = torch.autograd.grad((found * weights.to(device)).sum(), base)
        return torch.cat([found.detach().flatten(), slope.flatten()]).cpu()

    weights, base = random(3000, 3, seed=5) - 0.5, random(6, side, side, 3, seed=2) ** 4
    here, there = look(CPU, base), look(CUDA, base)
    assert (here - there).abs().max() < 1e-5 * here.abs().max()


def test_priors_and_tables():
    assert_same(lambda _, base: neutrality(base), [random(6, 16, 16, 3)], 1e-6)
    assert_same(lambda _, base: log_variation(base)[None], [random(6, 16, 16, 3)], 1e-5)
    assert_same(lambda _, c, r: environment_brdf(c, r), [random(5000), random(5000, seed=1)], 1e-4)


def sphere_distance(points):
    return points.norm(dim=1) - 0.6 + 0.1 * torch.sin(7 * points[:, 0]) * torch.cos(5 * points[:, 1])


@pytest.mark.parametrize("kind", [FlexiCubes, DMTet])
@pytest.mark.parametrize("training", [True, False])
def test_extraction(kind, training):
    """The same triangles; vertices and penalties, and what they say about every parameter, up to rounding."""
    bounds = torch.tensor([[-1.0] * 3, [1.0] * 3])
    surfaces = [kind(bounds, 24, device=str(device)) for device in (CPU, CUDA)]
    surfaces[0].initialise(sphere_distance)
    with torch.no_grad():
        for seed, (name, parameter) in enumerate(surfaces[0].named_parameters()):
            parameter += (0.02 if name == "sdf" else 0.5) * (random(*parameter.shape, seed=seed) - 0.5)
    surfaces[1].load_state_dict(surfaces[0].state_dict())
    meshes = [surface.extract(training) for surface in surfaces]
    assert len(meshes[0].triangles) > 1000
    assert torch.equal(meshes[0].triangles, meshes[1].triangles.cpu())
    assert (meshes[0].vertices - meshes[1].vertices.cpu()).abs().max() < 1e-6
    weights, slopes = random(*meshes[0].vertices.shape, seed=9) - 0.5, []
    for surface, mesh in zip(surfaces, meshes):
        total = (mesh.vertices * weights.to(mesh.vertices)).sum() + sum(surface.regulariser(mesh).values())
        slopes.append(torch.autograd.grad(total, list(surface.parameters()), allow_unused=not training))
    for here, there in zip(*slopes):
        if here is not None:
            assert (here - there.cpu()).abs().max() <= 2e-5 * here.abs().max()


def test_mesh_quantities(scene):
    points, _, triangles = scene

    def normals(device, vertices):
        return vertex_normals(Mesh(vertices, triangles.to(device)))

    def laplacian(device, vertices):
        return UniformLaplacian(len(vertices), triangles.to(device))(vertices)

    assert_same(normals, [points], 1e-5)
    # Seven terms that cancel: each device rounds seven sums as large as a coordinate, not as what is left of them.
    rounding = 2 * 7 * 2**-24 * points.abs().max() / laplacian(CPU, points).abs().max()
    assert_same(laplacian, [points], float(rounding))
    two = torch.cat([triangles, triangles + len(points)])
    here, there = (components(2 * len(points), two.to(device)) for device in (CPU, CUDA))
    assert torch.equal(here, there.cpu())


def test_tangents(scene):
    points, _, triangles = scene
    uv, uv_triangles = unwrap(points, triangles, 256)

    def frames(device, vertices):
        faces, at, at_faces = triangles.to(device), uv.to(device), uv_triangles.to(device)
        normals = vertex_normals(Mesh(vertices, faces))
        found = tangents(vertices, normals, faces, at, at_faces)
        return torch.cat([found, orientation(at, at_faces)[:, None]], dim=1)

    assert_same(frames, [points], 1e-4)


def test_visual_hull(scene):
    """Balls seen from four sides."""
    angles = [0.0, 0.7, 1.4, 2.1]
    poses = torch.stack([torch.eye(4) for _ in angles])
    for pose, angle in zip(poses, angles):
        cosine, sine = math.cos(angle), math.sin(angle)
        pose[:3, :3] = torch.tensor([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        pose[:3, 3] = pose[:3, :3] @ torch.tensor([0.0, 0.0, 3.0])
    y, x = torch.meshgrid(*[(torch.arange(64) + 0.5) / 32 - 1] * 2, indexing="ij")
    masks = ((x**2 + y**2 < 0.3).float()).expand(4, 64, 64)
    inputs = (poses, torch.full((4,), 0.7), masks, (random(4000, 3) - 0.5) * 2)
    here, there = (visual_hull_sdf(*(value.to(device) for value in inputs)) for device in (CPU, CUDA))
    assert (here < 0).any()
    assert (here - there.cpu()).abs().max() < 1e-5


def limits(count, device):
    return MaterialLimits(torch.full((count,), 0.1), torch.ones(count)).to(device)


@pytest.mark.parametrize("textured", [False, True])
def test_a_rendered_view(borrowed, scene, textured):
    """The whole way from shape, material and light to an image, and back to each of them."""
    shapes = borrowed("trainer/test_silhouette.py")
    points, _, triangles = scene
    uv, uv_triangles = unwrap(points, triangles, 128)
    matrix = torch.stack([shapes.camera(), shapes.camera(turn=1.0)])
    spec, eye = HashGridSpec(4, 2, 12, 8, 64), torch.tensor([[0.0, 0, 3.2], [3.2 * math.sin(1), 0, 3.2 * math.cos(1)]])

    def image(device, vertices, values, base):
        faces, at, at_faces = triangles.to(device), uv.to(device), uv_triangles.to(device)
        normals = vertex_normals(Mesh(vertices, faces))
        sign = orientation(at, at_faces)[:, None]
        frame = torch.cat([tangents(vertices, normals, faces, at, at_faces), sign], dim=1)
        if textured:
            material = TextureMaterial(values.detach(), limits(9, device))
            del material.texels
            material.texels = values
        else:
            material = VolumeMaterial(spec, limits(6, CPU), 3.0, torch.Generator().manual_seed(1)).to(device)
            material.limits = limits(6, device)
            del material.table
            material.table = values
        shape = Shape(vertices, faces, normals, at, at_faces, frame)
        cameras = CameraBatch(matrix, eye).to(device)
        return render(load(device=device), cameras, shape, material, prefiltered(base), (64, 64), 2).image

    values = random(128, 128, 9) if textured else random(4, 2**12, 2)
    here, there = (
        output_and_gradients(image, [points, values, random(6, 16, 16, 3)], device) for device in (CPU, CUDA)
    )
    for index, (one, other) in enumerate(zip(here, there)):
        # Projected positions differ in their last bits, so a pixel in ten thousand may see the triangle beside.
        assert float((one - other).norm() / one.norm()) < 5e-3, index


def test_image_metrics():
    """SSIM subtracts nearly equal numbers: cuDNN's TF32 would show here."""
    image = random(2, 64, 64, 3)
    other = (image + 0.02 * random(2, 64, 64, 3, seed=1)).clamp(0, 1)
    for metric in (psnr, ssim):
        assert (metric(image, other) - metric(image.to(CUDA), other.to(CUDA)).cpu()).abs().max() < 1e-4
