"""The button Create Material: a MaterialX network with the right files, colour spaces and channels."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("torch", reason="results are written by the trainer's exporters")
sys.path.insert(0, str(Path(__file__).parent))

import made_results


@pytest.fixture
def node(hou, published):
    made = hou.node("/obj").createNode("geo", "shown").createNode("topforge::import::1.0", "asset")
    made.parm("resultfile").set(str(published / "result.json"))
    return made


def builder_of_karma(monkeypatch, hou):
    """Houdini's private function as public repositories use it: a subnet with a surface and an output, wired."""
    tools, asked = ModuleType("voptoolutils"), []
    tools.KARMAMTLX_TAB_MASK = "karma"

    def _setupMtlXBuilderSubnet(subnet_node, destination_node, name, mask, folder_label, render_context):
        asked.append((subnet_node, mask, folder_label, render_context))
        subnet = destination_node.createNode("subnet", name)
        surface = subnet.createNode("mtlxstandard_surface", "mtlxstandard_surface")
        subnet.createNode("suboutput", "Material_Outputs_and_AOVs").setInput(0, surface)
        subnet.setMaterialFlag(True)
        return subnet

    tools._setupMtlXBuilderSubnet = _setupMtlXBuilderSubnet
    monkeypatch.setitem(sys.modules, "voptoolutils", tools)
    return asked


def sources(node):
    """(input, source, output) of all wires into a node."""
    return {(c.inputIndex(), c.inputNode().name(), c.outputIndex()) for c in node.inputConnections()}


def check_network(hou, material, published):
    (surface,) = (n for n in material.children() if n.type().name() == "mtlxstandard_surface")
    (output,) = (n for n in material.children() if n.type().name() == "suboutput")
    folder = (published / "result" / "mesh").as_posix()
    for name, file, signature, space in (
        ("base_color", "texture_kd.png", "color3", "srgb_texture"),
        ("occlusion_roughness_metallic", "texture_ks.png", "color3", "Raw"),
        ("normal", "texture_n.png", "vector3", "Raw"),
    ):
        image = material.node(name)
        assert image.evalParm("file") == "%s/%s" % (folder, file)
        assert (image.evalParm("signature"), image.evalParm("filecolorspace")) == (signature, space)
    names = surface._live().type.input_names
    wired = {(names[number], source, output) for number, source, output in sources(surface)}
    assert wired == {
        ("base_color", "base_color", 0),
        ("specular_roughness", "channels", 1),
        ("metalness", "channels", 2),
        ("normal", "normal_map", 0),
    }
    assert sources(material.node("channels")) == {(0, "occlusion_roughness_metallic", 0)}
    assert sources(material.node("normal_map")) == {(0, "normal", 0)}
    assert sources(output) == {(0, surface.name(), 0)}
    assert material.isMaterialFlagSet()


def test_with_houdini_s_builder(hou, node, published, monkeypatch):
    asked = builder_of_karma(monkeypatch, hou)
    node.parm("creatematerial").pressButton()
    check_network(hou, hou.node("/mat/asset"), published)
    assert asked == [(None, "karma", "Karma Material Builder", "kma")]


@pytest.mark.parametrize("trouble", ["missing", "gone", "other arguments", "fails"])
def test_without_it_a_subnet_will_do(hou, node, published, trouble, monkeypatch):
    """The function is private: any version may lack it, or take something else."""
    builder_of_karma(monkeypatch, hou)
    tools = sys.modules["voptoolutils"]
    if trouble == "missing":
        monkeypatch.setitem(sys.modules, "voptoolutils", None)
    elif trouble == "gone":
        del tools._setupMtlXBuilderSubnet
    elif trouble == "other arguments":
        tools._setupMtlXBuilderSubnet = lambda node, label: None
    else:

        def fail(**arguments):
            raise hou.OperationFailed("no")

        tools._setupMtlXBuilderSubnet = fail
    node.parm("creatematerial").pressButton()
    check_network(hou, hou.node("/mat/asset"), published)


def test_pressed_again_it_makes_the_material_anew(hou, node, published):
    node.parm("creatematerial").pressButton()
    hou.node("/mat/asset/base_color").destroy()
    node.parm("creatematerial").pressButton()
    check_network(hou, hou.node("/mat/asset"), published)
    assert len(hou.node("/mat").children()) == 1


def module(name):
    import importlib

    return importlib.import_module("topforge_houdini." + name)


def test_a_material_of_somebody_else_stays(hou, node):
    hou.node("/mat").createNode("subnet", "asset")
    materials = module("materials")
    with pytest.raises(materials.OccupiedMaterialError, match="/mat/asset"):
        materials.make(module("result_choice").chosen(node), "/mat/asset")
    assert hou.node("/mat/asset").children() == ()


@pytest.mark.parametrize("path", ["asset", "/mat/none/asset", "/obj/asset", "", "/mat/"])
def test_a_path_that_leads_nowhere(node, path):
    materials = module("materials")
    with pytest.raises(materials.NoMaterialParentError, match="Material Path"):
        materials.make(module("result_choice").chosen(node), path)


def test_a_result_without_textures(hou, node, tmp_path):
    left_out = ("mesh/texture_kd.png", "mesh/texture_ks.png", "mesh/texture_n.png")
    made_results.write(tmp_path / "run", leave_out=left_out)
    node.parm("resultfile").set(str(tmp_path / "run" / "result.json"))
    choice = module("result_choice")
    with pytest.raises(choice.NoOutputError, match="texture:base_color"):
        module("materials").make(choice.chosen(node), "/mat/asset")
    assert hou.node("/mat").children() == ()


def test_a_houdini_that_lacks_a_shader_keeps_no_half_material(hou, node, monkeypatch):
    materials = module("materials")
    create = hou.OpNode.createNode

    def lacking(self, node_type_name, *rest, **more):
        if node_type_name == "mtlxseparate3c":
            raise hou.OperationFailed("Invalid node type name")
        return create(self, node_type_name, *rest, **more)

    monkeypatch.setattr(hou.OpNode, "createNode", lacking)
    with pytest.raises(materials.MissingShaderError, match="mtlxseparate3c"):
        materials.make(module("result_choice").chosen(node), "/mat/asset")
    assert hou.node("/mat").children() == ()
