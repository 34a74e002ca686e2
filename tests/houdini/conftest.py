"""Fixtures of the Houdini side: the stand-ins of `hou` and `pdg`."""

import importlib.util
import sys
from pathlib import Path

import pytest


def _load_session():
    """`standin_session.py`, which lies beside this file: tests are imported without their folder on sys.path."""
    name = "topforge_standin_session"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("standin_session.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


@pytest.fixture
def standin(tmp_path):
    """`standin.session()` is a fresh `hou`, as often as a test wants; `standin.pdg` the `pdg` of that session."""
    made = _load_session().Standin(tmp_path)
    yield made
    made.close()


@pytest.fixture
def hou(standin):
    """A fresh `hou` of Houdini 20.5 with our assets, its scene in the test's folder."""
    return standin.session()


@pytest.fixture
def network(standin, tmp_path):
    """A TOP network on paper, without `hou`, for the tests of the stand-in of `pdg`."""
    standin.session(assets=False)
    import pdg
    from pdg import _paper

    yield _paper.Network(tmp_path)
    pdg._engine.forget_all()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """The run folder of a result, written by the trainer's exporters; nobody may change it."""
    import made_results  # needs torch, which the tests that use this have asked for

    run = tmp_path_factory.mktemp("published") / "run"
    made_results.write(run)
    return run
