"""Assets, scenes, callbacks and Python SOPs in the stand-in of `hou`."""

import dataclasses
from pathlib import Path

import pytest

from topforge_scene import asset_binary, asset_files, scene
from topforge_scene.asset import Library, Operator
from topforge_scene.dialog_script import Bound, DialogScript, Folder, Menu, Multiparm, Parameter
from topforge_scene.network import Channel, Connection, Node, Parm, StickyNote, Token

MODULE = """
import hou
pressed = []
def press(kwargs):
    pressed.append((kwargs["node"].path(), kwargs["parm"].name(), kwargs.get("extra")))
def items(kwargs):
    return ["a", "Label A", "b", "Label B"]
"""


def _parameter(name, type_, default="", **more):
    return Parameter(name, name.title(), type_, default=(default,), **more)


def _interface(name):
    press = (("script_callback", "hou.phm().press(kwargs)"), ("script_callback_language", "python"))
    return DialogScript(name, "Sorter", (
        _parameter("pattern", "string", "$HIP/*.png"),
        _parameter("count", "integer", "5", range=(Bound(1, True), Bound(10))),
        _parameter("mode", "ordinal", "fast", menu=Menu((("fast", "Fast"), ("slow", "Slow")))),
        _parameter("kind", "string", "x", menu=Menu((("x", "X"), ("y", "Y")))),
        _parameter("free", "string", "x", menu=Menu((("x", "X"),), kind="menureplace")),
        _parameter("made", "string", "", menu=Menu(script=("return hou.phm().items(kwargs)",))),
        Folder("more", "More", (_parameter("go", "button", "0", tags=press),)),
        _parameter("hscript", "button", "0", tags=(("script_callback", "echo hello"),)),
        _parameter("topscheduler", "oppath"),
        Multiparm("files", "Files", (_parameter("file#", "file"),), 2),
    ), input_labels=("input",))  # fmt: skip


def _contents(name):
    command = Parm("pdg_command", ('`chs("../pattern")`',))
    items = Node("items", "pythonprocessor", inputs=(Connection("(0)"),), parms=(Parm("generate", ("pass",)),))
    run = Node("run", "genericgenerator", inputs=(Connection("items"),), parms=(command,))
    output = Node("output0", "output", inputs=(Connection("run"),), outputs=(), display=True)
    return Node("hdaroot", name, children=(items, run, output), max_inputs=1, is_network=True)


@pytest.fixture
def operator():
    """A TOP asset like ours."""
    name = "acme::sorter::1.0"
    return Operator(
        name, "Sorter", "Top", _interface(name), _contents(name), max_inputs=1, python_module=MODULE,
        events={"OnCreated": "kwargs['node'].setUserData('made', 'yes')\n"}, help="= Sorter =\n",
    )  # fmt: skip


@pytest.fixture
def library(operator, tmp_path):
    """Its library, expanded."""
    folder = tmp_path / "sorter.hda"
    asset_files.write(Library((operator,)), folder)
    return folder


@pytest.fixture
def node(hou, library):
    """One of it in a network."""
    hou.hda.installFile(str(library))
    return hou.node("/tasks").createNode("topnet").createNode("acme::sorter::1.0")


def test_installing_and_what_is_installed(hou, library, tmp_path):
    before = hou.nodeType(hou.topNodeTypeCategory(), "acme::sorter::1.0")
    hou.hda.installFile(str(library))
    after = hou.nodeType("Top/acme::sorter::1.0")
    assert before is None
    assert after.nameComponents() == ("", "acme", "sorter", "1.0")
    (definition,) = hou.hda.definitionsInFile(str(library))
    assert definition.nodeTypeName() == "acme::sorter::1.0"
    assert definition.nodeTypeCategory().name() == "Top"
    assert definition.libraryFilePath() == str(library)
    assert definition.isInstalled()
    assert {"DialogScript", "PythonModule", "Help", "OnCreated", "Contents.gz"} <= set(definition.sections())
    assert definition.sections()["PythonModule"].contents() == MODULE
    assert definition.embeddedHelp() == "= Sorter =\n"
    assert str(library) in hou.hda.loadedFiles()
    hou.hda.uninstallFile(str(library))
    assert hou.nodeType("Top/acme::sorter::1.0") is None
    with pytest.raises(hou.OperationFailed):
        hou.hda.installFile(str(tmp_path / "nothing.hda"))


def test_a_collapsed_library(hou, operator, tmp_path):
    file = tmp_path / "one.hda"
    file.write_bytes(asset_binary.collapse(asset_files.files(Library((operator,)))))
    hou.hda.installFile(str(file))
    assert len(hou.node("/tasks").createNode("topnet").createNode("acme::sorter::1.0").children()) == 3


def test_a_damaged_library_is_refused(hou, library):
    (library / "INDEX__SECTION").write_text("nonsense\n")
    with pytest.raises(hou.OperationFailed, match="INDEX"):
        hou.hda.installFile(str(library))


def test_the_library_installed_last_wins(hou, library, operator, tmp_path):
    other = tmp_path / "other.hda"
    asset_files.write(Library((dataclasses.replace(operator, label="Other"),)), other)
    hou.hda.installFile(str(library))
    hou.hda.installFile(str(other))
    assert hou.nodeType("Top/acme::sorter::1.0").description() == "Other"


def test_the_newest_version_is_made_unless_one_is_named(hou, library, operator, tmp_path):
    newer = tmp_path / "newer.hda"
    name = "acme::sorter::1.10"
    changed = dataclasses.replace(operator, name=name, interface=_interface(name), contents=_contents(name))
    asset_files.write(Library((changed,)), newer)
    for file in (newer, library):
        hou.hda.installFile(str(file))
    net = hou.node("/tasks").createNode("topnet")
    assert net.createNode("acme::sorter").type().name() == name
    assert net.createNode("acme::sorter::1.0").type().name() == "acme::sorter::1.0"
    with pytest.raises(hou.OperationFailed):
        net.createNode("acme::sorter", exact_type_name=True)


def test_a_new_node_has_its_contents_locked(hou, node):
    assert node.name() == "sorter1"
    assert [child.name() for child in node.children()] == ["items", "run", "output0"]
    assert node.isLockedHDA()
    assert node.userData("made") == "yes"
    inside = node.node("run")
    assert inside.isInsideLockedHDA()
    for change in (
        lambda: node.createNode("genericgenerator"),
        lambda: inside.parm("itemcount").set(2),
        lambda: inside.parm("itemcount").setExpression("1"),
        lambda: inside.setInput(0, None),
        lambda: inside.setName("other"),
        lambda: inside.bypass(True),
    ):
        with pytest.raises(hou.PermissionError):
            change()
    with pytest.raises(hou.OperationFailed):
        inside.destroy()
    node.allowEditingOfContents()
    inside.parm("itemcount").set(2)
    node.matchCurrentDefinition()
    assert node.node("run").evalParm("itemcount") == 1


def test_init_scripts_can_be_left_out(node):
    assert node.parent().createNode("acme::sorter::1.0", run_init_scripts=False).userData("made") is None


def test_parameters_of_the_asset(hou, node, tmp_path):
    assert node.evalParm("pattern") == "%s/*.png" % tmp_path
    assert node.node("run").evalParm("pdg_command") == "%s/*.png" % tmp_path
    node.parm("count").set(0)
    assert node.evalParm("count") == 1  # a hard limit
    node.parm("count").set(99)
    assert node.evalParm("count") == 99  # a soft one
    assert node.evalParm("mode") == 0
    assert node.parm("mode").evalAsString() == "fast"
    node.parm("mode").set("slow")
    assert node.evalParm("mode") == 1
    with pytest.raises(TypeError):
        node.parm("kind").set("nonsense")
    node.parm("free").set("anything")
    assert node.evalParm("files") == 2
    assert [parm.name() for parm in node.parm("files").multiParmInstances()] == ["file1", "file2"]
    assert node.parm("go").parmTemplate().type() == hou.parmTemplateType.Button
    assert node.parm("count").parmTemplate().label() == "Count"


def test_menus_made_by_a_script(node):
    assert node.parm("made").menuItems() == ("a", "b")
    assert node.parm("made").menuLabels() == ("Label A", "Label B")


def test_callbacks(hou, node):
    node.parm("go").pressButton()
    node.parm("go").pressButton({"extra": 1})
    assert node.hm().pressed == [(node.path(), "go", None), (node.path(), "go", 1)]
    assert node.hdaModule() is node.type().hdaModule()
    with pytest.raises(TypeError):
        node.parm("go").pressButton({"extra": [1]})
    with pytest.raises(hou.OperationFailed):
        node.parm("count").pressButton()
    with pytest.raises(NotImplementedError, match="language"):
        node.parm("hscript").pressButton()
    with pytest.raises(AttributeError):
        node.hm().nonsense  # noqa: B018
    with pytest.raises(hou.OperationFailed):
        node.node("run").hm()


def test_what_pdg_sees(hou, node):
    from hou._view import View, effective

    net = node.parent()
    source, target = net.createNode("genericgenerator"), net.createNode("waitforall")
    node.setInput(0, source)
    target.setInput(0, node)
    items, run = (View(node.node(name)._live()) for name in ("items", "run"))
    assert effective(node._live()) == run
    assert effective(node.node("output0")._live()) == run
    assert View(target._live()).sources() == [run]
    assert run.sources() == [items]
    assert items.sources() == [View(source._live())]
    assert run.type_name() == "genericgenerator"
    assert run.scheduler().path() == "/tasks/topnet1/localscheduler"
    assert run.has_parm("pdg_command")
    assert not run.has_parm("nonsense")


def test_a_bare_scheduler_name_inside_an_asset_falls_back_silently(hou, node):
    from hou._view import View

    other = node.parent().createNode("localscheduler", "other")
    node.allowEditingOfContents()
    run = node.node("run")
    for text, expected in (("other", "localscheduler"), ("../../other", "other"), (other.path(), "other")):
        run.parm("topscheduler").set(text)
        assert View(run._live()).scheduler().name() == expected
    beside = node.parent().createNode("genericgenerator")
    beside.parm("topscheduler").set("other")
    assert View(beside._live()).scheduler().name() == "other"


def test_scenes_come_back(hou, node, tmp_path):
    net = node.parent()
    source = net.createNode("genericgenerator", "source")
    source.setParms({"itemcount": 3, "sequential": True, "pdg_command": "echo $HIP"})
    source.parm("delay").setExpression('ch("itemcount")')
    node.setInput(0, source)
    node.setDisplayFlag(True)
    node.parm("mode").set("slow")
    node.parm("files").set(3)
    node.parm("file3").set("c")
    hou.hipFile.save(str(tmp_path / "saved.hip"))
    assert hou.hipFile.basename() == "saved.hip"
    hou.hipFile.clear()
    assert hou.node("/tasks").children() == ()
    hou.hipFile.load(str(tmp_path / "saved.hip"))
    assert hou.getenv("HIPNAME") == "saved"
    net = hou.node("/tasks/topnet1")
    assert net.displayNode().name() == "sorter1"
    assert net.node("sorter1").isLockedHDA()
    assert net.node("sorter1").inputs() == (net.node("source"),)
    assert [net.node("source").evalParm(n) for n in ("itemcount", "sequential", "delay")] == [3, 1, 3.0]
    assert net.node("source").parm("pdg_command").unexpandedString() == "echo $HIP"
    assert net.node("sorter1").parm("mode").evalAsString() == "slow"
    assert net.node("sorter1").evalParm("file3") == "c"


@pytest.mark.parametrize("form", ["odc", "text"])
def test_scenes_written_without_houdini(hou, tmp_path, form):
    nodes = (
        Node("a", "genericgenerator", parms=(Parm("sequential", (Token("on"),)), Parm("delay", (Channel("1+1", 0),)))),
        Node("b", "waitforall", inputs=(Connection("a"),), display=True),
    )
    path = tmp_path / "made.hip"
    net = Node("topnet1", "topnet", children=nodes, notes=(StickyNote("__stickynote1", "Hello"),), is_network=True)
    scene.write(path, scene.Scene({"tasks": (net,)}, {"MINE": "x"}), form)
    hou.hipFile.load(str(path))
    made = hou.node("/tasks/topnet1")
    assert made.displayNode().inputs() == (made.node("a"),)
    assert (made.node("a").evalParm("sequential"), made.node("a").evalParm("delay")) == (1, 2.0)
    assert hou.getenv("MINE") == "x"
    assert [note.text() for note in made.stickyNotes()] == ["Hello"]
    assert made.node("localscheduler") is None  # only what the file has


@pytest.mark.parametrize(
    "parm",
    [
        Parm("nonsense", ("1",)),
        Parm("sequential", (1,)),
        Parm("expectedoutputsfrom", (1,)),
        Parm("expectedoutputsfrom", (Token("9"),)),
        Parm("itemcount", (Token("on"),)),
        Parm("itemcount", (1, 2)),
    ],
)
def test_values_in_a_scene_that_the_node_cannot_hold(hou, tmp_path, parm):
    net = Node("topnet1", "topnet", children=(Node("a", "genericgenerator", parms=(parm,)),), is_network=True)
    scene.write(tmp_path / "made.hip", scene.Scene({"tasks": (net,)}, {}))
    with pytest.raises((hou.OperationFailed, TypeError)):
        hou.hipFile.load(str(tmp_path / "made.hip"))


def test_scenes_with_missing_assets_warn(hou, node, library, tmp_path):
    hou.hipFile.save(str(tmp_path / "saved.hip"))
    hou.hda.uninstallFile(str(library))
    with pytest.raises(hou.LoadWarning, match="acme::sorter"):
        hou.hipFile.load(str(tmp_path / "saved.hip"))
    with pytest.raises(NotImplementedError):
        hou.hipFile.load(str(tmp_path / "saved.hip"), ignore_load_warnings=True)


def test_files_that_are_no_scenes(hou, tmp_path):
    with pytest.raises(hou.OperationFailed):
        hou.hipFile.load(str(tmp_path / "missing.hip"))
    (tmp_path / "bad.hip").write_bytes(b"HouLC\x1a")
    with pytest.raises(hou.OperationFailed, match="Indie"):
        hou.hipFile.load(str(tmp_path / "bad.hip"))


# Python SOPs


@pytest.fixture
def sop(hou):
    """A Python SOP."""
    return hou.node("/obj").createNode("geo").createNode("python")


def test_a_python_sop_makes_geometry(hou, sop):
    pytest.importorskip("numpy")
    sop.parm("python").set("hou.pwd().geometry().createPoints(((0, 0, 0), (1, 0, 0)))")
    assert len(sop.geometry().points()) == 2
    with pytest.raises(hou.GeometryPermissionError):
        sop.geometry().createPoints(((0, 0, 0),))
    output = sop.parent().createNode("output")
    output.setInput(0, sop)
    assert len(output.geometry().points()) == 2


def test_errors_and_warnings_of_a_cook(hou, sop):
    sop.parm("python").set("hou.pwd().addWarning('careful')")
    sop.cook()
    assert sop.warnings() == ("careful",)
    sop.parm("python").set("raise hou.NodeError('The file is gone.')")
    with pytest.raises(hou.NodeError):
        sop.cook()
    assert sop.errors() == ("The file is gone.",)
    assert sop.geometry() is None
    sop.parm("python").set("1 / 0")
    with pytest.raises(hou.NodeError):
        sop.cook(force=True)
    assert "ZeroDivisionError" in sop.errors()[0]
    with pytest.raises(NotImplementedError):
        sop.addError("not while cooking")


def test_a_node_cooks_again_only_when_something_that_it_used_has_changed(hou, sop):
    hou.session.cooks = []
    geo = sop.parent()
    other = geo.createNode("python", "other")
    other.parm("maintainstate").set(False)
    sop.parm("python").set("hou.session.cooks.append(hou.evalParm('../other/maintainstate'))")
    output = geo.createNode("output")
    output.setInput(0, sop)
    output.cook()
    output.cook()
    sop.geometry()
    assert hou.session.cooks == [0]
    other.parm("maintainstate").set(True)
    output.cook()
    assert hou.session.cooks == [0, 1]
    output.cook(force=True)
    assert hou.session.cooks == [0, 1]
    sop.cook(force=True)
    assert hou.session.cooks == [0, 1, 1]


@pytest.mark.parametrize("file", sorted((Path(__file__).resolve().parents[2] / "hip").glob("**/*.hip")), ids=str)
def test_our_sample_scenes_load_and_display_something(hou, file):
    hou.hipFile.load(str(file))
    (net,) = [node for node in hou.node("/tasks").children() if node.type().name() == "topnet"]
    assert net.displayNode().inputs()
    assert all(node.isLockedHDA() for node in net.children() if node.type().name().startswith("topforge::"))
