"""Every kernel compiles for NVIDIA GPUs, on a machine that has none: Warp brings NVIDIA's compiler."""

import importlib
from pathlib import Path

import pytest
import warp as wp

import topforge_train
from topforge_train.backend.warp_runtime import start

OLDEST_ARCHITECTURE = 75
"""Turing, the oldest that Warp's compiler still knows; newer GPUs take its PTX too."""
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
