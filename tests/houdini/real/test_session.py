"""What TopForge does to a session of Houdini, and the tools of its shelf as Houdini runs them."""

import sys

import pytest

pytestmark = pytest.mark.usefixtures("clear_hip_file")


@pytest.fixture
def network(hou):
    return hou.node("/tasks").createNode("topnet")


def test_nothing_heavy_is_imported_into_houdini(hou):
    from topforge_houdini import import_result, monitor, shelf, training

    assert all((import_result, monitor, shelf, training))
    assert not {"torch", "warp", "imageio", "PIL"} & {name.split(".")[0] for name in sys.modules}


def test_nodes_are_made_by_their_tools(hou, exec_shelf_tool_script):
    exec_shelf_tool_script("topforge::quickstart", {})
    assert hou.node("/tasks/topforge/report") is not None
    exec_shelf_tool_script("topforge::kartaverse_network", {"ctrlclick": True})
    assert hou.node("/tasks/kartaverse/check") is not None


@pytest.mark.parametrize("kind", ["train", "environment", "checkdataset", "report"])
def test_nodes_in_any_top_network(hou, network, kind):
    node = network.createNode("topforge::%s::1.0" % kind)
    assert node.matchesCurrentDefinition()
    assert not node.errors()


def test_a_copy_of_a_node_keeps_its_values(hou, network):
    node = network.createNode("topforge::train::1.0")
    node.parm("topforge_iter").set(123)
    (copy,) = hou.copyNodesTo((node,), network)
    assert copy.evalParm("topforge_iter") == 123


def test_undo_takes_a_network_away(hou, exec_shelf_tool_script):
    with hou.undos.group("quickstart"):
        exec_shelf_tool_script("topforge::quickstart", {})
    hou.undos.performUndo()
    assert hou.node("/tasks/topforge") is None
