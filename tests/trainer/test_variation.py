"""Total variation of a texture: the kernels against plain torch."""

from __future__ import annotations

import pytest
import torch

from topforge_train.backend.warp_runtime import TensorMismatchError
from topforge_train.backend.warp_variation import variation


def twin(texels):
    return sum((texels - texels.roll(1, dims=axis)).abs().mean(dim=(0, 1)) for axis in (0, 1)) / 2


@pytest.mark.parametrize("shape", [(64, 64, 9), (5, 48, 3), (33, 7, 1), (1, 1, 2)])
def test_it_is_the_mean_difference_to_neighbours(shape):
    generator = torch.Generator().manual_seed(1)
    texels = torch.rand(shape, generator=generator)
    texels[: shape[0] // 2, :, 0] = 0.25  # equal neighbours: there the slope is 0
    weights, found = torch.rand(shape[-1], generator=generator) - 0.3, []
    weights[-1] = 0.0
    for function in (variation, twin):
        leaf = texels.clone().requires_grad_()
        value = function(leaf)
        (slope,) = torch.autograd.grad((value * weights).sum(), leaf)
        found.append((value.detach(), slope))
    assert torch.allclose(found[0][0], found[1][0], rtol=1e-5, atol=1e-7)
    assert torch.allclose(found[0][1], found[1][1], rtol=1e-5, atol=1e-9)


def test_another_type_is_refused():
    with pytest.raises(TensorMismatchError, match="texels"):
        variation(torch.zeros(4, 4, 3, dtype=torch.float64))
