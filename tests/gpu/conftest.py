"""Shared by the tests that need an NVIDIA GPU: `python3 scripts/test.py tests/gpu` runs them, or says why it cannot."""

import functools
import importlib.util
from pathlib import Path

import pytest
import torch

TESTS = Path(__file__).resolve().parents[1]


@functools.lru_cache(maxsize=None)
def _module(name):
    spec = importlib.util.spec_from_file_location(Path(name).stem + "_for_gpu", TESTS / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True, scope="session")
def gpu():
    """Skips where there is none, before any other fixture begins to work."""
    if not torch.cuda.is_available():
        built = "for CUDA %s" % torch.version.cuda if torch.version.cuda else "without CUDA"
        pytest.skip("torch.cuda.is_available() is false (torch %s, built %s)" % (torch.__version__, built))


@pytest.fixture(scope="session")
def borrowed():
    """The scenes and inputs of another test file, by its path under tests/."""
    return _module


tiny_capture = _module("trainer/conftest.py").tiny_capture
