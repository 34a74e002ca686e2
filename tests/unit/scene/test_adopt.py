"""Adopting scenes: what a Kartaverse-style network becomes, and what is refused with which reason."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import pytest

from topforge.planning import expansion, jobs
from topforge_scene.adopt import account, job, network, reading
from topforge_scene.adopt.reasons import CannotAdoptError
from topforge_scene.network import Channel, Connection, Node, Parm, Token
from topforge_scene.scene import Scene

sys.path.insert(0, str(Path(__file__).resolve().parent))

import kartaverse
from kartaverse import ON, generator, nvdiffrec, shell_tokens, wedge

MACHINE = {"HOME": "/home/ada", "PROJECT": "/shows/bob"}
ENV = "/home/ada/miniconda3/envs/nvdiffrec"


@pytest.fixture
def adopt(tmp_path):
    """Recipe and plan of a scene that lies in `tmp_path`."""

    def make(scene, top=None, machine=MACHINE, **options):
        recipe = reading.read(scene, tmp_path / "bob.hip", top, machine)
        return recipe, job.plan(recipe, options.get("gpus", 1), options.get("keep_command", False))

    return make


@pytest.fixture
def refused(adopt):
    """The one reason against a scene."""

    def reason(scene, **more):
        with pytest.raises(CannotAdoptError) as caught:
            adopt(scene, **more)
        (only,) = caught.value.reasons
        return only

    return reason


def test_the_nvdiffrec_scene_becomes_a_job(adopt, tmp_path):
    assert adopt(nvdiffrec())[1].document == {
        "adapter": "command",
        "configs": [
            {
                "name": "bob",
                "arguments": ["{python}", "{WORKING_DIR}{SCRIPT_NAME}", "--config", "{WORKING_DIR}{CONFIG_NAME}"],
                "values": {
                    "WORKING_DIR": "/home/ada/nvdiffrec/",
                    "SCRIPT_NAME": "train.py",
                    "CONFIG_NAME": "configs/bob.json",
                },
                "working_folder": str(tmp_path),
            }
        ],
        "report": True,
        "environment": {"mode": "kartaverse", "prefix": ENV},
        "needs": {"gpus": 1},
        "output": "runs",
    }


def test_the_3dgrut_scene_keeps_its_variables_as_they_are(adopt, tmp_path):
    document = adopt(kartaverse.grut())[1].document
    (config,) = document["configs"]
    assert config["arguments"] == [
        *("{python}", "{WORKING_DIR}/{SCRIPT_NAME}", "--config-name", "{CONFIG_NAME}", "path={SOURCE_DIR}"),
        *("out_dir={OUTPUT_DIR}", "experiment_name={EXPERIMENT_NAME}", "{PROXY_RESOLUTION}"),
    ]
    assert config["values"]["SOURCE_DIR"] == str(tmp_path / "images" / "0001")
    assert config["values"]["EXPERIMENT_NAME"] == "0001"
    prefix = "/home/ada/miniconda3/envs/Kartaverse"
    variables = [["PYTHONHOME", prefix + "/"], ["PYTHONPATH", prefix + "//lib/python3.11/site-packages"]]
    assert document["environment"] == {"mode": "clean", "prefix": prefix, "variables": variables}


def test_an_edit_that_is_not_the_pages_stays_variables(adopt):
    variables = (*kartaverse.NVDIFFREC_VARIABLES, ("OMP_NUM_THREADS", "4", "0"))
    environment = adopt(nvdiffrec(variables=variables))[1].document["environment"]
    assert environment["mode"] == "clean"
    assert [name for name, _ in environment["variables"]] == [
        *("CUDA_HOME", "PYTHONHOME", "PYTHONPATH", "OMP_NUM_THREADS"),
    ]


def test_another_program_is_carried_over_without_a_prefix(adopt):
    recipe, plan = adopt(nvdiffrec(command='ffmpeg -i "`@WORKING_DIR`a b.mov" $HIP/out.png'))
    assert "no Python environment is named" in account.text(recipe, plan, ())
    (config,) = plan.document["configs"]
    assert config["arguments"] == ["ffmpeg", "-i", "{WORKING_DIR}a b.mov", config["working_folder"] + "/out.png"]
    assert "prefix" not in plan.document["environment"]


def test_variables_come_from_the_scene_then_from_the_machine(adopt, tmp_path):
    command = "run $HIP ${HIPNAME}_x $PROJECT $SHOW $OS $HOME"
    scene = dataclasses.replace(nvdiffrec(command=command), variables={"SHOW": "s", "HIP": "/old", "HOME": "/scene"})
    (config,) = adopt(scene)[1].document["configs"]
    assert config["arguments"] == [
        *("run", str(tmp_path), "bob_x", "/shows/bob", "s", "train_genericgenerator1", "/scene"),
    ]


def test_attributes_build_on_each_other_and_are_replaced_or_kept(adopt):
    tokens = (("A", "one"), ("B", "`@A`/two"), ("A", "three"))
    (config,) = adopt(nvdiffrec(tokens, "run `@A` `@B`", ()))[1].document["configs"]
    assert config["values"] == {"A": "three", "B": "one/two"}
    kept = shell_tokens((("A", "first"), ("A", "second")), stringconflict2=Token("4"))
    scene = kartaverse.scene((kept, kartaverse.environment_edit(()), generator("run `@A`")))
    assert adopt(scene)[1].document["configs"][0]["values"] == {"A": "first"}


def test_numbers_can_be_used_and_blanks_outside_of_quotes_make_words(adopt):
    tokens = shell_tokens(
        (("FLAGS", "--a 'b c'"), ("EMPTY", ""), ("ONE", "it's")),
        intattribs=1, intname1="iter", intvalue1=200, floatattribs=1, floatname1="rate", floatvalue1=0.03,
    )  # fmt: skip
    command = 'run `@FLAGS` `@EMPTY` "`@EMPTY`" "`@ONE`" --iter=`@iter` `@rate`'
    scene = kartaverse.scene((tokens, kartaverse.environment_edit(()), generator(command)))
    (config,) = adopt(scene)[1].document["configs"]
    assert config["arguments"] == ["run", "--a", "b c", "{EMPTY}", "{ONE}", "--iter={iter}", "{rate}"]
    assert config["values"] == {"EMPTY": "", "ONE": "it's", "iter": "200", "rate": "0.03"}


LIST = {"name": "CONFIG_NAME", "type": Token("4"), "wedgetype": Token("2"), "values": 2,
        "strvalue1_1": "configs/bob.json", "strvalue1_2": "configs/spot.json"}  # fmt: skip
RANGE = {"name": "iter", "type": Token("2"), "wedgetype": Token("0")}


def with_range(start, end, count=3, kind="int", **more):
    settings = {**RANGE, "type": Token("2" if kind == "int" else "0"), **more}
    made = wedge("wedge1", settings, count=count)
    return dataclasses.replace(made, parms=(*made.parms, Parm(kind + "range1", (start, end))))


def varied(*wedges, command=kartaverse.NVDIFFREC_COMMAND + ' --iter "`@iter`"', attributes=kartaverse.NVDIFFREC):
    return nvdiffrec(attributes, command, above=wedges)


def test_a_wedge_of_texts_varies_a_value(adopt):
    without = kartaverse.NVDIFFREC[:3]
    plan = adopt(varied(wedge("wedge1", LIST), command=kartaverse.NVDIFFREC_COMMAND, attributes=without))[1]
    assert plan.document["wedge"] == {"values.CONFIG_NAME": ["configs/bob.json", "configs/spot.json"]}
    assert plan.document["combine"] == "zip"
    (config,) = plan.document["configs"]
    assert config["arguments"][-1] == "{WORKING_DIR}{CONFIG_NAME}"


def test_ranges_are_counted_out(adopt):
    assert adopt(varied(with_range(100, 300)))[1].document["wedge"] == {"values.iter": [100, 200, 300]}
    document = adopt(varied(with_range(0.01, 0.03, 3, "float")))[1].document
    assert document["wedge"] == {"values.iter": [0.01, 0.02, 0.03]}
    single = adopt(varied(with_range(5, 9, 1)))[1].document
    assert single["wedge"] == {"values.iter": [5]}


def test_one_wedge_goes_in_step_and_two_in_all_combinations(adopt):
    both = wedge("wedge1", {**LIST, "name2": "iter", "type2": Token("2"), "wedgetype2": Token("2"), "values2": 2,
                            "intvalue2_1": 100, "intvalue2_2": 200}, wedgeattributes=2)  # fmt: skip
    tokens = kartaverse.NVDIFFREC[:3]
    document = adopt(varied(both, attributes=tokens))[1].document
    assert document["combine"] == "zip"
    assert document["wedge"]["values.iter"] == [100, 200]
    second = dataclasses.replace(with_range(100, 200, 2), name="wedge2", inputs=(Connection("wedge1"),))
    recipe, plan = adopt(varied(wedge("wedge1", LIST), second, attributes=tokens))
    assert plan.document["combine"] == "product"
    assert len(list(job.combinations(recipe))) == 4


def capture(folder):
    folder.mkdir(parents=True)
    (folder / "transforms_train.json").write_text("{}")
    return folder


@pytest.fixture
def checkout(tmp_path):
    """A home with nvdiffrec's layout: two configs, of captures that are there."""
    for name in ("bob", "spot"):
        capture(tmp_path / "nvdiffrec" / "data" / name)
        config = tmp_path / "nvdiffrec" / "configs" / (name + ".json")
        config.parent.mkdir(exist_ok=True)
        config.write_text(json.dumps({"ref_mesh": "data/" + name, "iter": 200}))
    return tmp_path


def test_nvdiffrecs_own_command_becomes_topforges_trainer_when_the_capture_is_there(adopt, checkout):
    recipe, plan = adopt(nvdiffrec(), machine={"HOME": str(checkout)})
    assert plan.adapter == "topforge"
    assert plan.document["dataset"] == str(checkout / "nvdiffrec" / "data" / "bob")
    assert plan.document["configs"] == [str(checkout / "nvdiffrec" / "configs" / "bob.json")]
    assert plan.document["environment"]["mode"] == "kartaverse"
    kept = adopt(nvdiffrec(), machine={"HOME": str(checkout)}, keep_command=True)[1]
    assert (kept.adapter, kept.why) == ("command", "asked for with --keep-command")
    parms = parms_of(network.scene(recipe, plan, ""), "train1")
    assert (parms["trainer"], parms["configsource"]) == ("topforge", "files")
    assert parms["configfiles"] == str(checkout / "nvdiffrec" / "configs" / "bob.json")


def test_a_wedge_of_configs_becomes_the_jobs_configs(adopt, checkout):
    for name in ("bob", "spot"):
        (checkout / "nvdiffrec" / "configs" / (name + ".json")).write_text('{"ref_mesh": "data/bob"}')
    scene = varied(wedge("wedge1", LIST), command=kartaverse.NVDIFFREC_COMMAND, attributes=kartaverse.NVDIFFREC[:3])
    recipe, plan = adopt(scene, machine={"HOME": str(checkout)})
    assert [Path(config).name for config in plan.document["configs"]] == ["bob.json", "spot.json"]
    made = network.scene(recipe, plan, "")
    assert parms_of(made, "train1")["configattribute"] == "config"
    assert parms_of(made, "wedge1")["strvalue1_2"].endswith("spot.json")


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ('{"ref_mesh": "data/bob.obj"}', "is not there"),
        ('{"iter": 5}', "names no capture"),
        ('{"ref_mesh": "data/bob", "itter": 5}', "cannot be used by TopForge's trainer"),
        ("{", "cannot be used by TopForge's trainer"),
    ],
)
def test_otherwise_the_command_is_kept_and_the_account_says_why(adopt, checkout, config, why):
    (checkout / "nvdiffrec" / "configs" / "bob.json").write_text(config)
    recipe, plan = adopt(nvdiffrec(), machine={"HOME": str(checkout)})
    assert plan.adapter == "command"
    assert why in plan.why
    assert why in account.text(recipe, plan, ())


def parms_of(made: Scene, name: str):
    return {parm.name: parm.values[0] for parm in made.node("/tasks/topnet1/" + name).parms if parm.values}


def test_the_scene_holds_the_same_values(adopt, tmp_path):
    recipe, plan = adopt(varied(with_range(100, 300)))
    made = network.scene(recipe, plan, "the account")
    (topnet,) = made.networks["tasks"]
    assert [(node.name, node.type) for node in topnet.children] == [
        ("localscheduler", "localscheduler"),
        ("wedge1", "wedge"),
        ("train1", "topforge::train::1.0"),
        ("report1", "topforge::report::1.0"),
    ]
    assert topnet.child("train1").inputs == (Connection("wedge1"),)
    assert topnet.notes[0].text == "the account"
    parms = parms_of(made, "train1")
    assert parms["trainer"] == "command"
    assert [parms["command_arguments%d" % index] for index in range(1, parms["command_arguments"] + 1)] == [
        *("{python}", "{WORKING_DIR}{SCRIPT_NAME}", "--config", "{WORKING_DIR}{CONFIG_NAME}", "--iter", "{iter}"),
    ]
    assert json.loads(parms["command_values"])["WORKING_DIR"] == "/home/ada/nvdiffrec/"
    assert parms["command_working_folder"] == str(tmp_path)
    assert (parms["environment"], parms["environmentmode"], parms["gpus"]) == (ENV, "kartaverse", 1)
    wedged = parms_of(made, "wedge1")
    assert (wedged["name1"], wedged["wedgecount"], wedged["intvalue1_3"]) == ("iter", 3, 300)


def test_variables_are_parameters_of_the_node(adopt):
    made = network.scene(*adopt(kartaverse.grut()), "")
    parms = parms_of(made, "train1")
    assert (parms["environmentvariables"], parms["variablename1"]) == (2, "PYTHONHOME")
    assert parms["variablevalue1"] == "/home/ada/miniconda3/envs/Kartaverse/"


def test_text_that_houdini_would_expand_again_cannot_stand_on_a_node(adopt):
    recipe, plan = adopt(nvdiffrec(), machine={"HOME": "/home/a$b"})
    with pytest.raises(CannotAdoptError, match="a character that Houdini expands"):
        network.scene(recipe, plan, "")


def test_the_account_names_what_is_lost(adopt):
    tokens = shell_tokens(kartaverse.NVDIFFREC, dictattribs=1, dictname1="extra", resultdata=1, stringscope1=Token("2"))
    beside = Node("notes", "pythonscript")
    skipped = dataclasses.replace(shell_tokens((("X", "`$F`"),), "skipped"), bypass=True)
    tokens = dataclasses.replace(tokens, inputs=(Connection("skipped"),))
    nodes = (skipped, tokens, kartaverse.environment_edit(kartaverse.NVDIFFREC_VARIABLES), beside)
    made = generator(kartaverse.NVDIFFREC_COMMAND, expectedoutputsfrom=Token("2"), pdg_cachemode=Token("1"))
    text = account.text(*adopt(kartaverse.scene((*nodes, made))), [Path("/x/bob.json")])
    for words in (
        *("extra: neither text nor a number", "its output files", "expected outputs", "pdg_cachemode = 1"),
        *("notes", "pythonscript, not connected", "skipped", "attributecreate, bypassed"),
        *('environment.mode "kartaverse"', "/x/bob.json", "is not on this machine", "one report over all items"),
    ):
        assert words in text


def changed(parm, value):
    return nvdiffrec(**{parm: value})


def below(node):
    wired = dataclasses.replace(node, inputs=(Connection("train_genericgenerator1"),))
    return kartaverse.scene((shell_tokens((), "t"), generator("x", "t"), wired))


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (nvdiffrec(command="run `chs('../x')`"), "pdg_command holds the expression `chs('../x')`"),
        (nvdiffrec(command="run `@pdg_index`"), "uses @pdg_index, which is known only while"),
        (nvdiffrec(command="run `@nobody`"), "uses @nobody, which nothing above it sets"),
        (nvdiffrec(command="run $F4"), "uses $F4, which changes with time"),
        (nvdiffrec(command="run $NOBODY"), "uses $NOBODY, which neither the scene nor this environment defines"),
        (nvdiffrec(command="run $(pwd)"), 'holds a single "$"'),
        (nvdiffrec(command="run a `b"), 'holds a single "`"'),
        (nvdiffrec(command="run a\\b"), "holds a backslash"),
        (nvdiffrec(command="a | b"), 'holds "|", which only a shell'),
        (nvdiffrec(command="a && b"), 'holds "&"'),
        (nvdiffrec(command="a > b"), 'holds ">"'),
        (nvdiffrec(command="CUDA_HOME=/x run"), "begins with CUDA_HOME=/x, which only a shell"),
        (nvdiffrec(command='run "a'), "a quote"),
        (nvdiffrec(command="run __PDG_DIR__/x"), "__PDG_DIR__, which the scheduler fills in"),
        (nvdiffrec(command="run {output}"), "{output}, which means something else"),
        (nvdiffrec(command=""), "the command is empty"),
        (changed("shellcommand", ON), "for a shell"),
        (changed("extraargs", 2), "its extra arguments"),
        (changed("itemcount", 3), "the same command 3 times"),
        (changed("usedelay", ON), "builds its command from parts"),
        (changed("pdg_useschedulewhen", ON), "by an expression"),
        (changed("pdg_command", Channel('chs("../c")', "x")), 'follows the expression chs("../c")'),
        (nvdiffrec((("A", "`@B`"),), "run `@A`", ()), "A uses @B, which nothing"),
        (nvdiffrec(variables=(("X", "`@nobody`", "0"),)), "X uses @nobody, which nothing above it sets"),
        (kartaverse.scene((Node("s", "pythonscript"), generator("x", "s"))), "Python code cannot be carried over"),
        (kartaverse.scene((Node("s", "filepattern"), generator("x", "s"))), "depends on the files"),
        (kartaverse.scene((Node("s", "odd"), generator("x", "s"))), "(odd): it is not part of"),
        (below(Node("s", "pythonscript")), "Python code cannot be carried over"),
        (below(kartaverse.shell_tokens((), "s")), "it comes after the command"),
        (
            nvdiffrec(variables=(("X", "`@iter`", "0"),), above=(with_range(0, 2),)),
            "X differs between items, as it uses a varied attribute",
        ),
        (varied(wedge("wedge1", {**LIST, "random": ON})), "CONFIG_NAME is random"),
        (varied(wedge("wedge1", {**LIST, "type": Token("1")})), "a vector or a colour"),
        (varied(wedge("wedge1", {**LIST, "wedgetype": Token("3")})), "in a way that cannot be carried over"),
        (varied(wedge("wedge1", LIST, count=5)), "2 values for 5 variants"),
        (varied(with_range(0, 1, 3)), "do not divide into 3"),
        (varied(wedge("wedge1", LIST, exportchannel1=ON, channel1="/obj/x/tx")), "also sets the parameter /obj/x/tx"),
        (varied(with_range(0, 2, name="dataset"), command="run `@dataset`"), "a name that jobs use themselves"),
        (varied(with_range(0, 2), command="run"), "which the command does not use"),
        (Scene({"tasks": (Node("topnet1", "topnet", is_network=True),)}), "no TOP network with a generic generator"),
    ],
)  # fmt: skip
def test_what_cannot_be_carried_over_is_refused_with_the_reason(refused, scene, reason):
    assert reason in refused(scene)


def test_all_reasons_come_at_once(adopt):
    scene = nvdiffrec((("A", "`chs('x')`"),), "run `date`", (("E", "$F", "0"),))
    with pytest.raises(CannotAdoptError) as caught:
        adopt(scene)
    assert len(caught.value.reasons) == 3


def test_the_account_says_when_items_ran_at_the_same_time(adopt):
    at_once = nvdiffrec(command="run `@iter`", above=(with_range(0, 2),), sequential=Token("off"))
    assert "`parallel` in the job" in account.text(*adopt(at_once), ())
    assert "`parallel` in the job" not in account.text(*adopt(varied(with_range(0, 2))), ())


def test_callbacks_in_parameters_of_a_nodes_own_are_refused(refused):
    spare = 'parm {\n name "go"\n type button\n parmtag { "script_callback" "hou.exit()" }\n}\n'
    scene = nvdiffrec()
    (topnet,) = scene.networks["tasks"]
    nodes = [
        dataclasses.replace(node, spare_parms=spare) if node.name == "shell_tokens" else node
        for node in topnet.children
    ]
    changed_scene = Scene({"tasks": (dataclasses.replace(topnet, children=tuple(nodes)),)})
    assert "shell_tokens: it has parameters of its own with Python" in refused(changed_scene)


def test_of_several_commands_one_must_be_named(refused, adopt):
    second = generator("run b", "shell_tokens", name="second")
    nodes = (shell_tokens(()), kartaverse.environment_edit(()), generator("run a"), second)
    assert "/tasks/topnet1/second" in refused(kartaverse.scene(nodes))
    assert "no TOP network" in refused(kartaverse.scene(nodes), top="/tasks/other")
    document = adopt(kartaverse.scene(nodes), top="/tasks/topnet1/second")[1].document
    assert document["configs"][0]["arguments"] == ["run", "b"]


def test_the_scheduler_gives_folder_and_variables(adopt, refused):
    def scheduled(**values):
        (topnet,) = nvdiffrec(variables=()).networks["tasks"]
        scheduler = Node("localscheduler", "localscheduler", kartaverse.parms(**values), outputs=())
        return Scene({"tasks": (dataclasses.replace(topnet, children=(scheduler, *topnet.children[1:])),)})

    scene = scheduled(pdg_workingdir="$PROJECT/run", local_envmulti=1, local_envname1="A", local_envvalue1="b")
    document = adopt(scene)[1].document
    assert document["configs"][0]["working_folder"] == "/shows/bob/run"
    assert document["environment"]["variables"] == [["A", "b"]]
    assert "from the file /x" in refused(scheduled(local_env_file="/x"))


def test_the_job_is_one_that_cook_accepts(adopt, tmp_path):
    path = tmp_path / "bob.json"
    path.write_bytes(job.to_bytes(adopt(varied(with_range(100, 300)))[1]))
    plan = expansion.expand(jobs.read(path), path)
    assert [planned.item.name for planned in plan] == ["bob-100", "bob-200", "bob-300", "report"]
    assert len({planned.item.key for planned in plan}) == 4
