"""The stand-in of hou.Geometry does what the documentation of its methods says, and refuses the rest."""

import struct

import numpy as np
import pytest

TRIANGLES = """mtllib m.mtl
g default
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vn 0 0 1
s 1
g left
usemtl red
f 1/1/1 2/2/1 3/3/1
g right
usemtl blue
f 1/1/1 3/3/1 4/2/1
"""


@pytest.fixture
def geometry(hou):
    return hou.Geometry()


def loaded(geometry, folder, text):
    path = folder / "mesh.obj"
    path.write_text(text)
    geometry.loadFromFile(str(path))
    return geometry


def point_numbers(geometry):
    return [[vertex.point().number() for vertex in prim.vertices()] for prim in geometry.prims()]


def test_an_obj_as_houdini_turns_it(geometry, tmp_path):
    loaded(geometry, tmp_path, TRIANGLES)
    assert (geometry.pointCount(), geometry.vertexCount(), geometry.primCount()) == (4, 6, 2)
    assert point_numbers(geometry) == [[2, 1, 0], [3, 2, 0]], "clockwise from the front"
    assert geometry.prim(0).vertices()[0].attribValue("uv") == (1.0, 1.0, 0.0)
    assert set(geometry.vertexFloatAttribValues("N")) == {0.0, 1.0}
    assert geometry.primStringAttribValues("shop_materialpath") == ("red", "blue")
    assert [group.name() for group in geometry.primGroups()] == ["default", "left", "right"]
    assert [prim.number() for prim in geometry.findPrimGroup("right").prims()] == [1]


@pytest.mark.parametrize("faces", ["f 1 2 3 4", "f 1//1 2//1 3//1 4//1", "f 1/1 2/2 3/3 4/1"])
def test_forms_of_faces(geometry, tmp_path, faces):
    text = TRIANGLES[: TRIANGLES.index("s 1")] + faces + "\n"
    loaded(geometry, tmp_path, text)
    assert point_numbers(geometry) == [[3, 2, 1, 0]]
    assert (geometry.findVertexAttrib("uv") is None) == (faces.count("/") != 4)
    assert (geometry.findVertexAttrib("N") is None) == ("//" not in faces)


@pytest.mark.parametrize(
    "text",
    [
        "v 0 0\n",
        "v 0 0 x\n",
        TRIANGLES + "f 1/1/1 2/2/1 9/1/1\n",
        TRIANGLES + "f 1/1/1 2/2/1 0/1/1\n",
        TRIANGLES + "f 1 2 3\n",
    ],
)
def test_a_bad_obj_is_refused_and_the_geometry_stays(hou, geometry, tmp_path, text):
    loaded(geometry, tmp_path, TRIANGLES)
    with pytest.raises(hou.OperationFailed):
        loaded(geometry, tmp_path, text)
    assert geometry.primCount() == 2


def test_a_missing_file_and_other_formats(hou, geometry, tmp_path):
    with pytest.raises(hou.OperationFailed):
        geometry.loadFromFile(str(tmp_path / "none.obj"))
    with pytest.raises(NotImplementedError, match=r"\.abc"):
        geometry.loadFromFile("mesh.abc")
    with pytest.raises(NotImplementedError, match="curv"):
        loaded(geometry, tmp_path, "curv 0 1 1 2\n")


def test_text_attributes_have_no_default_but_numbers_do(hou, geometry, tmp_path):
    """hou.Geometry.addAttrib: "String attributes do not support a default value"."""
    loaded(geometry, tmp_path, TRIANGLES)
    geometry.addAttrib(hou.attribType.Prim, "path", "/mat/a")
    geometry.addAttrib(hou.attribType.Prim, "weight", 2.5)
    assert geometry.primStringAttribValues("path") == ("", "")
    assert geometry.primFloatAttribValues("weight") == (2.5, 2.5)


def test_bulk_setters(hou, geometry, tmp_path):
    loaded(geometry, tmp_path, TRIANGLES)
    geometry.addAttrib(hou.attribType.Point, "pair", (0.0, 0.0))
    geometry.setPointFloatAttribValues("pair", range(8))
    assert geometry.point(3).attribValue("pair") == (6.0, 7.0)
    geometry.setPointFloatAttribValuesFromString("pair", struct.pack("8f", *range(8, 0, -1)))
    assert np.frombuffer(geometry.pointFloatAttribValuesAsString("pair"), np.float32).tolist() == list(range(8, 0, -1))
    half = geometry.pointFloatAttribValuesAsString("pair", float_type=hou.numericData.Float64)
    assert len(half) == 64
    geometry.addAttrib(hou.attribType.Vertex, "id", 7)
    geometry.setVertexIntAttribValues("id", list(range(6)))
    assert geometry.vertexIntAttribValues("id") == tuple(range(6))


@pytest.mark.parametrize("values", [[1.0] * 3, [1.0] * 5, []])
def test_a_bulk_setter_wants_all_values(hou, geometry, tmp_path, values):
    loaded(geometry, tmp_path, TRIANGLES)
    geometry.addAttrib(hou.attribType.Point, "weight", 0.0)
    with pytest.raises(hou.OperationFailed):
        geometry.setPointFloatAttribValues("weight", values)


def test_types_are_not_mixed(hou, geometry, tmp_path):
    loaded(geometry, tmp_path, TRIANGLES)
    geometry.addAttrib(hou.attribType.Prim, "label", "")
    with pytest.raises(hou.OperationFailed):
        geometry.setPrimFloatAttribValues("label", [1.0, 2.0])
    with pytest.raises(TypeError):
        geometry.setPrimStringAttribValues("label", ["a", 1])
    with pytest.raises(hou.OperationFailed):
        geometry.addAttrib(hou.attribType.Point, "label", "")
    with pytest.raises(hou.OperationFailed):
        geometry.primFloatAttribValues("nothing")


def test_merging_fills_what_one_side_lacks(hou, tmp_path):
    one, other = loaded(hou.Geometry(), tmp_path, TRIANGLES), hou.Geometry()
    other.createPoints([(5, 5, 5), (6, 5, 5), (6, 6, 5)])
    other.createPolygons([(0, 1, 2)], is_closed=False)
    other.addAttrib(hou.attribType.Prim, "weight", 3.0)
    other.addAttrib(hou.attribType.Prim, "shop_materialpath", "")
    other.setPrimStringAttribValues("shop_materialpath", ["blue"])
    one.merge(other)
    assert one.primStringAttribValues("shop_materialpath") == ("red", "blue", "blue")
    assert one.primFloatAttribValues("weight") == (3.0, 3.0, 3.0)
    assert point_numbers(one)[2] == [4, 5, 6]
    assert [prim.isClosed() for prim in one.prims()] == [True, True, False]
    assert one.prim(2).vertex(1).attribValue("uv") == (0.0, 0.0, 0.0)
    assert [group.primCount() for group in one.primGroups()] == [0, 1, 1]
    assert other.primCount() == 1


def test_whether_details_are_merged_is_not_known(hou):
    one, other = hou.Geometry(), hou.Geometry()
    other.addAttrib(hou.attribType.Global, "run", "")
    with pytest.raises(NotImplementedError, match="detail"):
        one.merge(other)


def test_details(hou, geometry):
    geometry.addAttrib(hou.attribType.Global, "run", "default")
    assert geometry.attribValue("run") == ""
    geometry.setGlobalAttribValue("run", "/runs/a")
    assert geometry.attribValue("run") == "/runs/a"
    geometry.addAttrib(hou.attribType.Global, "psnr", 1.0)
    with pytest.raises(hou.OperationFailed):
        geometry.setGlobalAttribValue("psnr", 1)  # an integer: the documentation asks for floats
    with pytest.raises(hou.OperationFailed):
        geometry.setGlobalAttribValue("nothing", 1.0)


def test_read_only(hou, geometry, tmp_path):
    frozen = loaded(geometry, tmp_path, TRIANGLES).freeze(read_only=True)
    for change in (
        frozen.clear,
        lambda: frozen.createPoints([(0, 0, 0)]),
        lambda: frozen.addAttrib(hou.attribType.Prim, "a", 1),
        lambda: frozen.merge(geometry),
        frozen.findPrimAttrib("shop_materialpath").destroy,
    ):
        with pytest.raises(hou.GeometryPermissionError):
            change()
    assert frozen.primCount() == 2


def test_wrong_points(hou, geometry):
    geometry.createPoints([(0, 0, 0)])
    with pytest.raises(hou.InvalidInput):
        geometry.createPolygons([(0, 1, 2)])
    with pytest.raises(hou.InvalidSize):
        geometry.createPolygons([(0, 0)])


def test_whatever_is_not_imitated_says_so(geometry):
    for name in ("saveToFile", "createVolume", "nonsense"):
        with pytest.raises(NotImplementedError, match=name):
            getattr(geometry, name)
