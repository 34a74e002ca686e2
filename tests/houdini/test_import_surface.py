"""`topforge::import` on results without textures: a PLY whose vertices have colours, as Neuralangelo makes it."""

import importlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from topforge import results
from topforge.paths import RunPaths
from topforge.running import publish
from topforge.trainers.base import Output
from topforge_capture.ply import PlyWriter

POINTS = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
CORNERS = np.int32([[0, 1, 2], [0, 2, 3]])
COLOURS = np.uint8([[0, 255, 128], [255, 0, 10], [1, 2, 3], [200, 100, 50]])


def linear(colours):
    """IEC 61966-2-1, by numpy."""
    value = colours / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def write_ply(path, corners=CORNERS, colours=COLOURS):
    path.parent.mkdir(parents=True, exist_ok=True)
    with PlyWriter(path, len(POINTS), len(corners), colours is not None) as writer:
        writer.vertices(POINTS, colours)
        writer.faces(corners)


@pytest.fixture
def publish_surface(tmp_path):
    """Publishes such a result, with a preview of one triangle; returns its result.json."""

    def made(colours=COLOURS, preview=True):
        paths = RunPaths(tmp_path / "run")
        shutil.rmtree(paths.run, ignore_errors=True)
        write_ply(paths.output / "mesh" / "mesh.ply", colours=colours)
        outputs = [Output("mesh/mesh.ply", "mesh")]
        if preview:
            write_ply(paths.output / "mesh_preview.ply", CORNERS[:1], colours)
            outputs.append(Output("mesh_preview.ply", "mesh_preview"))
        metrics = {"triangles": 2.0}
        found = publish.examine(paths.output, outputs, metrics)
        licences = ("non-commercial",)
        result = results.Result(paths.run, "0" * 64, "object", "neuralangelo", 1.0, found, metrics, {}, licences)
        publish.publish(paths, result)
        paths.item.write_text("{}")
        return paths.manifest

    return made


@pytest.fixture(params=[False, True], ids=["reader drops colours", "reader makes Cd"])
def node(hou, request, monkeypatch):
    """A fresh import node in a Houdini whose reader does this or that."""
    monkeypatch.setitem(importlib.import_module("hou._stanford").READER, "colours", request.param)
    return hou.node("/obj").createNode("geo", "shown").createNode("topforge::import::1.0", "asset")


def show(node, manifest, **parms):
    node.setParms({"resultfile": str(manifest), **parms})
    return node.geometry()


def test_points_have_the_colours_of_the_file_linear(node, publish_surface):
    geometry = show(node, publish_surface())
    assert (geometry.pointCount(), geometry.primCount()) == (4, 2)
    found = np.frombuffer(geometry.pointFloatAttribValuesAsString("Cd"), np.float32).reshape(-1, 3)
    np.testing.assert_allclose(found, linear(COLOURS), rtol=1e-6)
    corners = [[vertex.point().number() for vertex in prim.vertices()] for prim in geometry.prims()]
    assert corners == [[2, 1, 0], [3, 2, 0]], "clockwise from the front"
    assert set(geometry.primStringAttribValues("name")) == {"mesh"}


def test_what_is_not_there_is_said_and_no_material_is_promised(node, publish_surface):
    geometry = show(node, publish_surface())
    assert geometry.findPrimAttrib("shop_materialpath") is None
    assert geometry.findVertexAttrib("uv") is None
    (said,) = node.node("load").messages()
    assert "no textures and no texture coordinates (uv)" in said
    assert "points (Cd, linear)" in said
    assert node.warnings() == ()
    assert node.errors() == ()


def test_a_surface_without_colours_is_shown_and_that_is_said(node, publish_surface):
    geometry = show(node, publish_surface(colours=None))
    assert geometry.findPointAttrib("Cd") is None
    assert "and no colors" in node.node("load").messages()[0]


def test_the_preview_is_shown_where_it_is_wanted_and_there(node, publish_surface):
    assert show(node, publish_surface(), preview=1).primCount() == 1
    assert show(node, publish_surface(preview=False), preview=1).primCount() == 2


def test_the_material_button_says_why_it_cannot(node, publish_surface):
    show(node, publish_surface())
    materials = importlib.import_module("topforge_houdini.materials")
    with pytest.raises(results.TopForgeError, match=r"texture:base_color.*takes the color Cd"):
        materials.create_material({"node": node})


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data.replace(b"element vertex 4", b"element vertex 9"), "cannot read it"),
        (lambda data: data.replace(b"ply\n", b"plu\n", 1), "cannot read it"),
        (lambda data: b"", "cannot read it"),
    ],
    ids=["too short", "no PLY", "empty"],
)
def test_damage_is_an_error_that_names_the_file(node, publish_surface, damage, said, monkeypatch):
    manifest = publish_surface()
    path = results.read(manifest.parent).path(results.read(manifest.parent).with_role("mesh")[0])
    path.write_bytes(damage(path.read_bytes()))
    choice = importlib.import_module("topforge_houdini.result_choice")
    monkeypatch.setattr(choice, "check", lambda result, by_hash=False: None)  # which would find it first
    assert show(node, manifest) is None
    assert said in "\n".join(node.errors())
    assert "mesh.ply" in "\n".join(node.errors())


def test_a_reader_that_has_other_points_than_the_file_is_found_out(hou, tmp_path):
    colours = importlib.import_module("topforge_houdini.vertex_colours")
    write_ply(tmp_path / "mesh.ply")
    geometry = hou.Geometry()
    geometry.createPoints([(0, 0, 0)] * 3)
    with pytest.raises(colours.UnreadableColoursError, match=r"Houdini reads 3 points; the file has 4 vertices"):
        colours.apply(geometry, tmp_path / "mesh.ply")


def test_pieces_are_put_together_in_order(hou, tmp_path, monkeypatch):
    colours = importlib.import_module("topforge_houdini.vertex_colours")
    monkeypatch.setattr(colours, "_ROWS", 3)
    write_ply(tmp_path / "mesh.ply")
    geometry = hou.Geometry()
    geometry.loadFromFile(str(tmp_path / "mesh.ply"))
    assert colours.apply(geometry, tmp_path / "mesh.ply")
    found = np.array(geometry.pointFloatAttribValues("Cd")).reshape(-1, 3)
    np.testing.assert_allclose(found, linear(COLOURS), rtol=1e-6)
