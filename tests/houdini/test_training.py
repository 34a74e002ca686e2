"""Work items of the train node, on the stand-ins of `hou` and `pdg`."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import making

from topforge import results
from topforge.paths import RunPaths


@pytest.fixture(autouse=True)
def own(standin, tmp_path, monkeypatch):
    """TopForge's own environment."""
    prefix = making.environment(tmp_path)
    monkeypatch.setenv("TOPFORGE_ENV", str(prefix))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return prefix


@pytest.fixture
def net(own, hou):
    return making.network(hou)


# What an item is


def test_an_item_has_its_command_and_attributes(net, own, tmp_path):
    node = making.command(net)
    making.generate(node)
    (item,) = making.inner(node, "items")
    core = making.item_of(item)
    folder = "%s-%s" % (core.name, core.key[:8])
    run = tmp_path / "topforge" / "train" / folder
    package = Path(__file__).resolve().parents[2] / "pipeline" / "topforge"
    command = '"%s/bin/python" -I "%s" run-item "__PDG_DIR__/topforge/train/%s"' % (own, package, folder)
    assert item.stringAttribValue("topforge_command") == command
    assert item.stringAttribValue("topforge_run") == str(run)
    assert item.stringAttribValue("topforge_result") == str(run / "result.json")
    assert item.stringAttribValue("report") == str(run / "report.html")
    assert item.stringAttribValue("trainer") == "command"
    assert item.stringAttribValue("config") == core.name == "train"
    assert item.attrib("dataset") is None
    assert item.attrib("psnr") is None
    assert (core.adapter, core.needs.gpus, core.environment.prefix) == ("command", 0, str(own))


def test_the_item_that_runs_inherits_them_and_expects_the_manifest(net):
    node = making.command(net)
    making.cook(node)
    (item,) = making.inner(node)
    assert item.command == item.stringAttribValue("topforge_command")
    assert [(file.path, file.tag) for file in item.expectedOutputFiles] == [
        (item.stringAttribValue("topforge_result"), "file/json")
    ]
    assert results.is_complete(Path(item.stringAttribValue("topforge_run")))


def test_the_same_again_leaves_item_json_untouched(net):
    node = making.command(net)
    making.generate(node)
    path = RunPaths(Path(making.inner(node, "items")[0].stringAttribValue("topforge_run"))).item
    before = path.stat().st_mtime_ns
    net.dirtyAllWorkItems(False)
    making.generate(node)
    assert path.stat().st_mtime_ns == before


def test_what_does_not_decide_the_result_keeps_the_run_folder(net):
    node = making.command(net)
    making.generate(node)
    first = making.item_of(making.inner(node, "items")[0])
    node.setParms({"timelimit": 5.0, "silencelimit": 7.0, "gpumemory": 4000})
    making.generate(node)
    second = making.item_of(making.inner(node, "items")[0])
    assert first.key == second.key
    assert (second.needs.time_limit_seconds, second.needs.silence_limit_seconds) == (5.0, 7.0)
    assert second.needs.gpu_memory_mib == 4000


def test_paths_below_the_working_directory_are_written_relative(net, tmp_path):
    node = making.command(net)
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    making.generate(node)
    (item,) = making.inner(node, "items")
    raw = json.loads(RunPaths(Path(item.stringAttribValue("topforge_run"))).item.read_text())
    assert raw["dataset"] == "../../../capture"
    assert making.item_of(item).dataset == str(tmp_path / "capture") == item.stringAttribValue("dataset")


def test_a_finished_item_shows_its_metrics_at_once(net, tmp_path):
    node = making.command(net)
    making.generate(node)
    (item,) = making.inner(node, "items")
    run, core = Path(item.stringAttribValue("topforge_run")), making.item_of(item)
    (run / "result").mkdir()
    (run / "previews").mkdir()
    (run / "previews" / "a.png").write_bytes(b"x")
    empty = results.Result(run, core.key, core.name, "command", 1.0, (), {"psnr": 31.5}, {}, ())
    RunPaths(run).manifest.write_text(json.dumps(results.to_json(empty)))
    net.dirtyAllWorkItems(False)
    making.generate(node)
    (item,) = making.inner(node, "items")
    assert item.floatAttribValue("psnr") == 31.5
    assert item.stringAttribValue("preview") == str(run / "previews" / "a.png")


# Where configurations come from


def test_files_by_pattern_give_one_item_each(net, tmp_path):
    (tmp_path / "configs").mkdir()
    for name in ("b", "a"):
        (tmp_path / "configs" / (name + ".json")).write_text(json.dumps({"arguments": ["{python}", name]}))
    node = making.command(net)
    node.setParms({"configsource": "files", "configfiles": "$HIP/configs/*.json"})
    making.generate(node)
    found = [(item.stringAttribValue("config"), making.item_of(item).config) for item in making.inner(node, "items")]
    assert [name for name, _ in found] == ["a", "b"]
    assert found[0][1]["arguments"] == ["{python}", "a"]


def test_all_problems_of_all_files_are_told_at_once(net, tmp_path):
    (tmp_path / "a.json").write_text('{"argument": ["x"]}')
    (tmp_path / "b.json").write_text('{"arguments": 5}')
    (tmp_path / "c.json").write_text("{")
    node = making.command(net)
    node.setParms({"configsource": "files", "configfiles": "*.json", "outputfolder": "out"})
    text = making.complaint(node)
    for expected in (
        "a.json",
        'did you mean "arguments"',
        "b.json",
        "= 5",
        "c.json",
        "Output Directory (outputfolder) = out",
    ):
        assert expected in text


@pytest.mark.parametrize("named", ["", "$HIP/none/*.json"])
def test_no_files_are_refused(net, named):
    node = making.command(net)
    node.setParms({"configsource": "files", "configfiles": named})
    assert "Config Files" in making.complaint(node) or "no file matches" in making.complaint(node)


def test_upstream_items_bring_config_files_and_json(net, tmp_path):
    (tmp_path / "bob.json").write_text(json.dumps({"arguments": ["file"]}))
    node = making.command(net)
    node.parm("configsource").set("upstream")
    making.wedge(net, "config", ["bob.json", '{"name": "spot", "arguments": ["text"]}'], node)
    making.generate(node)
    found = {
        making.item_of(item).name: making.item_of(item).config["arguments"] for item in making.inner(node, "items")
    }
    assert found == {"bob": ["file"], "spot": ["text"]}
    assert [item.stringAttribValue("config") for item in making.inner(node, "items")] == ["bob", "spot"]


def test_upstream_configs_without_the_attribute_are_refused_by_name(net):
    node = making.command(net)
    node.setParms({"configsource": "upstream", "configattribute": "recipe"})
    assert "there are no work items above" in making.complaint(node)
    making.wedge(net, "config", ["a.json"], node)
    text = making.complaint(node)
    assert "has no attribute recipe (it has: config)" in text


# Wedges


def test_attributes_named_like_options_override_them(net):
    node = making.command(net, values={"size": 5, "text": "a"}, code="print('{size}')")
    making.wedge(net, "size", [64, 128], node, "int")
    making.generate(node)
    made = [making.item_of(item) for item in making.inner(node, "items")]
    assert [item.config["values"] for item in made] == [{"size": 64, "text": "a"}, {"size": 128, "text": "a"}]
    assert [item.name for item in made] == ["train-64", "train-128"]
    assert made[0].labels == (("values.size", "64"),)


def test_items_keep_what_they_inherit(net):
    node = making.command(net, values={"size": 5})
    making.wedge(net, "size", [64, 128], node, "int")
    making.cook(node)
    assert sorted(item.intAttribValue("size") for item in making.inner(node)) == [64, 128]
    assert [item.index for item in making.inner(node)] == [0, 1]


@pytest.mark.parametrize(
    ("option", "kind", "value", "expected"),
    [
        ("iter", "int", 300, 300),
        ("iter", "float", 300.0, 300),
        ("learning_rate", "float", 0.1 + 0.2, 0.1 + 0.2),
        ("learning_rate", "int", 1, 1.0),
        ("train_res", "string", "[64, 64]", [64, 64]),
        ("lock_light", "int", 1, True),
        ("lock_light", "string", "true", True),
    ],
)
def test_values_are_converted_without_loss(net, tmp_path, option, kind, value, expected):
    node = making.ours(net, "train")
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    making.wedge(net, option, [value], node, kind)
    making.generate(node)
    assert making.item_of(making.inner(node, "items")[0]).config[option] == expected


@pytest.mark.parametrize(
    ("option", "kind", "value"),
    [
        ("iter", "float", 300.5),
        ("iter", "string", "many"),
        ("iter", "int", -1),
        ("learning_rate", "string", "fast"),
        ("lock_light", "int", 2),
    ],
)
def test_values_that_mean_no_option_are_refused_with_item_attribute_and_value(net, tmp_path, option, kind, value):
    node = making.ours(net, "train")
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    making.wedge(net, option, [value], node, kind)
    text = making.complaint(node)
    assert "%s: %s" % (node.path(), option) in text
    assert "(attribute of work item values_" in text
    assert node.path() in text
    assert json.dumps(value) in text or str(value) in text


def test_attributes_can_be_left_out(net, tmp_path):
    node = making.command(net, values={"size": 5})
    node.parm("wedgeattributes").set("* ^size")
    making.wedge(net, "size", [64], node, "int")
    making.generate(node)
    assert making.item_of(making.inner(node, "items")[0]).config["values"] == {"size": 5}


def test_a_named_attribute_must_exist_and_be_an_option(net):
    node = making.command(net, values={"size": 5})
    making.wedge(net, "sise", [64], node, "int")
    node.parm("wedgeattributes").set("size")
    assert "has no attribute size (it has: sise)" in making.complaint(node)
    node.parm("wedgeattributes").set("sise")
    assert "Wedge Attributes names sise, which is no option" in making.complaint(node)


def test_two_items_that_are_the_same_work_are_refused_with_what_may_have_been_meant(net, tmp_path):
    node = making.ours(net, "train")
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    making.wedge(net, "dmtet_gird", [32, 64], node, "int")
    text = making.complaint(node)
    assert 'items "train" and "train-2" would give the same result' in text
    assert "dmtet_gird (did you mean dmtet_grid?)" in text


# Datasets


def test_the_capture_comes_from_the_item_above_where_the_node_names_none(net, tmp_path):
    folders = [str(making.capture(tmp_path / name)) for name in ("a", "b")]
    (tmp_path / "b" / "more.txt").write_text("x")
    node = making.ours(net, "train")
    making.wedge(net, "dataset", folders, node)
    making.generate(node)
    assert [making.item_of(item).dataset for item in making.inner(node, "items")] == folders


def test_no_capture_and_a_missing_one_are_refused(net, tmp_path):
    node = making.ours(net, "train")
    assert "Capture (dataset) is empty, and there are no work items above" in making.complaint(node)
    node.parm("dataset").set("$HIP/nothing")
    assert "%s: there is no such file or folder" % (tmp_path / "nothing") in making.complaint(node)


# Environment and output folder


def test_a_missing_environment_is_refused_with_the_command_that_makes_it(net, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(tmp_path / "none"))
    text = making.complaint(making.command(net))
    assert "TopForge's own environment is not there (%s)" % (tmp_path / "none") in text
    assert "scripts/make_env.py" in text


def test_another_environment_mode_and_variables(net, own):
    node = making.command(net)
    node.setParms({"environment": str(own), "environmentvariables": 2})
    node.setParms({"variablename1": "A", "variablevalue1": " 1 ", "variablename2": ""})
    making.generate(node)
    assert making.item_of(making.inner(node, "items")[0]).environment.variables == (("A", " 1 "),)
    node.parm("environmentmode").set("kartaverse")
    assert "does not hold Python's standard library" in making.complaint(node)
    node.parm("environment").set("/nowhere/env")
    assert "/nowhere/env: there is no such folder" in making.complaint(node)


@pytest.mark.parametrize(
    ("name", "value"),
    [("outputfolder", "__PDG_DIR__/`@run`"), ("dataset", "`@dir`/capture"), ("environment", "`@env`")],
)
def test_references_to_attributes_are_refused(net, name, value):
    node = making.command(net)
    node.parm(name).set(value)
    text = making.complaint(node)
    assert value in text
    assert "is not evaluated for each work item here" in text
    assert "Name the attribute of the items above like the option" in text


def test_an_expression_with_an_attribute_is_refused(net, tmp_path):
    node = making.ours(net, "train")
    node.parm("dataset").set(str(making.capture(tmp_path / "capture")))
    node.parm("topforge_iter").setExpression("@iterations")
    text = making.complaint(node)
    assert "@iterations" in text
    assert text.count("(topforge_iter)") == 1


def test_a_folder_with_an_at_sign_is_a_folder(net, tmp_path):
    node = making.command(net)
    node.parm("outputfolder").set(str(tmp_path / "me@home" / "out"))
    making.generate(node)
    (item,) = making.inner(node, "items")
    assert item.stringAttribValue("topforge_run").startswith(str(tmp_path / "me@home" / "out"))


@pytest.mark.parametrize("folder", ["", "out", '__PDG_DIR__/a"b'])
def test_output_folders_that_cannot_work_are_refused(net, folder):
    node = making.command(net)
    node.parm("outputfolder").set(folder)
    assert "Output Directory" in making.complaint(node)


def test_a_scheduler_that_does_not_know_its_folder_is_refused_with_the_way_out(net):
    from topforge_houdini import training

    node = making.command(net)
    making.generate(node)

    class Lost(_Item):
        def localizePath(self, path):
            return path

    class Holder:
        def addWorkItem(self, index):
            return Lost(None)

    with pytest.raises(Exception, match="does not say where __PDG_DIR__/topforge/train is") as caught:
        training.generate(node.node("items").getPDGNode(), Holder(), [], None)
    assert "Give an absolute path in Output Directory" in str(caught.value)


# How generation is called


def test_nothing_above_gives_nothing(net):
    node = making.command(net)
    making.wedge(net, "size", [], node)
    making.generate(node)
    assert making.inner(node, "items") == []


def test_dynamic_generation_makes_the_same_items_one_by_one(net):
    node = making.command(net, values={"size": 5})
    making.wedge(net, "size", [1, 2, 3], node, "int")
    node.parm("pdg_workitemgeneration").set("0")
    assert making.cook(node) == ["CookedSuccess"] * 3
    assert sorted(making.item_of(item).config["values"]["size"] for item in making.inner(node)) == [1, 2, 3]


def test_parallel_calls_share_nothing(net, hou):
    """Twenty threads make items of one node at once, as dynamic generation may."""
    import threading

    from topforge_houdini import training

    node = making.command(net, values={"size": 5})
    above = making.wedge(net, "size", range(20), node, "int")
    making.generate(node)
    graph_node, parents = node.node("items").getPDGNode(), list(above.getPDGNode().workItems)
    made, failures = [], []

    class Holder:
        """Only what generation asks of one."""

        def addWorkItem(self, parent):
            made.append(_Item(parent))
            return made[-1]

    def call(parent):
        try:
            training.generate(graph_node, Holder(), [parent], None)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=call, args=(parent,)) for parent in parents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len({item.values["topforge_run"] for item in made}) == 20


class _Item:
    """A new work item: strings and numbers by name."""

    def __init__(self, parent):
        self.parent, self.values = parent, {}

    def localizePath(self, path):
        return self.parent.localizePath(path)

    def attrib(self, name):
        return self.values.get(name)

    def eraseAttrib(self, name):
        del self.values[name]

    def setStringAttrib(self, name, value):
        self.values[name] = value

    setIntAttrib = setFloatAttrib = setStringAttrib
