"""Every kernel compiles for NVIDIA GPUs, on a machine that has none: Warp brings NVIDIA's compiler."""

import importlib
from pathlib import Path

import pytest
import torch
import warp as wp

import topforge_train
from topforge_train.backend import load
from topforge_train.backend.select import BackendUnavailableError
from topforge_train.backend.warp_runtime import OLDEST_ARCHITECTURE, UnusableGpuError, start

PACKAGE = Path(topforge_train.__file__).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "@wp.kernel" in path.read_text(encoding="utf-8"))


def test_the_kernels_were_found():
    assert len(MODULES) >= 8


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_kernels_compile_to_ptx(path, tmp_path):
    start()
    name = ".".join(["topforge_train", *path.relative_to(PACKAGE).with_suffix("").parts])
    wp.compile_aot_module(importlib.import_module(name), arch=OLDEST_ARCHITECTURE, module_dir=tmp_path, use_ptx=True)
    (ptx,) = tmp_path.glob("*.ptx")
    kernels = path.read_text(encoding="utf-8").count("@wp.kernel")
    assert ptx.read_text(encoding="utf-8").count(".visible .entry") >= kernels


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_cuda_is_refused_and_auto_is_the_cpu(monkeypatch):
    assert load(device="auto").device.type == "cpu"
    with pytest.raises(BackendUnavailableError, match="torch sees no CUDA device"):
        load(device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with pytest.raises(UnusableGpuError, match="no NVIDIA driver") as refused:
        load(device="auto")  # a GPU that torch sees and Warp does not must not end as a slow run on the CPU
    assert "driver for CUDA 13 or newer" in refused.value.fix


def test_a_gpu_older_than_the_compiler_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(wp, "is_cuda_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 0))
    with pytest.raises(UnusableGpuError, match=r"its compute capability is 7\.0"):
        load(device="cuda")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (7, 5))
    assert load(device="cuda").device.type == "cuda"
