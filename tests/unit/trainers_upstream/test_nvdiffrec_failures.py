"""How nvdiffrec fails, and what a person is told: through `topforge run-item`, each with its class and a fix."""

from __future__ import annotations

import re

import pytest
from nvdiffrec import LATE
from upstream_runs import TINY

from topforge.errors import EXIT_CODES, FailureClass
from topforge.items import Needs
from topforge.trainers.nvdiffrec import ADAPTER


@pytest.mark.parametrize(
    ("fault", "failure_class", "reason", "fix"),
    [
        ("numpy2", "config", "built against NumPy 1", 'pip install "numpy<2"'),
        ("npint", "config", "numpy.int", "single material"),
        ("hdr", "config", "FreeImage", "imageio_download_bin freeimage"),
        ("header", "config", "toolkit's headers", "CUDA_HOME"),
        ("arch", "config", "compute_90", "newer toolkit"),
        ("tcnn", "config", "tinycudann found no GPU", "TCNN_CUDA_ARCHITECTURES"),
        ("egl", "config", "OpenGL plugin", "nvdiffrast 0.4"),
        ("filesystem", "config", "C++17", "gcc"),
        ("empty", "trainer", "surface vanished", "mesh_scale"),
        ("nan", "trainer", "vanished|NaN", "batch 4"),
        ("size", "config", "not that of the photographs", "train_res"),
        ("mip", "config", "no power of two", "1024"),
        ("apex", "config", "apex", "one GPU"),
        ("nopicture", "config", "r_0.png", "without an extension"),
        ("cpu", "config", "CPU build", "doctor"),
        ("xatlas", "config", '"xatlas"', "Install it"),
    ],
)
def test_a_failure_has_a_class_a_reason_and_a_fix(
    make_run, nerf, nvdiffrec_checkout, fault, failure_class, reason, fix
):
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), **TINY)
    assert run.cook(fault) == EXIT_CODES[FailureClass(failure_class)], run.output
    state = run.state
    assert state.failure_class is FailureClass(failure_class)
    assert any(word in state.reason for word in reason.split("|")), state.reason
    assert fix in state.fix
    assert not run.paths.manifest.exists()
    assert len(run.configs) == 1
    if fault in LATE:
        assert list(run.paths.previews.glob("img_dmtet_pass1_*.png")), "pictures of a failed run stay"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("unsaved", "could not save .*probe.hdr"),
        ("omit_mesh", "mesh.obj is missing"),
        ("nofaces", "is empty"),
        ("nan_mesh", "is no point"),
        ("cut", "is empty|not whole|is no"),
    ],
)
def test_exit_code_0_is_not_success(make_run, nerf, nvdiffrec_checkout, fault, reason):
    pytest.importorskip("torch")
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), **TINY)
    assert run.cook(fault) == EXIT_CODES[FailureClass.TRAINER], run.output
    assert re.search(reason, run.state.reason), run.state.reason
    assert not run.paths.manifest.exists()
    assert "stays in the run's work folder" in run.state.fix
    assert (run.paths.work / "out/result/img_mesh_pass_000002.png").is_file()
    if fault == "unsaved":
        assert "freeimage" in run.state.fix


def test_memory_that_is_never_enough_ends_after_the_ladder(make_run, nerf, nvdiffrec_checkout):
    run = make_run("nvdiffrec", nerf, checkout=str(nvdiffrec_checkout), layers=8, **{**TINY, "batch": 8})
    assert run.cook(FAKE_OOM="1") == EXIT_CODES[FailureClass.OOM]
    assert [(given["batch"], given["layers"]) for given in run.configs] == [(8, 8), (4, 8), (2, 8), (2, 4)]


def test_the_ladder_goes_down_in_upstreams_order():
    config = ADAPTER.options(batch=8, train_res=(1024, 1024), layers=2, texture_res=(2048, 2048), dmtet_grid=128)
    config = ADAPTER.options(**{**vars(config), "ref_mesh": "/thing.obj"})
    keys = []
    while True:
        lower = ADAPTER.lower_settings(config)
        if lower is None:
            break
        config, sentence = lower
        keys.append(sentence.split(" to fit")[0])
    assert keys == [
        "batch lowered from 8 to 4",
        "batch lowered from 4 to 2",
        "train_res lowered from (1024, 1024) to (512, 512)",
        "train_res lowered from (512, 512) to (256, 256)",
        "layers lowered from 2 to 1",
        "texture_res lowered from (2048, 2048) to (1024, 1024)",
        "dmtet_grid lowered from 128 to 64",
        "dmtet_grid lowered from 64 to 32",
        "batch lowered from 2 to 1",
    ]


def test_a_build_that_waits_for_a_stale_lock_is_told_from_a_compiler(make_run, nerf, nvdiffrec_checkout):
    needs = Needs(gpus=1, silence_limit_seconds=2.0, grace_seconds=1.0)
    run = make_run("nvdiffrec", nerf, needs, checkout=str(nvdiffrec_checkout), **TINY)
    assert run.cook("hang_build") == EXIT_CODES[FailureClass.INFRA], run.output
    assert "no compiler was running" in run.state.reason
    assert "stale locks" in run.state.fix


def test_a_silent_compiler_is_no_hang(make_run, nerf, nvdiffrec_checkout):
    needs = Needs(gpus=1, silence_limit_seconds=2.0, grace_seconds=1.0)
    run = make_run("nvdiffrec", nerf, needs, checkout=str(nvdiffrec_checkout), **TINY)
    assert run.cook("compile,mip") == EXIT_CODES[FailureClass.CONFIG], run.output
    assert "power of two" in run.state.reason, "it went on after 4 s without a line"


def test_texture_coordinates_of_a_soup_of_triangles(make_run, nerf, nvdiffrec_checkout):
    needs = Needs(gpus=1, silence_limit_seconds=2.0, grace_seconds=1.0)
    run = make_run("nvdiffrec", nerf, needs, checkout=str(nvdiffrec_checkout), **TINY)
    assert run.cook("hang_unwrap") == EXIT_CODES[FailureClass.TRAINER], run.output
    assert "xatlas" in run.state.reason


def test_little_memory_after_the_training_does_not_train_again():
    tail = ["topforge-error class=oom", "topforge-reason out of memory", "topforge-fix Get more."]
    found = ADAPTER.diagnose(71, tail)
    assert found.failure_class is FailureClass.TRAINER
    assert found.fix.startswith("Get more. What upstream wrote stays")
