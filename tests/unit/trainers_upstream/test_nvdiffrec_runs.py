"""Upstream's nvdiffrec as work items, in full: a stand-in for its checkout, through `topforge run-item`."""

from __future__ import annotations

import csv
import json

import pytest
from upstream_runs import TINY, read_transforms

from topforge.errors import TopForgeError
from topforge.items import Needs
from topforge.planning import presets
from topforge.trainers import registry
from topforge.trainers.builtin import REQUIRED
from topforge.trainers.upstream.results_tree import WITH_PROBE

pytest.importorskip("torch")
pytest.importorskip("warp")


def test_photographs_become_the_built_in_trainers_result_folder(make_run, nerf, nvdiffrec_checkout):
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), normal_bits=16, **TINY)
    assert run.cook() == 0, run.output
    assert set(WITH_PROBE) == set(REQUIRED)
    roles = {output["path"]: output["role"] for output in run.result["outputs"]}
    assert {path: roles[path] for path in REQUIRED} == dict(REQUIRED)
    assert roles["upstream/mesh/mesh.obj"] == "upstream"
    assert roles["upstream/img_mesh_pass_000002.png"] == "preview"
    assert roles["upstream/dmtet_mesh/mesh.obj"] == "intermediate"
    assert roles["textures/roughness.png"] == "texture"
    assert roles["validate/val_000001_opt.png"] == "validation"
    assert run.result["metrics"] == {"triangles": 108.0, "vertices": 56.0, "psnr": 30.5, "mse": 0.001}
    views = json.loads((run.paths.result / "summary.json").read_text())["views"]
    assert [view["view"] for view in views] == ["r_0", "r_1"]
    cameras = json.loads((run.paths.result / "cameras.json").read_text())
    assert [camera["image"] for camera in cameras["cameras"]] == ["train/r_0.png", "train/r_1.png"]
    assert cameras["bound"] == [[-1.05] * 3, [1.05] * 3]

    trainer = run.result["provenance"]["trainer"]
    assert trainer["commit"].startswith("a3e7390")
    assert trainer["echoed_config"]["texture_res"] == "[64, 64]"
    assert "non" in run.result["licences"][0].lower() or "no commercial" in run.result["licences"][0]
    assert "licence: nvdiffrec: NVIDIA Source Code License" in run.log

    (given,) = run.configs
    assert given["train_res"] == given["display_res"] == [16, 24]
    assert given["ref_mesh"] == str(nerf)
    assert not {"checkout", "normal_bits", "restart_pass_2"} & set(given)
    (environment,) = run.environments
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert environment["WORLD_SIZE"] == "1"
    assert environment["CUDA_VISIBLE_DEVICES"] == "GPU-a"
    assert environment["CWD"] == str(run.paths.work)
    assert not (nvdiffrec_checkout / "out").exists()

    with run.paths.metrics.open() as stream:
        rows = [row for row in csv.DictReader(stream) if row["loss"]]
    assert [row["step"] for row in rows] == ["0", "10", "20", "21", "31", "41"]
    assert {row["total"] for row in rows} == {"42"}
    assert [row["stage"] for row in rows] == ["pass 1"] * 3 + ["pass 2"] * 3
    names = sorted(path.name for path in run.paths.previews.iterdir())
    assert names == ["img_%s_00000%d.png" % (p, k) for p in ("dmtet_pass1", "mesh_pass") for k in range(3)]


def test_a_preset_trains_on_the_checkouts_own_data(make_run, nvdiffrec_checkout):
    values = {**presets.values(registry.get("nvdiffrec"), "bob"), **TINY}
    run = make_run("nvdiffrec", None, checkout=str(nvdiffrec_checkout), **values)
    assert run.cook() == 0, run.output
    (given,) = run.configs
    assert given["ref_mesh"] == str(nvdiffrec_checkout / "data/bob/bob_tri.obj")
    assert given["envmap"] == str(nvdiffrec_checkout / "data/irrmaps/aerodynamics_workshop_2k.hdr")
    assert run.result["metrics"] == {"triangles": 108.0, "vertices": 56.0}
    assert json.loads((run.paths.result / "cameras.json").read_text())["cameras"] == []


def test_pass_2_goes_on_from_what_pass_1_found(make_run, nerf, nvdiffrec_checkout):
    run = make_run(
        "nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), restart_pass_2=True, learning_rate=[0.03, 0.01], **TINY
    )
    assert run.cook("kill_pass_2", retries=1) == 0, run.output
    first, second = run.configs
    assert first["base_mesh"] is None
    assert first["learning_rate"] == [0.03, 0.01]
    assert second["base_mesh"] == str(run.paths.checkpoint / "pass_1/mesh.obj")
    assert second["envmap"] == str(run.paths.checkpoint / "pass_1/probe.hdr")
    changed = ("learn_light", "random_textures", "learning_rate", "env_scale")
    assert [second[key] for key in changed] == [False, False, [0.01], 1.0]
    assert [attempt["outcome"][:5] for attempt in run.result["provenance"]["attempts"]] == ["infra", "done"]
    assert not run.paths.checkpoint.exists() or not list(run.paths.checkpoint.iterdir())


def test_memory_is_saved_in_upstreams_order_and_said(make_run, nerf, nvdiffrec_checkout):
    config = {**TINY, "batch": 8}
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), layers=2, **config)
    assert run.cook(FAKE_OOM="40") == 0, run.output
    assert [given["batch"] for given in run.configs] == [8, 4, 2]
    assert run.result["provenance"]["lowered"] == [
        "batch lowered from 8 to 4 to fit into memory",
        "batch lowered from 4 to 2 to fit into memory",
    ]


def test_several_gpus_are_torchruns_processes(make_run, nerf, nvdiffrec_checkout):
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), needs=Needs(gpus=2), **TINY)
    steps = run.adapter.steps(run.item, run.adapter.options(checkout=str(nvdiffrec_checkout)), run.paths)
    words = steps[1].arguments
    assert words[2:7] == ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
    assert dict(steps[1].variables)["PET_LOCAL_ADDR"] == "127.0.0.1", "no name of the host is looked up"
    assert "multi_gpu" not in json.loads(run.paths.config.read_text())


def test_photographs_of_the_wrong_size_never_reach_the_trainer(make_run, nerf, nvdiffrec_checkout):
    with pytest.raises(TopForgeError, match=r"Set train_res to \[16, 24\]"):
        make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), train_res=[16, 16])
    assert read_transforms(nerf, "train")["camera_angle_x"] == 0.7


@pytest.mark.parametrize(
    ("adapter", "gpus", "words"),
    [
        ("nvdiffrec", 0, "needs a GPU"),
        ("nvdiffmodeling", 0, "needs a GPU"),
        ("nvdiffmodeling", 2, "uses no more than 1"),
    ],
)
def test_devices_are_asked_for_as_the_trainer_can_use_them(make_run, mesh, request, adapter, gpus, words):
    checkout = request.getfixturevalue(adapter + "_checkout")
    with pytest.raises(TopForgeError, match=words + ".*Ask for 1"):
        make_run(adapter, mesh, needs=Needs(gpus=gpus), checkout=str(checkout), base_mesh=str(mesh))
