"""The stand-in of pdg is strict: undocumented names, wrong types, foreign writers and unknown parameters raise."""

from __future__ import annotations

import pytest


@pytest.fixture
def pdg(standin):
    standin.session(assets=False)
    return standin.pdg


def one_item(network, body="item_holder.addWorkItem(index=0)"):
    return network.cook(network.processor(body))[0]


@pytest.mark.parametrize(
    "expression",
    [
        "pdg.Workitem",
        "pdg.attribType.Text",
        "pdg.EventType.NodeFinished",
        "pdg.workItemState.Success",
        "item.outputs",
        "item.attributes",
        "item.setAttrib",
        "item.data",
        "item.node.items",
        "item.context.nodes",
        "item.graph.items",
        "item.node.scheduler.environment",
        "pdg.File('a').exists",
    ],
)
def test_names_that_are_not_documented_raise_even_for_hasattr(network, standin, expression):
    values = {"pdg": standin.pdg, "item": one_item(network)}
    owner, _, name = expression.rpartition(".")
    with pytest.raises(NotImplementedError, match=r"Not documented: .*%s" % name):
        hasattr(eval(owner, values), name)


def test_nothing_can_be_stored_on_items(network):
    item = one_item(network)
    for name in ("index", "topforge", "command"):
        with pytest.raises(NotImplementedError, match="storing"):
            setattr(item, name, 1)
    with pytest.raises(NotImplementedError, match="shouldRunInShell"):
        item.shouldRunInShell = True


def test_enumerations_show_their_names(pdg):
    assert str(pdg.workItemState.CookedCache) == "workItemState.CookedCache"
    assert pdg.generationType.Static is pdg.generationType.StaticGenerate


def test_what_only_pdg_makes_cannot_be_made(pdg):
    for cls in (pdg.WorkItem, pdg.Node):
        with pytest.raises(TypeError):
            cls(None)
    with pytest.raises(TypeError, match="No constructor"):
        pdg.WorkItem()


@pytest.mark.parametrize(
    "call",
    [
        "item.setStringAttrib('a', 1)",
        "item.setStringAttrib('a', __import__('pathlib').Path('x'))",
        "item.setIntAttrib('a', 1.5)",
        "item.setIntAttrib('a', '1')",
        "item.setFloatAttrib('a', '1')",
        "item.setFileAttrib('a', 'x.png')",
        "item.setDictAttrib('a', '{}')",
        "item.setCommand(['a', 'b'])",
        "item.addExpectedOutputFile(__import__('pathlib').Path('x'))",
        "item.addExpectedOutputFiles('x')",
        "item_holder.addWorkItem(index='0')",
        "item_holder.addWorkItem(index=0, inProcess=1.0)",
        "item_holder.addWorkItem(index=0, parentItem=None)",
        "item_holder.addWorkItem(index=0, unheard=1)",
        "item_holder.addWorkItem(index=0, parent='x')",
    ],
)
def test_wrong_types_and_arguments_are_refused_as_by_bindings(network, call):
    node = network.processor("item = item_holder.addWorkItem(index=0)\n" + call)
    assert network.cook(node) == []
    assert "TypeError" in network.errors(node)


def test_attributes_of_all_kinds(network, standin):
    item = one_item(
        network,
        """
item = item_holder.addWorkItem(index=3)
item.setStringAttrib("s", ["a", "b"])
item.setStringAttrib("s", "c", 1)
item.setIntAttrib("i", 4)
item.setFloatAttrib("f", 2)
item.setFileAttrib("p", pdg.File("/x/y.png"))
item.setDictAttrib("d", {"k": 1})
item.setPyObjectAttrib("o", object)
item.addAttrib("empty", pdg.attribType.Int)
item.setStringAttrib("gone", "x")
item.eraseAttrib("gone")
""",
    )
    assert item.stringAttribArray("s") == ["a", "c"]
    assert (item.intAttribValue("i"), item.attribValue("f")) == (4, 2.0)
    assert isinstance(item.attribValue("f"), float)
    assert (item.fileAttribValue("p").path, item.fileAttribValue("p").tag) == ("/x/y.png", "file/image")
    assert item.dictAttribValue("d") == {"k": 1}
    assert item.attribType("o") == standin.pdg.attribType.PyObject
    assert item.attribNames(standin.pdg.attribType.Int) == ["i", "empty"]
    assert item.attribMatch("s i ^i") == ["s"]
    assert item.attrib("gone") is None
    assert item.index == 3


@pytest.mark.parametrize(
    "call",
    ["item.attribValue('none')", "item.intAttribValue('s')", "item.attribValue('s', 5)", "item.setIntAttrib('s', 1)"],
)
def test_cases_that_nobody_documented_are_refused(network, call):
    node = network.processor("item = item_holder.addWorkItem(index=0)\nitem.setStringAttrib('s', 'x')\n" + call)
    network.cook(node)
    assert "Not documented" in network.errors(node)


def test_an_item_needs_an_index_or_a_parent(network):
    node = network.processor("item_holder.addWorkItem()")
    network.cook(node)
    assert "index of an item" in network.errors(node)


def test_upstream_items_can_only_be_read(network):
    above = network.processor("item_holder.addWorkItem(index=0).setIntAttrib('n', 1)", name="above")
    node = network.processor("upstream_items[0].setIntAttrib('n', 2)", above)
    network.cook(node)
    assert "AttribError" in network.errors(node)
    assert "can only be read" in network.errors(node)
    assert network.items(above)[0].intAttribValue("n") == 1


def test_items_in_the_graph_are_written_under_a_lock(network):
    item = one_item(network)
    with pytest.raises(NotImplementedError, match="lockAttributes"):
        item.setIntAttrib("n", 1)
    with item.lockAttributes:
        item.setIntAttrib("n", 1)
    assert item.intAttribValue("n") == 1


def test_parameters_are_read_through_the_node(network):
    node = network.processor("item_holder.addWorkItem(index=self['pdg_workitemgeneration'].evaluateInt())")
    assert network.cook(node)[0].index == 2
    bad = network.processor("self['nonsense']", name="bad")
    network.cook(bad)
    assert "KeyError" in network.errors(bad)


def test_top_node_is_the_houdini_node(network):
    node = network.processor("item_holder.addWorkItem(index=0).setStringAttrib('path', self.topNode().path())")
    assert network.cook(node)[0].stringAttribValue("path") == "/tasks/net/items"


def test_operators_and_schedulers_that_are_not_imitated_are_refused(network):
    with pytest.raises(NotImplementedError, match="split"):
        network.cook(network.add("split"))
    network.scheduler._kind = "tractorscheduler"
    node = network.shell("true")
    network.cook(node)
    assert "tractorscheduler" in network.errors(node)


def test_graph_and_context_find_nodes_and_items(network, standin):
    item = one_item(network)
    context = standin.pdg.GraphContext.byName("net")
    assert standin.pdg.GraphContext.names() == ["net"]
    assert context.graph.workItemById(item.id) == item
    assert context.graph.workItemByName(item.name) == item
    assert context.graph.node("items") == item.node
    assert context.graph.node("nothing") is None
    assert not context.cooking


def test_menus_have_the_known_tokens(pdg):
    assert pdg.generateWhenMenu()[::2] == ["1", "3", "0", "2"]
    assert pdg.cacheModeMenu()[::2] == ["0", "1", "2"]
    assert pdg.mergeOperationMenu()[:4] == ["0", "Ignore", "1", "First Value"]
