"""The command line, as a person meets it: started as a process."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from topforge import cli, items, results, terminal_style
from topforge.paths import RunPaths

PIPELINE = Path(__file__).parent.parent.parent / "pipeline"


@pytest.fixture
def topforge(tmp_path, monkeypatch):
    """Runs `topforge WORDS` in tmp_path; returns the finished process."""
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))

    def run(*words, python=(sys.executable,)):
        command = [*python, str(PIPELINE / "topforge"), *words]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)

    return run


def test_every_verb_has_help_and_all_are_listed(topforge):
    overview = topforge("--help")
    assert overview.returncode == 0
    for verb in cli.VERBS:
        assert "  %s " % verb in overview.stdout
        shown = topforge(verb, "--help")
        assert shown.returncode == 0, shown.stderr
        assert "usage: topforge %s" % verb in shown.stdout


def test_the_overview_fits_a_narrow_terminal(topforge, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, topforge("--help").stdout.splitlines()[1:])) <= 60


def test_how_to_train_is_one_line_and_not_every_option(topforge):
    usage = topforge("train", "--help").stdout.splitlines()
    assert usage[:2] == ["usage: topforge train [CONFIG.json] [--dataset PATH] --out RUN [flags]", ""]


def test_making_an_environment_has_a_help_of_its_own(topforge):
    shown = topforge("env", "create", "--help").stdout
    assert shown.startswith("usage: topforge env create TRAINER [flags]\n\nMake the pinned environment")
    assert "{create}" not in shown
    assert "See `topforge env create --help`." in topforge("env", "create").stderr


def test_without_a_verb_the_overview_is_a_mistake_with_code_2(topforge):
    assert topforge().returncode == 2


@pytest.mark.parametrize(
    ("words", "what", "fix"),
    [
        (["cok", "job.json"], 'There is no verb "cok".', "Did you mean cook?"),
        (["cook", "job.json", "--forse"], '"--forse" is not understood.', "Did you mean --force?"),
        (["cook"], "The following arguments are required: JOB.json.", "See `topforge cook --help`."),
        (["train", "--out", "r", "--itre", "5"], '"--itre" is not understood.', "Did you mean --iter?"),
        (["env", "create", "nvdifrec"], "invalid choice: 'nvdifrec'", "Did you mean nvdiffrec?"),
        (["train", "--out", "r", "--kd_min", "0", "0.5", "1"], "More than one value", "one word: --kd_min 0,0.5,1."),
        (["train", "--out", "r", "--dataset", ".", "--env", "nope"], "environment 'nope'", "path of its root"),
        (["env", "create", "nvdiffrec", "--print", "--architectures", "x"], "'x' is none", "for instance 86"),
        (["cook", "."], ": it is a folder.", "Name the file"),
        (["run-item", "nope"], "nope is no run folder: there is no item.json.", "Give the folder that"),
        (["extend", "nope"], "nope is no run folder: there is no item.json.", "Give the folder that"),
        (["report", "nope"], "nope is no run folder and holds none: there is no item.json.", "Give the folder that"),
        (["train", "--out", "r", "--adapter", "topforg"], 'There is no adapter named "topforg".', 'mean "topforge"'),
    ],
)
def test_a_wrong_command_line_ends_in_two_lines_and_code_2_or_78(topforge, words, what, fix):
    ended = topforge(*words)
    assert ended.returncode in (2, 78)
    lines = ended.stderr.splitlines()
    assert len(lines) == 2
    assert what in lines[0]
    assert fix in lines[1]
    assert ended.stdout == ""


def test_a_folder_whose_name_is_a_number_is_no_second_value(topforge, tmp_path):
    (tmp_path / "2024").mkdir()
    ended = topforge("check", "--mesh_scale", "2", "2024")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert str(tmp_path / "2024") in ended.stdout.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "content", "what", "fix"),
    [
        (["cook"], {"iter": 10, "batch": 2}, "is a config of a trainer, no job.", "topforge train"),
        (["train", "--out", "r"], {"dataset": "x", "configs": [{}]}, "is a job, no config of a", "topforge cook"),
        (["cook"], {"format": 1, "key": "0", "name": "a", "adapter": "command"}, "is a work item", "run-item"),
        (["run-item"], {"configs": [{}]}, "a.json is no run folder", "Give the folder that"),
        (["cook"], [1], "a.json: it holds a list, no object of options.", "Correct"),
        (["train", "--out", "r"], 5, "a.json: it holds one value, no object of options.", "Correct"),
        (["cook"], {"datasett": "x", "iter": 1, "parallel": 2}, "2 problems", "iter is not an option"),
    ],
)
def test_a_file_of_another_kind_is_told_with_the_verb_that_takes_it(topforge, tmp_path, words, content, what, fix):
    (tmp_path / "a.json").write_text(json.dumps(content))
    ended = topforge(*words, "a.json")
    assert ended.returncode == 78
    assert what in ended.stderr
    assert fix in ended.stderr
    assert ended.stdout == ""


def test_a_file_where_the_run_folder_should_be_is_named_as_such(topforge, tmp_path):
    (tmp_path / "file").write_text("x")
    for out in ("file", "file/run"):
        ended = topforge("train", "--adapter", "command", "--arguments", "ls", "--out", out)
        assert ended.returncode == 74
        assert "There is a file in that place: choose another one." in ended.stderr


def test_a_failure_is_two_lines_and_a_traceback_only_with_debug(topforge):
    plain = topforge("cook", "missing.json")
    assert plain.returncode == 78
    assert plain.stderr.splitlines()[0].endswith("missing.json: there is no such file.")
    assert len(plain.stderr.splitlines()) == 2
    assert "Traceback" in topforge("cook", "missing.json", "--debug").stderr


def test_a_missing_checkout_is_named_and_not_the_mesh_that_a_preset_takes_from_it(topforge):
    ended = topforge(
        "train", "--adapter", "nvdiffrec", "--preset", "bob", "--gpus", "1", "--checkout", "no", "--out", "r"
    )
    assert ended.returncode == 78
    assert "no is no nvdiffrec checkout: there is no such folder." in ended.stderr


def test_a_defect_is_told_as_one_and_without_a_traceback(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_run", lambda words: 1 // 0)
    assert cli.main(["cook"]) == 70
    error = capsys.readouterr().err
    assert "ZeroDivisionError" in error
    assert "--debug" in error
    assert "Traceback" not in error


def test_an_interruption_is_told_on_a_line_of_its_own(monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert cli.main(["check", "x"]) == 130
    assert capsys.readouterr().err == "\ntopforge: Interrupted.\n  Run the same command again.\n"


def test_a_line_that_is_written_over_is_shorter_than_the_terminal_and_absent_in_a_file(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    file, terminal = io.StringIO(), io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    for stream in (file, terminal):
        progress = terminal_style.OneLine(stream)
        for share in (0.1, 1.0):
            progress.show(share, "looking at a_long_name.png")
        progress.erase()
        progress.erase()
    assert file.getvalue() == ""
    assert terminal.getvalue() == " 10 %  looking at a\r\033[K100 %  looking at a\r\033[K"


def test_train_is_a_job_of_one_item_with_flags_over_the_file(topforge, tmp_path):
    (tmp_path / "hello.json").write_text(json.dumps({"arguments": ["sh", "-c", "echo hi > a.txt"], "outputs": []}))
    words = ("train", "hello.json", "--adapter", "command", "--out", "run", "--outputs", "a.txt")
    first = topforge(*words)
    assert first.returncode == 0, first.stderr
    assert "Result: %s" % (tmp_path / "run" / "result") in first.stdout
    assert (tmp_path / "run" / "result" / "a.txt").read_text() == "hi\n"
    item = items.read(RunPaths(tmp_path / "run").item)
    assert item.config["outputs"] == ["a.txt"]
    assert results.is_complete(tmp_path / "run", item.key)
    again = topforge(*words)
    assert "done before" in again.stdout

    other = topforge(*words[:-1], "b.txt")
    assert other.returncode == 78
    assert "holds the result of another configuration" in other.stderr
    assert items.read(RunPaths(tmp_path / "run").item) == item


def test_train_refuses_wrong_options_before_anything_is_written(topforge, tmp_path):
    (tmp_path / "capture").mkdir()
    (tmp_path / "capture" / "a.png").write_bytes(b"x")
    (tmp_path / "bob.json").write_text('{"iter": 10, "batchh": 2, "background": "blue"}')
    ended = topforge("train", "bob.json", "--dataset", "capture", "--out", "run")
    assert ended.returncode == 78
    assert "2 problems" in ended.stderr
    assert 'did you mean "batch"?' in ended.stderr
    assert "black, white, checker, reference" in ended.stderr
    assert topforge("train", "--out", "run").returncode == 78  # no dataset
    assert not (tmp_path / "run").exists()


def test_relative_paths_on_the_command_line_start_where_the_person_is(topforge, tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "c.json").write_text(json.dumps({"arguments": ["true"]}))
    assert topforge("train", "configs/c.json", "--adapter", "command", "--out", "runs/a").returncode == 0
    assert (tmp_path / "runs" / "a" / "result.json").exists()


def test_output_into_a_closed_pipe_is_no_error(tmp_path):
    command = "%s %s train --help | head -1" % (sys.executable, PIPELINE / "topforge")
    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=False)
    assert ended.stderr == ""


def test_the_command_line_starts_quickly(topforge):
    ended = topforge("run-item", "--help", python=(sys.executable, "-X", "importtime"))
    times = {line.split("|")[2].strip(): int(line.split("|")[1]) for line in ended.stderr.splitlines()[1:]}
    assert times["topforge.cli"] < 100_000  # microseconds, all it imports included
    assert not {"rich", "numpy", "torch", "asyncio", "http.client"} & set(times)


@pytest.mark.parametrize("version", ["3.8", "3.9", "3.10", "3.12", "3.13"])
def test_other_pythons_expand_and_cook(topforge, tmp_path, version):
    python = next(iter(sorted(Path.home().glob(".pyenv/versions/%s.*/bin/python" % version))), None)
    if python is None:
        pytest.skip("Python %s is not installed here" % version)
    configs = [{"name": "a", "arguments": ["{python}", "-c", "open('x', 'w')"], "outputs": ["x"]}]
    wedge = {"outputs": [["x"], []]}
    job = {
        "adapter": "command",
        "configs": configs,
        "wedge": wedge,
        "check": False,
        "report": False,
        "output": "out" + version,
    }
    (tmp_path / "job.json").write_text(json.dumps(job))
    ended = topforge("cook", "job.json", python=(str(python),))
    assert ended.returncode == 0, ended.stderr
    assert "2 done." in ended.stdout
    assert topforge("train", "--help", python=(str(python),)).returncode == 0
    assert len(list((tmp_path / ("out" + version)).iterdir())) == 3
