"""Image term, shading, vertex normals and tangents on CUDA: against the CPU, with padding, and inside a CUDA graph."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from topforge_train.backend.warp_image_loss import NAMES, image_term
from topforge_train.backend.warp_normal_variation import normal_variation
from topforge_train.backend.warp_shading import shaded_image
from topforge_train.backend.warp_tangents import tangents
from topforge_train.backend.warp_vertex_normals import vertex_normals

pytestmark = pytest.mark.gpu
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def assert_same(borrowed):
    return borrowed("gpu/test_backend_cuda.py").assert_same


@pytest.fixture(scope="module")
def points(borrowed):
    """Fragments, and inputs of `shaded_image`."""
    return borrowed("trainer/test_shaded_image.py").points(2000, channels=10)


def moved(fragments, device):
    """Fragments on a device."""
    fields = {field.name: getattr(fragments, field.name) for field in dataclasses.fields(fragments)}
    tensors = {name: value.to(device) for name, value in fields.items() if isinstance(value, torch.Tensor)}
    return dataclasses.replace(fragments, **tensors)


@pytest.mark.parametrize("name", NAMES)
def test_image_term(assert_same, borrowed, name):
    image, target, background = borrowed("trainer/test_image_loss.py").images(3, 130, 97)
    target = torch.where(image == target, target, target + 1e-3)  # no difference that only rounding decides

    def term(device, here):
        return image_term(name, here, target.to(device), background.to(device), 3.0)[None]

    assert_same(term, [image], 1e-5)


@pytest.mark.parametrize("mapped", [False, True])
def test_shaded_image(assert_same, points, mapped):
    fragments, (surface, frames, channels, eyes, *levels) = points
    sides = torch.where(torch.arange(len(surface)) % 3 == 0, -1.0, 1.0)

    def image(device, surface, channels, eyes, *more):
        used, light = (more[0], more[1:]) if mapped else (None, more)
        place, seen = moved(fragments, device), sides.to(device) if mapped else None
        return shaded_image(surface, used, channels, place, eyes, light, seen)[0]

    assert_same(image, [surface, channels, eyes, *([frames] if mapped else []), *levels], 1e-4)


def test_padding_is_not_seen(points):
    fragments, (surface, _, channels, eyes, *levels) = points
    there, extra = moved(fragments, CUDA), 500
    outside = torch.full((extra,), there.views * there.height * there.width, device=CUDA)
    count = torch.tensor([len(surface)], dtype=torch.int32, device=CUDA)
    padded = dataclasses.replace(there, pixel=torch.cat([there.pixel, outside]), count=count)
    found = []
    for place, rows in ((there, 0), (padded, extra)):
        longer = [
            torch.cat([t.to(CUDA), torch.full((rows, t.shape[1]), 1e30, device=CUDA)]) for t in (surface, channels)
        ]
        inputs = [*(t.requires_grad_() for t in longer), *(level.to(CUDA).requires_grad_() for level in levels)]
        image, _ = shaded_image(inputs[0], None, inputs[1], place, eyes.to(CUDA), inputs[2:])
        found.append([image, *torch.autograd.grad(image.square().sum(), inputs)])
    for plain, given in zip(*found):
        assert torch.allclose(plain, given[: len(plain)], rtol=1e-4, atol=1e-4)
        assert given[len(plain) :].abs().sum() == 0


def test_all_of_them_in_a_cuda_graph(borrowed, points):
    """Captured once, replayed on other numbers: what was computed is what is computed without a graph."""
    vertices, triangles = (tensor.to(CUDA) for tensor in borrowed("trainer/test_vertex_normals.py").lumpy(40, 50))
    uv = torch.rand(len(vertices), 2, device=CUDA)
    fragments, inputs = points
    place = moved(fragments, CUDA)
    surface, frames, channels, eyes, *levels = (tensor.to(CUDA) for tensor in inputs)
    target = torch.rand(place.views, place.height, place.width, 4, device=CUDA)
    background = torch.rand(place.views, 1, 1, 3, device=CUDA)
    leaves = [tensor.clone().requires_grad_() for tensor in (vertices, surface, frames, channels, *levels)]

    def gradients():
        points_, surface_, frames_, channels_, *levels_ = leaves
        normals = vertex_normals(points_, triangles)
        frame = tangents(points_, normals, triangles, uv, triangles)
        image, _ = shaded_image(surface_, frames_, channels_, place, eyes, levels_)
        total = image_term("logl1", image, target, background, 1.0) + (frame[:, :2] * normals[:, 1:]).sum()
        total = total + normal_variation(normals, triangles).mean()
        return torch.autograd.grad(total, leaves)

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            gradients()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = gradients()
    with torch.no_grad():
        for leaf in leaves:
            leaf.mul_(0.9).add_(0.01)
    graph.replay()
    for expected, found in zip(gradients(), captured):
        assert expected.abs().max() > 0
        assert torch.allclose(found, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
