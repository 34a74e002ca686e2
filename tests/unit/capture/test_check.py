"""The adapter and the verb, with the real checker as a child process."""

import argparse
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from topforge import capture_program, items
from topforge.environments.environment import PIPELINE
from topforge.errors import FailureClass
from topforge.paths import RunPaths
from topforge.trainers import registry
from topforge.trainers.capture_step import NoReportError
from topforge.trainers.check import ADAPTER, CheckOptions
from topforge.verbs import check as verb

DEFAULTS = CheckOptions()


def start(scene, run, options=DEFAULTS):
    item = items.Item(name="check", adapter="check", config={}, key="0" * 64, dataset=str(scene.folder))
    paths = RunPaths(run)
    (step,) = ADAPTER.steps(item, options, paths)
    words = [sys.executable if word == "{python}" else word for word in step.arguments]
    done = subprocess.run(words, capture_output=True, text=True, env={"PYTHONPATH": str(PIPELINE)})
    return item, paths, done


def test_the_registry_knows_it():
    assert registry.get("check") is ADAPTER


@pytest.fixture(scope="module")
def clean_run(clean_scene, tmp_path_factory):
    return start(clean_scene, tmp_path_factory.mktemp("run"))


def test_a_clean_capture_passes(clean_run):
    item, paths, done = clean_run
    assert done.returncode == 0, done.stdout + done.stderr
    collected = ADAPTER.collect(item, CheckOptions(), paths)
    assert {output.path for output in collected.outputs} == {"report.json", "cameras.png", "contact_sheet.png"}
    assert collected.metrics["errors"] == 0
    assert collected.metrics["train_views"] == 24
    assert collected.metrics["recommended_mesh_scale"] == pytest.approx(2.4)
    assert (paths.previews / "cameras.png").is_file()


def test_progress_rises_to_one(clean_run):
    reports = [report for report in map(ADAPTER.parse, clean_run[2].stdout.splitlines()) if report]
    values = [report.progress for report in reports]
    assert values == sorted(values)
    assert values[0] < 0.1
    assert values[-1] == 1.0
    assert any("r_03.png" in report.message for report in reports)


def test_errors_fail_with_the_findings_as_reason(scene, tmp_path):
    scene.image(3).unlink()
    scene.root["camera_angle_x"] = 0.7
    _, paths, done = start(scene, tmp_path / "run")
    assert done.returncode == 1
    diagnosis = ADAPTER.diagnose(done.returncode, done.stdout.splitlines())
    assert diagnosis.failure_class is FailureClass.CONFIG
    assert "train/r_03.png does not exist" in diagnosis.reason
    assert diagnosis.fix
    assert (paths.previews / "cameras.png").is_file()


def test_warnings_fail_on_request(scene, tmp_path):
    del scene.frames["train"][18:]
    scene.save()
    _, _, done = start(scene, tmp_path / "run", CheckOptions(fail_on="warning"))
    assert done.returncode == 1
    assert "only 18 training views" in ADAPTER.diagnose(1, done.stdout.splitlines()).reason


@pytest.mark.parametrize(("masks", "code"), [("required", 1), ("wanted", 0), ("unused", 0)])
def test_images_without_masks_stop_those_who_need_them(scene, tmp_path, masks, code):
    for index in range(24):
        scene.edit(index, lambda pixels: pixels[..., :3])
    item, paths, done = start(scene, tmp_path / "run", CheckOptions(masks=masks))
    assert done.returncode == code, done.stdout + done.stderr
    assert ADAPTER.collect(item, DEFAULTS, paths).metrics["errors"] == code
    assert ("24 images have no alpha" in str(ADAPTER.diagnose(code, done.stdout.splitlines()))) == bool(code)


@pytest.mark.parametrize("trainer", registry.trainers(), ids=lambda trainer: trainer.name)
def test_a_jobs_check_asks_for_what_its_trainer_needs(trainer):
    expected = {"topforge": "required", "nvdiffrec": "required", "neuralangelo": "unused"}
    assert trainer.masks == expected.get(trainer.name, "wanted")


def test_an_environment_without_numpy_is_named():
    lines = ["Traceback (most recent call last):", "ModuleNotFoundError: No module named 'numpy'"]
    diagnosis = ADAPTER.diagnose(1, lines)
    assert diagnosis.failure_class is FailureClass.CONFIG
    assert '"numpy"' in diagnosis.reason


@pytest.mark.parametrize("line", ["", "progress=", "progress=0.5.5 message=x", "progress=nan message=x", "epoch 3"])
def test_other_lines_say_nothing(line):
    assert ADAPTER.parse(line) is None


def test_a_report_without_its_picture_is_incomplete(clean_run, tmp_path):
    item, paths, _ = clean_run
    moved = RunPaths(tmp_path)
    shutil.copytree(paths.output, moved.output)
    (moved.output / "cameras.png").unlink()
    with pytest.raises(NoReportError, match=r"cameras\.png"):
        ADAPTER.collect(item, CheckOptions(), moved)


def verb_run(*words):
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args([str(word) for word in words]))


def test_the_verb_prints_the_report(scene, capfd):
    del scene.frames["train"][18:]
    scene.save()
    assert verb_run(scene.folder) == 0  # a warning alone does not fail
    printed = capfd.readouterr().out
    assert "1 warning. Ready for training" in printed
    assert "progress=" not in printed
    assert "summary=" not in printed


def test_the_verb_prints_json_and_draws(scene, tmp_path, capfd):
    scene.set_pose(13, scene.pose(13) @ np.diag([-1.0, 1, -1, 1]))
    scene.save()
    assert verb_run(scene.folder, "--json", "--pictures", tmp_path / "pictures") == 1
    report = json.loads(capfd.readouterr().out)
    assert report["verdict"] == "error"
    assert {camera["image"] for camera in report["cameras"] if camera["severity"] == "error"} == {"train/r_13.png"}
    assert np.array(report["box"]["bounds"]).shape == (2, 3)
    picture = np.asarray(Image.open(tmp_path / "pictures/cameras.png"))
    red = (np.abs(picture[..., :3].astype(int) - (206, 34, 43)).sum(axis=2) < 30).sum()
    assert red > 50  # the camera that looks away, and its name


def test_a_capture_that_cannot_be_read_still_gives_a_report_and_pictures(tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    assert verb_run(tmp_path / "empty", "--pictures", tmp_path / "pictures") == 1
    words = " ".join(capfd.readouterr().out.split())  # the text is wrapped, and where depends on the folder's name
    assert "holds none of: transforms_train.json" in words
    assert (tmp_path / "pictures/cameras.png").is_file()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("nope", "nope does not exist."), ("a.txt", "a.txt is a file, not a folder."), ("no.obj", "No such file")],
)
def test_what_is_not_there_is_one_error_and_nothing_is_said_of_what_was_not_judged(tmp_path, capfd, name, sentence):
    (tmp_path / "a.txt").write_text("x")
    assert verb_run(tmp_path / name) == 1
    printed = capfd.readouterr().out
    assert sentence in " ".join(printed.split())
    assert "not judged" not in printed
    assert "views" not in printed
    assert printed.count("ERROR") == printed.count("->") == 1
    assert "1 error, 0 warnings. Not ready for training." in printed


def test_checks_that_some_images_would_have_told_of_are_listed_as_not_judged(scene, capfd):
    for frame in scene.frames["train"]:
        (scene.folder / (frame["file_path"] + ".png")).unlink()
    assert verb_run(scene.folder) == 1
    assert "Sharpness                    not judged" in capfd.readouterr().out


def test_pictures_that_cannot_be_written_are_a_failure_of_the_machine_and_no_finding(scene, tmp_path, capfd):
    (tmp_path / "file").write_text("x")
    with pytest.raises(capture_program.FailedError, match=str(tmp_path / "file")) as caught:
        verb_run(scene.folder, "--pictures", tmp_path / "file" / "look")
    assert caught.value.exit_code == 74
    assert capfd.readouterr().out == ""


def test_the_report_is_as_wide_as_the_terminal(scene, capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "64")
    assert verb_run(scene.folder) == 0
    printed = capfd.readouterr().out.splitlines()
    assert max(len(line) for line in printed if not line.startswith("Capture")) <= 64
