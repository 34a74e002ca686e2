"""Neuralangelo through `topforge run-item`, with a stand-in that speaks its dialect; its options and log alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import neuralangelo as fake
import trimesh
from upstream_runs import Run

from topforge import results, schema
from topforge.errors import FailureClass, TopForgeError
from topforge.items import Needs
from topforge.paths import RunPaths
from topforge.schema import ConfigError
from topforge.trainers import neuralangelo_config, neuralangelo_log
from topforge.trainers.neuralangelo import ADAPTER, REQUIRED, resumption
from topforge.trainers.neuralangelo_keys import KEYS
from topforge.trainers.neuralangelo_memory import parameters
from topforge.trainers.neuralangelo_options import PRESETS, NeuralangeloOptions

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
SHORT = {"max_iter": 400, "logging_iter": 50, "validation_iter": 200, "resolution": 64}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    root = tmp_path_factory.mktemp("neuralangelo")
    return fake.make_checkout(root / "checkout"), fake.make_capture(root / "capture")


def options(places, **values):
    return schema.from_json(NeuralangeloOptions, {"checkout": str(places[0]), **SHORT, **values}, "test")


def make(folder, places, gpus=1, **values):
    return Run(folder, "neuralangelo", places[1], {"checkout": str(places[0]), **SHORT, **values}, Needs(gpus=gpus))


@pytest.fixture(scope="module")
def finished(places, tmp_path_factory):
    made = make(tmp_path_factory.mktemp("run"), places)
    assert made.cook() == 0, made.output
    return made


def test_a_run_ends_in_a_result_with_every_promised_file(finished):
    result = finished.complete
    assert {output.path: output.role for output in result.outputs}.items() >= REQUIRED.items()
    assert "Source Code License" in result.licences[0]
    assert result.provenance["trainer"]["commit"].startswith("94390b6")
    assert (finished.paths.result / "upstream" / "mesh.ply").is_file()
    assert not finished.paths.checkpoint.exists(), "gigabytes of finished checkpoints stay only where that is asked for"


def test_what_upstream_wrote_twice_is_one_and_the_surface_is_closed(finished):
    mesh = trimesh.load(finished.paths.result / "mesh" / "mesh.ply", process=False)
    extracted = trimesh.load(finished.paths.result / "upstream" / "mesh.ply", process=False)
    assert len(extracted.vertices) - len(mesh.vertices) == 24  # the equator
    assert not extracted.is_watertight
    assert mesh.is_watertight
    metrics = finished.complete.metrics
    assert metrics["triangles"] == len(mesh.faces)
    assert metrics["extracted_vertices"] == len(extracted.vertices)


def test_the_result_is_y_up_and_keeps_its_colours(finished):
    mesh = trimesh.load(finished.paths.result / "mesh" / "mesh.ply", process=False)
    ball = mesh.vertices[:, 0] < 1.5
    top = mesh.vertices[ball][:, 1].argmax()
    assert mesh.vertices[ball][top].tolist() == pytest.approx([0, 1, 0], abs=1e-6)
    assert mesh.visual.vertex_colors[ball][top][:3].tolist() == [247, 64, 32]  # what the file has at z = 1
    cameras = json.loads((finished.paths.result / "cameras.json").read_text())["cameras"]
    assert [camera["camera_to_world"][1][3] for camera in cameras] == pytest.approx([0.0] * 4)
    assert cameras[1]["camera_to_world"][2][3] == pytest.approx(-3.0)  # was at y = 3
    scene = trimesh.load(finished.paths.result / "mesh.glb")
    assert sum(len(part.faces) for part in scene.geometry.values()) == len(mesh.faces)


def test_usd_reads_with_pixars_own_library(finished):
    usd = pytest.importorskip("pxr.UsdGeom")
    from pxr import Usd

    stage = Usd.Stage.Open(str(finished.paths.result / "asset.usda"))
    mesh = usd.Mesh(stage.GetPrimAtPath("/asset/mesh"))
    triangles = finished.complete.metrics["triangles"]
    assert len(mesh.GetFaceVertexCountsAttr().Get()) == triangles
    assert len(mesh.GetDisplayColorPrimvar().Get()) == len(mesh.GetPointsAttr().Get())


def test_iterations_and_extraction_are_told_as_they_go(finished):
    rows = finished.paths.metrics.read_text().splitlines()
    assert rows[0].startswith("step,total,stage")
    assert any(row.startswith("400,400,train") for row in rows)
    assert "seconds_per_iteration" in rows[0]
    assert "vertices" in rows[0]
    assert finished.paths.report.is_file()


def test_nothing_is_written_into_the_checkout(places, finished):
    assert {path.name for path in places[0].iterdir()} == {"train.py", "imaginaire", "projects", ".git"}
    assert "wandb is disabled" in finished.log


def test_one_part_and_few_triangles_where_that_is_asked_for(places, tmp_path):
    made = make(tmp_path, places, largest_part=True, triangle_budget=200, keep_extracted=False)
    assert made.cook() == 0
    mesh = trimesh.load(made.paths.result / "mesh" / "mesh.ply", process=False)
    assert 100 < len(mesh.faces) <= 200
    assert mesh.bounds.max() < 1.01, "the speck is gone"
    assert not (made.paths.result / "upstream" / "mesh.ply").exists()
    assert len(set(map(tuple, mesh.visual.vertex_colors.tolist()))) > 10


FAULTS = {
    "nan": (FailureClass.TRAINER, "diverged"),
    "empty": (FailureClass.TRAINER, "surface is empty"),
    "unfinished": (FailureClass.TRAINER, "no checkpoint of iteration 400"),
    "no_mesh": (FailureClass.TRAINER, "mesh.ply"),
    "broken_mesh": (FailureClass.TRAINER, "cut short"),
    "nan_mesh": (FailureClass.TRAINER, "vertex 3 is not at a finite place"),
    "nonzero": (FailureClass.TRAINER, "exit code 1"),
    "key": (FailureClass.CONFIG, "no key model.no.such"),
    "ninja": (FailureClass.CONFIG, "ninja"),
    "filesystem": (FailureClass.CONFIG, "C\\+\\+17"),
    "numpy": (FailureClass.CONFIG, "NumPy 2"),
    "wandb": (FailureClass.CONFIG, "asks for a login"),
    "nvml": (FailureClass.CONFIG, "NVML"),
    "libcudart": (FailureClass.CONFIG, "libcudart"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_has_a_class_and_a_reason(fault, places, tmp_path):
    make(tmp_path, places).must_fail(fault, *FAULTS[fault])


def test_out_of_memory_takes_the_table_down_and_says_so(places, tmp_path):
    made = make(tmp_path, places)
    assert made.cook("oom") == 0
    lowered = made.complete.provenance["lowered"]
    assert lowered == [
        "lowered to fit into memory: train_batch_size from 2 to 1, preload from true to false, num_workers from 4 to 2",
        "lowered to fit into memory: dict_size from 22 to 21",
    ]
    assert made.complete.provenance["trainer"]["hash_table"] == {
        "dict_size": 21,
        "dim": 8,
        "parameters": 197649184,
    }


def test_the_hosts_memory_is_spared_first(places, tmp_path):
    made = make(tmp_path, places)
    assert made.cook("host_oom") == 0
    assert len(made.complete.provenance["lowered"]) == 1


def test_the_ladder_has_an_end():
    config, rungs = NeuralangeloOptions(), []
    while config is not None:
        lower = ADAPTER.lower_settings(config)
        rungs.append(lower)
        config = lower[0] if lower else None
    assert [rung[0].dict_size for rung in rungs[1:4]] == [21, 21, 20]
    assert [rung[0].dim for rung in rungs[1:4]] == [8, 4, 4]
    assert rungs[-2][0].rand_rays == 64
    assert rungs[-1] is None


@pytest.mark.parametrize("fault", ["kill", "torn"])
def test_a_killed_training_goes_on_where_its_last_whole_state_is(fault, places, tmp_path):
    made = make(tmp_path, places)
    assert made.cook(fault, retries=1) == 0
    log = made.log
    assert "iteration_000000199_checkpoint.pt" in log
    assert "Training from scratch" not in log
    assert "iter=200]" in log
    assert "iter=199]" not in log


def test_a_failed_extraction_does_not_train_again(places, tmp_path):
    made = make(tmp_path, places)
    made.cook("nonzero")
    assert made.cook() == 0
    assert "Training" not in made.log


def test_a_finished_run_is_trained_longer(places, tmp_path):
    made = make(tmp_path, places, keep_checkpoint=True, scale_schedule=False)
    assert made.cook() == 0
    short, long = options(places, scale_schedule=False), options(places, scale_schedule=False, max_iter=800)
    assert ADAPTER.extends(long, short)
    assert not ADAPTER.extends(short, long)
    assert not ADAPTER.extends(options(places, max_iter=800), options(places)), "its schedule is another one"
    assert resumption(made.paths.checkpoint) == ("--resume",)
    assert ADAPTER.option_for_attribute("iter", short) == "max_iter"


def test_extending_goes_on_from_the_last_iteration(places, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(tmp_path / "no environment"))
    monkeypatch.setenv("TOPFORGE_LEASE_FOLDER", str(tmp_path / "leases"))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOPFORGE_FAKE_GPUS", json.dumps([{"uuid": "GPU-a"}]))
    out = ["--dataset", places[1], "--out", tmp_path / "short", "--gpus", "1"]
    values = {"checkout": places[0], **SHORT, "scale_schedule": "false", "keep_checkpoint": "true"}
    flags = [word for key, value in values.items() for word in ("--" + key, value)]
    command(["train", "--adapter", "neuralangelo", *out, *flags])
    (short,) = [path.parent for path in (tmp_path / "short").rglob("result.json") if path.parent.name != "check"]
    command(["extend", short, "--iter", "600", "--out", tmp_path / "long"])
    log = RunPaths(tmp_path / "long").latest_log.read_text()
    assert "iter=401]" in log
    assert "iter=400]" not in log
    assert results.complete(tmp_path / "long").metrics["iterations"] == 600


def command(words):
    done = subprocess.run(
        [sys.executable, "-m", "topforge", *map(str, words)], cwd=PIPELINE, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_several_gpus_start_under_torchrun(places, tmp_path):
    made = make(tmp_path, places, gpus=2)
    steps = ADAPTER.steps(made.item, options(places), made.paths)
    assert steps[0].arguments[:6] == (
        *("{python}", "-u", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"),
    )
    assert "--single_gpu" not in steps[0].arguments
    assert steps[0].working_folder == str(places[0])
    assert "--nproc_per_node=2" in steps[1].arguments


# Options and the file that upstream gets


def test_every_option_is_a_key_a_flag_or_our_own():
    ours = {"checkout", "gpu_memory", "scale_schedule", "fuse_tolerance", "largest_part", "triangle_budget"}
    ours |= {"preview_triangles", "up_axis", "keep_extracted", "keep_checkpoint", "wandb"}
    flags = {"seed", "resolution", "block_res", "textured", "keep_lcc"}
    names = {field.name for field in schema.leaves(NeuralangeloOptions)}
    assert names == set(KEYS) | ours | flags
    assert len(set(KEYS.values())) == len(KEYS)


def test_a_misspelt_or_nested_key_is_refused_although_upstream_takes_it():
    with pytest.raises(ConfigError, match='did you mean "dict_size"'):
        schema.from_json(NeuralangeloOptions, {"dict_sise": 20}, "test")
    with pytest.raises(ConfigError, match="model"):
        schema.from_json(NeuralangeloOptions, {"model": {"object": {}}}, "test")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_against_a_checkout(name, places):
    ADAPTER.validate(schema.from_json(NeuralangeloOptions, {"checkout": str(places[0]), **PRESETS[name]}, name), None)


def test_the_generated_file_is_yaml_that_pyyaml_reads_as_meant(places):
    capture = neuralangelo_config.read_capture(places[1])
    values = neuralangelo_config.values(options(places, weight_decay=1e-7, max_iter=50000), capture)
    text = neuralangelo_config.yaml_text(values)
    assert text.startswith('_parent_: "projects/neuralangelo/configs/base.yaml"\n')
    assert "weight_decay: 1.0e-07" in text, "YAML 1.1 takes 1e-07 for text"
    assert values["optim.sched.warm_up_end"] == 500
    assert values["optim.sched.two_steps"] == [30000, 40000]
    assert values["data.train.image_size"] == (120, 160)
    yaml = pytest.importorskip("yaml")
    read = yaml.safe_load(text)
    assert read["optim"]["params"]["weight_decay"] == 1e-7
    assert read["model"]["object"]["sdf"]["encoding"]["hashgrid"]["dict_size"] == 22
    assert read["model"]["object"]["sdf"]["mlp"]["skip"] == []


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"save_iter": 300}, "save_iter"),
        ({"background": False}, "samples_background"),
        ({"init_active_level": 17}, "there are 16 levels"),
        ({"appear_embed": True, "num_images": 3}, "the capture has 4 photographs"),
        ({"grid_range": [2.0, -2.0]}, "grid_range"),
    ],
)
def test_combinations_are_refused_before_a_gpu_is_asked_for(values, reason, places):
    with pytest.raises(TopForgeError, match=reason):
        ADAPTER.validate(options(places, **values), str(places[1]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: root.pop("sphere_radius"), "sphere_radius"),
        (lambda root: root.update(frames=[]), "no frames"),
        (
            lambda root: root.update(sphere_center=[0.0, 0.0, 0.0], frames=turned(root["frames"])),
            "behind all 4 cameras",
        ),
        (lambda root: root["frames"][2].update(file_path="images/gone.png"), "1 of its 4 images are not there"),
        (lambda root: root["frames"][1].update(transform_matrix=[[1, 0]]), r"frames\[1\].transform_matrix"),
    ],
)
def test_a_capture_is_looked_at_first(change, reason, places, tmp_path):
    capture = fake.make_capture(tmp_path / "capture")
    root = json.loads((capture / "transforms.json").read_text())
    change(root)
    (capture / "transforms.json").write_text(json.dumps(root))
    with pytest.raises(TopForgeError, match=reason):
        ADAPTER.validate(options(places), str(capture))


def turned(frames):
    """Cameras that look away, as OpenCV's axes taken for OpenGL's do."""
    flip = [1, -1, -1, 1]
    return [
        {**frame, "transform_matrix": [[v * f for v, f in zip(row, flip)] for row in frame["transform_matrix"]]}
        for frame in frames
    ]


@pytest.mark.parametrize(("table", "millions"), [((22, 8), 365.4), ((21, 8), 197.6), ((21, 4), 98.8), ((20, 4), 52.7)])
def test_the_hash_grid_is_as_large_as_upstream_says(table, millions):
    found = parameters(NeuralangeloOptions(dict_size=table[0], dim=table[1]))
    assert found / 1e6 == pytest.approx(millions, abs=0.1)


def test_a_folder_that_is_no_checkout_is_refused(tmp_path):
    (tmp_path / "train.py").write_text("")
    with pytest.raises(TopForgeError, match=r"base\.yaml"):
        ADAPTER.validate(NeuralangeloOptions(checkout=str(tmp_path)), None)


# Its lines


def test_lines_that_say_how_far_it_is():
    reader = neuralangelo_log.Reader(500000)
    bar = reader("Training epoch 12:  73%|#######3  | 250/343 [00:17<00:06, 14.1it/s, iter=4366]")
    assert (bar.step, bar.total, bar.stage) == (4366, 500000, "train")
    assert reader("Evaluating:  50%|##   | 2/4 [00:01<00:01]") is None, "not the extraction's bar"
    assert reader("Training epoch 12:  74%|#######3  | 252/343 [00:17<00:06, 14.1it/s, iter=4368]") is None, "too soon"
    bar = "Training epoch 12:  80%|########  | 284/343 [00:17<00:06, 14.1it/s, iter=4400]"
    both = reader(bar + "Iteration: 4400, average iter time: 0.07.")
    assert (both.step, both.metrics) == (4400, {"seconds_per_iteration": 0.07}), "upstream prints into the bar's line"
    assert reader("Iteration: 4400, average iter time: 0.071234.").metrics == {"seconds_per_iteration": 0.071234}
    assert reader("Done with training!!!").progress == 1.0
    reader("Running mesh extraction with 1 GPUs.")
    assert reader("Extracting surface at resolution 2575 1691 3072").message == "at 2575 x 1691 x 3072 cells"
    assert reader(" 42%|####2     | 2100/5000 [02:11<03:01, 16.0it/s]").progress == pytest.approx(0.42)
    counts = "vertices: 41071121 & faces: 80835928 & colors: 41071121"
    assert reader(counts).metrics == {"vertices": 41071121.0, "faces": 80835928.0, "colors": 41071121.0}


@pytest.mark.parametrize(
    "line", ["", "100%|###|", "iter=12", "Training epoch x", "vertices:", "\x1b[0m", "Epoch: 1, total"]
)
def test_lines_that_say_nothing(line):
    assert neuralangelo_log.parse(line) is None


def test_a_time_that_is_no_number_is_passed_on_as_it_is():
    assert math.isnan(neuralangelo_log.parse("Iteration: 1, average iter time: nan.").metrics["seconds_per_iteration"])
