"""Upstream's nvdiffmodeling as work items: options, checks, lines, failures, results."""

from __future__ import annotations

import csv
import json

import nvdiffmodeling as fake
import pytest
from upstream_runs import TINY

from topforge import schema
from topforge.errors import EXIT_CODES, FailureClass, TopForgeError
from topforge.items import Needs
from topforge.planning import config_files, presets
from topforge.trainers.nvdiffmodeling import ADAPTER
from topforge.trainers.nvdiffmodeling_options import NvdiffmodelingOptions, document
from topforge.trainers.upstream.results_tree import PLAIN


@pytest.fixture
def config(nvdiffmodeling_checkout):
    return {
        **TINY,
        "checkout": str(nvdiffmodeling_checkout),
        "base_mesh": str(nvdiffmodeling_checkout / "data/sphere.obj"),
    }


def refused(config, dataset, words, **changes):
    with pytest.raises(TopForgeError, match=words):
        ADAPTER.validate(schema.from_json(ADAPTER.options, {**config, **changes}, "test"), str(dataset))


def test_a_mesh_becomes_a_result_folder_without_a_light(make_run, mesh, config):
    pytest.importorskip("torch")
    run = make_run("nvdiffmodeling", mesh, **config, custom_mip=True)
    assert run.cook() == 0, run.output
    roles = {output["path"]: output["role"] for output in run.result["outputs"]}
    assert {path: roles[path] for path in PLAIN} == dict(PLAIN)
    assert roles["upstream/img_000002.png"] == "preview"
    assert roles["upstream/mesh/texture_kd_1.png"] == "upstream"
    assert not [path for path in roles if "probe" in path or path == "cameras.json"]
    assert "DomeLight" not in (run.paths.result / "asset.usda").read_text()
    assert run.result["metrics"] == {"triangles": 108.0, "vertices": 56.0}
    assert run.result["provenance"]["trainer"]["commit"].startswith("a3e7390")
    (given,) = run.configs
    assert (given["learning_rate"], given["display_res"], given["ref_mesh"]) == (0.01, 512, str(mesh))
    with run.paths.metrics.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["step"], row["total"]) for row in rows] == [("0", "21"), ("10", "21"), ("20", "21")]
    assert sorted(path.name for path in run.paths.previews.iterdir()) == ["img_00000%d.png" % k for k in range(3)]


def test_the_generated_config_holds_every_key_upstream_knows():
    values = document(NvdiffmodelingOptions(), "/mesh.obj", "result")
    assert set(values) == set(fake.DEFAULTS) - {"config"}
    exceptions = ("ref_mesh", "out_dir", "display_res", "learning_rate", "config")
    assert {k: v for k, v in values.items() if k not in exceptions} == {
        k: v for k, v in fake.DEFAULTS.items() if k not in exceptions
    }


@pytest.mark.parametrize("name", ADAPTER.presets)
def test_every_preset_is_valid_against_a_checkout(name, nvdiffmodeling_checkout):
    """Those whose meshes are a download of their own get the ones that are there."""
    values = {**presets.values(ADAPTER, name), "base_mesh": "data/sphere.obj", "ref_mesh": "data/spot/spot.obj"}
    values.update(checkout=str(nvdiffmodeling_checkout), mtl_override=None)
    config = config_files.with_paths(
        ADAPTER, schema.from_json(ADAPTER.options, values, name), nvdiffmodeling_checkout.parent
    )
    ADAPTER.validate(config, config.ref_mesh)


@pytest.mark.parametrize(
    ("words", "changes"),
    [
        ("Set laplacian_factor", {"relative_laplacian": True}),
        ("needs custom_mip", {"random_train_res": True}),
        ("no power of two", {"texture_res": [1000, 1024]}),
        ("no mesh to start from", {"base_mesh": None}),
        ("skip_train", {"skip_train": ["color"]}),
        ("train_res", {"train_res": [512, 512]}),
        ("no nvdiffmodeling checkout", {"checkout": "/nowhere"}),
    ],
)
def test_a_value_that_upstream_would_stumble_over(mesh, config, words, changes):
    refused(config, mesh, words, **changes)


def test_the_materials_of_the_reference_say_their_kind(mesh, config):
    material = mesh.with_suffix(".mtl")
    material.write_text(material.read_text().replace("bsdf pbr\n", ""))
    refused(config, mesh, "does not say `bsdf pbr`")


def test_a_base_mesh_without_texture_coordinates(mesh, config, nvdiffmodeling_checkout):
    base = nvdiffmodeling_checkout / "data/sphere.obj"
    base.write_text(base.read_text().replace("f 1/1/1", "f 1//1", 1))
    refused(config, mesh, "sphere.obj, line .*no texture coordinate")


@pytest.mark.parametrize(
    ("fault", "reason", "fix"),
    [
        ("bsdf", "falcor", "bsdf pbr"),
        ("zero", "Laplacian", "laplacian_factor"),
        ("npint", "numpy.int", "single material"),
        ("header", "headers", "CUDA_HOME"),
    ],
)
def test_a_failure_has_a_reason_and_a_fix(make_run, mesh, config, fault, reason, fix):
    run = make_run("nvdiffmodeling", mesh, **config)
    assert run.cook(fault) == EXIT_CODES[FailureClass.CONFIG], run.output
    assert reason in run.state.reason
    assert fix in run.state.fix


def test_memory_is_saved_in_order(make_run, mesh, config):
    run = make_run("nvdiffmodeling", mesh, **{**config, "batch": 4, "train_res": 1024})
    assert run.cook(FAKE_OOM="1") == EXIT_CODES[FailureClass.OOM]
    assert [(given["batch"], given["train_res"]) for given in run.configs] == [
        (4, 1024),
        (2, 1024),
        (1, 1024),
        (1, 512),
    ]


def test_silence_after_reading_the_meshes(make_run, mesh, config):
    run = make_run("nvdiffmodeling", mesh, Needs(gpus=1, silence_limit_seconds=2.0, grace_seconds=1.0), **config)
    assert run.cook("hang") == EXIT_CODES[FailureClass.INFRA]
    assert "hung while loading a compiled extension" in run.state.reason


def test_upstreams_config_files_may_say_what_has_no_effect(nvdiffmodeling_checkout):
    file = nvdiffmodeling_checkout / "configs/dancer.json"
    file.write_text(json.dumps({"base_mesh": "data/sphere.obj", "animate": True, "out_dir": "dancer"}))
    config = config_files.read_config(ADAPTER, file)
    assert config.base_mesh == str(nvdiffmodeling_checkout / "data/sphere.obj")
    assert "animate" not in document(config, "/mesh.obj", "result")
