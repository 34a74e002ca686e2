"""The suite for a real Houdini; skipped, with the reason, where there is none.

    hython -m pip install --target .topforge/houdini-test pytest-houdini==2.0.0      # once; pinned in pyproject.toml
    PYTHONPATH=.topforge/houdini-test hython -m pytest tests/houdini/real

Houdini's own Python stays as it is: the packages go to a folder of the checkout, for this command alone. Make the
trainer's environment first (python3 scripts/make_env.py) and install the package (python3 scripts/install.py).
"""

import importlib.util
import os
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent
STANDIN = "TOPFORGE_STANDIN_HYTHON"
"""Set by the stand-in of hython, which plays Houdini for everything but this suite."""
TRY = "TOPFORGE_TRY_REAL_SUITE"
"""Runs the suite on the stand-in all the same, as far as that goes: to see that the suite itself works."""


def why_not():
    """Why this process cannot run the suite; "" when it can."""
    if importlib.util.find_spec("hou") is None or not os.environ.get("HFS"):
        return "needs a real Houdini: run it with hython (see tests/houdini/real/conftest.py)"
    if os.environ.get(STANDIN) and not os.environ.get(TRY):
        return "this is the stand-in of hython, not a real one"
    if importlib.util.find_spec("pytest_houdini") is None:
        return "needs pytest-houdini (see tests/houdini/real/conftest.py)"
    return ""


def pytest_collection_modifyitems(items):
    reason = why_not()
    for item in items:
        if reason and FOLDER in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def pytest_generate_tests(metafunc):
    """One test for each check of selfcheck, by its title; they exist only where there is a Houdini."""
    if "check" not in metafunc.fixturenames:
        return
    if why_not():
        metafunc.parametrize("check", [None], ids=["all"])
        return
    from topforge_houdini import selfcheck

    checks = selfcheck.all_checks()
    metafunc.parametrize("check", checks, ids=[check.title for check in checks])


@pytest.fixture
def hou():
    """Houdini's own module, not the stand-in that other tests have under this name."""
    import hou

    return hou
