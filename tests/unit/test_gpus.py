"""Finding GPUs, and obeying whoever assigned them."""

from __future__ import annotations

import json
import os
import stat

import pytest

from topforge.environments import cuda, environment
from topforge.items import EnvironmentSpec, Needs
from topforge.running import gpus
from topforge.running import lease as leases
from topforge.running.gpus import NoSuitableGpuError
from topforge.running.stopping import StopRequest

FAKES = json.dumps(
    [
        {"uuid": "GPU-aaaa", "mem": 11264, "free": 11000},
        {"uuid": "GPU-bbbb", "mem": 24564, "free": 9000},
        {"uuid": "GPU-cccc", "mem": 24564, "free": 24000},
    ]
)


def uuids(found):
    return [gpu.uuid for gpu in found]


def found(**variables):
    return gpus.inventory({"TOPFORGE_FAKE_GPUS": FAKES, **variables})


def test_the_least_used_comes_first_and_then_the_lowest_index():
    assert uuids(gpus.feasible(found(), Needs(gpus=1))) == ["GPU-aaaa", "GPU-cccc", "GPU-bbbb"]
    assert uuids(gpus.feasible(found(), Needs(gpus=1, gpu_memory_mib=20000))) == ["GPU-cccc", "GPU-bbbb"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ["GPU-aaaa", "GPU-bbbb", "GPU-cccc"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, ["GPU-aaaa", "GPU-bbbb", "GPU-cccc"]),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, ["GPU-cccc", "GPU-aaaa"]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-bb"}, ["GPU-bbbb"]),
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, ["GPU-bbbb"]),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles", "SLURM_JOB_ID": "7"}, []),
        ({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "1"}, ["GPU-bbbb"]),
        ({"CUE_GPU_CORES": "0,2"}, ["GPU-aaaa", "GPU-cccc"]),
        ({"CUE_GPU_CORES": "0,2", "CUDA_VISIBLE_DEVICES": "2"}, ["GPU-cccc"]),
        ({"CUDA_VISIBLE_DEVICES": "MIG-1234"}, ["MIG-1234"]),
    ],
)
def test_an_outer_assignment_is_obeyed(variables, expected):
    assert uuids(found(**variables).gpus) == expected


def test_too_small_is_refused_with_both_sizes():
    with pytest.raises(
        NoSuitableGpuError, match=r"needs 1 GPU with 39\.1 GiB each .*the largest has 24\.0 GiB"
    ) as error:
        gpus.feasible(found(), Needs(gpus=1, gpu_memory_mib=40000))
    assert error.value.exit_code == 78


def test_too_few_are_refused_and_an_assignment_is_named():
    with pytest.raises(NoSuitableGpuError, match="needs 4 GPUs, there are 3"):
        gpus.feasible(found(), Needs(gpus=4))
    with pytest.raises(NoSuitableGpuError, match=r"there is 1 \(CUDA_VISIBLE_DEVICES=2\)"):
        gpus.feasible(found(CUDA_VISIBLE_DEVICES="2"), Needs(gpus=2))
    with pytest.raises(NoSuitableGpuError, match=r"there is none \(CUDA_VISIBLE_DEVICES=-1\)"):
        gpus.feasible(found(CUDA_VISIBLE_DEVICES="-1"), Needs(gpus=1))


def test_nvidia_smi_is_read():
    text = "0, GPU-1f, NVIDIA RTX A6000, 49140, 48000\n1, GPU-2e, NVIDIA A100, [N/A], [N/A]\n"
    first, second = gpus.parse_query(text).gpus
    assert (first.index, first.uuid, first.name, first.memory_mib, first.free_mib) == (
        0,
        "GPU-1f",
        "NVIDIA RTX A6000",
        49140,
        48000,
    )
    assert (second.memory_mib, second.fits(10**6), second.fits_now(10**6)) == (None, True, True)
    assert gpus.parse_query("No devices were found\n").gpus == ()


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (None, "not installed"),
        (
            "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9",
            "could not communicate",
        ),
        ("exit 3", "exit 3"),
        ("echo surprise", "surprise"),
    ],
)
def test_without_a_driver_there_is_no_gpu_and_the_reason_is_told(tmp_path, monkeypatch, script, problem):
    if script is not None:
        path = tmp_path / "nvidia-smi"
        path.write_text("#!/bin/sh\n%s\n" % script)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + "/bin" if script else str(tmp_path))
    result = gpus.inventory({})
    assert result.gpus == ()
    assert problem in result.problem
    with pytest.raises(NoSuitableGpuError, match=problem):
        gpus.feasible(result, Needs(gpus=1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GPU-a", "as JSON, line 1"),
        ("{}", "it is not a list"),
        ('["GPU-a"]', "device 0"),
        ('[{"uuid": "GPU-a"}, {"mem": 24564}]', "device 1: uuid is missing"),
        ('[{"uuid": "GPU-a", "mem": "24 GB"}]', 'device 0: mem = "24 GB" is not allowed'),
        ('[{"uuid": "GPU-a", "memory": 24564}]', "device 0: memory is not an option"),
        ('[{"uuid": "GPU-a", "free": -1}]', "device 0: free = -1"),
    ],
)
def test_a_malformed_stand_in_is_refused_by_name(text, expected):
    for ask in (gpus.inventory, cuda.query_capabilities):
        with pytest.raises(gpus.FakeInventoryError) as caught:
            ask({"TOPFORGE_FAKE_GPUS": text})
        assert caught.value.reason.startswith("TOPFORGE_FAKE_GPUS: ")
        assert expected in caught.value.reason
        assert caught.value.exit_code == 78


def test_what_is_leased_is_what_the_environment_is_made_for(tmp_path):
    """Two kinds of device: the trainer sees the leased one, and extensions are compiled for it and no other."""
    kinds = [
        {"uuid": "GPU-a", "mem": 8000, "compute_cap": "7.5"},
        {"uuid": "GPU-b", "mem": 24000, "compute_cap": "8.6"},
    ]
    variables = {"TOPFORGE_FAKE_GPUS": json.dumps(kinds), "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}
    for memory, uuid, architecture in ((20000, "GPU-b", "86"), (6000, "GPU-a", "75")):
        lease = leases.acquire(Needs(gpus=1, gpu_memory_mib=memory), variables, StopRequest(), lambda why: None)
        resolved = environment.resolve(EnvironmentSpec(), variables, lease.devices)
        assert resolved.variables["CUDA_VISIBLE_DEVICES"] == uuid
        assert resolved.variables["TCNN_CUDA_ARCHITECTURES"] == architecture
        assert lease.release() == []
