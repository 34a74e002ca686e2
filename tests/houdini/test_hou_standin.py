"""The stand-in of `hou` does what is documented, and refuses the rest."""

import pytest


def test_a_new_scene_has_the_managers_of_every_scene(hou):
    names = [node.path() for node in hou.root().children()]
    assert names == ["/obj", "/tasks", "/mat", "/stage", "/out", "/img", "/shop", "/ch", "/vex"]


def test_nodes_get_free_names(hou):
    obj = hou.node("/obj")
    made = [obj.createNode("geo").name(), obj.createNode("geo").name(), obj.createNode("geo", "geo1").name()]
    assert made == ["geo1", "geo2", "geo3"]


@pytest.mark.parametrize("name", ["a b", "a-b", "1a", "", "ü"])
def test_names_that_houdini_refuses(hou, name):
    with pytest.raises(hou.OperationFailed):
        hou.node("/obj").createNode("geo", name)


def test_an_unknown_type_is_refused(hou):
    with pytest.raises(hou.OperationFailed):
        hou.node("/tasks").createNode("topnet").createNode("nonsense")


def test_a_type_without_a_table_of_parameters_is_no_unknown_type(hou):
    with pytest.raises(NotImplementedError, match="attributepromote"):
        hou.node("/tasks").createNode("topnet").createNode("attributepromote")
