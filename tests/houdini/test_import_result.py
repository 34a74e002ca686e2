"""`topforge::import` on the strict stand-in of hou.Geometry: what it shows, what it refuses, what it costs."""

import dataclasses
import hashlib
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="results are written by the trainer's exporters")
sys.path.insert(0, str(Path(__file__).parent))

import made_results
import trimesh
from pxr import Usd, UsdGeom

from topforge import results


@pytest.fixture
def node(hou):
    """A fresh import node."""
    return hou.node("/obj").createNode("geo", "shown").createNode("topforge::import::1.0", "asset")


def show(node, manifest, **parms):
    """What the node shows of a result."""
    node.setParms({"resultfile": str(manifest), **parms})
    return node.geometry()


def error_of(node, manifest, **parms):
    """The node's error; it must show nothing then."""
    assert show(node, manifest, **parms) is None
    return "\n".join(node.errors())


def corners(geometry, name, owner="vertex"):
    """[faces, 3, 3] values of a vertex or point attribute at the corners of all triangles, in Houdini's order."""
    read = getattr(geometry, owner + "FloatAttribValuesAsString")
    values = np.frombuffer(read(name), np.float32).reshape(-1, 3)
    if owner == "point":
        points = [vertex.point().number() for prim in geometry.prims() for vertex in prim.vertices()]
        values = values[points]
    return values.reshape(-1, 3, 3)


def named(geometry, name):
    return [prim for prim in geometry.prims() if prim.attribValue("name") == name]


# What it shows


def test_obj_glb_and_usd_are_the_same_surface(node, published):
    """Three files, three readers: Houdini's (played), trimesh's and Pixar's."""
    geometry = show(node, published / "result.json")
    positions, uv, normals = corners(geometry, "P", "point"), corners(geometry, "uv"), corners(geometry, "N")

    (glb,) = trimesh.load(published / "result" / "mesh.glb", process=False).geometry.values()
    faces = glb.faces[:, ::-1]  # Houdini turns polygons the other way
    np.testing.assert_allclose(positions, glb.vertices[faces], atol=2e-6)
    np.testing.assert_allclose(normals, glb.vertex_normals[faces], atol=2e-5)
    np.testing.assert_allclose(uv[..., :2], glb.visual.uv[faces], atol=2e-6)  # trimesh counts v upwards, as Houdini
    assert (uv[..., 2] == 0).all()

    stage = Usd.Stage.Open(str(published / "result" / "asset.usda"))
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/asset/mesh"))
    index = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    st = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st").ComputeFlattened()
    np.testing.assert_allclose(positions, np.array(mesh.GetPointsAttr().Get())[index][:, ::-1], atol=2e-6)
    np.testing.assert_allclose(normals, np.array(mesh.GetNormalsAttr().Get())[index][:, ::-1], atol=2e-5)
    np.testing.assert_allclose(uv[..., :2], np.array(st).reshape(-1, 3, 2)[:, ::-1], atol=2e-6)


def test_polygons_turn_as_houdini_wants_and_normals_point_outward(node, published):
    geometry = show(node, published / "result.json")
    positions, normals = corners(geometry, "P", "point"), corners(geometry, "N")
    outward = positions.mean(1) - made_results.MIDDLE
    face = np.cross(positions[:, 1] - positions[:, 0], positions[:, 2] - positions[:, 0])
    assert ((face * outward).sum(-1) < 0).all(), "clockwise seen from outside"
    assert ((normals.mean(1) * outward).sum(-1) > 0).all()


def test_details_say_where_it_comes_from(node, published):
    geometry = show(node, published / "result.json")
    assert geometry.attribValue("psnr") == pytest.approx(27.25)
    assert geometry.attribValue("run") == published.as_posix()
    assert geometry.attribValue("item") == "first"
    assert geometry.attribValue("adapter") == "topforge"
    assert geometry.attribValue("licence") == "Apache-2.0; results are yours."


@pytest.mark.parametrize("of_reader", [True, False], ids=["reader makes the attribute", "reader does not"])
def test_every_polygon_gets_the_material(node, published, of_reader, monkeypatch):
    monkeypatch.setitem(importlib.import_module("hou._wavefront").READER, "material", of_reader)
    geometry = show(node, published / "result.json")
    assert set(geometry.primStringAttribValues("shop_materialpath")) == {"/mat/asset"}
    geometry = show(node, published / "result.json", material=0)
    found = geometry.findPrimAttrib("shop_materialpath")
    assert (found.strings() if found else None) == (("defaultMat",) if of_reader else None)


def test_a_reader_that_prefers_points_is_no_problem(node, published, monkeypatch):
    monkeypatch.setitem(importlib.import_module("hou._wavefront").READER, "points", True)
    geometry = show(node, published / "result.json")
    assert geometry.findPointAttrib("N") is not None
    assert geometry.findVertexAttrib("uv") is not None


def test_a_run_folder_will_do_as_well(node, published):
    assert show(node, published).primCount() == 320


def test_cameras_are_frusta_that_touch_what_the_photograph_shows(node, published):
    geometry = show(node, published / "result.json", cameras=1)
    assert geometry.primCount() == 320 + 3
    for camera in made_results.CAMERAS:
        (prim,) = named(geometry, "cameras/" + camera.name)
        assert not prim.isClosed()
        points = np.array([tuple(vertex.point().position()) for vertex in prim.vertices()])
        local = (points - camera.camera_to_world[:3, 3]) @ camera.camera_to_world[:3, :3]
        assert {tuple(np.round(row, 5) + 0.0) for row in local} >= {(0.0, 0.0, 0.0)}, "the eye"
        base = local[np.abs(local[:, 2]) > 1e-4]
        focal = 0.5 * camera.height / np.tan(0.5 * camera.fov_y)  # pixels
        pixels = base[:, :2] / -base[:, 2:] * focal * [1, -1] + np.array(camera.principal_offset)
        pixels += [0.5 * camera.width, 0.5 * camera.height]
        corner = {(0, 0), (camera.width, 0), (0, camera.height), (camera.width, camera.height)}
        assert {tuple(row) for row in np.round(pixels, 2).astype(int)} == corner
        assert prim.attribValue("image") == "/captures/owl/train/%s.png" % camera.name
        assert prim.attribValue("resolution") == (camera.width, camera.height)
        matrix = np.array(prim.attribValue("transform")).reshape(4, 4)
        np.testing.assert_allclose(matrix.T, camera.camera_to_world, atol=1e-6)
        horizontal = 2 * np.arctan(0.5 * prim.attribValue("aperture") / prim.attribValue("focal"))
        assert np.tan(horizontal / 2) == pytest.approx(np.tan(camera.fov_y / 2) * camera.width / camera.height)


def test_a_frustum_draws_each_edge(node, published):
    (prim,) = named(show(node, published / "result.json", cameras=1), "cameras/r_0")
    walk = [vertex.point().number() for vertex in prim.vertices()]
    edges = {frozenset(pair) for pair in zip(walk, walk[1:])}
    assert len(edges) == 8
    assert len(set(walk)) == 5


def test_the_box_is_the_training_box(node, published):
    geometry = show(node, published / "result.json", bound=1)
    (prim,) = named(geometry, "bound")
    points = np.array([tuple(vertex.point().position()) for vertex in prim.vertices()])
    assert points.min(0).tolist() == [-1.5] * 3
    assert points.max(0).tolist() == [1.5] * 3
    edges = {tuple(sorted((a, b))) for a, b in zip(map(tuple, points), map(tuple, points[1:]))}
    assert len(edges) == 12
    assert all(np.count_nonzero(np.array(a) != np.array(b)) == 1 for a, b in edges)


def test_the_hull_is_named_and_whole(node, published):
    geometry = show(node, published / "result.json", hull=1, material=1)
    hull = named(geometry, "hull")
    assert len(hull) == 12
    assert {prim.attribValue("shop_materialpath") for prim in hull} == {""}
    assert len(named(geometry, "mesh")) == 320


def test_what_a_result_never_had_is_a_warning_and_the_rest_is_shown(node, tmp_path):
    made = made_results.write(tmp_path / "run", hull=False, leave_out=("cameras.json",), provenance={})
    geometry = show(node, made.run / "result.json", cameras=1, hull=1, bound=1)
    assert geometry.primCount() == 320
    (warning,) = node.warnings()
    assert "no mask hull" in warning
    assert "no cameras" in warning
    assert "no training bound" in warning


# What it refuses: each names the file and a fix, and shows nothing


def damaged(published, tmp_path):
    return made_results.copy(published, tmp_path / "copy")


@pytest.mark.parametrize("name", ["mesh/mesh.obj", "mesh.glb", "textures/normal.png", "hull.obj"])
@pytest.mark.parametrize("damage", ["missing", "cut"])
def test_a_missing_or_cut_file(node, published, tmp_path, name, damage):
    manifest = damaged(published, tmp_path)
    path = manifest.parent / "result" / name
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-7])
    text = error_of(node, manifest)
    assert name in text
    assert ("is missing" if damage == "missing" else "bytes; result.json says") in text
    assert "Run the item again" in text


def test_a_changed_file_is_found_by_its_hash(node, published, tmp_path):
    manifest = damaged(published, tmp_path)
    path = manifest.parent / "result" / "mesh" / "texture_n.png"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)
    assert show(node, manifest).primCount() == 320
    text = error_of(node, manifest, verify="hash")
    assert "texture_n.png" in text
    assert "SHA-256" in text


def test_hashes_of_a_whole_result_agree(node, published):
    assert show(node, published / "result.json", verify="hash").primCount() == 320


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: None, "not finished"),
        (lambda text: text[: len(text) // 2], "cannot be read as JSON"),
        (lambda text: "", "cannot be read as JSON"),
        (lambda text: text.replace('"format": 1', '"format": 2'), "Update TopForge"),
        (lambda text: "[1]", "is not a result"),
        (lambda text: text.replace("mesh/mesh.obj", "../../mesh.obj"), "not inside the result folder"),
    ],
    ids=["missing", "half written", "empty", "newer", "something else", "points outside"],
)
def test_a_bad_result_json(node, published, tmp_path, change, words):
    manifest = damaged(published, tmp_path)
    text = change(manifest.read_text())
    if text is None:
        manifest.unlink()
    else:
        manifest.write_text(text)
    said = error_of(node, manifest)
    assert words in said
    assert "result.json" in said


def rewritten(manifest, name, content):
    """Replaces an output and what result.json says of it: nothing but reading it shows that it is wrong."""
    path = manifest.parent / "result" / name
    path.write_bytes(content)
    raw = json.loads(manifest.read_text())
    for output in raw["outputs"]:
        if output["path"] == name:
            output.update(size=len(content), sha256=hashlib.sha256(content).hexdigest())
    manifest.write_text(json.dumps(raw))


def test_a_mesh_without_polygons(node, published, tmp_path):
    manifest = damaged(published, tmp_path)
    rewritten(manifest, "mesh/mesh.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    text = error_of(node, manifest)
    assert "holds no polygons" in text
    assert "mesh.obj" in text


def test_a_mesh_cut_between_two_lines_is_not_half_shown(node, published, tmp_path):
    """Houdini reads such a file without a word: OBJ has no end mark. The trainer's count of triangles tells."""
    manifest = damaged(published, tmp_path)
    lines = (manifest.parent / "result/mesh/mesh.obj").read_bytes().splitlines(keepends=True)
    rewritten(manifest, "mesh/mesh.obj", b"".join(lines[:-100]))
    assert "Houdini reads 220 polygons; the trainer wrote 320" in error_of(node, manifest)


def test_a_mesh_that_houdini_cannot_read(node, published, tmp_path):
    manifest = damaged(published, tmp_path)
    rewritten(manifest, "mesh/mesh.obj", b"v 0 0 zero\nf 1 1 1\n")
    assert "Houdini cannot read it" in error_of(node, manifest)


def test_a_bad_hull_hides_the_mesh_too(node, published, tmp_path):
    manifest = damaged(published, tmp_path)
    rewritten(manifest, "hull.obj", b"# nothing\n")
    assert "hull.obj" in error_of(node, manifest, hull=1)
    assert show(node, manifest, hull=0).primCount() == 320


@pytest.mark.parametrize(
    "content", [b"{}", b"[]", b'{"cameras": [{"name": "a"}]}', b'{"cameras": [{"camera_to_world": [[1]]}]}', b"{"]
)
def test_bad_cameras(node, published, tmp_path, content):
    manifest = damaged(published, tmp_path)
    rewritten(manifest, "cameras.json", content)
    assert "cameras.json: is not a list of cameras" in error_of(node, manifest, cameras=1)


def test_a_result_that_is_replaced_meanwhile(node, hou, published, tmp_path, monkeypatch):
    manifest = damaged(published, tmp_path)
    read = hou.Geometry.loadFromFile

    def replaced(self, file_name):
        read(self, file_name)
        manifest.write_text(manifest.read_text().replace("first", "second"))

    monkeypatch.setattr(hou.Geometry, "loadFromFile", replaced)
    assert "was replaced while it was read" in error_of(node, manifest)


def test_nothing_chosen(node):
    assert "no result is chosen" in error_of(node, "")
    assert "no result is chosen" in error_of(node, "", resultsource="top")


def test_another_file_is_chosen(node, published):
    assert "is not a result.json" in error_of(node, published / "result" / "mesh.glb")


def test_after_an_error_reload_shows_the_repaired_result(node, published, tmp_path):
    manifest = damaged(published, tmp_path)
    path = manifest.parent / "result" / "mesh" / "mesh.obj"
    content = path.read_bytes()
    path.unlink()
    assert "is missing" in error_of(node, manifest)
    path.write_bytes(content)
    node.parm("reload").pressButton()
    assert node.geometry().primCount() == 320
    assert not node.errors()


# A TOP node as source


class Item:
    """A work item of the documented kind."""

    def __init__(self, run=None):
        self._run = run

    def attrib(self, name):
        assert name == "topforge_run"
        return self._run

    def stringAttribValue(self, name, index=0):
        return str(self._run)

    def localizePath(self, path):
        return path


def test_the_newest_finished_item_of_a_top_node(node, hou, tmp_path, monkeypatch):
    for name, finished in (("a", 10.0), ("b", 30.0), ("c", 20.0)):
        made_results.write(tmp_path / name, finished=finished, name=name)
    (tmp_path / "b" / "result.json").rename(tmp_path / "b" / "later.json")  # cooked, but not finished
    hou.node("/tasks").createNode("topnet", "net").createNode("null", "end")
    graph_node = type("Node", (), {"workItems": [Item(tmp_path / name) for name in "abc"] + [Item()]})
    monkeypatch.setattr(hou.TopNode, "getPDGNode", lambda self: graph_node if self.name() == "end" else None)
    node.setParms({"resultsource": "top", "toppath": "/tasks/net/end"})
    assert node.geometry().attribValue("item") == "c"
    (tmp_path / "b" / "later.json").rename(tmp_path / "b" / "result.json")
    node.parm("reload").pressButton()
    assert node.geometry().attribValue("item") == "b"


def test_a_top_node_that_has_not_cooked(node, hou):
    hou.node("/tasks").createNode("topnet", "net").createNode("null", "end")
    text = error_of(node, "", resultsource="top", toppath="/tasks/net/end")
    assert "has no finished item" in text
    assert "Cook it" in text


def test_results_of_a_train_node_in_a_scene_that_was_just_opened(node, hou, tmp_path):
    """There is no PDG graph yet; what the node made lies in its output folder."""
    train = hou.node("/tasks").createNode("topnet", "net").createNode("topforge::train::1.0", "train")
    train.parm("outputfolder").set(str(tmp_path / "out"))
    made_results.write(tmp_path / "out" / "older", finished=10.0, name="older")
    made_results.write(tmp_path / "out" / "newer", finished=20.0, name="newer")
    node.setParms({"resultsource": "top", "toppath": "/tasks/net/train"})
    assert node.geometry().attribValue("item") == "newer"


def test_what_a_train_nodes_items_made_goes_before_newer_runs_of_other_settings(node, hou, tmp_path, monkeypatch):
    train = hou.node("/tasks").createNode("topnet", "net").createNode("topforge::train::1.0", "train")
    train.parm("outputfolder").set(str(tmp_path / "out"))
    made_results.write(tmp_path / "out" / "mine", finished=10.0, name="mine")
    made_results.write(tmp_path / "out" / "other", finished=20.0, name="other")
    graph_node = type("Node", (), {"workItems": [Item(tmp_path / "out" / "mine")]})
    monkeypatch.setattr(hou.TopNode, "getPDGNode", lambda self: graph_node if self.name() == "run" else None)
    node.setParms({"resultsource": "top", "toppath": "/tasks/net/train"})
    assert node.geometry().attribValue("item") == "mine"


def test_a_damaged_newest_result_is_not_passed_over(node, hou, tmp_path):
    train = hou.node("/tasks").createNode("topnet", "net").createNode("topforge::train::1.0", "train")
    train.parm("outputfolder").set(str(tmp_path / "out"))
    made_results.write(tmp_path / "out" / "older", finished=10.0)
    made_results.write(tmp_path / "out" / "newer", finished=20.0)
    (tmp_path / "out" / "newer" / "result" / "asset.usda").unlink()
    text = error_of(node, "", resultsource="top", toppath="../../../tasks/net/train")
    assert "newer/result/asset.usda: is missing" in text


@pytest.mark.parametrize("path", ["/tasks/nothing", "/obj"])
def test_no_top_node(node, path):
    assert "there is no TOP node" in error_of(node, "", resultsource="top", toppath=path)


# Camera objects


def test_camera_objects_see_what_the_photographs_show(node, hou, published):
    node.setParms({"resultfile": str(published / "result.json")})
    node.parm("createcameras").pressButton()
    made = hou.node("/obj/asset_cameras").children()
    assert len(made) == 3
    for camera, photograph in zip(made, made_results.CAMERAS):
        assert (camera.evalParm("resx"), camera.evalParm("resy")) == (photograph.width, photograph.height)
        across = photograph.width / photograph.height
        tangent = 0.5 * camera.evalParm("aperture") / camera.evalParm("focal")
        assert tangent == pytest.approx(np.tan(0.5 * photograph.fov_y) * across)
        rows = np.array(camera.worldTransform().asTupleOfTuples())
        np.testing.assert_allclose(rows.T, photograph.camera_to_world, atol=1e-9)
        assert camera.evalParm("vm_background") == "/captures/owl/" + photograph.image
    assert (made[1].evalParm("winx"), made[1].evalParm("winy")) == pytest.approx((-8 / 160, -6 / 96))


# What it costs


def strip(triangles):
    """A strip of so many triangles, as an asset."""
    small = made_results.ellipsoid(0)
    points = np.stack([np.arange(triangles + 2) // 2, np.arange(triangles + 2) % 2, np.zeros(triangles + 2)], axis=-1)
    first = np.arange(triangles)
    uv = (points[:, :2] / (triangles + 2)).astype(np.float32)
    faces = np.stack([first, first + 1, first + 2], axis=-1).astype(np.int32)
    normals = np.tile(np.float32([0, 0, 1]), (len(points), 1))
    tangents = np.tile(np.float32([1, 0, 0, 1]), (len(points), 1))
    changes = {"normals": normals, "triangles": faces, "uv": uv, "uv_triangles": faces, "tangents": tangents}
    return dataclasses.replace(small, vertices=points.astype(np.float32), **changes)


def cost(hou, node, run):
    """API calls of one cook, and lines of our modules that ran."""
    calls, lines = importlib.import_module("hou._counting").calls, [0]

    def local(frame, event, argument):
        lines[0] += event == "line"
        return local

    def trace(frame, event, argument):
        return local if "topforge_houdini" in frame.f_code.co_filename else None

    node.setParms({"resultfile": str(run / "result.json"), "hull": 1, "bound": 1, "cameras": 1})
    assert node.geometry() is not None, node.errors()  # and imports
    calls.clear()
    sys.settrace(trace)
    try:
        node.node("load").cook(force=True)
    finally:
        sys.settrace(None)
    return dict(calls), lines[0]


def test_neither_calls_nor_lines_grow_with_the_mesh(node, hou, tmp_path):
    small = made_results.write(tmp_path / "small", strip(10))
    large = made_results.write(tmp_path / "large", strip(20000))
    assert cost(hou, node, small.run) == cost(hou, node, large.run)
    calls, _ = cost(hou, node, large.run)
    assert not {"points", "prims", "point", "prim", "iterPoints", "iterPrims"} & set(calls)
    assert calls["loadFromFile"] == 2
    assert sum(calls.values()) < 80


def test_the_result_is_what_the_core_reads(published):
    """The helper publishes as run-item does."""
    assert results.is_complete(published, verify=True)
