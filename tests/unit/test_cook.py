"""Cooking with real processes: each test starts `topforge cook` (or forks runners) and looks at what is on disk."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import harness

from topforge import items, platform_posix, results, states
from topforge.cooking import cook, cook_table, display, outcomes, run_folders, same_work
from topforge.cooking.outcomes import Outcome
from topforge.errors import FailureClass
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.planning import expansion, jobs
from topforge.planning.planned_items import Planned
from topforge.states import State, Status

PIPELINE = Path(__file__).parent.parent.parent / "pipeline"


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Writes a job of shell scripts by name; returns its path."""
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))

    def write(parallel=2, **scripts):
        configs = [
            {"name": name, "arguments": ["sh", "-c", ": %s\n%s" % (name, script)]} for name, script in scripts.items()
        ]
        content = {"adapter": "command", "configs": configs, "check": False, "report": False, "parallel": parallel}
        (tmp_path / "job.json").write_text(json.dumps(content))
        return tmp_path / "job.json"

    return write


def start(path, *flags):
    command = [sys.executable, str(PIPELINE / "topforge"), "cook", str(path), *flags]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def cooked(path, *flags):
    process = start(path, *flags)
    text = process.communicate(timeout=60)[0]
    return process.returncode, text


def folder_of(path, name):
    return next(planned.folder for planned in plan_of(path) if planned.item.name == name)


def plan_of(path):
    return expansion.expand(jobs.read(path), path)


def status_of(path, name):
    return states.read(RunPaths(folder_of(path, name)).state).status


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def is_running(path, *names):
    def check():
        found = [states.read(RunPaths(folder_of(path, name)).state) for name in names]
        return all(state is not None and state.status is Status.RUNNING for state in found)

    return check


def test_a_failure_stops_nothing_else_and_decides_the_exit_code(job):
    path = job(good="true", bad="echo why it broke; exit 3", other="true")
    exit_code, text = cooked(path)
    assert exit_code == 65
    assert "why it broke" in text
    assert "2 done, 1 failed." in text
    assert [status_of(path, name).value for name in ("good", "bad", "other")] == ["done", "failed", "done"]
    table = (path.parent / "out" / "items.csv").read_text().splitlines()
    assert table[0] == "name,status,seconds,reason,folder"
    assert [line.split(",")[1] for line in table[1:] if line.startswith(("good", "bad", "other"))] == [
        "done",
        "failed",
        "done",
    ]


def test_what_is_printed_at_the_end_has_no_blank_line_after_it_nor_two_in_it(job):
    for scripts, last in (({"bad": "exit 3"}, "1 failed."), ({"good": "true"}, "Result: ")):
        text = cooked(job(**scripts))[1]
        assert text.splitlines()[-1].startswith(last)
        assert text.endswith("\n")
        assert "\n\n\n" not in text


def test_cooking_again_does_only_what_is_not_done(job):
    path = job(good="true", bad="exit 3")
    cooked(path)
    before = RunPaths(folder_of(path, "good")).manifest.stat().st_mtime_ns
    exit_code, text = cooked(path)
    assert exit_code == 65
    assert "1 done before, 1 failed." in text
    assert RunPaths(folder_of(path, "good")).manifest.stat().st_mtime_ns == before
    assert len(list(folder_of(path, "good").glob("attempt-*.log"))) == 1
    assert len(list(folder_of(path, "bad").glob("attempt-*.log"))) == 2


def rename(path, old, new):
    path.write_text(path.read_text().replace('"name": "%s"' % old, '"name": "%s"' % new))


def test_a_renamed_item_takes_over_what_was_finished_under_its_former_name(job):
    path = job(good="date +%N > a.txt", other="true")
    path.write_text(path.read_text().replace('"name": "good",', '"name": "good", "outputs": ["a.txt"],'))
    cooked(path)
    old = folder_of(path, "good")
    made = (RunPaths(old).result / "a.txt").read_text()
    before = sorted((file, file.stat().st_mtime_ns) for file in old.rglob("*") if file.name != ".lock")

    rename(path, "good", "better")
    assert 'done   better  (as "good")' in cooked(path, "--dry-run")[1]
    new = folder_of(path, "better")
    (new.parent / (".tmp-%s-of-%s" % (new.name, old.name)) / "result").mkdir(parents=True)  # of a cook that was killed
    exit_code, text = cooked(path)
    assert (exit_code, new.name) == (0, old.name.replace("good", "better"))
    assert "better: this work was done before in %s; its result is taken over" % old in text
    assert "1 done, 1 done before." in text
    assert (RunPaths(new).result / "a.txt").read_text() == made, "nothing was done again"
    assert len(list(new.glob("attempt-*.log"))) == 1
    assert (items.read(RunPaths(new).item).name, results.read(new).name) == ("better", "better")
    assert results.is_complete(new, verify=True)
    assert sorted((file, file.stat().st_mtime_ns) for file in old.rglob("*") if file.name != ".lock") == before
    assert "2 done before." in cooked(path)[1]

    shutil.rmtree(str(old))
    assert results.is_complete(new, verify=True)
    assert not list(new.parent.glob(".tmp-*"))


def test_force_takes_nothing_over(job):
    path = job(good="true")
    cooked(path)
    rename(path, "good", "better")
    exit_code, text = cooked(path, "--force")
    assert (exit_code, "taken over" in text) == (0, False)
    assert states.read(RunPaths(folder_of(path, "better")).state).status is Status.DONE


def test_what_failed_or_is_being_done_anew_is_not_taken_over(job):
    path = job(bad="exit 3", good="true")
    cooked(path)
    lock = platform_posix.try_lock(RunPaths(folder_of(path, "good")).lock)
    rename(path, "good", "better")
    rename(path, "bad", "worse")
    exit_code, text = cooked(path)
    os.close(lock)
    assert (exit_code, "taken over" in text) == (65, False)
    assert "1 done, 1 failed." in text


def test_a_lock_that_another_cook_holds_while_it_takes_over_is_waited_for(job):
    path = job(good="true")
    cooked(path)
    lock = platform_posix.try_lock(RunPaths(folder_of(path, "good")).lock)
    rename(path, "good", "better")
    threading.Timer(0.3, os.close, [lock]).start()
    ((taken, _),) = same_work.take_over(plan_of(path))
    assert taken.item.name == "better"
    assert results.is_complete(taken.folder, verify=True)


def test_nothing_is_found_for_folders_named_by_hand_and_for_what_comes_after_others(job):
    path = job(good="true")
    cooked(path)
    rename(path, "good", "better")
    (planned,) = plan_of(path)
    after = dataclasses.replace(planned.item, after=(str(path.parent / "other"),))
    assert len(list(same_work.found([planned]))) == 1
    assert not list(same_work.found([Planned(planned.item, planned.folder.with_name("by-hand"))]))
    assert not list(same_work.found([Planned(after, planned.folder)]))


def test_a_run_that_cannot_be_locked_is_done_anew(job):
    """As one of another user: its lock cannot be opened."""
    path = job(good="true")
    cooked(path)
    lock = RunPaths(folder_of(path, "good")).lock
    lock.unlink()
    lock.mkdir()
    rename(path, "good", "better")
    exit_code, text = cooked(path)
    assert (exit_code, "taken over" in text, "1 done." in text) == (0, False, True), text


def test_what_a_killed_cook_left_half_taken_over_is_no_finished_run(job):
    path = job(good="true")
    cooked(path)
    old = folder_of(path, "good")
    rename(path, "good", "better")
    new = folder_of(path, "better")
    left = new.with_name(".tmp-%s-of-%s" % (new.name, old.name))
    shutil.copytree(str(old), str(left))  # all is there, and was not renamed
    exit_code, text = cooked(path)
    assert exit_code == 0
    assert "done before in %s;" % old in text
    assert not left.exists()


def test_only_the_whole_key_counts_not_its_beginning_in_the_name(job):
    path = job(good="true")
    cooked(path)
    manifest = RunPaths(folder_of(path, "good")).manifest
    content = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**content, "key": content["key"][:8] + 56 * "0"}))
    rename(path, "good", "better")
    exit_code, text = cooked(path)
    assert (exit_code, "taken over" in text, "1 done." in text) == (0, False, True), text


def test_two_cooks_that_take_over_the_same_work_both_end_well(job):
    path = job(**{"item%d" % index: "true" for index in range(20)})
    cooked(path)
    former = {planned.item.key: results.read(planned.folder).finished for planned in plan_of(path)}
    path.write_text(path.read_text().replace('"name": "item', '"name": "renamed'))
    both = [start(path), start(path)]
    assert [(process.communicate(timeout=60), process.returncode)[1] for process in both] == [0, 0]
    folders = [planned.folder for planned in plan_of(path)]
    assert all(results.is_complete(folder, verify=True) for folder in folders)
    assert {result.key: result.finished for result in map(results.read, folders)} == former, "nothing was done again"
    assert not list((path.parent / "out").glob(".tmp-*"))


@pytest.mark.parametrize("damage", ["", "\0\0\0", "[", "[]", '{"status": "dreaming"}', "{}"])
def test_a_damaged_state_is_written_anew_and_the_result_counts(job, damage):
    path = job(good="true")
    cooked(path)
    paths = RunPaths(folder_of(path, "good"))
    before = paths.manifest.stat().st_mtime_ns
    paths.state.write_text(damage)
    exit_code, text = cooked(path)
    assert (exit_code, "1 done." in text) == (0, True), text
    assert paths.manifest.stat().st_mtime_ns == before
    assert states.read(paths.state).status is Status.DONE


def test_what_looks_wrong_with_a_result_is_told_whenever_it_is_cooked(job):
    path = job(good="true")
    cooked(path)
    paths = RunPaths(folder_of(path, "good"))
    content = json.loads(paths.manifest.read_text())
    content["provenance"]["remarks"] = ["the masks look wrong"]
    paths.manifest.write_text(json.dumps(content))
    before = cooked(path)[1]
    paths.state.unlink()  # the runner has to look at the result, and finds it done
    anew = cooked(path)[1]
    assert ("1 done before." in before, "1 done." in anew) == (True, True)
    assert all("good: The masks look wrong." in text for text in (before, anew))


def test_force_does_everything_anew_and_keeps_the_old(job):
    path = job(good="true")
    cooked(path)
    exit_code, text = cooked(path, "--force")
    assert exit_code == 0
    old = folder_of(path, "good").with_name(folder_of(path, "good").name + ".old-1")
    assert "moved aside: %s" % old in text
    assert RunPaths(old).manifest.exists()
    assert RunPaths(folder_of(path, "good")).manifest.exists()


def test_force_refuses_while_a_runner_works_there(job):
    path = job(slow="sleep 30")
    first = start(path)
    wait_for(is_running(path, "slow"))
    exit_code, text = cooked(path, "--force")
    assert exit_code == 74
    assert "Another runner works in" in text
    first.terminate()
    first.communicate(timeout=20)


def test_dry_run_lists_and_starts_nothing(job):
    path = job(good="true", bad="exit 3")
    exit_code, text = cooked(path, "--dry-run")
    assert exit_code == 0
    assert "to do  good" in text
    assert not (path.parent / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_reaches_all_and_the_same_command_continues(job, number):
    slow = "trap 'echo saved > ../../saved; exit 1' TERM; sleep 0.1; test -e ../../again && exit 0; sleep 60 & wait"
    path = job(one=slow, two=slow, three="true")
    process = start(path)
    wait_for(is_running(path, "one", "two"))
    time.sleep(0.3)  # until the shells listen
    process.send_signal(number)
    text = process.communicate(timeout=20)[0]
    assert process.returncode == 143
    assert "the same command continues" in text
    for name in ("one", "two"):
        assert (folder_of(path, name) / "saved").read_text() == "saved\n"
        assert status_of(path, name) is Status.CANCELLED
        (folder_of(path, name) / "again").touch()
    exit_code, text = cooked(path)
    assert exit_code == 0, text
    assert "3 done." in text


def test_a_second_request_kills_those_that_do_not_listen(job):
    path = job(deaf="trap '' TERM INT; echo $$ > ../../pid; while true; do sleep 0.2; done")
    process = start(path)
    pid_file = folder_of(path, "deaf") / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert time.monotonic() - began < 5
    wait_for(lambda: not harness.is_alive(int(pid_file.read_text())))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the death signal is Linux's")
def test_nothing_is_left_when_the_cook_is_killed(job):
    path = job(slow="echo $$ > ../../pid; sleep 60")
    process = start(path)
    pid_file = folder_of(path, "slow") / "pid"
    wait_for(lambda: pid_file.exists() and pid_file.read_text().strip())
    process.kill()
    process.communicate(timeout=20)
    wait_for(lambda: not harness.is_alive(int(pid_file.read_text())))
    wait_for(lambda: status_of(path, "slow") is Status.CANCELLED)


def test_a_closed_pipe_does_not_stop_the_cook(job):
    path = job(one="sleep 0.3", two="sleep 0.3", bad="exit 3")
    process = start(path)
    process.stdout.close()
    assert process.wait(timeout=20) == 65
    assert status_of(path, "one") is status_of(path, "two") is Status.DONE


def test_an_output_folder_that_cannot_be_made_is_told(job):
    path = job(one="true")
    (path.parent / "out").write_text("a file in the way")
    exit_code, text = cooked(path)
    assert exit_code == 74
    assert "The output folder cannot be written" in text


def test_the_report_of_a_job_tells_of_failures_and_is_written_anew_when_they_are_mended(job):
    path = job(good="true", bad="test -e ../../../mended")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "report": True}))
    exit_code, text = cooked(path)
    assert exit_code == 65
    assert "2 done, 1 failed." in text
    page = RunPaths(folder_of(path, "report")).result / "report.html"
    assert "Report of the job: %s" % page in text
    assert "1 of 2 runs finished" in page.read_text()
    (path.parent / "out" / "mended").touch()
    exit_code, text = cooked(path)
    assert exit_code == 0
    assert "2 done, 1 done before." in text
    assert "2 of 2 runs finished" in page.read_text()
    assert "3 done before." in cooked(path)[1]


# Below: the engine itself, with runners made for the purpose.


def planned(tmp_path, name, *depends, after=()):
    folder = tmp_path / name
    folder.mkdir(exist_ok=True)
    needed, followed = (tuple(str(tmp_path / other) for other in others) for others in (depends, after))
    return Planned(Item(name, "command", {}, name, depends=needed, after=followed), folder)


def run_engine(plan, runner, parallel=2):
    made = cook.Cook(plan, parallel, display.Display(io.StringIO()), runner)
    return {outcome.planned.item.name: outcome for outcome in made.run()}


def failing(*names):
    def runner(folder):
        if folder.name not in names:
            (folder / "result.json").write_text(json.dumps(RESULT))
            return 0
        reason, fix = "It broke.", "Mend it."
        states.write(
            folder / "state.json", State(Status.FAILED, "", failure_class=FailureClass.OOM, reason=reason, fix=fix)
        )
        return 71

    return runner


RESULT = {
    "format": 1,
    "key": "k",
    "name": "n",
    "adapter": "command",
    "finished": 1.0,
    "outputs": [],
    "metrics": {"psnr": 30.0},
    "provenance": {"attempts": [{"seconds": 2.0}]},
    "licences": [],
}


def test_dependants_of_a_failure_are_skipped_with_the_reason_and_others_go_on(tmp_path):
    plan = [
        planned(tmp_path, "check"),
        planned(tmp_path, "a", "check"),
        planned(tmp_path, "free"),
        planned(tmp_path, "report", "a", "free"),
    ]
    ended = run_engine(plan, failing("check"))
    assert {name: outcome.status for name, outcome in ended.items()} == {
        "check": "failed",
        "a": "skipped",
        "free": "done",
        "report": "skipped",
    }
    assert (ended["check"].reason, ended["check"].fix) == ("It broke.", "Mend it.")
    assert ended["a"].reason == 'It depends on "check", which failed.'
    assert ended["report"].reason == 'It depends on "a", which was skipped.'
    assert cook.exit_code_of(list(ended.values()), False) == 71


def test_an_item_that_comes_after_others_starts_when_all_have_ended(tmp_path):
    plan = [planned(tmp_path, name) for name in ("a", "b", "gate")]
    plan += [planned(tmp_path, "c", "gate"), planned(tmp_path, "report", after=("a", "b", "c"))]
    ended = run_engine(plan, failing("b", "gate"))
    assert {name: outcome.status for name, outcome in ended.items()} == {
        "a": "done",
        "b": "failed",
        "gate": "failed",
        "c": "skipped",
        "report": "done",
    }
    assert cook.exit_code_of(list(ended.values()), False) == 71


def test_a_report_comes_after_items_that_all_failed(tmp_path):
    plan = [planned(tmp_path, "a"), planned(tmp_path, "b"), planned(tmp_path, "report", after=("a", "b"))]
    ended = run_engine(plan, failing("a", "b"))
    assert ended["report"].status == "done"


def test_nothing_comes_after_items_that_were_all_skipped(tmp_path):
    plan = [planned(tmp_path, "gate"), planned(tmp_path, "a", "gate"), planned(tmp_path, "report", after=("a",))]
    ended = run_engine(plan, failing("gate"))
    assert ended["report"].status == "skipped"
    assert ended["report"].reason == "None of the items it comes after was run."


def test_order_follows_dependencies_and_the_limit_is_kept(tmp_path):
    def runner(folder):
        with (tmp_path / "log").open("a") as log:
            log.write("+%s\n" % folder.name)
            log.flush()
            time.sleep(0.05)
            log.write("-%s\n" % folder.name)
        return failing()(folder)

    plan = [planned(tmp_path, "first"), *(planned(tmp_path, "t%d" % i, "first") for i in range(8))]
    plan.append(planned(tmp_path, "last", *("t%d" % i for i in range(8))))
    assert all(outcome.succeeded for outcome in run_engine(plan, runner, 3).values())
    log = (tmp_path / "log").read_text().split()
    assert log[:2] == ["+first", "-first"]
    assert log[-2:] == ["+last", "-last"]
    at_once = most = 0
    for line in log:
        at_once += 1 if line[0] == "+" else -1
        most = max(most, at_once)
    assert 2 <= most <= 3


def test_a_free_place_is_filled_at_once(tmp_path):
    """While one item is at work for long, the others go one after the other through the second place."""

    def runner(folder):
        time.sleep(2.0 if folder.name == "long" else 0.01)
        with (tmp_path / "log").open("a") as log:
            log.write("%s\n" % folder.name)
        return failing()(folder)

    plan = [planned(tmp_path, "long"), *(planned(tmp_path, "short-%d" % i) for i in range(6))]
    run_engine(plan, runner, 2)
    assert (tmp_path / "log").read_text().split()[-1] == "long"


def test_a_runner_that_dies_is_a_failure_with_its_last_words(tmp_path):
    def runner(folder):
        if folder.name == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if folder.name == "words":
            print("The run folder cannot be written.\n  Make it writable.", file=sys.stderr)
            return 74
        raise RuntimeError("a defect")

    ended = run_engine([planned(tmp_path, name) for name in ("killed", "words", "raises")], runner)
    assert ended["killed"].reason == "The runner was ended by signal 9."
    assert ended["words"].reason == "The run folder cannot be written."
    assert ended["words"].fix == "Make it writable."
    assert "RuntimeError: a defect" in ended["raises"].reason
    assert [outcome.failure_class.value for outcome in ended.values()] == ["infra", "infra", "internal"]


def test_finished_items_start_no_process(tmp_path):
    plan = [planned(tmp_path, "done")]
    (tmp_path / "done" / "result.json").write_text(json.dumps({**RESULT, "key": "done"}))
    states.write(tmp_path / "done" / "state.json", State(Status.DONE))
    ended = run_engine(plan, lambda folder: 70)
    assert ended["done"].status == "done before"
    assert ended["done"].seconds == 2.0


def test_a_folder_with_the_result_of_other_work_is_refused(tmp_path):
    (one,) = [planned(tmp_path, "one")]
    (tmp_path / "one" / "result.json").write_text(json.dumps(RESULT))
    with pytest.raises(run_folders.OtherWorkError):
        run_folders.prepare([one])
    assert not RunPaths(one.folder).item.exists()


def test_the_table_shows_wedge_values_metrics_and_each_reason_once(tmp_path):
    def outcome(name, status, value, **details):
        item = Item(name, "command", {}, name, labels=(("rate", value),))
        return Outcome(Planned(item, tmp_path / name), status, **details)

    ended = [
        outcome("a", "done", "0.1", seconds=61, metrics={"psnr": 27.123, "ssim": 0.9}),
        outcome("b", "skipped", "0.2", reason="It depends on x."),
        outcome("c", "skipped", "0.3", reason="It depends on x."),
        outcome("d", "failed", "0.4", reason="It broke.", fix="Mend it.", failure_class=FailureClass.TRAINER),
    ]
    assert cook_table.text(ended).splitlines() == [
        "item  rate  status   PSNR dB  time",
        "a     0.1   done     27.12    1 min 01 s",
        "b     0.2   skipped",
        "c     0.3   skipped",
        "d     0.4   failed",
        "",
        "b, c: It depends on x.",
        "",
        "d: It broke.",
        "  Mend it.",
        "",
        "1 done, 1 failed, 2 skipped.",
    ]
    assert cook_table.as_csv(ended).splitlines()[1] == "a,0.1,done,27.123,0.9,61.000,,%s" % (tmp_path / "a")


def test_a_long_table_shows_failures_and_the_best(tmp_path):
    ended = [
        Outcome(Planned(Item("i%d" % i, "command", {}, "k"), tmp_path), "done", metrics={"psnr": float(i)})
        for i in range(100)
    ]
    ended[3] = Outcome(ended[3].planned, "failed", reason="It broke.", failure_class=FailureClass.TRAINER)
    text = cook_table.text(ended)
    assert "i3 " in text
    assert "i99" in text
    assert "i50 " not in text
    assert "... and 60 more rows" in text
    assert outcomes.SKIPPED not in text
