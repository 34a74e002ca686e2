"""The backend of nvdiffrast and tiny-cuda-nn against the CPU's operators: values, all gradients, both passes.

Each tolerance is on the largest difference over the largest value. nvdiffrast rounds vertices to a sixteenth of a pixel
to find out what covers a pixel, so who is visible may differ next to edges; everything else is the same mathematics.
"""

from __future__ import annotations

import importlib.util
import json

import pytest
import torch

from topforge_train.__main__ import run_volume_pass
from topforge_train.backend import load
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.tinycudann_grid import HashGridLayoutError
from topforge_train.rendering import layers
from topforge_train.surface_pass import SurfacePass

pytestmark = pytest.mark.gpu
MISSING = [name for name in ("nvdiffrast", "tinycudann") if importlib.util.find_spec(name) is None]
if MISSING:
    pytest.skip("not installed: %s" % ", ".join(MISSING), allow_module_level=True)


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def sides(gpu):
    """The CPU's operators, and those under test."""
    return load("warp", "cpu"), load("nvdiffrast", "cuda")


@pytest.fixture(scope="module")
def scene(borrowed):
    """Ten thousand triangles before two cameras: vertices, clip positions, triangles."""
    shapes = borrowed("trainer/test_silhouette.py")
    points, triangles = shapes.torus(100, 50)
    return points, shapes.project(points, shapes.camera(), shapes.camera(turn=1.0)), triangles


def output_and_gradients(backend, function, tensors):
    inputs = [tensor.detach().to(backend.device).requires_grad_() for tensor in tensors]
    out = function(backend, *inputs)
    weights = random(*out.shape, seed=77) - 0.5
    return [tensor.cpu() for tensor in (out.detach(), *torch.autograd.grad(out, inputs, weights.to(out)))]


def assert_same(sides, function, tensors, tolerance):
    found = zip(*(output_and_gradients(backend, function, tensors) for backend in sides))
    for index, (here, there) in enumerate(found):
        assert here.abs().max() > 0, "output %d is empty: this would pass with anything" % index
        error = float((here - there).abs().max() / here.abs().max())
        print("output %d differs by %.2g" % (index, error))
        assert error <= tolerance, "output %d (0 is the value) differs by %g" % (index, error)


@pytest.mark.parametrize("size", [(37, 61), (256, 256)])
def test_the_same_surface_is_visible(sides, scene, size):
    """Row 0 is at NDC y = -1, the nearest surface wins, weights belong to corners 0 and 1."""
    _, clip, triangles = scene
    here, there = (b.rasterize(clip.to(b.device), triangles.to(b.device), size) for b in sides)
    ids, found = here.ids, there.ids.cpu()
    covered = (ids > 0).sum()
    assert covered > 500
    unlike, other_cover = (ids != found).sum() / covered, ((ids > 0) != (found > 0)).sum() / covered
    print("other triangle %.4f, other coverage %.4f" % (unlike, other_cover))
    assert unlike < 0.15  # of triangles that are smaller than pixels; 0.02 where they are not
    assert other_cover < 0.005
    assert torch.equal(there.pixel, torch.nonzero(there.ids.reshape(-1)).squeeze(1))
    same = ((ids == found) & (ids > 0)).reshape(-1)
    for name, tolerance in (("depth", 1e-5), ("barycentric", 1e-3)):
        both = [getattr(f, name).cpu()[same[f.pixel.cpu()]] for f in (here, there)]
        assert (both[0] - both[1]).abs().max() < tolerance, name


def test_weights_of_fragments(sides, scene):
    """Gradients to the positions, over the pixels where both see the same triangle."""
    _, clip, triangles = scene
    both = [b.rasterize(clip.to(b.device), triangles.to(b.device), (96, 96)).ids.cpu() for b in sides]
    same = ((both[0] == both[1]) & (both[0] > 0)).reshape(-1)
    assert same.sum() > 3000

    def weights(backend, c):
        fragments = backend.rasterize(c, triangles.to(backend.device), (96, 96))
        return fragments.barycentric[same.to(backend.device)[fragments.pixel]]

    assert_same(sides, weights, [clip], 0.01)  # in float32 there, in float64 here


def on(fragments, device, weights):
    moved = {name: getattr(fragments, name).to(device) for name in ("ids", "pixel", "triangle", "depth")}
    return type(fragments)(fragments.views, fragments.height, fragments.width, barycentric=weights, **moved)


def test_interpolate(sides, scene):
    _, clip, triangles = scene
    fragments = sides[0].rasterize(clip, triangles, (96, 96))

    def operator(backend, weights, attributes):
        return backend.interpolate(attributes, triangles.to(backend.device), on(fragments, backend.device, weights))

    assert_same(sides, operator, [fragments.barycentric, random(clip.shape[1], 7)], 1e-5)


def test_antialias(sides, scene):
    """Silhouette gradients are the mesh's own here too, whichever rasteriser found the pixels."""
    _, clip, triangles = scene

    def operator(backend, image, c):
        faces = triangles.to(backend.device)
        return backend.antialias(image, c, faces, backend.rasterize(c, faces, (128, 128)))

    here, there = (output_and_gradients(b, operator, [random(2, 128, 128, 4), clip]) for b in sides)
    for index, (one, other) in enumerate(zip(here, there)):
        error = float((one - other).norm() / one.norm())
        print("output %d differs by %.3f" % (index, error))
        assert error < 0.1, index


@pytest.mark.parametrize("count", [300, 300000])
def test_texture(sides, count):
    levels = [random(h, w, 9, seed=h) for h, w in ((16, 32), (8, 16), (4, 8))]
    places, level = random(count, 2, seed=1) * 1.2 - 0.1, random(count, seed=2) * 4 - 1
    # nvdiffrast has no slope exactly where places are clamped to the edge; ours likewise.
    assert_same(sides, lambda b, at, *maps: b.texture(maps, at, level.to(b.device)), [places, *levels], 2e-4)
    assert_same(sides, lambda b, at, *maps: b.texture(maps, at, level.to(b.device)), [places, levels[0]], 2e-4)


def test_texture_cube(sides, borrowed):
    levels, directions, level = borrowed("trainer/test_sampling.py").cube_inputs(20000, sides=(16, 16, 5))
    assert_same(sides, lambda b, at, where, *maps: b.texture_cube(maps, at, where), [directions, level, *levels], 1e-4)


def test_layers(sides, scene):
    """The surfaces behind, with lists of their own length, and their gradients."""
    _, clip, triangles = scene
    both = [layers.peel(b, clip.to(b.device), triangles.to(b.device), (96, 96), [None] * 4) for b in sides]
    for here, there in zip(*both):
        covered = (here.ids > 0).sum()
        other = ((here.ids > 0) != (there.ids.cpu() > 0)).sum() / covered.clamp(min=1)
        print("layer %d: %d pixels, other coverage %.4f" % (here.layer, covered, other))
        assert there.layer == here.layer
        assert other < 0.05
    roomy = layers.peel(sides[1], clip.cuda(), triangles.cuda(), (96, 96), [9000] * 4)
    for exact, padded in zip(both[1], roomy):
        count = len(exact.pixel)
        assert padded.count.item() == count
        for name in ("pixel", "triangle", "barycentric", "depth"):
            assert torch.equal(getattr(exact, name), getattr(padded, name)[:count]), name
        assert bool((padded.pixel[count:] == padded.ids.numel()).all())


@pytest.mark.parametrize("spec", [HashGridSpec(), HashGridSpec(8, 2, 15, 16, 256), HashGridSpec(5, 2, 10, 4, 96)])
def test_hash_grid(sides, spec):
    """The same rows of the same table: what one backend has learnt, the other can read."""
    table, points = random(spec.levels, 2**spec.log2_table, spec.features) - 0.5, random(20000, 3, seed=3)
    # The scales of the levels differ by a ten-millionth: where that moves a point into the next cell, its slope jumps.
    assert_same(sides, lambda b, t: b.hash_grid(t, points.to(b.device), spec), [table], 1e-3)
    slopes = [output_and_gradients(b, lambda b, t, p: b.hash_grid(t, p, spec), [table, points])[2] for b in sides]
    assert ((slopes[0] - slopes[1]).abs() > 1e-3 * slopes[0].abs().max()).float().mean() < 0.01


def test_a_grid_that_rounding_would_lay_out_differently_is_refused(sides):
    spec = HashGridSpec(9, 2, 19, 16, 256)  # level 2 has a scale of 31, by a growth that float32 cannot hold
    with pytest.raises(HashGridLayoutError, match="level 2"):
        sides[1].hash_grid(torch.zeros(9, 2**19, 2).cuda(), random(10, 3).cuda(), spec)


def test_nothing_in_gives_nothing_out(sides):
    backend = sides[1]
    behind = torch.tensor([[[0.0, 0, 0, -1]] * 3], device="cuda").requires_grad_()
    triangles, empty = torch.tensor([[0, 1, 2]], dtype=torch.int32, device="cuda"), torch.zeros(0, 3, device="cuda")
    fragments = backend.rasterize(behind, triangles, (8, 8))
    assert not len(fragments.pixel)
    assert not len(backend.rasterize(behind, triangles[:0], (8, 8)).pixel)
    assert backend.interpolate(behind[0], triangles, fragments).shape == (0, 4)
    assert backend.texture([torch.ones(4, 4, 5).cuda()], empty[:, :2], empty[:, 0]).shape == (0, 5)
    assert backend.texture_cube([torch.ones(6, 4, 4, 3).cuda()], empty, empty[:, 0]).shape == (0, 3)
    assert backend.hash_grid(torch.ones(8, 2**15, 2).cuda(), empty, HashGridSpec()).shape == (0, 16)


def test_both_passes_train_as_on_the_cpu(borrowed, tmp_path, tiny_capture):
    training, found = borrowed("trainer/test_training.py"), {}
    for name, options in (("cpu", {"device": "cpu"}), ("nvdiffrast", {"device": "cuda", "backend": "nvdiffrast"})):
        run = training.Run(tmp_path / name, tiny_capture, iter=20, **options)
        code, text = run.finish()
        assert code == 0, text
        found[name] = json.loads((run.folder / "output" / "summary.json").read_text())
    assert found["nvdiffrast"]["provenance"]["backend"] == "nvdiffrast"
    assert "never commercially" in found["nvdiffrast"]["licences"][0]
    assert found["cpu"]["licences"] == []
    assert abs(found["nvdiffrast"]["metrics"]["psnr"] - found["cpu"]["metrics"]["psnr"]) < 1


def test_one_iteration_of_pass_2(borrowed, tmp_path, tiny_capture):
    """The loss and every gradient of an iteration, up to the pixels whose owner differs."""
    cuda, training = borrowed("gpu/test_training_cuda.py"), borrowed("trainer/test_training.py")
    sessions = [
        cuda.session(training, tmp_path, tiny_capture, device, backend=name)
        for device, name in (("cpu", "warp"), ("cuda", "nvdiffrast"))
    ]
    start = run_volume_pass(sessions[0], None)
    (terms, slopes), (other_terms, other_slopes) = (cuda.terms_and_gradients(SurfacePass(s, start)) for s in sessions)
    torch.testing.assert_close(other_terms, terms, rtol=0.03, atol=1e-5)
    for index, (one, other) in enumerate(zip(slopes, other_slopes)):
        assert float((one - other).norm() / one.norm().clamp(min=1e-12)) < 0.2, index
