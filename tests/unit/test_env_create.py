"""`topforge env create`: real processes, with a stand-in for micromamba, which no test machine needs to have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from topforge.doctor.targets import TARGETS
from topforge.environments import managers, private_environment, recipes

REPOSITORY = Path(__file__).resolve().parents[2]
FAKE = REPOSITORY / "tests" / "fakes" / "fake_micromamba.py"
TRAINERS = ("nvdiffrec", "nvdiffmodeling", "neuralangelo", "richdreamer")
GPU = [{"uuid": "GPU-a", "name": "RTX 3090", "mem": 24576, "compute_cap": "8.6", "driver": "550.54.14"}]
CUDA = re.compile(r"nvidia/label/cuda-(\d+)\.(\d+)\.\d+")


@pytest.fixture
def machine(tmp_path):
    """Variables of a machine that has the stand-in on PATH and no GPU."""
    tools = tmp_path / "tools"
    tools.mkdir()
    program = tools / "micromamba"
    program.write_text('#!/bin/sh\nexec %s %s "$@"\n' % (sys.executable, FAKE))
    program.chmod(0o755)
    return {
        "PATH": "%s:/usr/bin:/bin" % tools,
        "HOME": str(tmp_path),
        "FAKE_MAMBA_LOG": str(tmp_path / "asked.jsonl"),
        "TOPFORGE_CACHE": str(tmp_path / "cache"),
        "TOPFORGE_FAKE_GPUS": "[]",
        "PYTHONPATH": "/poisoned",
    }


@pytest.fixture
def create(machine, tmp_path):
    """Runs `topforge env create WORDS`; returns the finished process."""

    def run(*words, **more):
        command = [sys.executable, str(REPOSITORY / "pipeline" / "topforge"), "env", "create", *map(str, words)]
        variables = {**machine, **more}
        return subprocess.run(command, env=variables, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


def asked(tmp_path):
    return [json.loads(line) for line in (tmp_path / "asked.jsonl").read_text().splitlines()]


def checkout(tmp_path, name, lines):
    folder = tmp_path / "checkout"
    folder.mkdir()
    for package in recipes.get(name).packages:
        (folder / package).mkdir(parents=True)
        (folder / package / "README.md").write_text("")
    (folder / recipes.get(name).requirements).write_text("\n".join(lines) + "\n")
    return folder


def test_nvdiffrec_is_made_in_order_with_the_variables_that_builds_need(create, tmp_path):
    ended = create("nvdiffrec", "--architectures", "8.6,90")
    prefix = tmp_path / "envs" / "topforge-nvdiffrec"
    first, second, wheels, build = asked(tmp_path)
    assert first["asked"] == ["info", "--json"]
    assert second["asked"][:3] == ["create", "--prefix", str(prefix)]
    assert second["asked"][4].endswith("nvdiffrec.yml")
    assert wheels["pip"][-1].endswith("nvdiffrec.wheels.txt")
    assert "--no-build-isolation" not in wheels["pip"]
    assert "--no-build-isolation" in build["pip"]
    assert build["pip"][-1].endswith("nvdiffrec.build.txt")
    assert build["pip"][-3].endswith("nvdiffrec.wheels.txt"), "what is compiled must not bring another torch"
    seen = build["variables"]
    assert seen["TCNN_CUDA_ARCHITECTURES"] == "86;90"
    assert seen["TORCH_CUDA_ARCH_LIST"] == "8.6;9.0"
    assert seen["CC"] == str(prefix / "bin" / "x86_64-conda-linux-gnu-gcc")
    assert seen["CUDA_HOME"] == seen["CONDA_PREFIX"] == str(prefix)
    assert seen["PATH"].startswith(str(prefix / "bin") + ":")
    assert seen["PYTHONPATH"] is None
    assert seen["PYTHONHOME"] is None
    # judged afterwards: the stand-in's torch has no CUDA and there is no device, and the doctor says so
    assert ended.returncode == 1
    assert "TopForge doctor for nvdiffrec" in ended.stdout
    assert "this torch is a CPU build" in ended.stdout
    assert "nvdiffrec will not run here" in ended.stdout


def test_the_built_in_trainers_environment_from_wheels_alone_passes_its_doctor(create, tmp_path):
    ended = create("topforge", "--with", "micromamba")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "topforge is ready to run here" in ended.stdout
    *_, wheels = asked(tmp_path)
    assert set(private_environment.requirements(REPOSITORY, "train")) <= set(wheels["pip"])
    assert not [word for word in wheels["pip"] if "git+" in word]


def test_later_items_see_the_same_compilers(create, tmp_path, machine):
    create("nvdiffmodeling", "--architectures", "86", "--prefix", tmp_path / "own")
    command = [sys.executable, str(REPOSITORY / "pipeline" / "topforge"), "env", str(tmp_path / "own")]
    shown = subprocess.run([*command, "--format", "exports"], env=machine, capture_output=True, text=True, check=True)
    assert "export CC=%s/bin/x86_64-conda-linux-gnu-gcc" % (tmp_path / "own") in shown.stdout
    assert "export LIBRARY_PATH=%s/lib" % (tmp_path / "own") in shown.stdout


def test_another_compiler_brings_its_cxx_along(create, tmp_path):
    create("nvdiffrec", "--architectures", "86", "--compiler", "/usr/bin/gcc-11")
    seen = asked(tmp_path)[-1]["variables"]
    assert (seen["CC"], seen["CXX"]) == ("/usr/bin/gcc-11", "/usr/bin/g++-11")


def test_the_checkouts_own_list_is_installed_without_what_is_pinned(create, tmp_path):
    lines = ["torch", "wandb  # logs", "git+https://github.com/NVlabs/tiny-cuda-nn/#subdirectory=bindings/torch"]
    lines += ["numpy>=1", "# a comment", "pyyaml==6.0", "nerfacc @ git+https://example.org/nerfacc"]
    create("neuralangelo", "--architectures", "86", "--checkout", checkout(tmp_path, "neuralangelo", lines))
    own, build = (each["pip"] for each in asked(tmp_path)[-2:])
    assert own[own.index("-c") + 1].endswith("neuralangelo.wheels.txt")
    assert Path(own[own.index("-r") + 1]).read_text().splitlines() == ["wandb", "pyyaml==6.0"]
    assert Path(build[-1]).read_text().splitlines() == ["nerfacc @ git+https://example.org/nerfacc"]
    assert "--no-build-isolation" in build


def test_a_submodule_is_installed_and_must_be_there(create, tmp_path):
    folder = checkout(tmp_path, "richdreamer", ["einops"])
    submodule = folder / "extern" / "nd_sd"
    shutil.rmtree(submodule)
    ended = create("richdreamer", "--architectures", "86", "--checkout", folder)
    assert ended.returncode == 78
    assert "git submodule update" in ended.stderr
    submodule.mkdir()
    (submodule / "setup.py").write_text("")
    create("richdreamer", "--architectures", "86", "--checkout", folder)
    assert asked(tmp_path)[-1]["pip"][-2:] == ["-e", str(submodule)]


@pytest.mark.parametrize("name", ["neuralangelo", "richdreamer"])
def test_without_the_checkout_nothing_starts(create, tmp_path, name):
    ended = create(name, "--architectures", "86")
    assert ended.returncode == 78
    assert recipes.get(name).requirements in ended.stderr
    assert "--checkout" in ended.stderr
    assert not (tmp_path / "envs").exists()


@pytest.mark.parametrize(
    ("fault", "title", "log"),
    [("solve", "Python and tools", "Could not solve"), ("build", "Compiled packages", "filesystem: No such file")],
)
def test_a_failed_step_is_named_and_ends_it(create, fault, title, log):
    ended = create("nvdiffrec", "--architectures", "86", FAKE_MAMBA_FAULT=fault)
    assert ended.returncode == 74
    assert title in ended.stderr
    assert log in ended.stderr
    assert "doctor" not in ended.stdout


def test_what_is_there_is_completed_and_not_made_anew(create, tmp_path):
    create("nvdiffrec", "--architectures", "86", FAKE_MAMBA_FAULT="build")
    (tmp_path / "asked.jsonl").unlink()
    ended = create("nvdiffrec", "--architectures", "86")
    assert "there already" in ended.stdout
    assert [next(iter(each)) for each in asked(tmp_path)] == ["asked", "pip", "pip"]


def test_another_folder_is_never_filled(create, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_text("")
    ended = create("nvdiffrec", "--architectures", "86", "--prefix", tmp_path / "photos")
    assert ended.returncode == 78
    assert "is no conda environment" in ended.stderr
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["one.jpg"]


def test_without_a_gpu_the_devices_must_be_named(create, tmp_path):
    ended = create("nvdiffrec")
    assert ended.returncode == 78
    assert "--architectures" in ended.stderr
    assert create("nvdiffrec", "--architectures", "RTX").returncode == 78
    create("nvdiffrec", TOPFORGE_FAKE_GPUS=json.dumps(GPU))
    assert asked(tmp_path)[-1]["variables"]["TCNN_CUDA_ARCHITECTURES"] == "86"


def test_without_conda_it_says_what_to_install(create):
    ended = create("nvdiffrec", "--architectures", "86", PATH="/usr/bin:/bin")
    assert ended.returncode == 78
    assert "Neither micromamba nor mamba nor conda was found" in ended.stderr
    assert "--print" in ended.stderr


@pytest.mark.parametrize("name", TRAINERS)
def test_the_printed_commands_do_the_same_when_pasted_into_a_shell(create, machine, tmp_path, name):
    words = [name, "--architectures", "86", "--prefix", tmp_path / "with space" / "made"]
    if recipes.get(name).requirements:
        words += ["--checkout", checkout(tmp_path, name, ["einops", "$HOME`x`==1"])]
    shown = create(*words, "--print")
    assert shown.returncode == 0, shown.stderr
    assert not (tmp_path / "asked.jsonl").exists()
    tools = Path(machine["PATH"].split(":")[0])
    program = tools / "topforge"
    program.write_text(
        '#!/bin/sh\nunset PYTHONPATH\nexec %s %s "$@"\n' % (sys.executable, REPOSITORY / "pipeline" / "topforge")
    )
    program.chmod(0o755)
    pasted = subprocess.run(["sh"], input=shown.stdout, env=machine, cwd=tmp_path, capture_output=True, text=True)
    assert "TopForge doctor for %s" % name in pasted.stdout, pasted.stderr
    by_hand = [each for each in asked(tmp_path) if "pip" in each]
    (tmp_path / "asked.jsonl").unlink()
    assert subprocess.run(["mv", str(tmp_path / "with space"), str(tmp_path / "gone")]).returncode == 0
    create(*words)
    by_us = [each for each in asked(tmp_path) if "pip" in each]
    assert len(by_hand) == len(by_us) >= 2
    for hand, us in zip(by_hand, by_us):
        assert [Path(word).name for word in hand["pip"]] == [Path(word).name for word in us["pip"]]
        assert {**hand["variables"], "PATH": ""} == {**us["variables"], "PATH": ""}


def test_the_doctors_packages_and_pythons_are_what_is_pinned():
    for name in TRAINERS:
        recipe = recipes.get(name)
        pinned = {*recipe.pinned(), *({"diffusers"} if name == "richdreamer" else set())}  # in its checkout's list
        assert set(TARGETS[name].modules) <= pinned
        version = re.search(r"^ *- python=(\d+)\.(\d+)$", recipe.conda_file.read_text(), re.MULTILINE)
        oldest, newest = TARGETS[name].pythons
        assert oldest <= (int(version.group(1)), int(version.group(2))) <= newest


@pytest.mark.parametrize("name", TRAINERS)
def test_the_toolkit_is_that_of_torch_and_every_pin_has_a_reason(name):
    recipe = recipes.get(name)
    toolkit = "".join(CUDA.search(recipe.conda_file.read_text()).groups())
    wheels = recipe.wheels_file.read_text()
    assert re.search(r"^torch==[\d.]+\+cu%s$" % toolkit, wheels, re.MULTILINE)
    assert re.search(r"^numpy==1\.", wheels, re.MULTILINE)
    assert re.search(r"setuptools=(6\d|7[01])\.", recipe.conda_file.read_text())
    for path in recipe.files:
        for line in path.read_text().splitlines():
            assert re.match(
                r"^\s*(#|$|- |channels:|dependencies:|--extra-index-url )|^[\w-]+(==| @ git\+\S+@)\S+", line
            ), line


def test_programs_are_found_where_shells_and_installers_put_them(tmp_path):
    root = tmp_path / "miniforge3"
    (root / "bin").mkdir(parents=True)
    conda = root / "bin" / "conda"
    conda.write_text("#!/bin/sh\n")
    conda.chmod(0o755)
    nothing = {"PATH": str(tmp_path)}
    assert managers.find(None, nothing, tmp_path).executable == str(conda)
    assert managers.find("conda", {**nothing, "CONDA_EXE": str(conda)}, Path("/nowhere")).name == "conda"
    assert managers.find(str(conda), nothing, Path("/nowhere")).create("P", "F")[1:3] == ("env", "create")
    with pytest.raises(managers.NoManagerError, match="No mamba was found"):
        managers.find("mamba", nothing, tmp_path)


def test_a_silent_program_is_asked_for_a_prefix(create, tmp_path):
    silent = tmp_path / "conda"
    silent.write_text("#!/bin/sh\necho nothing\n")
    silent.chmod(0o755)
    ended = create("nvdiffrec", "--architectures", "86", "--with", silent)
    assert ended.returncode == 78
    assert "--prefix" in ended.stderr


def test_the_built_in_trainers_default_is_its_private_environment(create, tmp_path):
    private = tmp_path / "private"
    venv.create(private, with_pip=False, symlinks=True)
    digests = private_environment._digests(REPOSITORY, ["train", "poses"])
    (private / private_environment.MARKER).write_text(json.dumps(digests))  # complete already: nothing is installed
    ended = create("topforge", TOPFORGE_ENV=str(private))
    assert ended.returncode == 1, "it is empty, and the doctor says so"
    assert str(private) in ended.stdout
    assert "topforge will not run here" in ended.stdout
    assert not (tmp_path / "asked.jsonl").exists()


def test_an_unknown_group_of_packages_is_told():
    command = [sys.executable, str(REPOSITORY / "scripts" / "make_env.py"), "pose"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 78
    assert "Known: houdini-test, poses, test, train." in ended.stderr
