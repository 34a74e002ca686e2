"""An iteration with room for its lists asks the device for nothing: checked on the CPU, where each call can be seen.

On a GPU each of these calls would wait for it, or copy from the CPU, and could not be captured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

from small_training import SMALL

from topforge_train.__main__ import open_session, parse, run_volume_pass
from topforge_train.backend import parallel, warp_runtime
from topforge_train.surface_pass import SurfacePass
from topforge_train.volume_pass import VolumePass

WAITING = {
    "_local_scalar_dense": "a number is read: .item(), .tolist(), bool(tensor), a tensor as a size",
    "is_nonzero": "a tensor decides a branch",
    "equal": "tensors are compared as a whole",
    "nonzero": "the length of a result depends on values",
    "masked_select": "the length of a result depends on values",
    "_unique2": "the length of a result depends on values",
    "unique_consecutive": "the length of a result depends on values",
    "repeat_interleave": "the length of a result depends on values",
    "bincount": "the length of a result depends on values",
    "lift_fresh": "a tensor is made of Python's numbers, which would have to be copied",
}
RANDOM = ("rand", "normal", "bernoulli", "multinomial", "uniform")


class WaitsError(Exception):
    """Something would wait for a GPU."""


def refusing(name):
    """Stands for a method of tensors."""

    def refuse(*_, **__):
        raise WaitsError("%s: values are copied to the CPU" % name)

    return refuse


class DeviceOnly(TorchDispatchMode):
    """Refuses what would, but for what is done on a CPU only: ranges for its threads, a look at triangles."""

    def __enter__(self):
        self._patches = pytest.MonkeyPatch()
        for name in ("tolist", "numpy", "cpu"):
            self._patches.setattr(torch.Tensor, name, refusing(name))
        self._patches.setattr(parallel, "balanced_ranges", lambda work: [(0, len(work) - 1)])
        self._patches.setattr(warp_runtime, "_index_range", lambda triangles: (0, 0))
        return super().__enter__()

    def __exit__(self, *error):
        self._patches.undo()
        return super().__exit__(*error)

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = function.overloadpacket.__name__
        if name in WAITING:
            raise WaitsError("%s: %s" % (name, WAITING[name]))
        if name.startswith(RANDOM):
            raise WaitsError("%s: random numbers of the CPU" % name)
        if name in ("index", "index_put", "index_put_"):
            indices = [index for index in args[1] if index is not None]
            if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
                raise WaitsError("%s: a mask as index; the length of a result depends on values" % name)
        return function(*args, **(kwargs or {}))


OPTIONS = {**SMALL, "iter": 4, "batch": 2, "save_interval": 0}
CHANGES = [
    {},
    {"isosurface": "flexicubes"},
    {"layers": 2},
    {"camera_space_light": True},
    {"spp": 2, "loss": "relmse", "light_smoothness": 0.1, "laplace": "absolute"},
    {"lock_pos": True, "lock_light": True},
    {"exposure": "on", "pose_refinement": "on", "mask_tolerance": 2.0},
]


@pytest.fixture(scope="module")
def start(tmp_path_factory, tiny_capture):
    """What pass 1 hands over, once for all tests."""
    return run_volume_pass(session(tmp_path_factory.mktemp("start"), tiny_capture), None)


def session(folder, capture, **options):
    config = folder / "config.json"
    config.write_text(json.dumps({**OPTIONS, **options}))
    names = {"config": config, "dataset": capture, "output": folder, "checkpoints": folder, "previews": folder}
    return open_session(parse([word for key, value in names.items() for word in ("--" + key, str(value))]))


def iterate(training):
    """An iteration as it is captured, after an exact one, as always."""
    drawn, rejected = training.draw(0, 0.0), torch.zeros(())
    exact = training.losses(drawn)
    exact.total().backward()
    training.apply(drawn, rejected)
    room = {name: int(length) + 100 for name, length in exact.lengths.items()}
    with DeviceOnly():
        training.losses(drawn, room).total().backward()
        training.apply(drawn, rejected)


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize("number", [0, 1])
def test_nothing_waits(tmp_path, tiny_capture, start, number, change):
    opened = session(tmp_path, tiny_capture, **change)
    iterate(SurfacePass(opened, start) if number else VolumePass(opened))


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x.tolist(),
        lambda x: x[x > 0.5],
        lambda x: torch.nonzero(x),
        lambda x: torch.tensor([1.0, 2.0]),
        lambda x: torch.rand(3),
        lambda x: torch.randint(3, (2,)),
    ],
)
def test_what_waits_is_seen(wait):
    with DeviceOnly(), pytest.raises(WaitsError):
        wait(torch.ones(4))
