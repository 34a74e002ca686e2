"""Which backend runs, and what is said when one cannot."""

import sys
import types

import pytest
import torch

from topforge_train.backend import load, select
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.tinycudann_grid import HashGridLayoutError, encoding, hash_grid
from topforge_train.backend.warp_hash_grid import lattice


def test_an_unknown_backend_is_refused_with_those_there_are():
    with pytest.raises(select.BackendUnavailableError, match="no backend 'opengl'") as refused:
        load("opengl")
    assert refused.value.fix == "Choose one of: auto, warp, nvdiffrast."


def test_nvdiffrast_on_a_cpu_is_refused():
    with pytest.raises(select.BackendUnavailableError, match="NVIDIA GPUs only"):
        load("nvdiffrast", "cpu")


@pytest.fixture
def packages(monkeypatch, tmp_path):
    """Makes importable what is named, by the text of a module; of the rest of the backend's packages there is none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules):
        for name in ("nvdiffrast", "nvdiffrast.torch", "tinycudann"):
            monkeypatch.setitem(sys.modules, name, None)
        for name, text in modules.items():
            monkeypatch.delitem(sys.modules, name)
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(text)

    return make


def test_a_missing_package_is_named_with_what_to_install_and_what_needs_nothing(packages):
    packages()
    with pytest.raises(select.MissingPackagesError, match="import of nvdiffrast") as refused:
        load("nvdiffrast", "cuda")
    assert 'Set backend to "warp", which needs nothing more' in refused.value.fix
    assert "git+https://github.com/NVlabs/nvdiffrast.git" in refused.value.fix
    assert "tiny-cuda-nn" in refused.value.fix


def test_a_package_built_for_other_gpus_is_missing_too(packages):
    packages(nvdiffrast="torch = None", tinycudann="raise EnvironmentError('No extension for compute capability 90.')")
    sys.modules["nvdiffrast.torch"] = types.ModuleType("nvdiffrast.torch")
    with pytest.raises(select.MissingPackagesError, match="No extension for compute capability 90"):
        load("nvdiffrast", "cuda")


class StandIn:
    """Tiny-cuda-nn's Encoding as its documentation and bindings describe it, in plain torch for the dense levels."""

    def __init__(self, count):
        self.count = count

    def Encoding(self, dimensions, config, dtype):
        assert (dimensions, dtype, config["otype"], config["type"]) == (3, torch.float32, "Grid", "Hash")
        module = torch.nn.Linear(1, 1)
        module.params = torch.nn.Parameter(torch.zeros(self.count))
        module.forward = lambda points: module.params.sum() * points.sum(1, keepdim=True)
        return module


@pytest.fixture
def no_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device", lambda _: __import__("contextlib").nullcontext())


def test_a_grid_of_another_size_is_refused(no_device):
    spec = HashGridSpec(5, 2, 10, 4, 96)
    with pytest.raises(HashGridLayoutError, match="it has 7 parameters"):
        encoding(StandIn(7), spec, torch.device("cpu"))


def test_a_grid_that_rounding_would_lay_out_differently_is_refused(no_device):
    with pytest.raises(HashGridLayoutError, match="level 2"):
        encoding(StandIn(0), HashGridSpec(9, 2, 19, 16, 256), torch.device("cpu"))


def test_only_the_rows_in_use_reach_tinycudann_and_get_gradients(no_device):
    spec = HashGridSpec(5, 2, 10, 4, 96)
    used = [level.entries for level in lattice(spec)]
    assert used[0] < 2**10
    table = torch.rand(5, 2**10, 2).requires_grad_()
    out = hash_grid(StandIn(2 * sum(used)), table, torch.ones(3, 3), spec)
    out.sum().backward()
    for level, entries in enumerate(used):
        assert bool((table.grad[level, :entries] == 9).all())
        assert bool((table.grad[level, entries:] == 0).all())
