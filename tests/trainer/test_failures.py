"""What exceptions of the trainer come out as: the class, exit code and lines that the runner sees."""

import errno
import os

import numpy as np
import pytest
import torch

from topforge.errors import FailureClass
from topforge.trainers.builtin import ADAPTER
from topforge_train import __main__ as trainer

NAMES = ("config", "dataset", "output", "checkpoints", "previews")
ARGUMENTS = [word for name in NAMES for word in ("--" + name, "unused")]


def ask_too_much_of_torch():
    torch.empty(2**60)


def ask_too_much_of_numpy():
    np.zeros(2**50)


def raise_cuda_out_of_memory():
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.77 GiB.\nSee documentation")


def raise_system_error(number):
    def fail():
        raise OSError(number, os.strerror(number), "/mnt/share/run")

    return fail


def open_a_missing_file():
    open("/nonexistent/light.hdr")  # noqa: SIM115, PTH123


CASES = {
    "torch memory": (ask_too_much_of_torch, FailureClass.OOM, 71, "4611686018427387904 bytes"),
    "numpy memory": (ask_too_much_of_numpy, FailureClass.OOM, 71, "8.00 PiB"),
    "device memory": (raise_cuda_out_of_memory, FailureClass.OOM, 71, "9.77 GiB"),
    "plain MemoryError": (lambda: (_ for _ in ()).throw(MemoryError()), FailureClass.OOM, 71, "MemoryError"),
    "disk full": (raise_system_error(errno.ENOSPC), FailureClass.INFRA, 74, "/mnt/share/run"),
    "lost mount": (raise_system_error(errno.ESTALE), FailureClass.INFRA, 74, "/mnt/share/run"),
    "read only": (raise_system_error(errno.EROFS), FailureClass.CONFIG, 78, "/mnt/share/run"),
    "missing file": (open_a_missing_file, FailureClass.CONFIG, 78, "/nonexistent/light.hdr"),
}


@pytest.mark.parametrize("case", CASES)
def test_class_exit_code_and_what_it_says(case, monkeypatch, capsys):
    fail, kind, code, words = CASES[case]
    monkeypatch.setattr(trainer, "open_session", lambda _: fail())
    assert trainer.main(ARGUMENTS) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Traceback")
    found = ADAPTER.diagnose(code, lines)
    assert found.failure_class is kind
    assert words in found.reason
    assert found.fix


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(trainer, "open_session", lambda _: {}["key"])
    with pytest.raises(KeyError):
        trainer.main(ARGUMENTS)
