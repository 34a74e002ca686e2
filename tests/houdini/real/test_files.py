"""Files that were written without Houdini, in Houdini's own hands."""

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
LIBRARIES = sorted((REPOSITORY / "otls").glob("topforge.*.hda"))
UNSTABLE = ("Contents.createtimes", "Contents.modtimes", "Contents.houdini_versions")
"""Sections that Houdini fills with its own times and version."""

pytestmark = pytest.mark.usefixtures("clear_hip_file")


def texts(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_houdini_expands_what_we_collapse_to_what_we_wrote(hou, library, tmp_path):
    from topforge_scene import asset_binary

    collapsed, expanded = tmp_path / "ours.hda", tmp_path / "theirs.hda"
    collapsed.write_bytes(asset_binary.collapse(texts(library)))
    hou.hda.expandToDirectory(str(collapsed), str(expanded))
    ours, theirs = texts(library), texts(expanded)
    assert sorted(theirs) == sorted(ours)
    assert [name for name in ours if theirs[name] != ours[name] and Path(name).name not in UNSTABLE] == []


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_we_expand_what_houdini_collapses(hou, library, tmp_path):
    from topforge_scene import asset_binary

    hou.hda.collapseFromDirectory(str(tmp_path / "theirs.hda"), str(library))
    found = asset_binary.expand((tmp_path / "theirs.hda").read_bytes())
    assert {name for name in found if name.endswith("DialogScript")} == {
        name for name in texts(library) if name.endswith("DialogScript")
    }


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda path: path.name)
def test_a_collapsed_asset_is_installed_like_its_folder(hou, library, tmp_path):
    from topforge_scene import asset_binary

    path = tmp_path / "topforge.hda"
    path.write_bytes(asset_binary.collapse(texts(library)))
    (ours,) = hou.hda.definitionsInFile(str(path))
    (folder,) = hou.hda.definitionsInFile(str(library))
    assert ours.nodeTypeName() == folder.nodeTypeName()
    assert ours.sections()["DialogScript"].contents() == folder.sections()["DialogScript"].contents()


def test_scenes_that_hython_builds_hold_what_ours_hold(hou, tmp_path):
    from topforge_houdini import scenes
    from topforge_houdini.self_checks.sample_scenes import different

    script = REPOSITORY / "scripts" / "build_hips.py"
    hython = Path(os.environ["HFS"]) / "bin" / "hython"
    subprocess.run([str(hython), str(script), "--output", str(tmp_path)], check=True, timeout=300)
    for name, make in scenes.SCENES.items():
        hou.hipFile.load(str(tmp_path / (name + ".hip")), True, False)
        found = [
            text
            for manager, nodes in make().networks.items()
            for node in nodes
            for text in different("/%s/%s" % (manager, node.name), node)
        ]
        assert found == []
