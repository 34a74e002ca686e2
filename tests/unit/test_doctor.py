"""The doctor, on environments laid out to fail as real ones do: their own Python really raises the error."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

from topforge.doctor import checks_environment, checks_gpu, checks_machine, text
from topforge.doctor.model import Checks, Finding, Outcome, Status, ok, problem, skipped, warning
from topforge.doctor.subject import Subject
from topforge.doctor.targets import TARGETS
from topforge.environments import cuda
from topforge.environments.environment import PIPELINE
from topforge.terminal_style import PLAIN, Style
from topforge.verbs import doctor as verb

VERSION = "%d.%d" % sys.version_info[:2]

TORCH = """
import numpy
__version__ = "2.0.1+cu118"
class version:
    cuda = "11.8"
class _Tensor:
    def numpy(self):
        if numpy.__version__.startswith("2."):  # what a torch built for NumPy 1 does
            raise RuntimeError("Numpy is not available")
        return [0.0]
def zeros(count):
    return _Tensor()
class cuda:
    init = staticmethod(lambda: None)
    is_available = staticmethod(lambda: True)
    get_arch_list = staticmethod(lambda: ["sm_70", "sm_86", "compute_86"])
"""
HEALTHY = {
    "numpy": "__version__ = '1.26.4'",
    "torch": TORCH,
    "warp": "__version__ = '1.9.0'\ndef is_cpu_available(): return True",
    "imageio": "__version__ = '2.34.0'",
    "xatlas": "__version__ = '0.0.11'",
    "nvdiffrast": "__version__ = '0.4.0'",
    "tinycudann": "__version__ = '2.0'",
}
DEVICE = {"uuid": "GPU-a", "name": "RTX 3090", "mem": 24576, "compute_cap": "8.6", "driver": "550.54.14"}


def install(prefix: Path, modules: Dict[str, str]) -> None:
    site = prefix / "lib" / ("python" + VERSION) / "site-packages"
    for name, source in modules.items():
        (site / name).mkdir(exist_ok=True)
        (site / name / "__init__.py").write_text(source)


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Dict[str, str]:
    """Variables of a machine with one GPU, a C++ compiler and ninja, a home folder, and no CUDA toolkit."""
    monkeypatch.setattr(cuda, "SYSTEM_TOOLKITS", ())
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("c++", "ninja"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    (tmp_path / "home").mkdir()
    return {"HOME": str(tmp_path / "home"), "PATH": str(tools), "TOPFORGE_FAKE_GPUS": json.dumps([DEVICE])}


@pytest.fixture
def examine(tmp_path, machine) -> Callable[..., Dict[str, Outcome]]:
    """Runs every check and returns the outcomes by name."""

    def run(prefix: Path, target: str = "topforge", **more: Any) -> Dict[str, Outcome]:
        subject = Subject(TARGETS[target], prefix, machine, tmp_path, **more)
        found = [*checks_machine.CHECKS.run(subject), *checks_environment.CHECKS.run(subject)]
        return {f.name: f.outcome for f in [*found, *checks_gpu.CHECKS.run(subject)]}

    return run


def problems(outcomes: Dict[str, Outcome]) -> List[str]:
    return sorted(name for name, outcome in outcomes.items() if outcome.status is Status.PROBLEM)


def add_toolkit(prefix: Path, version: str = "11080") -> None:
    (prefix / "bin" / "nvcc").write_text("")
    (prefix / "include" / "cuda_runtime_api.h").write_text("#define CUDART_VERSION  %s\n" % version)


@pytest.mark.parametrize("target", ["topforge", "nvdiffrec", "nvdiffmodeling", "neuralangelo"])
def test_a_healthy_environment_has_no_problem(conda_prefix, examine, target):
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    add_toolkit(prefix)
    outcomes = examine(prefix, target)
    assert problems(outcomes) == []
    assert outcomes["torch"] == ok("2.0.1+cu118, built for CUDA 11.8")


def test_what_a_trainer_does_not_need_is_skipped_with_the_reason(conda_prefix, examine):
    prefix = conda_prefix()
    install(prefix, {name: HEALTHY[name] for name in TARGETS["topforge"].modules})
    outcomes = examine(prefix)
    assert problems(outcomes) == []
    for name in ("nvcc", "cuda-headers", "compiler", "ninja", "nvdiffrast", "tinycudann"):
        assert outcomes[name].status is Status.SKIPPED
        assert outcomes[name].message


class TestTroubleshootingOfTheKartaversePage:
    def test_numpy_is_not_available(self, conda_prefix, examine):
        prefix = conda_prefix()
        install(prefix, {**HEALTHY, "numpy": "__version__ = '2.1.0'"})
        add_toolkit(prefix)
        outcomes = examine(prefix, "nvdiffrec")
        assert problems(outcomes) == ["numpy"]
        assert "Numpy is not available" in outcomes["numpy"].message
        assert outcomes["numpy"].fix.endswith('-m pip install "numpy<2"')
        assert str(prefix / "bin" / "python") in outcomes["numpy"].fix

    def test_no_cuda_runtime_header(self, conda_prefix, examine):
        prefix = conda_prefix()
        install(prefix, HEALTHY)
        (prefix / "bin" / "nvcc").write_text("")
        outcomes = examine(prefix, "nvdiffrec")
        assert problems(outcomes) == ["cuda-headers"]
        assert "cuda_runtime_api.h" in outcomes["cuda-headers"].message
        assert outcomes["cuda-headers"].fix == "conda install -p %s -c nvidia cuda-toolkit=11.8" % prefix

    def test_unknown_compute_capability(self, conda_prefix, examine, machine):
        prefix = conda_prefix()
        tinycudann = (
            'raise EnvironmentError("Unknown compute capability. Ensure PyTorch with CUDA support is installed.")'
        )
        install(prefix, {**HEALTHY, "tinycudann": tinycudann})
        add_toolkit(prefix)
        outcomes = examine(prefix, "nvdiffrec")
        assert problems(outcomes) == ["tinycudann"]
        assert "OSError: Unknown compute capability. Ensure PyTorch" in outcomes["tinycudann"].message
        assert "TCNN_CUDA_ARCHITECTURES" in outcomes["tinycudann"].fix

    def test_torch_without_cuda(self, conda_prefix, examine):
        prefix = conda_prefix()
        install(prefix, {**HEALTHY, "torch": TORCH.replace('cuda = "11.8"', "cuda = None")})
        add_toolkit(prefix)
        assert problems(examine(prefix, "nvdiffrec")) == ["torch-cuda"]
        assert examine(prefix, "topforge")["torch-cuda"].status is Status.WARNING

    def test_torch_is_an_empty_folder(self, conda_prefix, examine):
        prefix = conda_prefix()
        install(prefix, HEALTHY)
        (prefix / "lib" / ("python" + VERSION) / "site-packages" / "torch" / "__init__.py").unlink()
        assert "no torch.__version__" in examine(prefix)["torch"].message

    def test_a_lock_left_by_a_killed_build(self, conda_prefix, examine, machine):
        prefix = conda_prefix()
        install(prefix, HEALTHY)
        add_toolkit(prefix)
        lock = Path(machine["HOME"]) / ".cache/torch_extensions/py311_cu118/nvdiffrast_plugin_gl/lock"
        lock.parent.mkdir(parents=True)
        lock.write_text("")
        os.utime(str(lock), (time.time() - 7300, time.time() - 7300))
        outcomes = examine(prefix, "nvdiffrec")
        assert problems(outcomes) == ["build-locks"]
        assert "%s (2 h old)" % lock in outcomes["build-locks"].message
        assert lock.exists(), "nothing is touched without being asked"

        said: List[str] = []
        repaired = examine(prefix, "nvdiffrec", repair=True, say=said.append)
        assert repaired["build-locks"].status is Status.OK
        assert not lock.exists()
        assert said == ["removing %s (2 h old, held by no process)" % lock]


def test_an_old_lock_with_a_living_builder_is_left_alone(venv_prefix, examine, machine, tmp_path):
    lock = Path(machine["HOME"]) / ".cache/topforge/torch_extensions/nvdiffrec-py311/renderutils_plugin/lock"
    lock.parent.mkdir(parents=True)
    hold = "import os, sys; os.open(sys.argv[1], os.O_CREAT | os.O_EXCL); print(1, flush=True); sys.stdin.read()"
    builder = subprocess.Popen([sys.executable, "-c", hold, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert builder.stdin is not None
    assert builder.stdout is not None
    try:
        builder.stdout.readline()
        os.utime(str(lock), (0, 0))
        outcome = examine(venv_prefix(), repair=True)["build-locks"]
        assert outcome.status is Status.OK
        assert "process %d" % builder.pid in outcome.message
        assert lock.exists()
    finally:
        builder.stdin.close()
        builder.stdout.close()
        builder.wait()


def test_a_young_lock_nobody_here_holds_may_be_another_machines(venv_prefix, examine, machine):
    lock = Path(machine["HOME"]) / ".cache/torch_extensions/lock"
    lock.parent.mkdir(parents=True)
    lock.write_text("")
    assert examine(venv_prefix(), repair=True)["build-locks"].status is Status.WARNING
    assert lock.exists()


def test_a_module_that_takes_python_down_is_named(conda_prefix, examine):
    prefix = conda_prefix()
    install(prefix, {**HEALTHY, "warp": "import os; os.abort()"})
    outcomes = examine(prefix)
    assert outcomes["cpu-backend"].message == "import warp: Python was ended by SIGABRT"
    assert outcomes["torch"].status is Status.OK
    assert "importing warp ended Python" in outcomes["imageio"].message


def test_a_module_that_hangs_is_named_and_does_not_hang_the_doctor(conda_prefix, examine):
    prefix = conda_prefix()
    install(prefix, {**HEALTHY, "xatlas": "import time; time.sleep(600)"})
    begin = time.monotonic()
    assert examine(prefix, timeout=1.0)["xatlas"].message == "import xatlas: no answer after 1 s"
    assert time.monotonic() - begin < 10


def test_modules_in_the_callers_folder_are_not_taken_for_the_environments(conda_prefix, examine, tmp_path, monkeypatch):
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "torch.py").write_text("raise SystemExit('not yours')")
    monkeypatch.chdir(tmp_path / "here")
    assert examine(prefix)["torch"].status is Status.OK


def test_what_modules_print_does_not_confuse_the_doctor(conda_prefix, examine):
    prefix = conda_prefix()
    noisy = 'import os; print(\'{"module": "numpy", "error": "noise"}\', flush=True); os.system(\'echo {}\')\n'
    install(prefix, {**HEALTHY, "xatlas": noisy + HEALTHY["xatlas"]})
    outcomes = examine(prefix)
    assert outcomes["numpy"].status is Status.OK
    assert outcomes["xatlas"].status is Status.OK


@pytest.mark.parametrize(
    ("driver", "built_for", "expected"),
    [
        ("550.54.14", "12.6", Status.OK),
        ("550.54.14", "13.0", Status.PROBLEM),
        ("450.80.02", "11.8", Status.OK),
        ("440.33.01", "11.8", Status.PROBLEM),
    ],
)
def test_torch_and_driver_have_to_match(conda_prefix, examine, machine, driver, built_for, expected):
    machine["TOPFORGE_FAKE_GPUS"] = json.dumps([{**DEVICE, "driver": driver}])
    prefix = conda_prefix()
    install(prefix, {**HEALTHY, "torch": TORCH.replace('"11.8"', '"%s"' % built_for)})
    assert examine(prefix)["torch-cuda"].status is expected


@pytest.mark.parametrize(("capability", "expected"), [("8.6", Status.OK), ("9.0", Status.OK), ("6.1", Status.PROBLEM)])
def test_torch_has_to_have_code_for_the_device(conda_prefix, examine, machine, capability, expected):
    machine["TOPFORGE_FAKE_GPUS"] = json.dumps([{**DEVICE, "compute_cap": capability}])
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    assert examine(prefix)["torch-cuda"].status is expected


def test_capabilities_are_read_from_drivers_new_and_old():
    new = cuda.parse_capabilities("0, GPU-a, 550.54.14, 8.6\n1, GPU-b, 550.54.14, [N/A]\n")
    assert [(c.index, c.uuid, c.driver, c.architecture) for c in new] == [
        (0, "GPU-a", "550.54.14", "86"),
        (1, "GPU-b", "550.54.14", ""),
    ]
    assert cuda.parse_capabilities("0, GPU-a, 470.82.01\n")[0].driver == "470.82.01"
    assert cuda.parse_capabilities("No devices were found\n") == ()


def test_an_old_driver_that_knows_no_compute_capability_is_asked_again(tmp_path):
    tool = tmp_path / "nvidia-smi"
    answer = """case "$1" in *compute_cap*) echo 'Field "compute_cap" is not a valid field to query.'; exit 2;; esac"""
    tool.write_text("#!/bin/sh\n%s\necho '0, GPU-a, 470.82.01'\n" % answer)
    tool.chmod(0o755)
    assert cuda.query_capabilities({"PATH": str(tmp_path)}) == (cuda.Capability(0, "GPU-a", "470.82.01", ""),)


def test_nvcc_has_to_match_torch_and_know_the_device(conda_prefix, examine, machine):
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    add_toolkit(prefix, "12060")
    assert "torch was built for CUDA 11.8" in examine(prefix, "nvdiffrec")["nvcc"].message
    add_toolkit(prefix, "11030")
    assert examine(prefix, "nvdiffrec")["nvcc"].status is Status.OK
    machine["TOPFORGE_FAKE_GPUS"] = json.dumps([{**DEVICE, "compute_cap": "9.0"}])
    assert "sm_90" in examine(prefix, "nvdiffrec")["nvcc"].message


def test_without_a_gpu_our_own_trainer_runs_and_the_others_do_not(conda_prefix, examine, machine):
    machine["TOPFORGE_FAKE_GPUS"] = "[]"
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    assert problems(examine(prefix, "topforge")) == []
    assert "driver" in problems(examine(prefix, "nvdiffrec"))


def test_what_would_stop_a_run_is_a_problem_in_the_same_words(conda_prefix, examine, machine):
    machine["TOPFORGE_FAKE_GPUS"] = '[{"uuid": 3}]'
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    driver = examine(prefix)["driver"]
    assert driver.status is Status.PROBLEM
    assert "uuid = 3 is not allowed" in driver.message
    assert "Unset it" in driver.fix


def test_a_small_device_is_a_warning(conda_prefix, examine, machine):
    machine["TOPFORGE_FAKE_GPUS"] = json.dumps([{**DEVICE, "mem": 8192}])
    prefix = conda_prefix()
    install(prefix, HEALTHY)
    assert examine(prefix, "nvdiffrec")["device-memory"].status is Status.WARNING


def test_missing_packages_come_with_the_command_that_installs_them(venv_prefix, examine):
    prefix = venv_prefix()
    outcomes = examine(prefix)
    assert problems(outcomes) == ["cpu-backend", "imageio", "numpy", "torch", "xatlas"]
    assert outcomes["cpu-backend"].fix == "%s -m pip install warp-lang" % (prefix / "bin" / "python")


def test_an_unusable_environment_is_one_problem_not_twenty(tmp_path, examine):
    outcomes = examine(tmp_path / "gone")
    assert problems(outcomes) == ["environment"]
    assert outcomes["torch"].status is Status.SKIPPED


def test_an_interpreter_that_does_not_start_is_a_finding(conda_prefix, examine):
    prefix = conda_prefix()
    (prefix / "bin" / "python").unlink()
    (prefix / "bin" / "python").write_bytes(b"\x7fELF of another machine")
    (prefix / "bin" / "python").chmod(0o755)
    outcomes = examine(prefix)
    assert problems(outcomes) == ["environment"]
    assert "does not start" in outcomes["environment"].message


def test_leftover_variables_are_a_warning(venv_prefix, examine, machine):
    machine.update({"WORLD_SIZE": "4", "PYTHONHOME": "/opt/hfs20.5/python"})
    outcome = examine(venv_prefix())["leftovers"]
    assert (outcome.status, outcome.fix) == (Status.WARNING, "unset PYTHONHOME WORLD_SIZE")


def test_the_way_topforge_itself_is_started_is_no_leftover(venv_prefix, examine, machine):
    machine["PYTHONPATH"] = str(PIPELINE)
    assert examine(venv_prefix())["leftovers"].status is Status.OK
    machine["PYTHONPATH"] = os.pathsep.join((str(PIPELINE), "/opt/hfs20.5/houdini/python3.11libs"))
    assert examine(venv_prefix("other"))["leftovers"].status is Status.WARNING


def test_a_folder_that_cannot_be_written_is_a_problem(venv_prefix, examine, machine):
    machine["TOPFORGE_CACHE"] = "/proc/topforge"
    outcome = examine(venv_prefix())["folders"]
    assert outcome.status is Status.PROBLEM
    assert "/proc/topforge" in outcome.message


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on():
    checks = Checks()

    @checks.add("broken", "Broken")
    def broken(subject: object) -> Outcome:
        raise ZeroDivisionError("division by zero")

    @checks.add("fine", "Fine")
    def fine(subject: object) -> Outcome:
        return ok("fine")

    first, second = checks.run(None)
    assert first.outcome.status is Status.WARNING
    assert "ZeroDivisionError" in first.outcome.message
    assert second.outcome == ok("fine")


FINDINGS = [
    Finding("numpy", "NumPy", problem("2.1.0, and torch cannot use it", 'pip install "numpy<2"')),
    Finding("torch", "PyTorch", ok("2.0.1")),
    Finding("memory", "Memory", warning("little", "Lower it.")),
    Finding("nvcc", "CUDA compiler", skipped("not needed")),
    Finding("ninja", "ninja", skipped("not needed")),
]


def test_the_text_ends_with_problems_and_their_fixes(tmp_path, machine):
    subject = Subject(TARGETS["topforge"], tmp_path / "gone", machine, tmp_path)
    shown = text.render(FINDINGS, subject, PLAIN, 80)
    assert "\033" not in shown
    assert "CUDA compiler, ninja: not needed" in shown
    order = [shown.index(word) for word in ("PyTorch", "CUDA compiler", "Memory", "NumPy", 'pip install "numpy<2"')]
    assert order == sorted(order)
    assert shown.endswith("topforge will not run here: one problem to fix.\n")
    assert "\033[1;31mproblem" in text.render(FINDINGS, subject, Style(True), 80)


def test_topforges_own_environment_is_not_advised_to_become_an_upstream_trainers(tmp_path, machine):
    own = text.render(FINDINGS, Subject(TARGETS["nvdiffrec"], None, machine, tmp_path), PLAIN, 80)
    assert "`topforge env create nvdiffrec`" in own
    another = text.render(FINDINGS, Subject(TARGETS["nvdiffrec"], tmp_path / "gone", machine, tmp_path), PLAIN, 80)
    assert "env create" not in another


def test_the_pasted_block_names_versions_and_not_the_user(conda_prefix, machine, tmp_path):
    prefix = conda_prefix("home/miniconda3/envs/dmodel", pip={"torch": "2.0.1"})
    machine["HOME"] = str(tmp_path / "miniconda3" / "home")
    subject = Subject(TARGETS["topforge"], prefix, machine, Path("/home/alice/work"))
    findings = [Finding("disk", "Disk", ok("/home/alice/work is full of %s/x" % machine["HOME"]))]
    block = text.paste(findings, subject)
    assert block.startswith("```text\ntopforge ")
    assert "torch 2.0.1" in block
    assert "RTX 3090, 24576 MiB, compute capability 8.6, driver 550.54.14" in block
    assert "/home/USER/work is full of ~/x" in block
    assert machine["HOME"] not in block
    assert "alice" not in block


def run_verb(words: List[str]) -> int:
    parser = argparse.ArgumentParser()
    verb.add_arguments(parser)
    return verb.run(parser.parse_args(words))


def test_the_verb_prints_json_and_exits_1_on_a_problem(conda_prefix, machine, monkeypatch, capsys, tmp_path):
    prefix = conda_prefix()
    for name in list(os.environ):
        monkeypatch.delenv(name)
    for name, value in machine.items():
        monkeypatch.setenv(name, value)
    words = ["--env", str(prefix), "--json", "--output", str(tmp_path)]
    assert run_verb(words) == 1
    install(prefix, HEALTHY)
    capsys.readouterr()
    assert run_verb(words) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["environment"] == str(prefix)
    statuses = {check["name"]: check["status"] for check in answer["checks"]}
    assert statuses["numpy"] == "ok"
    assert len(statuses) == len(answer["checks"]), "every name is unique"
