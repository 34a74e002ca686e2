"""Training on CUDA: one iteration of each pass as on the CPU, and whole runs that end as the CPU's do."""

from __future__ import annotations

import json

import pytest
import torch

from topforge_train.__main__ import open_session, parse, run_volume_pass
from topforge_train.surface_pass import SurfacePass
from topforge_train.volume_pass import VolumePass

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module")
def training(borrowed):
    return borrowed("trainer/test_training.py")


def session(training, folder, capture, device, **options):
    config = folder / ("config_%s.json" % device)
    config.write_text(json.dumps({**training.OPTIONS, "device": device, **options}))
    names = {"config": config, "dataset": capture, "output": folder, "checkpoints": folder, "previews": folder}
    return open_session(parse([word for key, value in names.items() for word in ("--" + key, str(value))]))


def terms_and_gradients(training_pass):
    losses = training_pass.losses(training_pass.draw(3, 0.1).to(training_pass.session.device))
    losses.total().backward()
    terms = torch.stack(list(losses.terms().values())).detach().cpu()
    return terms, [parameter.grad.cpu() for parameter in training_pass.parameters()]


def assert_same_iteration(here, there):
    (terms, slopes), (cuda_terms, cuda_slopes) = terms_and_gradients(here), terms_and_gradients(there)
    torch.testing.assert_close(cuda_terms, terms, rtol=1e-3, atol=1e-6)
    assert len(slopes) == len(cuda_slopes) >= 3
    for index, (one, other) in enumerate(zip(slopes, cuda_slopes)):
        # Vertices differ in their last bits: a few pixels may see the triangle beside.
        assert float((one - other).norm() / one.norm().clamp(min=1e-12)) < 0.02, index


def test_one_iteration_of_pass_1(training, tmp_path, tiny_capture):
    here, there = (VolumePass(session(training, tmp_path, tiny_capture, device)) for device in ("cpu", "cuda"))
    gap = (here.surface.sdf - there.surface.sdf.cpu()).abs().max()
    assert gap < 1e-4, "the hulls differ"
    there.surface.load_state_dict(here.surface.state_dict())
    assert_same_iteration(here, there)


def test_one_iteration_of_pass_2(training, tmp_path, tiny_capture):
    sessions = [session(training, tmp_path, tiny_capture, device) for device in ("cpu", "cuda")]
    start = run_volume_pass(sessions[0], None)
    assert_same_iteration(*(SurfacePass(each, start) for each in sessions))


def scores(run):
    return json.loads((run.folder / "output" / "summary.json").read_text())


@pytest.mark.parametrize("isosurface", ["flexicubes", "dmtet"])
def test_a_whole_run_ends_as_on_the_cpu(training, tmp_path, tiny_capture, isosurface):
    found = {}
    for device in ("cpu", "cuda"):
        run = training.Run(tmp_path / device, tiny_capture, device=device, isosurface=isosurface, iter=20)
        code, text = run.finish()
        assert code == 0, text
        found[device] = scores(run)
    assert found["cuda"]["provenance"]["device"] == torch.cuda.get_device_name()
    assert found["cuda"]["metrics"]["peak_gpu_memory_mib"] > 1
    assert abs(found["cuda"]["metrics"]["psnr"] - found["cpu"]["metrics"]["psnr"]) < 1


def test_a_run_stopped_on_the_gpu_goes_on_there_and_ends_on_the_cpu(training, tmp_path, tiny_capture, monkeypatch):
    monkeypatch.setenv("TOPFORGE_REPORT_INTERVAL", "0")
    options = {"iter": 200, "save_interval": 0}
    run = training.Run(tmp_path / "moved", tiny_capture, device="cuda", **options)
    code, text = run.stop_after("pass 2 of 2, iteration 0 ")  # a later one may have ended before its line is read
    assert code == 143, text
    code, text = run.finish()
    assert code == 0, text
    assert "Resuming pass 2" in text
    on_gpu = scores(run)
    code, text = training.Run(run.folder, tiny_capture, device="cpu", **options).finish()
    assert code == 0, text
    assert scores(run)["provenance"]["device"] == "cpu"
    assert abs(scores(run)["metrics"]["psnr"] - on_gpu["metrics"]["psnr"]) < 0.05
