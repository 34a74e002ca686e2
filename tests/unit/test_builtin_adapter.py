"""The adapter of TopForge's trainer: what it starts, what it lowers, what it reads from a finished run."""

import dataclasses
import json

from topforge.errors import FailureClass
from topforge.items import Item, Needs
from topforge.paths import RunPaths
from topforge.trainers import failure_lines
from topforge.trainers.builtin import ADAPTER, REQUIRED
from topforge.trainers.builtin_options import BuiltinOptions
from topforge.trainers.upstream.soundness import UnsoundOutputError


def item(gpus=0):
    return Item("bob", "topforge", {}, "0" * 64, dataset="/capture", needs=Needs(gpus=gpus))


def test_several_gpus_are_several_processes(tmp_path):
    for gpus in (0, 1):
        (step,) = ADAPTER.steps(item(gpus), BuiltinOptions(), RunPaths(tmp_path))
        assert step.arguments[:4] == ("{python}", "-u", "-m", "topforge_train")
    (step,) = ADAPTER.steps(item(3), BuiltinOptions(), RunPaths(tmp_path))
    words = list(step.arguments)
    assert words[words.index("--nproc_per_node") + 1] == "3"
    assert words[1:4] == ["-u", "-m", "torch.distributed.run"]
    assert words[words.index("topforge_train") - 1] == "-m"


def test_settings_are_lowered_until_none_is_left():
    config, sentences = BuiltinOptions(batch=4, texture_res=(2048, 2048), dmtet_grid=96, layers=8), []
    while True:
        lower = ADAPTER.lower_settings(config)
        if lower is None:
            break
        config, sentence = lower
        sentences.append(sentence.split(" to fit")[0])
    assert sentences == [
        "layers lowered from 8 to 4",
        "layers lowered from 4 to 2",
        "texture_res lowered from (2048, 2048) to (1024, 1024)",
        "dmtet_grid lowered from 96 to 64",
        "dmtet_grid lowered from 64 to 42",
        "dmtet_grid lowered from 42 to 32",
        "texture_res lowered from (1024, 1024) to (512, 512)",
        "batch lowered from 4 to 2",
        "batch lowered from 2 to 1",
    ]


def test_what_the_trainer_lowered_itself_is_part_of_what_it_made(tmp_path):
    paths = RunPaths(tmp_path)
    for name in REQUIRED:
        (paths.output / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.output / name).write_text("content")
    summary = {"metrics": {"psnr": 30.0}, "provenance": {}, "lowered": ["batch: computed in 2 parts"]}
    (paths.output / "summary.json").write_text(json.dumps(summary))
    assert ADAPTER.collect(item(), BuiltinOptions(), paths).lowered == ("batch: computed in 2 parts",)


def test_the_licence_of_what_a_run_used_comes_with_its_result(tmp_path):
    paths = RunPaths(tmp_path)
    for name in REQUIRED:
        (paths.output / name).parent.mkdir(parents=True, exist_ok=True)
        (paths.output / name).write_text("content")
    summary = {"metrics": {}, "provenance": {}, "licences": ["nvdiffrast: never commercially"]}
    (paths.output / "summary.json").write_text(json.dumps(summary))
    assert ADAPTER.collect(item(), BuiltinOptions(), paths).licences == ("nvdiffrast: never commercially",)


def test_only_a_later_end_extends():
    config = BuiltinOptions()
    assert ADAPTER.extends(dataclasses.replace(config, iter=config.iter + 1), config)
    assert ADAPTER.extends(dataclasses.replace(config, iter=config.iter + 1, save_interval=3), config)
    assert not ADAPTER.extends(config, config)
    assert not ADAPTER.extends(dataclasses.replace(config, iter=config.iter + 1, seed=1), config)


def test_a_defect_in_one_of_several_processes_is_shown_and_not_its_consequences():
    tail = [
        "[rank1]: Traceback (most recent call last):",
        '[rank1]:   File "loop.py", line 3',
        "[rank0]: Traceback (most recent call last):",
        "[rank1]: KeyError: 'light'",
        "[rank0]: RuntimeError: Connection closed by peer",
        "Traceback (most recent call last):",
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError:",
    ]
    found = ADAPTER.diagnose(1, tail)
    assert found.reason.endswith("Traceback (most recent call last):\n  File \"loop.py\", line 3\nKeyError: 'light'")
    assert ADAPTER.diagnose(1, tail[-2:]) is None


def test_the_words_of_a_rank_come_first():
    tail = ["topforge-error class=oom", "topforge-reason Full.", "topforge-fix Less.", "[rank1]: Traceback (most"]
    assert ADAPTER.diagnose(1, tail).failure_class is FailureClass.OOM


def test_a_failure_that_a_child_says_is_the_failure_that_is_read():
    said = list(failure_lines.lines(UnsoundOutputError("line one\nline two")))
    found = failure_lines.diagnosis(["epoch 3", *said, "bye"])
    assert found.failure_class is UnsoundOutputError.failure_class
    assert "line one line two" in found.reason
    assert found.fix == UnsoundOutputError("").fix
    assert failure_lines.diagnosis(said[:2]) is None, "cut short: the exit code and the log say more"
