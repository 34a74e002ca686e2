"""A result in Solaris: a Reference LOP to a USD that holds everything."""

import importlib
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="results are written by the trainer's exporters")
sys.path.insert(0, str(Path(__file__).parent))

import made_results
from pxr import Usd


@pytest.fixture
def solaris(hou):
    return importlib.import_module("topforge_houdini.solaris")


def test_what_is_referenced_holds_mesh_looks_light_and_cameras(hou, solaris, published):
    node = solaris.reference(hou.node("/stage"), published / "result.json")
    assert node.type().name() == "reference"
    assert node.path() == "/stage/topforge_first"
    assert node.isDisplayFlagSet()
    stage = Usd.Stage.Open(node.evalParm("filepath1"))
    assert stage.GetDefaultPrim().GetName() == "asset", "what a reference without a prim path takes"
    kinds = [prim.GetTypeName() for prim in stage.Traverse()]
    assert kinds.count("Camera") == 3
    assert {"Mesh", "Material", "DomeLight"} <= set(kinds)


def test_the_button_makes_the_same(hou, published):
    node = hou.node("/obj").createNode("geo", "shown").createNode("topforge::import::1.0", "asset")
    node.parm("resultfile").set(str(published / "result.json"))
    node.parm("reference").pressButton()
    assert hou.node("/stage/topforge_first").evalParm("filepath1").endswith("/result/asset.usda")


def test_a_newer_result_of_the_same_item_takes_the_reference_over(hou, solaris, published, tmp_path):
    manifest = made_results.copy(published, tmp_path / "newer")
    old = solaris.reference(hou.node("/stage"), published / "result.json")
    assert solaris.reference(hou.node("/stage"), manifest) == old
    assert old.evalParm("filepath1").startswith((tmp_path / "newer").as_posix())
    assert len(hou.node("/stage").children()) == 1


def test_a_node_of_somebody_else_stays(hou, solaris, published):
    other = hou.node("/stage").createNode("reference", "topforge_first")
    other.parm("filepath1").set("mine.usd")
    made = solaris.reference(hou.node("/stage"), published / "result.json")
    assert made != other
    assert other.evalParm("filepath1") == "mine.usd"


def test_a_damaged_result_is_not_referenced(hou, solaris, published, tmp_path):
    manifest = made_results.copy(published, tmp_path / "copy")
    (manifest.parent / "result" / "textures" / "normal.png").unlink()
    with pytest.raises(Exception, match=r"normal\.png: is missing"):
        solaris.reference(hou.node("/stage"), manifest)
    assert hou.node("/stage").children() == ()


def test_a_result_without_usd(hou, solaris, tmp_path):
    made = made_results.write(tmp_path / "run", leave_out=("asset.usda",))
    with pytest.raises(Exception, match="no output of the kind 'usd'"):
        solaris.reference(hou.node("/stage"), made.run / "result.json")


def test_only_in_a_lop_network(hou, solaris, published):
    with pytest.raises(solaris.NoReferenceError, match="/stage"):
        solaris.reference(hou.node("/obj"), published / "result.json")


def test_a_reference_node_with_other_parameters_says_so(hou, solaris, published, monkeypatch):
    from topforge.errors import TopForgeError

    parm = hou.OpNode.parm
    monkeypatch.setattr(hou.OpNode, "parms", lambda self: ())
    monkeypatch.setattr(hou.OpNode, "parm", lambda self, name: None if name == "filepath1" else parm(self, name))
    with pytest.raises(TopForgeError, match="has no parameter filepath1"):
        solaris.reference(hou.node("/stage"), published / "result.json")
