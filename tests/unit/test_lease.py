"""Leases: exclusive, inherited, never stale."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from topforge.errors import EXIT_BUSY
from topforge.items import Needs
from topforge.running import lease as leases
from topforge.running.gpus import NoSuitableGpuError
from topforge.running.lease import BusyError
from topforge.running.stopping import StopRequest

TWO = json.dumps([{"uuid": "GPU-a", "mem": 8000, "free": 8000}, {"uuid": "GPU-b", "mem": 16000, "free": 2000}])


@pytest.fixture
def variables(tmp_path):
    return {"TOPFORGE_FAKE_GPUS": TWO, "TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}


def acquire(variables, wait=False, on_wait=lambda why: None, **needs):
    with StopRequest() as stop:
        return leases.acquire(Needs(**needs), variables, stop, on_wait, wait)


def test_an_item_without_gpus_leases_nothing(tmp_path):
    lease = acquire({"TOPFORGE_LEASE_FOLDER": str(tmp_path / "leases")}, gpus=0)
    assert (lease.devices, lease.descriptors) == (None, ())
    assert not (tmp_path / "leases").exists()


def test_one_after_the_other_until_all_are_taken(variables):
    first, second = acquire(variables, gpus=1), acquire(variables, gpus=1)
    assert (first.devices, second.devices) == ("GPU-a", "GPU-b")
    with pytest.raises(BusyError, match="GPU 0 is leased by process %d; GPU 1 is leased" % os.getpid()) as error:
        acquire(variables, gpus=1)
    assert error.value.exit_code == EXIT_BUSY
    assert first.release() == []
    assert acquire(variables, gpus=1).devices == "GPU-a"


def test_several_are_leased_together_or_not_at_all(variables):
    both = acquire(variables, gpus=2)
    assert both.devices == "GPU-a,GPU-b"
    both.release()
    one = acquire(variables, gpus=1)
    with pytest.raises(BusyError):
        acquire(variables, gpus=2)
    assert acquire(variables, gpus=1).devices == "GPU-b"
    one.release()


def test_a_device_that_is_full_is_waited_for(variables):
    with pytest.raises(BusyError, match="GPU 1 has 2000 MiB free, needs 12000"):
        acquire(variables, gpus=1, gpu_memory_mib=12000)


def test_what_can_never_be_is_refused_at_once_even_when_waiting(variables):
    with pytest.raises(NoSuitableGpuError):
        acquire(variables, wait=True, gpus=1, gpu_memory_mib=20000)


def test_only_inside_an_outer_assignment(variables):
    variables["CUDA_VISIBLE_DEVICES"] = "1"
    assert acquire(variables, gpus=1).devices == "GPU-b"
    with pytest.raises(BusyError):
        acquire(variables, gpus=1)


def test_the_lease_lives_as_long_as_a_process_that_inherited_it(variables):
    lease = acquire(variables, gpus=1)
    heir = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"], pass_fds=lease.descriptors)
    assert lease.release() == [heir.pid]
    assert acquire(variables, gpus=1).devices == "GPU-b"
    heir.send_signal(signal.SIGKILL)
    heir.wait()
    assert acquire(variables, gpus=1).devices == "GPU-a"


def test_waiting_ends_when_the_holder_does_and_says_why(variables):
    first, second = acquire(variables, gpus=1), acquire(variables, gpus=1)
    told = []

    def on_wait(why):
        told.append(why)
        first.release()

    assert acquire(variables, wait=True, on_wait=on_wait, gpus=1).devices == "GPU-a"
    assert told == [
        "1 GPU of 2 suitable: GPU 0 is leased by process %d; GPU 1 is leased by process %d" % ((os.getpid(),) * 2)
    ]
    second.release()


def test_a_request_to_stop_ends_the_waiting(variables):
    held = acquire(variables, gpus=2)
    started = time.monotonic()
    ask = lambda why: os.kill(os.getpid(), signal.SIGTERM)  # noqa: E731
    assert acquire(variables, wait=True, on_wait=ask, gpus=1) is None
    assert time.monotonic() - started < 5
    held.release()


def test_other_users_may_lock_the_same_files(variables, tmp_path):
    old = os.umask(0o077)
    try:
        acquire(variables, gpus=1)
    finally:
        os.umask(old)
    assert (tmp_path / "leases").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "leases" / "GPU-a.lock").stat().st_mode & 0o777 == 0o666
