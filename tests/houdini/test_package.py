"""package.json: what Houdini reads at start. It needs no edit, and puts nothing where children would inherit it."""

import json
import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = json.loads((REPOSITORY / "package.json").read_text(encoding="utf-8"))
COMPARISON = re.compile(r"houdini_version (>=|<) '([\d.]+)'\Z")


def enabled(version):
    """The package's own expression, evaluated as Houdini does: by comparing texts."""
    results = []
    for part in PACKAGE["enable"].split(" and "):
        operator, bound = COMPARISON.match(part).groups()
        results.append(version >= bound if operator == ">=" else version < bound)
    return all(results)


@pytest.mark.parametrize("version", ["20.5.278", "20.5.445", "21.0.631", "22.0.429", "22.5.100"])
def test_supported_versions_load_it(version):
    assert enabled(version)


@pytest.mark.parametrize("version", ["19.5.716", "20.0.653", "23.0.101"])
def test_other_versions_do_not(version):
    assert not enabled(version)


def test_no_path_needs_an_edit():
    assert PACKAGE["env"] == [{"TOPFORGE": {"value": "$HOUDINI_PACKAGE_PATH", "method": "replace"}}]
    assert PACKAGE["hpath"] == "$TOPFORGE"


def test_children_inherit_no_search_path():
    """Schedulers hand Houdini's whole environment to what they start; a trainer's Python must not find our modules."""
    assert not re.search("PYTHONPATH|LD_LIBRARY_PATH|DYLD|PYTHONHOME", json.dumps(PACKAGE))


def test_only_known_keys():
    assert set(PACKAGE) == {"name", "version", "show", "load_package_once", "enable", "hpath", "env"}


def test_the_version_is_the_core_s():
    import topforge

    assert PACKAGE["version"] == topforge.__version__


def test_the_folder_holds_what_houdini_looks_for():
    assert (REPOSITORY / "python3.11libs" / "topforge_houdini" / "__init__.py").is_file()
    assert (REPOSITORY / "python3.13libs" / "topforge_houdini" / "__init__.py").is_file()
    assert (REPOSITORY / "toolbar" / "topforge.shelf").is_file()


def test_it_takes_nothing_from_other_packages():
    """Only the first scripts/123.py, 456.py on Houdini's path runs: shipping one would switch off somebody else's."""
    for name in ("scripts/123.py", "scripts/456.py", "scripts/python", "pdg"):
        assert not (REPOSITORY / name).exists()
