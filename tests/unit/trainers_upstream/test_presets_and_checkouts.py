"""`topforge presets`: lists, prints, and compares with the example configs of a made-up checkout."""

from __future__ import annotations

import json

import neuralangelo as fake_neuralangelo
import pytest
import richdreamer as fake_richdreamer

from topforge import cli, schema
from topforge.planning import presets
from topforge.trainers import neuralangelo_examples, registry

NVDIFFREC = registry.get("nvdiffrec")
CONFIGS = "projects/neuralangelo/configs/"
BASE = """# what the others build on
_parent_: imaginaire/config_base.yaml

model:
    object:
        sdf:
            encoding:
                coarse2fine:
                    init_active_level: 4
    appear_embed:
        enabled: False   # one vector for each photograph
data:
    type: projects.neuralangelo.data
    train:
        batch_size: 2
    val:
        batch_size: 2
        subset: 4
        max_viz_samples: 16
trainer:
    unknown_group: {}
"""
TEMPLATE = """_parent_: projects/neuralangelo/configs/base.yaml
model:
    appear_embed:
        enabled: True
    object:
        sdf:
            encoding:
                coarse2fine:
                    init_active_level: 8
data:
    root: datasets/mine  # where the capture lies
    num_workers: 4
    train:
        batch_size: 1
    val:
        image_size: [300,400]
        batch_size: 1
        subset: 1
        max_viz_samples:
"""


@pytest.fixture
def shown(capsys):
    """Runs `topforge presets WORDS`; returns the exit code and what it said."""

    def run(*words):
        code = cli.main(["presets", *map(str, words)])
        return code, capsys.readouterr()

    return run


@pytest.fixture
def clone(nvdiffrec_checkout):
    """A checkout of nvdiffrec with its example configs, each with a folder of its own and whole numbers as such."""
    for name, values in NVDIFFREC.presets.items():
        write(
            nvdiffrec_checkout, name, {**values, "out_dir": name, "laplace_scale": values.get("laplace_scale", 10000)}
        )
    return nvdiffrec_checkout


def write(clone, name, values):
    (clone / "configs" / (name + ".json")).write_text(json.dumps(values))


def test_all_presets_are_listed_with_what_is_special_about_them(shown):
    code, said = shown()
    assert code == 0
    listed = [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")]
    assert listed == [name for adapter in registry.trainers() for name in adapter.presets]
    assert "bob_flexi       dmtet_grid 48, isosurface flexicubes, " in said.out
    assert "  standard  the defaults" in said.out
    assert shown("neuralangelo")[1].out.startswith("neuralangelo  ")


@pytest.mark.parametrize("name", ["bob", "spot_metal"])
def test_a_preset_is_printed_as_a_config_file(name, shown):
    code, said = shown("nvdiffrec", name)
    read = json.loads(said.out)
    assert (code, read) == (0, json.loads(json.dumps(presets.values(NVDIFFREC, name))))
    schema.from_json(NVDIFFREC.options, read, name)


def test_a_preset_that_sets_nothing_says_so_beside_valid_json(shown):
    code, said = shown("topforge", "standard")
    assert (code, json.loads(said.out)) == (0, {})
    assert said.err == '"standard" sets nothing: it is the defaults of TopForge trainer.\n'
    assert shown("topforge", "draft")[1].err == ""


def test_a_list_that_goes_into_a_file_is_not_cut(shown):
    listed = shown("nvdiffrec")[1].out
    assert "..." not in listed
    assert "save_interval 100" in next(line for line in listed.splitlines() if line.startswith("  nerd_gold"))


def test_names_that_do_not_exist_are_refused_with_the_nearest(shown):
    code, said = shown("nvdiffrec", "bobb")
    assert (code, 'Did you mean "bob"?' in said.err) == (78, True)
    assert shown("nvdiffrek")[0] == 78


def test_presets_that_agree_with_the_checkout_end_with_0_downloads_or_not(clone, shown):
    code, said = shown("nvdiffrec", "--checkout", clone)
    assert code == 0, said.out
    assert said.out.splitlines()[-1] == "5 same, 10 download; every setting agrees"
    assert "data/nerf_synthetic/chair is a download that is not there" in said.out
    (clone / "data/nerf_synthetic/chair").mkdir(parents=True)
    assert shown("nvdiffrec", "--checkout", clone)[1].out.splitlines()[-1] == "6 same, 9 download; every setting agrees"


@pytest.mark.parametrize(
    ("damage", "verdict", "remark"),
    [
        ({"iter": 1001}, "different", "iter = 1001 there, 1000 in the preset"),
        ({"layers": 3}, "different", "layers = 3 there, 1 in the preset"),
        ({"itre": 1}, "different", "itre is no option of ours"),
        ({"batch": "four"}, "different", 'batch = "four" is not allowed'),
        ({"out_dir": "elsewhere", "display_interval": 0}, "same", ""),
        ({"display_res": [64, 64]}, "same", "display_res = [64, 64] there; left open here"),
        ({"envmap": "my.hdr"}, "same", 'envmap = "my.hdr" there, "data/irrmaps/aerodynamics_workshop_2k.hdr" in the'),
    ],
)
def test_what_is_otherwise_in_the_checkout_is_named(damage, verdict, remark, clone, shown):
    write(clone, "bob", {**NVDIFFREC.presets["bob"], **damage})
    code, said = shown("nvdiffrec", "bob", "--checkout", clone)
    assert said.out.splitlines()[1].split()[:2] == [verdict, "bob"], said.out
    assert remark in said.out
    assert code == (1 if verdict == "different" else 0)
    assert shown("nvdiffrec", "spot", "--checkout", clone)[0] == 0, "the others stand for themselves"


def test_a_file_that_every_clone_holds_must_be_there(clone, shown):
    (clone / "data/bob/bob_tri.obj").unlink()
    code, said = shown("nvdiffrec", "--checkout", clone)
    assert (code, said.out.count("data/bob/bob_tri.obj is not in the checkout")) == (1, 2)


def test_a_light_that_is_not_there_is_the_persons_to_bring_and_no_difference(clone, shown):
    (clone / "data/irrmaps/aerodynamics_workshop_2k.hdr").unlink()
    code, said = shown("nvdiffrec", "--checkout", clone)
    assert code == 0, said.out
    assert "yours to bring, or name another file in envmap" in said.out
    assert said.out.splitlines()[-1] == "15 download; every setting agrees"


def test_an_example_without_a_preset_is_reported_and_a_preset_without_one_is_ours(clone, shown):
    write(clone, "brand_new", {"iter": 7})
    (clone / "configs/spot.json").unlink()
    code, said = shown("nvdiffrec", "--checkout", clone)
    assert code == 1
    assert "no preset  brand_new       configs/brand_new.json" in said.out
    assert "topforge train --adapter nvdiffrec %s" % (clone / "configs/brand_new.json") in said.out
    assert "ours       spot\n" in said.out


def test_neuralangelos_yaml_is_compared_over_what_it_builds_on(tmp_path, shown):
    clone = fake_neuralangelo.make_checkout(tmp_path / "neuralangelo")
    (clone / CONFIGS / "base.yaml").write_text(BASE)
    (clone / CONFIGS / "custom").mkdir()
    (clone / CONFIGS / "custom" / "mine.yaml").write_text("&anchor: of a person's own\n")
    (clone / CONFIGS / "custom" / "template.yaml").write_text(TEMPLATE)
    code, said = shown("neuralangelo", "template", "--checkout", clone)
    assert (code, said.out.splitlines()[1].split()[0]) == (0, "same"), said.out
    assert 'data_root = "datasets/mine" there; left open here' in said.out
    (clone / CONFIGS / "custom" / "template.yaml").write_text(TEMPLATE.replace("_level:", "_levl:"))
    code, said = shown("neuralangelo", "template", "--checkout", clone)
    assert code == 1
    assert "init_active_levl is no option of ours" in said.out


@pytest.mark.parametrize("line", ["&anchor: 1", "- entry", "a: {b: 1}", "key value"])
def test_yaml_that_is_not_plain_is_refused_with_its_line(line, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("fine: 1\n" + line + "\n")
    with pytest.raises(neuralangelo_examples.UnreadableYamlError, match="line 2"):
        neuralangelo_examples.values(path)


def test_plain_yaml_is_read_as_it_is_meant(tmp_path):
    text = """---
a:
  b: [1, 2.5, -3]
  c: "x # y"   # note
d: True
e:
f: plain words
g: 1.0e-3
h: []
i: 'q'
j:
  k: ~
"""
    (tmp_path / "x.yaml").write_text(text)
    read = neuralangelo_examples.values(tmp_path / "x.yaml")
    assert read == {
        **{"a.b": [1, 2.5, -3], "a.c": "x # y", "d": True, "e": None, "f": "plain words"},
        **{"g": 0.001, "h": [], "i": "q", "j.k": None},
    }


def test_richdreamers_scripts_are_not_compared_and_the_built_in_trainer_has_no_checkout(tmp_path, shown):
    code, said = shown("richdreamer", "--checkout", fake_richdreamer.make_checkout(tmp_path / "rd"))
    assert (code, "nothing is compared" in said.out) == (0, True)
    assert shown("topforge", "--checkout", tmp_path)[0] == 78
    assert "Name the trainer" in shown("--checkout", tmp_path)[1].err
    assert "is no nvdiffrec checkout" in shown("nvdiffrec", "--checkout", tmp_path)[1].err
