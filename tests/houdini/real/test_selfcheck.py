"""Every check of scripts/selfcheck.py as a test. They share what they make, so they run in order and together."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    from topforge_houdini.self_checks.model import Bench

    return Bench(Path(tmp_path_factory.mktemp("selfcheck")), quick=False)


def test_selfcheck(check, bench):
    from topforge_houdini.self_checks.model import Status, run

    finding = run(check, bench)
    print(finding.message)
    if finding.status is Status.SKIP:
        pytest.skip(finding.message)
    assert finding.status is not Status.FAIL, finding.message + "\n" + finding.trace
