"""The shelf: its file, and what its tools do without a window and with one."""

import ast
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

REPOSITORY = Path(__file__).resolve().parents[2]
TOOLS = ElementTree.parse(str(REPOSITORY / "toolbar" / "topforge.shelf")).getroot()
NAMES = [tool.get("name") for tool in TOOLS.findall("tool")]


@pytest.fixture
def shelf(hou):
    from topforge_houdini import shelf

    return shelf


@pytest.fixture(autouse=True)
def package(monkeypatch):
    """What package.json does to a session."""
    monkeypatch.setenv("TOPFORGE", str(REPOSITORY))
    monkeypatch.setenv("HOUDINI_PATH", "%s:&" % REPOSITORY)


@pytest.fixture
def press(hou):
    """Runs a tool's script as Houdini does."""

    def press(name, **kwargs):
        exec(compile(hou.shelves.tool("topforge::" + name).script(), name, "exec"), {"kwargs": kwargs})

    return press


@pytest.fixture
def window(hou, monkeypatch):
    """A session with a window, as far as our tools look at it."""

    class Ui:
        def __init__(self):
            self.messages, self.shown, self.current = [], [], []

        def displayMessage(self, text, **more):
            self.messages.append((text, more))
            return 0

        def showInFileBrowser(self, path):
            self.shown.append(path)

        def paneTabOfType(self, kind):
            return self

        def setCurrentNode(self, node):
            self.current.append(node)

    ui = Ui()
    monkeypatch.setattr(hou, "isUIAvailable", lambda: True)
    monkeypatch.setitem(vars(hou), "ui", ui)
    monkeypatch.setitem(vars(hou), "severityType", type("severityType", (), {"Error": 3, "Message": 0, "Warning": 2}))
    monkeypatch.setitem(vars(hou), "paneTabType", type("paneTabType", (), {"NetworkEditor": 1}))
    monkeypatch.setitem(vars(hou), "NetworkEditor", Ui)
    return ui


class Pane:
    """kwargs["pane"]: a network editor."""

    def __init__(self, node):
        self.node = node

    def pwd(self):
        return self.node


@pytest.fixture
def finished(hou, tmp_path):
    """A train node with a published result in its output folder."""
    import made_results

    node = hou.node("/tasks").createNode("topnet").createNode("topforge::train::1.0", "train")
    node.parm("outputfolder").set((tmp_path / "runs").as_posix())
    return node, made_results.write(tmp_path / "runs" / "cup-12345678")


def test_each_tool_is_one_import_and_one_call_of_a_function_that_exists(shelf):
    for tool in TOOLS.findall("tool"):
        imported, called = ast.parse(tool.find("script").text).body
        assert ast.unparse(imported) == "from topforge_houdini import shelf"
        name = tool.get("name").split("::")[1]
        assert ast.unparse(called) == "shelf.%s(kwargs)" % name
        assert callable(getattr(shelf, name))


def test_every_tool_is_on_the_shelf_and_in_the_tab_menu():
    members = [member.get("name") for member in TOOLS.find("toolshelf").findall("memberTool")]
    assert members == NAMES
    for tool in TOOLS.findall("tool"):
        assert tool.find("toolMenuContext[@name='network']/contextNetType").text == "TOP"
        assert tool.find("toolSubmenu").text == "TopForge"
        assert tool.find("helpText").text.startswith("= ")
        assert len(tool.findall("keywordList/keyword")) >= 2


def test_quickstart_makes_a_network_in_tasks(hou, press):
    press("quickstart")
    net = hou.node("/tasks/topforge")
    assert net.displayNode() == net.node("report")
    assert hou.selectedNodes() == (net.node("report"),)
    assert Path(net.node("check").evalParm("dataset")) == REPOSITORY / "hip" / "sample_capture"
    press("quickstart")
    assert hou.node("/tasks/topforge1/train") is not None


def test_quickstart_in_a_top_network_makes_the_nodes_there(hou, shelf):
    net = hou.node("/tasks").createNode("topnet", "mine")
    nodes = shelf.quickstart({"pane": Pane(net)})
    assert [node.path() for node in nodes] == ["/tasks/mine/" + name for name in ("check", "train", "report")]
    assert hou.node("/tasks/topforge") is None


@pytest.mark.parametrize("path", ["/obj", "/tasks"])
def test_a_pane_elsewhere_gets_a_network_of_its_own(hou, shelf, path):
    shelf.quickstart({"pane": Pane(hou.node(path))})
    assert hou.node("/tasks/topforge/train") is not None


def test_the_kartaverse_network_has_the_check_when_ctrl_clicked(hou, press):
    press("kartaverse_network", ctrlclick=False)
    press("kartaverse_network", ctrlclick=True)
    assert hou.node("/tasks/kartaverse/check") is None
    check = hou.node("/tasks/kartaverse1/check")
    assert hou.node("/tasks/kartaverse1/shell_tokens").inputs() == (check,)


def test_the_doctor_says_how_to_make_the_environment(hou, shelf, monkeypatch, tmp_path):
    monkeypatch.setenv("TOPFORGE_ENV", str(tmp_path / "none"))
    with pytest.raises(shelf.node_settings.NoEnvironmentError, match=r"make_env\.py"):
        shelf.doctor({})


def test_the_doctor_judges_the_selected_node_s_environment(hou, shelf, capsys):
    net = hou.node("/tasks").createNode("topnet")
    node = net.createNode("topforge::train::1.0")
    node.parm("environment").set(sys.prefix)
    node.setSelected(True)
    text = shelf.doctor({})
    assert text.startswith("TopForge doctor for topforge")
    assert capsys.readouterr().out == text


def test_without_a_run_the_fix_is_told(hou, shelf):
    from topforge_houdini.runs import NoRunError

    shelf.quickstart({})
    for tool in (shelf.open_run_folder, shelf.import_latest, shelf.reference_in_solaris):
        with pytest.raises(NoRunError, match="Cook a TopForge node first"):
            tool({})


def test_the_newest_result_is_found_imported_and_referenced(hou, shelf, finished):
    _, made = finished
    assert shelf.open_run_folder({}) == made.run
    assert hou.node("/obj/topforge_result") is None
    imported = shelf.import_latest({}).node("result")
    assert Path(imported.evalParm("resultfile")) == made.run / "result.json"
    assert imported.geometry().primCount() == made.metrics["triangles"]
    assert shelf.reference_in_solaris({}).evalParm("filepath1").endswith("asset.usda")


def test_selected_nodes_decide_whose_runs_are_meant(hou, shelf, finished):
    from topforge_houdini.runs import NoRunError

    other = finished[0].parent().createNode("topforge::train::1.0", "other")
    other.setSelected(True, clear_all_selected=True)
    with pytest.raises(NoRunError, match="other"):
        shelf.import_latest({})


def test_with_a_window_failures_are_shown(hou, shelf, window, monkeypatch, tmp_path):
    monkeypatch.setenv("TOPFORGE_ENV", str(tmp_path / "none"))
    assert shelf.doctor({}) is None
    ((text, more),) = window.messages
    assert "TopForge's own environment is not there" in text
    assert "make_env.py" in more["help"]


def test_with_a_window_what_was_made_is_shown(hou, shelf, window, finished):
    shelf.quickstart({})
    assert window.current == [hou.node("/tasks/topforge/report")]
    hou.node("/tasks/topforge/report").setSelected(False)
    finished[0].setSelected(True)
    run = shelf.open_run_folder({})
    assert window.shown == [run.as_posix() + "/"]
    assert window.messages == []
