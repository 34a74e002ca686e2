"""Pictures that are written in threads: the same files, all of them, and failures that are told."""

import subprocess
import sys
import time
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from topforge_train.evaluation import pictures
from topforge_train.evaluation.pictures import WAITING, PictureWriter

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"


def image(seed):
    return torch.rand(20, 30, 3, generator=torch.Generator().manual_seed(seed)) * 1.2 - 0.1


def test_all_are_there_as_imageio_writes_them(tmp_path):
    writer = PictureWriter()
    for number in range(20):
        writer.write(tmp_path / ("%d.png" % number), image(number))
    writer.finish()
    for number in range(20):
        pixels = (image(number).clamp(0, 1) * 255.0 + 0.5).to(torch.uint8).numpy()
        imageio.imwrite(tmp_path / "expected.png", pixels)
        assert (tmp_path / ("%d.png" % number)).read_bytes() == (tmp_path / "expected.png").read_bytes()
    assert len(list(tmp_path.iterdir())) == 21


def test_few_wait_at_a_time(tmp_path, monkeypatch):
    finished = []

    def slow(path, pixels):
        time.sleep(0.002)
        finished.append(path)

    monkeypatch.setattr(pictures, "_write", slow)
    writer, most = PictureWriter(), WAITING * torch.get_num_threads()
    for number in range(5 * most):
        writer.write(tmp_path / str(number), image(0)[:2, :2])
        assert number + 1 - len(finished) <= most
    writer.finish()
    assert len(finished) == 5 * most


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path):
    writer = PictureWriter()
    writer.write(tmp_path / "missing" / "a.png", image(0))
    with pytest.raises(FileNotFoundError):
        writer.finish()
    writer.finish()


PROGRAM = """
import sys, torch
from pathlib import Path
from topforge_train.evaluation.pictures import PictureWriter
PictureWriter().write(Path(sys.argv[1]), torch.ones(1500, 1500, 3))
sys.exit(143)
"""


def test_a_process_that_ends_writes_what_was_begun(tmp_path):
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "a.png")]
    done = subprocess.run(command, env={"PYTHONPATH": str(PIPELINE)}, check=False)
    assert done.returncode == 143
    assert np.asarray(imageio.imread(tmp_path / "a.png")).min() == 255
