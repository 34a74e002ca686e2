"""The stand-in of `hou` does what is documented, and refuses the rest."""

import pytest


@pytest.fixture
def net(hou):
    """A TOP network."""
    return hou.node("/tasks").createNode("topnet")


def test_a_new_scene_has_the_managers_of_every_scene(hou):
    names = [node.path() for node in hou.root().children()]
    assert names == ["/obj", "/tasks", "/mat", "/stage", "/out", "/img", "/shop", "/ch", "/vex"]


def test_it_is_hython_without_a_user_interface(hou):
    assert not hou.isUIAvailable()
    assert not hasattr(hou, "ui")
    assert hou.applicationVersion() == (20, 5, 584)
    assert hou.applicationVersionString() == "20.5.584"


def test_other_versions(standin):
    assert standin.session("22.0.368").applicationVersion() == (22, 0, 368)
    with pytest.raises(ValueError, match=r"19\.5\.0"):
        standin.session("19.5.0").applicationVersion()


# Names


def test_nodes_get_free_names(hou):
    obj = hou.node("/obj")
    made = [obj.createNode("geo").name(), obj.createNode("geo").name(), obj.createNode("geo", "geo1").name()]
    assert made == ["geo1", "geo2", "geo3"]


@pytest.mark.parametrize("name", ["a b", "a-b", "1a", "", "ü"])
def test_names_that_houdini_refuses(hou, name):
    with pytest.raises(hou.OperationFailed):
        hou.node("/obj").createNode("geo", name)


def test_renaming(hou):
    first, second = (hou.node("/obj").createNode("geo", name) for name in ("a", "b"))
    with pytest.raises(hou.OperationFailed):
        second.setName("a")
    second.setName("a", unique_name=True)
    assert second.path() == "/obj/a1"
    assert first != second
    assert first == hou.node("/obj/a")


def test_handles_are_equal_but_never_the_same_object(hou):
    assert hou.node("/obj") == hou.node("/obj")
    assert hou.node("/obj") is not hou.node("/obj")


# Strictness


def test_unknown_names_of_the_module(hou):
    with pytest.raises(NotImplementedError, match=r"hou\.playbar"):
        hou.playbar  # noqa: B018
    with pytest.raises(NotImplementedError):
        hasattr(hou, "nonsense")


def test_unknown_attributes_of_objects_and_classes(hou):
    with pytest.raises(NotImplementedError, match=r"hou\.OpNode\.nonsense"):
        hou.node("/obj").nonsense()
    with pytest.raises(NotImplementedError):
        getattr(hou.node("/obj"), "simulation", None)
    with pytest.raises(NotImplementedError):
        hou.hipFile.merge("a.hip")
    with pytest.raises(NotImplementedError):
        hou.nodeFlag.Nonsense  # noqa: B018


def test_nothing_can_be_stored_on_an_object(hou):
    with pytest.raises(NotImplementedError):
        hou.node("/obj").mine = 1


def test_unknown_keywords(hou):
    with pytest.raises(TypeError):
        hou.node("/obj").createNode("geo", nonsense=True)


def test_an_unknown_type_is_refused(hou, net):
    with pytest.raises(hou.OperationFailed):
        net.createNode("nonsense")


def test_a_type_without_a_table_of_parameters_is_no_unknown_type(net):
    with pytest.raises(NotImplementedError, match="attributepromote"):
        net.createNode("attributepromote")


def test_objects_cannot_be_made_by_hand(hou):
    for class_ in (hou.Node, hou.TopNode, hou.Parm, hou.NodeType, hou.HDADefinition, hou.EnumValue):
        with pytest.raises(NotImplementedError):
            class_()


# Wires


def test_wires(hou, net):
    source, target = net.createNode("genericgenerator"), net.createNode("waitforall")
    target.setInput(0, source)
    assert target.inputs() == (source,)
    assert source.outputs() == (target,)
    target.setNextInput(net.createNode("wedge"))
    assert [node.name() for node in target.inputs()] == ["genericgenerator1", "wedge1"]
    target.setInput(0, None)
    assert target.inputs()[0] is None
    target.setInput(1, None)
    assert target.inputs() == ()


def test_wires_that_houdini_refuses(hou, net):
    source, target = net.createNode("genericgenerator"), net.createNode("genericgenerator")
    with pytest.raises(hou.InvalidInput):
        target.setInput(1, source)
    with pytest.raises(hou.InvalidInput):
        target.setInput(0, source, 1)
    with pytest.raises(hou.InvalidInput):
        target.setInput(0, net.node("localscheduler"))
    with pytest.raises(hou.OperationFailed):
        target.setInput(0, hou.node("/tasks").createNode("topnet").createNode("genericgenerator"))
    target.setInput(0, source)
    with pytest.raises(hou.OperationFailed):
        source.setInput(0, target)


def test_a_deleted_node_is_gone_with_its_wires(hou, net):
    source, target = net.createNode("genericgenerator"), net.createNode("waitforall")
    target.setInput(0, source)
    source.destroy()
    assert target.inputs() == ()
    with pytest.raises(hou.ObjectWasDeleted):
        source.name()
    with pytest.raises(hou.OperationFailed):
        hou.node("/obj").destroy()


def test_one_node_displays(net):
    first, second = net.createNode("genericgenerator"), net.createNode("waitforall")
    with pytest.raises(NotImplementedError, match="display node"):
        net.displayNode()
    first.setDisplayFlag(True)
    second.setDisplayFlag(True)
    assert not first.isDisplayFlagSet()
    assert net.displayNode() == second


# Parameters


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("itemcount", "2"),
        ("itemcount", 2.5),
        ("pdg_command", 3),
        ("sequential", "on"),
        ("sequential", 2),
        ("expectedoutputsfrom", "9"),
        ("expectedoutputsfrom", 9),
        ("expectedoutputsfrom", 1.0),
        ("addjobparms", 1),
    ],
)
def test_values_of_the_wrong_type_and_unknown_tokens(net, name, value):
    node = net.createNode("genericgenerator")
    before = node.parm(name).rawValue() if name not in ("sequential", "addjobparms") else None
    with pytest.raises(TypeError):
        node.parm(name).set(value)
    assert before is None or node.parm(name).rawValue() == before


def test_values_and_defaults(net):
    node = net.createNode("genericgenerator")
    assert node.evalParm("itemcount") == 1
    assert node.evalParm("sequential") == 0
    node.setParms({"itemcount": 3, "sequential": True, "pdg_command": "echo", "expectedoutputsfrom": "2"})
    assert [node.evalParm(n) for n in ("itemcount", "sequential", "pdg_command")] == [3, 1, "echo"]
    assert node.parm("expectedoutputsfrom").evalAsString() == "2"
    assert not node.parm("itemcount").isAtDefault()
    node.parm("itemcount").revertToDefaults()
    assert node.parm("itemcount").isAtDefault()


def test_a_missing_parameter(hou, net):
    node = net.createNode("genericgenerator")
    assert node.parm("nonsense") is None
    for use in (lambda: node.evalParm("nonsense"), lambda: node.setParms({"nonsense": 1})):
        with pytest.raises(hou.OperationFailed):
            use()


def test_types_whose_parameters_are_not_all_known_do_not_say_none(hou):
    node = hou.node("/obj").createNode("geo")
    with pytest.raises(NotImplementedError, match="tx"):
        node.parm("tx")
    with pytest.raises(NotImplementedError):
        node.parms()


def test_a_menu_with_tokens_evaluates_to_the_token(net):
    node = net.createNode("attributecreate")
    node.parm("stringattribs").set(1)
    node.parm("stringconflict1").set("4")
    assert node.evalParm("stringconflict1") == 4
    with pytest.raises(NotImplementedError, match="token or a position"):
        node.parm("stringconflict1").set(4)


def test_a_menu_without_tokens_evaluates_to_the_position(net):
    node = net.createNode("genericgenerator")
    node.parm("usedelay").set("2")
    assert node.evalParm("usedelay") == 2
    node.parm("usedelay").set("on")
    assert node.evalParm("usedelay") == 1
    assert node.parm("usedelay").evalAsString() == "on"


def test_the_text_of_a_toggle_is_not_guessed(net):
    with pytest.raises(NotImplementedError, match="toggle"):
        net.createNode("genericgenerator").parm("sequential").evalAsString()


def test_multiparms_count_from_one(net):
    node = net.createNode("attributecreate")
    assert node.parm("stringname1") is None
    node.parm("stringattribs").set(2)
    node.parm("stringname2").set("b")
    assert [parm.name() for parm in node.parm("stringattribs").multiParmInstances()][:2] == [
        "stringenable1",
        "stringname1",
    ]
    node.parm("stringattribs").set(1)
    assert node.parm("stringname2") is None
    node.parm("stringattribs").insertMultiParmInstance(1)
    assert node.evalParm("stringname2") == ""


def test_multiparms_in_multiparms(net):
    node = net.createNode("wedge")
    node.parm("wedgeattributes").set(1)
    node.parm("values1").set(2)
    node.parm("floatvalue1_2").set(0.5)
    assert node.evalParm("floatvalue1_2") == 0.5
    node.parm("wedgeattributes").set(0)
    assert node.parm("floatvalue1_2") is None


def test_parms_of_a_removed_instance_are_dead(hou, net):
    node = net.createNode("attributecreate")
    node.parm("stringattribs").set(1)
    parm = node.parm("stringname1")
    node.parm("stringattribs").set(0)
    with pytest.raises(hou.ObjectWasDeleted):
        parm.eval()


def test_tuples(net):
    node = net.createNode("attributecreate")
    node.parm("intattribs").set(1)
    node.parmTuple("intvalue1").set((1, 2, 3, 4))
    assert node.evalParm("intvalue13") == 3
    with pytest.raises(TypeError):
        node.parmTuple("intvalue1").set((1, 2))


def test_locked_parameters(hou, net):
    parm = net.createNode("genericgenerator").parm("itemcount")
    parm.lock(True)
    with pytest.raises(hou.PermissionError):
        parm.set(2)


# Expressions


def test_variables(hou, net, tmp_path, monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "x")
    node = net.createNode("genericgenerator", "me")
    node.parm("pdg_command").set("$HIP/$OS ${HIPNAME} $FROM_OUTSIDE \\$HOME __PDG_DIR__")
    assert node.evalParm("pdg_command") == "%s/me untitled x $HOME __PDG_DIR__" % tmp_path
    assert node.parm("pdg_command").unexpandedString().startswith("$HIP/$OS")
    hou.putenv("MINE", "1")
    assert hou.text.expandString("$MINE") == hou.getenv("MINE") == "1"
    assert hou.getenv("NOT_THERE", "default") == "default"


@pytest.mark.parametrize(
    "text",
    ["$NOT_THERE_AT_ALL", "`strlen('a')`", "`ch(`", "`chs('pdg_command'", "`@x`", "`1 +`", "`ch('pdg_command')`"],
)
def test_expressions_that_are_not_known_are_named(net, text):
    node = net.createNode("genericgenerator")
    node.parm("pdg_command").set(text)
    with pytest.raises(NotImplementedError):
        node.evalParm("pdg_command")


def test_references(hou, net):
    first, second = (net.createNode("genericgenerator", name) for name in ("a", "b"))
    first.parm("itemcount").set(3)
    first.parm("pdg_command").set("say $OS")
    second.parm("pdg_command").set('`chs("../a/pdg_command")` `ch("../a/itemcount")+1` `opfullpath("../a")`')
    assert second.evalParm("pdg_command") == "say a 4 /tasks/topnet1/a"
    second.parm("itemcount").setExpression('ch("../a/itemcount") * 2')
    assert second.evalParm("itemcount") == 6
    assert second.parm("itemcount").expression() == 'ch("../a/itemcount") * 2'
    with pytest.raises(hou.OperationFailed):
        first.parm("itemcount").expression()
    with pytest.raises(hou.OperationFailed):
        second.parm("itemcount").unexpandedString()


def test_python_expressions(hou, net):
    node = net.createNode("genericgenerator", "a")
    node.parm("pdg_command").setExpression('hou.pwd().parent().path() + "/x"', hou.exprLanguage.Python)
    assert node.evalParm("pdg_command") == "/tasks/topnet1/x"


def test_chsop_is_absolute_and_empty_stays_empty(net):
    first, second = (net.createNode("genericgenerator", name) for name in ("a", "b"))
    second.parm("pdg_command").set('`chsop("../a/topscheduler")`')
    assert second.evalParm("pdg_command") == ""
    first.parm("topscheduler").set("../localscheduler")
    assert second.evalParm("pdg_command") == "/tasks/topnet1/localscheduler"


def test_a_loop_of_references_ends(net):
    node = net.createNode("genericgenerator")
    node.parm("itemcount").setExpression('ch("itemcount")')
    with pytest.raises(NotImplementedError, match="loop"):
        node.evalParm("itemcount")


def test_set_goes_through_a_reference(net):
    first, second = (net.createNode("genericgenerator", name) for name in ("a", "b"))
    second.parm("itemcount").setExpression('ch("../a/itemcount")')
    second.parm("itemcount").set(7)
    assert first.evalParm("itemcount") == 7
    second.parm("itemcount").setExpression('ch("../a/itemcount")+1')
    with pytest.raises(NotImplementedError):
        second.parm("itemcount").set(7)
    second.parm("itemcount").deleteAllKeyframes()
    second.parm("itemcount").set(2)
    assert second.evalParm("itemcount") == 2


class Item:
    """As much of a work item as expressions need."""

    index, name, frame, id = 4, "item_7", 1.0, 7

    def attrib(self, name):
        return {"speed": [0.5], "colour": ["red", "blue"]}.get(name)

    def attribValue(self, name, index=0):
        return self.attrib(name)[index]


def test_attributes_of_a_work_item(net):
    from hou._view import View

    node = net.createNode("genericgenerator")
    node.parm("pdg_command").set("`@speed` `@colour` `@colour.1` `@pdg_index` `@pdg_name`")
    node.parm("itemcount").setExpression("@pdg_index + 1")
    view = View(node._live())
    assert view.evaluate("pdg_command", Item()) == "0.5 red blue 4 item_7"
    assert view.evaluate("itemcount", Item()) == 5
    node.parm("pdg_command").set("`@missing`")
    with pytest.raises(NotImplementedError, match="missing"):
        view.evaluate("pdg_command", Item())


# User data, notes, positions


def test_user_data_and_notes(hou, net):
    net.setUserData("key", "value")
    assert net.userData("key") == "value"
    assert net.userData("other") is None
    note = net.createStickyNote()
    note.setText("Hello")
    note.setSize(hou.Vector2((3, 2)))
    assert [made.text() for made in net.stickyNotes()] == ["Hello"]
    net.setPosition((1, 2))
    assert tuple(net.position()) == (1.0, 2.0)


def test_selections(hou, net):
    assert hou.selectedNodes() == ()
    first, second = net.createNode("wedge"), net.createNode("wedge")
    first.setSelected(True)
    second.setSelected(True)
    assert hou.selectedNodes() == (first, second)
    first.setSelected(True, clear_all_selected=True)
    assert hou.selectedNodes() == (first,)
    first.destroy()
    assert hou.selectedNodes() == ()
