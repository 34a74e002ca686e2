"""The watch over losses: it speaks one iteration late, names the iteration it means, and lets numbers pass."""

from __future__ import annotations

import pytest
import torch

from topforge_train.loop import DivergedError, Losses, Watch


def losses(image, normals):
    return Losses(torch.tensor(image, requires_grad=True), {"normals": torch.tensor(normals)})


def test_numbers_pass():
    watch = Watch(0)
    watch.check()
    watch.note(3, losses(0.5, 0.1))
    watch.check()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_no_number_is_named_with_its_iteration(bad):
    watch = Watch(1)
    watch.note(7, losses(0.5, bad))
    with pytest.raises(DivergedError, match=r"pass 2 at iteration 7 \(image=0.5, normals=(nan|inf)\)"):
        watch.check()
