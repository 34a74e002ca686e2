"""Who may import what. One rule of the house, walked over every file (docs: DESIGN's rules, CONTRIBUTING.md)."""

import ast
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
STANDARD = set(sys.stdlib_module_names) | {"__future__"}
CORE_OPTIONAL = {"cooking/display.py": {"rich"}, "running/pdg_report.py": {"pdgcmd"}}
"""In the core, the one module that may try each optional package."""
TRAINER_OPTIONAL = {"select.py": {"nvdiffrast", "tinycudann"}}
"""The same in the trainer."""
CAPTURE_OPTIONAL = {"formats/usd.py": {"pxr"}}
"""The same in the captures: Pixar's USD, which Houdini has and trainers have not."""
SCENE_VERB = "adopt.py"
"""The verb that reads Houdini's files: the one place where the core's command line reaches beyond the core."""
CAPTURE = {"numpy", "imageio", "PIL", "topforge", "topforge_capture"}
TRAINER = CAPTURE | {"torch", "warp", "xatlas", "fast_simplification", "topforge_train"}
HOUDINI = {"hou", "pdg", "pxr", "toptoolutils", "voptoolutils", "topforge", "topforge_scene", "topforge_houdini"}
"""What ships with Houdini, and what runs in its Python without touching what else is installed there."""
PACKAGES = {
    "pipeline/topforge": {"topforge"},
    "pipeline/topforge_scene": {"topforge", "topforge_scene"},
    "pipeline/topforge_capture": CAPTURE,
    "pipeline/topforge_frames": CAPTURE | {"topforge_frames", "pycolmap", "imageio_ffmpeg"},
    "pipeline/topforge_train": TRAINER,
    "python3.11libs/topforge_houdini": HOUDINI,
    "python3.13libs/topforge_houdini": set(),
}
"""What a package may import beyond the standard library."""
PURE_HOUDINI = ["__init__.py", "parameters.py", "assets.py", "help_card.py", "nodes"]
PURE_HOUDINI += ["scenes.py", "scene_nodes.py", "scene_notes.py"]
"""Modules of the Houdini side that build scripts import where there is no Houdini."""


def imported(path):
    """Top-level package names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        yield from imported_by(node)


def imported_by(node):
    """Top-level package names that one statement imports."""
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield node.module.split(".")[0]


def files(package):
    return sorted((REPOSITORY / package).rglob("*.py"))


def allowed(package, path):
    more = set()
    if package == "pipeline/topforge":
        more = (
            {"topforge_scene"}
            if path.name == SCENE_VERB
            else CORE_OPTIONAL.get(path.relative_to(REPOSITORY / package).as_posix(), set())
        )
    if package == "pipeline/topforge_capture":
        more = CAPTURE_OPTIONAL.get(path.relative_to(REPOSITORY / package).as_posix(), set())
    if package == "pipeline/topforge_train":
        more = TRAINER_OPTIONAL.get(path.name, set())
    return STANDARD | PACKAGES[package] | more


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package):
    assert files(package), "the package has moved; this test must follow"
    leaks = {
        "%s imports %s" % (path.relative_to(REPOSITORY), name)
        for path in files(package)
        for name in imported(path)
        if name not in allowed(package, path)
    }
    assert not leaks


@pytest.mark.parametrize("name", PURE_HOUDINI)
def test_what_build_scripts_import_needs_no_houdini(name):
    root = REPOSITORY / "python3.11libs" / "topforge_houdini" / name
    paths = sorted(root.rglob("*.py")) if root.is_dir() else [root]
    assert paths
    assert not [path.name for path in paths if {"hou", "pdg", "pxr"} & set(imported(path))]


def test_the_walk_would_notice_a_leak(tmp_path):
    leak = tmp_path / "leak.py"
    leak.write_text("def f():\n    import torch.nn\n    from numpy.typing import NDArray\n")
    assert set(imported(leak)) == {"torch", "numpy"}


def test_optional_packages_are_really_optional():
    """Optional imports stand inside `try`, or what needs them not would not start without them."""
    optional = {"pipeline/topforge/" + name: packages for name, packages in CORE_OPTIONAL.items()}
    optional.update({"pipeline/topforge_train/backend/" + name: them for name, them in TRAINER_OPTIONAL.items()})
    optional.update({"pipeline/topforge_capture/" + name: them for name, them in CAPTURE_OPTIONAL.items()})
    for name, packages in optional.items():
        tree = ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))
        guarded = {id(node) for block in ast.walk(tree) if isinstance(block, ast.Try) for node in ast.walk(block)}
        for node in ast.walk(tree):
            found = packages & set(imported_by(node))
            assert not found or id(node) in guarded, "%s imports %s outside try" % (name, found)
