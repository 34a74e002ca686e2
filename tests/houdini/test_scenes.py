"""The sample scenes: committed = generated, and the same description made with `hou`."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from topforge_scene import scene
from topforge_scene.network import Channel, Connection, Node, Parm, StickyNote, Token

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "scripts" / "build_hips.py"
HYTHON = REPOSITORY / "tests" / "houdini" / "standin" / "hython"
NAMES = ("topforge_quickstart", "topforge_wedge", "topforge_farm", "topforge_video")


def build(*words, program=()):
    command = [sys.executable, *program, str(BUILD), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_what_is_committed_is_what_the_description_gives():
    done = build("--check")
    assert done.returncode == 0, done.stdout


def test_a_changed_a_missing_and_a_stray_scene_are_named(tmp_path):
    assert build("--output", str(tmp_path)).returncode == 0
    first = tmp_path / "topforge_wedge.hip"
    assert first.read_bytes() == (REPOSITORY / "hip" / first.name).read_bytes()
    assert build("--check", "--output", str(tmp_path)).returncode == 0
    first.write_bytes(first.read_bytes().replace(b"dmtet_grid", b"dmtet_grit"))
    (tmp_path / "text" / "topforge_farm.hip").unlink()
    (tmp_path / "old.hip").write_bytes(b"x")
    done = build("--check", "--output", str(tmp_path))
    assert done.returncode == 1
    assert [line.split(" ")[0] for line in done.stdout.splitlines()] == [
        str(tmp_path / name) for name in ("old.hip", "text/topforge_farm.hip", "topforge_wedge.hip")
    ]


def test_both_forms_hold_the_same():
    for name in NAMES:
        odc, text = (scene.read_entries(REPOSITORY / "hip" / form / (name + ".hip")) for form in ("", "text"))
        assert odc == text


def test_no_path_of_a_machine_is_baked_in():
    for name in NAMES:
        data = (REPOSITORY / "hip" / (name + ".hip")).read_bytes()
        assert str(REPOSITORY).encode() not in data
        assert b"/home/" not in data


def test_hython_saves_the_same_nodes(hou, tmp_path):
    from topforge_houdini import scenes
    from topforge_houdini.self_checks.sample_scenes import different

    done = build("--output", str(tmp_path), program=[str(HYTHON)])
    assert done.returncode == 0, done.stderr
    assert "saved by Houdini" in done.stdout
    for name in NAMES:
        hou.hipFile.load(str(tmp_path / (name + ".hip")), True, False)
        for manager, nodes in scenes.SCENES[name]().networks.items():
            assert [text for node in nodes for text in different("/%s/%s" % (manager, node.name), node)] == []


@pytest.fixture
def opened(hou):
    def opened(name):
        hou.hipFile.load(str(REPOSITORY / "hip" / (name + ".hip")), True, False)
        return hou.node("/tasks/topforge")

    return opened


def test_the_quickstart_trains_what_the_command_line_s_does(opened):
    from topforge import schema
    from topforge.trainers import registry
    from topforge_houdini import parameters

    train, adapter = opened("topforge_quickstart").node("train"), registry.get("topforge")
    config = json.loads((REPOSITORY / "hip" / "configs" / "quickstart.json").read_text())
    assert parameters.config(adapter, train.evalParmTuple, "train") == schema.from_json(adapter.options, config, "file")
    assert train.evalParm("gpus") == 0
    assert train.evalParm("dataset") == ""
    check = train.inputs()[0]
    assert Path(check.evalParm("dataset")) == REPOSITORY / "hip" / "sample_capture"


def test_the_import_reads_what_train_makes(hou, opened):
    train = opened("topforge_quickstart").node("train")
    assert hou.node(hou.node("/obj/topforge_result/result").evalParm("toppath")) == train


def test_the_wedge_makes_every_combination(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    net = opened("topforge_wedge")
    net.node("localscheduler").parm("pdg_workingdir").set(str(tmp_path))
    net.node("train").cookWorkItems(block=True, generate_only=True)
    items = net.node("train").node("run").getPDGNode().workItems
    configs = [
        json.loads((Path(i.stringAttribValue("topforge_run")) / "item.json").read_text())["config"] for i in items
    ]
    found = {(config["learning_rate"], config["dmtet_grid"]) for config in configs}
    assert found == {(rate, grid) for rate in (0.03, 0.01, 0.003) for grid in (32, 48)}
    assert len(items) == 6
    assert {config["iter"] for config in configs} == {200}


def test_the_farm_keeps_what_only_its_machines_know(opened):
    net = opened("topforge_farm")
    assert net.node("hqueue").parm("hfspathuniversal").unexpandedString().startswith("\\$HQROOT/")
    assert net.node("train").node(net.node("train").evalParm("topscheduler")) == net.node("hqueue")
    assert net.node(net.evalParm("topscheduler")) == net.node("localscheduler")


def test_the_video_network_hands_on_what_it_makes(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    net = opened("topforge_video")
    net.node("localscheduler").parm("pdg_workingdir").set(str(tmp_path))
    video, clone = tmp_path / "walk.mp4", tmp_path / "neuralangelo"
    video.write_bytes(b"a video")
    for name in (
        "train.py",
        "projects/neuralangelo/configs/base.yaml",
        "projects/neuralangelo/scripts/extract_mesh.py",
    ):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("")
    (clone / "imaginaire").mkdir()
    net.node("frames").parm("dataset").set(str(video))
    net.node("train").parm("neuralangelo_checkout").set(str(clone))
    net.node("train").cookWorkItems(block=True, generate_only=True)
    made = []
    for name in ("frames", "poses", "convert", "train"):
        (item,) = net.node(name).node("run").getPDGNode().workItems
        made.append(json.loads((Path(item.stringAttribValue("topforge_run")) / "item.json").read_text()))
    assert [item["adapter"] for item in made] == ["frames", "poses", "convert", "neuralangelo"]
    assert made[2]["config"]["to"] == "neuralangelo"
    assert made[3]["config"]["init_active_level"] == 4
    assert [item["content"] for item in made[1:]] == ["result of " + item["key"] for item in made[:-1]]


def test_kartaverse_s_values_are_those_of_its_scene(hou):
    from topforge_houdini import networks, scenes

    net = networks.create(hou.node("/tasks"), scenes.kartaverse())
    tokens, edit = net.node("shell_tokens"), net.node("environmentedit")
    pairs = {
        tokens.evalParm("stringname%d" % i): tokens.parm("stringvalue%d" % i).unexpandedString() for i in range(1, 5)
    }
    assert pairs == {
        "MINICONDA_ENV": "$HOME/miniconda3/envs/nvdiffrec/",
        "WORKING_DIR": "$HOME/nvdiffrec/",
        "SCRIPT_NAME": "train.py",
        "CONFIG_NAME": "configs/bob.json",
    }
    edits = [
        (
            edit.evalParm("varname%d" % i),
            edit.parm("varconflict%d" % i).evalAsString(),
            edit.parm("vartype%d" % i).evalAsString(),
        )
        for i in range(1, 4)
    ]
    assert edits == [("CUDA_HOME", "0", "2"), ("PYTHONHOME", "0", "2"), ("PYTHONPATH", "4", "2")]
    generator = net.node("train_genericgenerator1")
    assert generator.evalParm("sequential") == 1
    command = '"`@MINICONDA_ENV`bin/python3" "`@WORKING_DIR``@SCRIPT_NAME`" --config "`@WORKING_DIR``@CONFIG_NAME`"'
    assert generator.parm("pdg_command").unexpandedString() == command
    assert net.displayNode().name() == "waitforall1"
    assert [node.type().name().startswith("topforge::") for node in net.children()].count(True) == 0


def test_what_is_made_is_what_is_described(hou):
    from topforge_houdini import networks, scenes
    from topforge_houdini.self_checks.sample_scenes import different

    for described in (scenes.quickstart(), scenes.wedge(), scenes.kartaverse(True)):
        made = networks.create(hou.node("/tasks"), described)
        assert list(different(made.path(), described)) == []
        assert {n.text() for n in made.stickyNotes()} == {n.text for n in described.notes}
        made.destroy()


def test_a_difference_would_be_noticed(hou):
    from topforge_houdini import networks, scenes
    from topforge_houdini.self_checks.sample_scenes import different

    described = scenes.quickstart()
    made = networks.create(hou.node("/tasks"), described)
    made.node("train").parm("topforge_iter").set(7)
    made.node("train").parm("topforge_train_res_set").set(0)
    made.node("report").setInput(0, made.node("check"))
    made.node("check").parm("dataset").set("/elsewhere")
    assert len(list(different(made.path(), described))) == 4
    made.node("report").destroy()
    assert "/tasks/topforge/report is missing" in list(different(made.path(), described))


def test_nodes_go_into_a_network_that_is_there(hou):
    from topforge_houdini import networks, scenes

    net = hou.node("/tasks").createNode("topnet", "mine")
    net.createNode("null", "train")
    nodes = networks.create_all(net, scenes.quickstart())
    assert [node.name() for node in nodes] == ["check", "train1", "report"]
    assert nodes[1].inputs() == (nodes[0],)
    assert nodes[2].inputs() == (nodes[1],)
    assert len([node for node in net.children() if node.type().name() == "localscheduler"]) == 1
    assert net.displayNode() == nodes[2]


def test_channels_flags_and_notes_are_made(hou):
    from topforge_houdini import networks

    parms = (
        Parm("pdg_command", ("echo",)),
        Parm("itemcount", (Channel('ch("../number")', 3),)),
        Parm("shellcommand", (Token("on"),)),
    )
    note = StickyNote("hello", "text", (1.0, 2.0), (3.0, 4.0), (1.0, 0.5, 0.0))
    inner = Node(
        "one", "genericgenerator", parms, bypass=True, color=(0.5, 0.25, 0.0), comment="why", position=(2.0, 1.0)
    )
    after = Node("two", "null", (), (Connection("one"),), display=True)
    net = networks.create(hou.node("/tasks"), Node("net", "topnet", children=(inner, after), notes=(note,)))
    one = net.node("one")
    assert one.parm("itemcount").expression() == 'ch("../number")'
    assert one.isBypassed()
    assert one.comment() == "why"
    assert tuple(one.position()) == (2.0, 1.0)
    assert one.evalParm("shellcommand") == 1
    assert net.node("two").isDisplayFlagSet()
    (made,) = net.stickyNotes()
    assert (made.text(), tuple(made.size())) == ("text", (3.0, 4.0))


def test_a_missing_node_type_is_told_and_nothing_stays(hou):
    from topforge_houdini import networks, scenes

    described = scenes.quickstart()
    broken = dataclasses.replace(described.child("report"), type="topforge::report::9.0")
    children = (*described.children[:-1], broken)
    with pytest.raises(networks.MissingNodeTypeError, match=r"topforge::report::9\.0.*install\.py"):
        networks.create(hou.node("/tasks"), dataclasses.replace(described, children=children))
    assert hou.node("/tasks").children() == ()
    net = hou.node("/tasks").createNode("topnet")
    before = net.children()
    with pytest.raises(networks.MissingNodeTypeError):
        networks.create_all(net, dataclasses.replace(described, children=children))
    assert net.children() == before


def test_a_missing_parameter_is_told_with_the_nearest(hou):
    from topforge_houdini import networks

    node = Node("one", "genericgenerator", (Parm("itemcout", (2,)),))
    with pytest.raises(networks.MissingParameterError, match=r"itemcout.*itemcount"):
        networks.create(hou.node("/tasks").createNode("topnet"), node)


def test_a_description_cannot_name_a_parameter_that_is_not_in_the_table():
    from topforge_houdini import scene_nodes

    with pytest.raises(scene_nodes.UnknownParameterError, match="datset"):
        scene_nodes.instance("train", "train", {"datset": "x"})
    node = scene_nodes.instance(
        "train", "train", {"environmentvariables": 1, "variablename1": "A", "variablevalue1": "b"}
    )
    assert [parm.values for parm in node.parms] == [(1,), ("A",), ("b",)]
