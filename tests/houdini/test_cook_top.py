"""scripts/cook_top.py as a person runs it, on the stand-in of hython with real child processes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
HYTHON = REPOSITORY / "tests" / "houdini" / "standin" / "hython"
SCRIPT = REPOSITORY / "scripts" / "cook_top.py"
QUICKSTART = REPOSITORY / "hip" / "topforge_quickstart.hip"
WEDGE = REPOSITORY / "hip" / "topforge_wedge.hip"

pytestmark = pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python, and so torch, is in no environment")


@pytest.fixture
def command(tmp_path):
    """The command line and the variables of a cook whose runs go to the test's folder."""
    (tmp_path / "houdini_temp").mkdir()
    environment = {
        **os.environ,
        "TOPFORGE_ENV": sys.prefix,
        "TOPFORGE_CACHE": str(tmp_path / "cache"),
        "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases"),
        "HOUDINI_TEMP_DIR": str(tmp_path / "houdini_temp"),
        "OMP_NUM_THREADS": "1",
    }

    def command(*words, scene=QUICKSTART, top="/tasks/topforge"):
        line = [sys.executable, str(HYTHON), str(SCRIPT), str(scene), "--top", top]
        return [*line, "--set", "localscheduler/pdg_workingdir=%s" % tmp_path, *words], environment

    return command


@pytest.fixture
def cook(command):
    def cook(*words, **more):
        line, environment = command(*words, **more)
        return subprocess.run(line, env=environment, capture_output=True, text=True, check=False, timeout=300)

    return cook


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("trian/gpus=1", "Did you mean train?"),
        ("train/gpu=1", "Did you mean gpus?"),
        ("train/gpus=many", '"many" is not a whole number'),
        ("train/timelimit=soon", '"soon" is not a number'),
        ("train/gpus", "is not of the form node/parm=value"),
        ("gpus=1", "is not of the form node/parm=value"),
        ("train/topforge_iter=-4", "-4 is beyond the limit 1"),
        ("train/topforge_train_res=1", "has 2 components"),
        ("train/topforge_train_res_set=maybe", '"maybe" is neither on nor off'),
        ("check/pdg_cachemode=9", "Choices: 0, 1, 2."),
        ("/tasks/topforge/trian/gpus=1", "Did you mean train?"),
        ("report/openreport=1", "holds no value"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_before_anything_runs(cook, tmp_path, setting, told):
    done = cook("--set", setting)
    assert done.returncode == 2
    assert told in done.stderr
    assert setting in done.stderr
    assert len(done.stderr.strip().splitlines()) == 2
    assert not (tmp_path / "topforge").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"top": "/tasks/topforg"}, "Did you mean /tasks/topforge?"),
        ({"top": "/obj/topforge_result"}, "not a TOP node that can be cooked"),
        ({"top": "/tasks/topforge/localscheduler"}, "not a TOP node that can be cooked"),
        ({"scene": REPOSITORY / "nope.hip"}, "there is no such file"),
        ({"scene": REPOSITORY / "README.md"}, "not a scene"),
    ],
)
def test_what_is_not_there_is_told(cook, more, told):
    done = cook(**more)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_of_every_kind_are_made(cook):
    done = cook(
        "--generate-only",
        *("--set", "train/topforge_iter=30"),
        *("--set", "train/topforge_train_res=64,32"),
        *("--set", "train/topforge_train_resx=48"),
        *("--set", "train/timelimit=1.5"),
        *("--set", "/tasks/topforge/train/pdg_cachemode=2"),
        *("--set", "train/topforge_train_res_set=on"),
        *("--set", "report/title=a = b"),
    )
    assert done.returncode == 0, done.stderr
    assert "/tasks/topforge/report/title = a = b" in done.stdout


def test_a_preset_that_is_set_does_what_choosing_it_does(cook, tmp_path):
    assert cook("--generate-only", "--set", "train/preset=high").returncode == 0
    (item,) = (tmp_path / "topforge" / "train").glob("*/item.json")
    assert '"iter": 5000' in item.read_text()


def test_generating_runs_nothing(cook, tmp_path):
    done = cook("--generate-only", scene=WEDGE)
    assert done.returncode == 0, done.stderr
    assert "7 not cooked." in done.stdout
    assert len(re.findall(r"^train\[\d\] +train-\d+-0\.\d+ ", done.stdout, re.MULTILINE)) == 6
    assert not list(tmp_path.rglob("state.json"))


def test_a_cook_tells_its_progress_and_ends_with_a_table(cook):
    done = cook(top="/tasks/topforge/check")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert lines[1] == "Cooking /tasks/topforge/check"
    assert any(line.startswith("check[0]: cooking") for line in lines)
    assert re.search(r"^item .* run folder in /.*/topforge/check$", done.stdout, re.MULTILINE)
    assert re.search(r"^check\[0\] +cooked +[\d.]+ s +check-[0-9a-f]{8}$", done.stdout, re.MULTILINE)
    assert lines[-1] == "1 cooked."
    again = cook(top="/tasks/topforge/check")
    assert again.returncode == 0
    assert again.stdout.splitlines()[-1] == "1 from cache."


def test_a_failed_item_is_told_with_its_reason_and_fix(cook, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "transforms_train.json").write_text('{"camera_angle_x": 1.0, "frames": []}')
    done = cook("--set", "check/dataset=%s" % (tmp_path / "empty"))
    assert done.returncode == 1
    assert re.search(r"^check\[0\] +failed", done.stdout, re.MULTILINE)
    assert re.search(r"^check\[0\]: .+\n  .+", done.stdout, re.MULTILINE)
    assert re.search(r"^train\[0\] +not cooked", done.stdout, re.MULTILINE)
    assert "exit code" not in done.stdout  # PDG's words, after the item's own


def test_a_node_that_cannot_generate_is_told(cook, tmp_path):
    done = cook("--set", "check/dataset=%s" % (tmp_path / "nowhere"))
    assert done.returncode == 1
    *_, problem, fix = done.stdout.splitlines()
    assert problem.startswith("error: /tasks/topforge/check: Capture (dataset): %s" % (tmp_path / "nowhere"))
    assert fix.startswith("  Give ")
    assert done.stdout.count("error:") == 1
    assert "Traceback" not in done.stdout
    more = cook("--verbose", "--set", "check/dataset=%s" % (tmp_path / "nowhere"))
    assert "Traceback" in more.stdout


def test_a_preset_that_is_not_there_is_a_usage_error(cook):
    done = cook("--set", "train/preset=nope")
    assert done.returncode == 2
    assert "--set train/preset=nope" in done.stderr


def test_only_some_items_are_cooked(cook, tmp_path):
    (tmp_path / "none").mkdir()
    done = cook("--items", "9", scene=WEDGE, top="/tasks/topforge/train")
    assert done.returncode == 2
    assert "It has train-32-0.03, train-48-0.03" in done.stderr
    quick = ["--set", "train/topforge_iter=1", "--set", "train/topforge_train_res=16,16"]
    quick += ["--set", "train/topforge_texture_res=32,32", "--set", "train/topforge_hash_log2_size=8"]
    done = cook("--items", "train-32-0.01,0", *quick, scene=WEDGE, top="/tasks/topforge/train")
    assert done.returncode == 0, done.stdout
    assert re.findall(r"^train\[\d\]  (\S+) +cooked", done.stdout, re.MULTILINE) == ["train-32-0.03", "train-32-0.01"]
    assert len(list(tmp_path.rglob("result.json"))) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_the_cook_and_leaves_nothing_running(command, tmp_path, number, code):
    line, environment = command("--set", "train/topforge_iter=100000")
    child = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for text in child.stdout:
        if re.match(r"train\[0\]: cooking, .*step", text):
            break
    child.send_signal(number)
    rest = child.stdout.read()
    assert child.wait(60) == code, rest
    assert "Cancelling" in rest
    assert re.search(r"^train\[0\] +cancelled", rest, re.MULTILINE)
    assert rest.strip().endswith("from their last checkpoint.")
    end = time.monotonic() + 20
    while (left := running(tmp_path)) and time.monotonic() < end:
        time.sleep(0.2)
    assert not left


def running(folder):
    """Processes whose command line names a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(str(folder).encode() in word for word in words):
            found.append(words)
    return found
