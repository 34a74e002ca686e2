"""Shared by the trainer's tests: the balls of tests/unit/capture as a capture of twelve small views."""

import importlib.util
from pathlib import Path

import pytest


def _balls():
    path = Path(__file__).resolve().parents[1] / "unit" / "capture" / "conftest.py"
    spec = importlib.util.spec_from_file_location("capture_conftest", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_capture(tmp_path_factory):
    """Twelve training and two validation views at 48 pixels."""
    balls = _balls()
    folder = tmp_path_factory.mktemp("tiny_capture")
    scene = balls.Scene(folder)
    scene.add("train", balls.ring(12))
    scene.add("val", balls.ring(2, offset=1.0))
    return folder
