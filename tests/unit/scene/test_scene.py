"""Whole scenes: what is in the file, both forms, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topforge_scene import mime, odc, scene
from topforge_scene.errors import SceneError
from topforge_scene.network import Node
from topforge_scene.scene import Scene

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kartaverse

EMPTY = [
    *(".start", ".variables", ".aliases", ".takeconfig", ".hou.session", ".OPlibraries", ".OPpreferences"),
    "expression.func",
    *("vex.def", "vex.parm", "vex.userdata", "mat.def", "mat.parm", "mat.userdata"),
    *("obj.def", "obj.parm", "obj.userdata", "obj.net", "out.def", "out.parm", "out.userdata", "out.net"),
    *("ch.def", "ch.parm", "ch.userdata", "ch.net", "shop.def", "shop.parm", "shop.userdata", "shop.net"),
    *("img.def", "img.parm", "img.userdata", "img.net", "vex.net", "mat.net"),
    *(
        "stage.def",
        "stage.parm",
        "stage.userdata",
        "stage.net",
        "tasks.def",
        "tasks.parm",
        "tasks.userdata",
        "tasks.net",
    ),
    *(".scenefilevisualizers", ".application", ".takes", ".styles", ".contextoptions", ".cwd"),
]


def test_an_empty_scene_has_the_entries_and_the_order_that_houdini_writes():
    made = scene.to_entries(Scene())
    assert list(made) == EMPTY
    assert made[".takes"] == b"HoudiniTakeFile 1.0\ntake name Main kids 0\n\0\0\0\2e\n"
    assert made[".styles"] == b"\x7fNSJb{}"
    assert b"set -g _HIP_SAVEVERSION = '20.5.445'\n" in made[".variables"]
    assert b"exposed off\n" in made["vex.def"]
    assert b"exposed on debug off\n" in made["stage.def"]
    assert b"display on render on" in made["obj.def"]
    assert made["tasks.userdata"].endswith(b"20.5.445")


@pytest.mark.parametrize("form", scene.FORMS)
@pytest.mark.parametrize("make", [kartaverse.nvdiffrec, kartaverse.grut])
def test_a_scene_comes_back_and_is_the_same_bytes_each_time(tmp_path, form, make):
    path = tmp_path / "x.hip"
    scene.write(path, make(), form)
    first = path.read_bytes()
    scene.write(path, make(), form)
    assert path.read_bytes() == first
    assert scene.read(path).networks["tasks"] == make().networks["tasks"]
    assert scene.read(path).node("/tasks/topnet1/shell_tokens").version == "2"


def test_both_forms_hold_the_same_and_convert_without_loss():
    archive, text = (scene.to_bytes(kartaverse.nvdiffrec(), form) for form in scene.FORMS)
    assert odc.decode(archive) == mime.decode(text)
    assert mime.encode(odc.decode(archive)) == text
    assert odc.encode(mime.decode(text), odc.read(archive)[1]) == archive
    assert b"\r" not in text


def test_unknown_entries_are_kept_when_only_the_container_is_read(tmp_path):
    entries = {**scene.to_entries(Scene()), ".selectedworkitem": b"{}", "odd": b"\xff"}
    for data in (odc.encode(entries, 1), mime.encode(entries)):
        (tmp_path / "x.hip").write_bytes(data)
        assert scene.read_entries(tmp_path / "x.hip") == entries
        assert scene.read(tmp_path / "x.hip").networks == scene.from_entries(scene.to_entries(Scene())).networks


def test_variables_come_back(tmp_path):
    scene.write(tmp_path / "x.hip", Scene(variables={"SHOW": "a b/c"}))
    read = scene.read(tmp_path / "x.hip").variables
    assert read["SHOW"] == "a b/c"
    assert read["ACTIVETAKE"] == "Main"


def test_a_node_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError):
        kartaverse.grut().node("/tasks/topnet1/nobody")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"HouLC\x1a070707", "Houdini Indie"),
        (b"HouNC\x1a070707", "Apprentice"),
        (b"INDX\0\0\0\0", "a digital asset"),
        (b"{}", "not a scene"),
        (b"", "not a scene"),
        (odc.encode({"a": b""}, 1), "none of a scene's networks"),
        (mime.encode({"a": b""}), "none of a scene's networks"),
        (odc.encode({"tasks.def": b"", ".variables": b"set X\n"}, 1), "x.hip: .variables, line 1: expected `set -g"),
        (odc.encode({"tasks.def": b"", "tasks/a.init": b"x"}, 1), "x.hip: tasks/a.init, line 1"),
    ],
)
def test_what_is_no_scene_is_refused_with_the_reason(tmp_path, content, problem):
    (tmp_path / "x.hip").write_bytes(content)
    with pytest.raises(SceneError) as caught:
        scene.read(tmp_path / "x.hip")
    assert problem in str(caught.value)


def test_a_missing_file_and_folder_are_told(tmp_path):
    with pytest.raises(SceneError, match="No such file"):
        scene.read(tmp_path / "none.hip")
    with pytest.raises(SceneError, match="No such file"):
        scene.write(tmp_path / "none" / "x.hip", Scene())


def test_what_cannot_be_written_is_refused():
    with pytest.raises(SceneError, match="no such manager"):
        scene.to_entries(Scene({"top": ()}))
    with pytest.raises(SceneError, match="cannot be stored as a variable"):
        scene.to_entries(Scene(variables={"A": "it's"}))
    with pytest.raises(SceneError, match="wired to output 0"):
        scene.to_entries(Scene({"tasks": (Node("a", "topnet", inputs=kartaverse.generator("x", "b").inputs),)}))
    with pytest.raises(ValueError, match="form"):
        scene.to_bytes(Scene(), "gz")


def outcome(path):
    """The refusal, or the name of what was read."""
    try:
        scene.read(path)
    except SceneError as error:
        return str(error)
    return path.name


WHOLE = {form: scene.to_bytes(kartaverse.nvdiffrec(), form) for form in scene.FORMS}
FORM = st.sampled_from(scene.FORMS)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), FORM)
def test_random_damage_ends_in_a_scene_error_or_in_a_scene(tmp_path, data, form):
    whole = WHOLE[form]
    start = data.draw(st.integers(0, len(whole) - 1))
    end = data.draw(st.integers(start, min(len(whole), start + 200)))
    (tmp_path / "x.hip").write_bytes(whole[:start] + data.draw(st.binary(max_size=10)) + whole[end:])
    assert "x.hip" in outcome(tmp_path / "x.hip")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), FORM)
def test_a_truncated_scene_is_always_refused(tmp_path, data, form):
    whole = WHOLE[form]
    (tmp_path / "x.hip").write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(SceneError):
        scene.read(tmp_path / "x.hip")
