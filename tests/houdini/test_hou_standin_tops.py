"""Cooking through `hou.TopNode`, on the stand-in of `pdg`, with real processes."""

import sys

import pytest


@pytest.fixture
def net(hou):
    """A TOP network whose scheduler has places enough."""
    made = hou.node("/tasks").createNode("topnet")
    made.node("localscheduler").setParms({"maxprocsmenu": "1", "maxprocs": 2})
    return made


@pytest.fixture
def generator(net):
    """A generator that writes a file."""
    node = net.createNode("genericgenerator", "make")
    code = "import sys; open(sys.argv[1], 'w').write('x')"
    node.setParms({"itemcount": 2, "pdg_command": '"%s" -c "%s" "$HIP/$OS.`@pdg_index`"' % (sys.executable, code)})
    return node


def test_there_is_no_graph_before_something_asks_for_one(net, generator):
    assert generator.getPDGNode() is None
    assert generator.getPDGGraphContext() is None
    assert generator.getPDGNodeName() is None
    generator.cookWorkItems(tops_only=True)
    assert generator.getPDGNode().workItems == []
    assert generator.getPDGGraphContext() == net.getPDGGraphContext()


def test_a_cook_runs_processes(standin, generator, tmp_path):
    generator.cookWorkItems(block=True)
    states = [item.state for item in generator.getPDGNode().workItems]
    assert states == [standin.pdg.workItemState.CookedSuccess] * 2
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("make.")) == ["make.0", "make.1"]
    assert generator.errors() == ()


def test_generating_starts_nothing(generator, tmp_path):
    generator.generateStaticWorkItems(block=True)
    assert len(generator.getPDGNode().workItems) == 2
    assert not (tmp_path / "make.0").exists()


def test_the_network_cooks_what_it_displays(net, generator, tmp_path):
    generator.setDisplayFlag(True)
    net.cookOutputWorkItems(block=True)
    assert (tmp_path / "make.0").exists()


def test_dirty_items_are_gone(net, generator):
    generator.cookWorkItems(block=True)
    generator.dirtyWorkItems(False)
    assert generator.getPDGNode().workItems == []
    generator.cookWorkItems(block=True)
    net.dirtyAllWorkItems(False)
    assert generator.getPDGNode().workItems == []


def test_a_changed_parameter_makes_items_anew(net, generator):
    other = net.createNode("genericgenerator", "other")
    generator.parm("itemcount").setExpression('ch("../other/itemcount")')
    generator.cookWorkItems(block=True)
    assert len(generator.getPDGNode().workItems) == 1
    other.parm("itemcount").set(3)
    assert generator.getPDGNode().workItems == []
    generator.cookWorkItems(block=True)
    assert len(generator.getPDGNode().workItems) == 3


def test_a_failing_command_fails_its_item_and_raises_nothing(standin, generator):
    generator.parm("pdg_command").set('"%s" -c "raise SystemExit(3)"' % sys.executable)
    generator.cookWorkItems(block=True)
    assert {item.state for item in generator.getPDGNode().workItems} == {standin.pdg.workItemState.CookedFail}


def test_cancelling(standin, generator):
    generator.parm("pdg_command").set('"%s" -c "import time; time.sleep(60)"' % sys.executable)
    generator.cookWorkItems()
    generator.cancelCook()
    generator.getPDGGraphContext().waitAllEvents()


def test_deleting_the_network_ends_its_graph(hou, net, generator):
    generator.cookWorkItems(block=True)
    net.destroy()
    again = hou.node("/tasks").createNode("topnet", "topnet1")
    assert again.getPDGGraphContext() is None


def test_nodes_of_two_networks_do_not_cook_together(hou, net, generator):
    other = hou.node("/tasks").createNode("topnet").createNode("genericgenerator")
    with pytest.raises(hou.OperationFailed):
        generator.cookWorkItems(nodes=[generator, other])
    with pytest.raises(NotImplementedError):
        generator.cookWorkItems(save_prompt=True)


def test_an_asset_cooks_as_what_is_inside(net, hou):
    report = net.createNode("topforge::environment")
    assert report.getPDGNode() is None
    report.cookWorkItems(tops_only=True)
    assert report.getPDGNode().name.endswith("items")


def test_items_from_a_parameter_that_a_callback_read_are_doubtful_once_it_changes(net):
    other = net.createNode("genericgenerator", "other")
    node = net.createNode("pythonprocessor")
    code = "count = self.topNode().parent().node('other').evalParm('itemcount')\n"
    node.parm("generate").set(code + "for number in range(count):\n    item_holder.addWorkItem(index=number)\n")
    node.cookWorkItems(block=True)
    assert len(node.getPDGNode().workItems) == 1
    node.cookWorkItems(block=True)
    other.parm("itemcount").set(3)
    with pytest.raises(NotImplementedError, match="itemcount"):
        node.cookWorkItems(block=True)
    node.dirtyWorkItems(False)
    node.cookWorkItems(block=True)
    assert len(node.getPDGNode().workItems) == 3
