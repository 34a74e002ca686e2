"""RichDreamer through `topforge run-item`, with a stand-in that speaks its dialect; its stages and checks alone."""

from __future__ import annotations

import json
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import imageio.v3 as imageio
import richdreamer as fake
import trimesh
from upstream_runs import Run

from topforge import schema
from topforge.errors import FailureClass, TopForgeError
from topforge.items import Needs
from topforge.trainers import richdreamer_launch
from topforge.trainers import richdreamer_stages as stages
from topforge.trainers.richdreamer import ADAPTER, REQUIRED
from topforge.trainers.richdreamer_log import Reader
from topforge.trainers.richdreamer_options import KEYS, PRESETS, RichDreamerOptions, StageOptions

SHORT = {"prompt": "a strawberry glazed donut, 3d asset", "iterations": 40}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return fake.make_checkout(tmp_path_factory.mktemp("richdreamer") / "checkout")


def options(checkout, **values):
    return schema.from_json(RichDreamerOptions, {"checkout": str(checkout), **SHORT, **values}, "test")


def make(folder, checkout, **values):
    return Run(folder, "richdreamer", None, {"checkout": str(checkout), **SHORT, **values}, Needs(gpus=1))


@pytest.fixture(scope="module")
def finished(checkout, tmp_path_factory):
    made = make(tmp_path_factory.mktemp("run"), checkout, prompt="it's #1: a [donut] of 5")
    assert made.cook() == 0, made.output
    return made


def test_a_run_ends_in_the_result_folder_of_the_built_in_trainer(finished):
    result = finished.complete
    assert {output.path: output.role for output in result.outputs}.items() >= REQUIRED.items()
    assert result.provenance["trainer"]["commit"].startswith("e467759")
    assert result.provenance["trainer"]["iterations"] == {"geometry": 40, "refinement": 40, "texture": 40}
    assert (finished.paths.result / "upstream" / "export_fix" / "model.obj").is_file()


def test_its_z_is_our_y_and_its_maps_are_split_and_png(finished):
    mesh = trimesh.load(finished.paths.result / "mesh" / "mesh.obj", process=False)
    assert mesh.extents.tolist() == pytest.approx([1.0, 3.0, 2.0])
    assert mesh.volume == pytest.approx(6.0)
    roughness = imageio.imread(finished.paths.result / "textures" / "roughness.png")
    metallic = imageio.imread(finished.paths.result / "textures" / "metallic.png")
    base_color = imageio.imread(finished.paths.result / "mesh" / "texture_kd.png")
    middle = (slice(28, 30), slice(20, 22))  # in no chart: what is outside of all is filled from them
    assert np.abs(roughness.astype(int) - 128).max() <= 2
    assert np.abs(metallic.astype(int) - 51).max() <= 2
    assert np.abs(base_color[middle].astype(int) - (200, 80, 40)).max() <= 4
    assert trimesh.load(finished.paths.result / "mesh.glb") is not None


def test_a_prompt_arrives_as_it_was_written(finished):
    log = finished.log
    assert "prompt: it's #1: a [donut] of 5\n" in log
    assert "prompt: a DSLR photo of it's #1: a [donut] of 5\n" in log


def test_losses_and_pictures_are_picked_up_as_they_appear(finished):
    table = finished.paths.metrics.read_text().splitlines()
    assert "loss,loss_sd" in table[0]
    assert {row.split(",")[2] for row in table[1:]} >= {"geometry", "refinement", "texture"}
    assert list(finished.paths.previews.glob("it*.png"))
    assert finished.paths.report.is_file()


def test_both_ways_to_a_mesh(checkout, tmp_path):
    assert make(tmp_path, checkout, path="dmtet").cook() == 0


FAULTS = {
    "early_write_frames": (FailureClass.CONFIG, "imageio-ffmpeg"),
    "offline": (FailureClass.CONFIG, "not in the Hugging Face cache"),
    "slurm": (FailureClass.CONFIG, "Slurm"),
    "unused": (FailureClass.CONFIG, "strategy"),
    "ninja": (FailureClass.CONFIG, "ninja"),
    "tcnn": (FailureClass.CONFIG, "compiled for another GPU"),
    "nan": (FailureClass.TRAINER, "diverged"),
    "no_checkpoint": (FailureClass.TRAINER, "stage geometry ended without an error, but .*last.ckpt is missing"),
    "no_export": (FailureClass.TRAINER, "stage export ended without an error"),
    "empty_mesh": (FailureClass.TRAINER, "is empty"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_failure_has_a_class_and_a_reason(fault, checkout, tmp_path):
    make(tmp_path, checkout).must_fail(fault, *FAULTS[fault])


@pytest.mark.parametrize("fault", ["write_frames", "fix_mesh"])
def test_what_goes_wrong_after_the_work_is_done_costs_no_hours(fault, checkout, tmp_path):
    made = make(tmp_path, checkout)
    assert made.cook(fault) == 0
    warnings = made.complete.provenance["trainer"]["warnings"]
    assert warnings
    assert "exit code 1" in warnings[0]


def test_a_killed_stage_is_the_only_one_done_again(checkout, tmp_path):
    made = make(tmp_path, checkout)
    assert made.cook("kill_refinement", retries=1) == 0
    log = made.log
    assert '"stage": "geometry"' not in log
    assert '"stage": "refinement"' in log
    assert len(made.complete.provenance["attempts"]) == 2


def test_half_a_checkpoint_is_no_stage(checkout, tmp_path):
    made = make(tmp_path, checkout)
    made.cook("no_export")
    root = made.paths.checkpoint
    assert [stages.is_done(root, stage) for stage in stages.STAGES] == [True] * 3
    stages.checkpoint_of(root, "refinement").write_bytes(stages.checkpoint_of(root, "refinement").read_bytes()[:20])
    names = [step.name for step in ADAPTER.steps(made.item, options(checkout), made.paths)]
    assert names == ["extensions", "refinement", "texture", "export", "normalise"]


def test_out_of_memory_is_met_with_save_mem_which_is_said(checkout, tmp_path):
    made = make(tmp_path, checkout)
    assert made.cook("oom") == 0
    assert made.complete.provenance["lowered"] == ["save_mem changed from false to true to fit into memory"]


@pytest.mark.parametrize("path", ["nerf", "dmtet"])
def test_the_ladder_has_an_end(path):
    config, rungs = RichDreamerOptions(path=path, prompt="x"), []
    while config is not None and len(rungs) < 20:
        lower = ADAPTER.lower_settings(config)
        rungs.append(lower and lower[1])
        config = lower[0] if lower else None
    assert rungs[-1] is None
    assert 3 <= len(rungs) < 10


def test_a_mesh_without_bumps_has_a_flat_normal_map(checkout, tmp_path):
    made = make(tmp_path, checkout)
    assert made.cook("no_bump") == 0
    normal = imageio.imread(made.paths.result / "mesh" / "texture_n.png")
    assert np.abs(normal.astype(int) - (128, 128, 255)).max() <= 1


# Command lines


def test_each_stage_is_an_argument_list_with_absolute_folders(checkout, tmp_path):
    config = options(checkout, prompt="50", save_mem=True, texture={"nd_guidance_scale": 20.0, "eps": 1e-15})
    words = stages.arguments(config, "texture", tmp_path, 1)
    assert words[:6] == ["launch.py", "--config", "configs/nd-mv-nerf/tex.yaml", "--train", "--gpu", "0"]
    assert "system.prompt_processor.prompt='a DSLR photo of 50'" in words
    assert "system.nd_guidance_type=none" in words
    assert "system.nd_guidance.guidance_scale=20.0" in words
    assert "system.optimizer.args.eps=1.0e-15" in words, "YAML 1.1 takes 1e-15 for text"
    assert "system.geometry_convert_from='%s/refinement/run/ckpts/last.ckpt'" % tmp_path in words
    assert "use_timestamp=False" in words
    dmtet = stages.arguments(
        options(checkout, path="dmtet", texture={"nd_guidance_scale": 20.0}), "texture", tmp_path, 2
    )
    assert "system.albedo_guidance.guidance_scale=20.0" in dmtet
    assert "trainer.strategy=ddp_find_unused_parameters_true" in dmtet
    assert dmtet[5] == "0,1"


def test_a_quotation_mark_is_doubled_as_yaml_wants_it(checkout, tmp_path):
    words = stages.arguments(options(checkout, prompt="it's"), "geometry", tmp_path, 1)
    assert "system.prompt_processor.prompt='it''s'" in words


def test_a_file_of_an_earlier_attempt_is_no_success(tmp_path):
    path = tmp_path / "ckpts" / "last.ckpt"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("step", "1")
    assert richdreamer_launch.is_written(str(path), path.stat().st_mtime)
    assert not richdreamer_launch.is_written(str(path), path.stat().st_mtime + 60)
    path.write_bytes(path.read_bytes()[:20])
    assert not richdreamer_launch.is_written(str(path), 0.0)


def test_every_stage_option_has_one_key():
    assert {field.name for field in schema.leaves(StageOptions)} == set(KEYS)
    assert len(set(KEYS.values())) == len(KEYS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_valid_against_a_checkout(name, checkout):
    values = {"checkout": str(checkout), "prompt": "a cup", **PRESETS[name]}
    ADAPTER.validate(schema.from_json(RichDreamerOptions, values, name), None)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"prompt": " "}, "it is empty"),
        ({"prompt": "a ${seed}"}, "stands for another option"),
        ({"prompt": "two\nlines"}, "more than one line"),
        ({"path": "dmtet", "geometry": {"n_view": 4}}, r"geometry\.n_view"),
        ({"refinement": {"environment_scale": 2.0}}, "no such option"),
        ({"texture": {"isosurface_resolution": 32}}, "32_tets"),
        ({"textur": {}}, 'did you mean "texture"'),
    ],
)
def test_what_cannot_work_is_refused_before_a_gpu_is_asked_for(values, reason, checkout):
    with pytest.raises(TopForgeError, match=reason):
        ADAPTER.validate(options(checkout, **values), None)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda root: (root / fake.ND / "nd_mv_ema.ckpt").unlink(), "nd_mv_ema.ckpt is missing"),
        (lambda root: (root / fake.ND / "nd_mv_ema.ckpt").write_text("version https://git-lfs.github.com"), "Git LFS"),
        (lambda root: (root / "load/tets/256_tets.npz").unlink(), "256_tets.npz"),
        (lambda root: shutil.rmtree(hub(root) / "models--openai--clip-vit-large-patch14"), "clip-vit-large-patch14"),
        (lambda root: next(hub(root).glob("models--laion*/blobs/*")).unlink(), "leads nowhere"),
        (lambda root: shutil.rmtree(root / "extern" / "nd_sd"), "extern/nd_sd"),
    ],
)
def test_weights_are_looked_for_before_a_gpu_is_asked_for(damage, reason, tmp_path):
    root = fake.make_checkout(tmp_path / "checkout")
    ADAPTER.validate(options(root), None)
    damage(root)
    with pytest.raises(TopForgeError, match=reason):
        ADAPTER.validate(options(root), None)


def hub(root):
    return root / "pretrained_models" / "huggingface" / "hub"


# Its lines


def test_lines_that_say_how_far_it_is():
    reader = Reader()
    assert reader("Epoch 0:   3%|3    | 120/4000 [00:30<16:10, 3.99it/s]") is None, "no stage has begun"
    reader("topforge richdreamer " + json.dumps({"stage": "geometry", "total": 4000}))
    bar = reader("Epoch 0:   3%|3    | 120/4000 [00:30<16:10, 3.99it/s]")
    assert (bar.step, bar.total, bar.stage) == (120, 4000, "geometry")
    assert reader("Epoch 0: |          | 121/? [00:30<00:00, 3.99it/s]").step == 121
    assert reader("Epoch 0: : 122it [00:30,  3.99it/s]").step == 122
    assert reader("Testing DataLoader 0:  50%|##   | 60/120 [00:01<00:01]").message == "testing view 60 of 120"
    losses = reader('topforge richdreamer {"metrics": {"loss": 1.5}, "step": 200}')
    assert (losses.step, losses.metrics) == (200, {"loss": 1.5})
    assert reader("topforge richdreamer {torn") is None
    assert reader("") is None
