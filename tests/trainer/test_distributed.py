"""Several processes that train together, with gloo on this machine's CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from topforge_train.training import distributed
from topforge_train.training.distributed import Ranks

PIPELINE = Path(__file__).resolve().parents[2] / "pipeline"
STARTED = dict.fromkeys(distributed.SET_BY_TORCHRUN, "0")


def torchrun(folder, count, *words, timeout=240):
    """Exit code and output of `count` processes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(count), *words]
    environment = {**os.environ, "PYTHONPATH": str(PIPELINE), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, cwd=str(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout
    )
    return done.returncode, done.stdout.decode()


def test_only_all_of_torchruns_variables_together_count():
    assert distributed.is_started_by_torchrun(STARTED)
    for name in STARTED:
        assert not distributed.is_started_by_torchrun({key: value for key, value in STARTED.items() if key != name})
    assert not distributed.is_started_by_torchrun({"WORLD_SIZE": "2"})


@pytest.mark.parametrize(
    ("visible", "local", "expected"),
    [(None, "1", "1"), ("GPU-a,GPU-b", "1", "GPU-b"), ("3,5", "0", "3"), ("", "2", "2")],
)
def test_a_rank_sees_the_gpu_of_its_own(visible, local, expected):
    variables = {"LOCAL_RANK": local}
    if visible is not None:
        variables["CUDA_VISIBLE_DEVICES"] = visible
    distributed.claim_device(variables)
    assert variables["CUDA_VISIBLE_DEVICES"] == expected


def test_alone_nothing_changes():
    parameter = torch.nn.Parameter(torch.ones(3))
    values = torch.tensor([2.0])
    ranks = Ranks()
    ranks.average([parameter], values)
    ranks.equalise({"a": parameter})
    assert parameter.grad is None
    assert torch.equal(ranks.share(torch.arange(4)), torch.arange(4))
    assert ranks.greatest(1.0, 2.0) == [1.0, 2.0]
    assert ranks.gathered(["a"]) == ["a"]


def test_shares_are_all_of_what_was_drawn_once():
    drawn = torch.arange(6)
    assert torch.cat([Ranks(rank, 3).share(drawn) for rank in range(3)]).tolist() == list(range(6))


EXCHANGES = """
import json, sys, torch
from topforge_train.training import distributed
ranks = distributed.join("cpu")
one, other = (torch.nn.Parameter(torch.zeros(n)) for n in (2, 3))
one.grad = torch.full((2,), float(ranks.rank))
if ranks.rank: other.grad = torch.ones(3)
values = torch.tensor([float(ranks.rank), float("nan") if ranks.rank else 1.0])
before = one.grad
ranks.average([one, other], values)
assert one.grad is before  # captured work refers to it
state = {"a": [torch.full((2,), float(ranks.rank + 5))], "b": torch.tensor([ranks.rank])}
ranks.equalise(state)
made = {"t": torch.arange(3, dtype=torch.int32), "v": torch.ones(2, 2)} if ranks.is_first else None
received = ranks.from_first(made, torch.device("cpu"))
result = [one.grad.tolist(), other.grad.tolist(), values[0].item(), bool(values[1].isnan()), state["a"][0].tolist(),
          state["b"].tolist(), received["t"].tolist(), str(received["t"].dtype),
          ranks.greatest(ranks.rank, -ranks.rank), ranks.gathered(["both", "rank %d" % ranks.rank])]
open("rank-%d.json" % ranks.rank, "w").write(json.dumps(result))
ranks.leave()
"""


def test_two_processes_exchange(tmp_path):
    (tmp_path / "exchanges.py").write_text(EXCHANGES)
    code, text = torchrun(tmp_path, 2, "exchanges.py")
    assert code == 0, text
    results = [json.loads((tmp_path / ("rank-%d.json" % rank)).read_text()) for rank in (0, 1)]
    assert results[0] == results[1]
    assert results[0] == [
        [0.5, 0.5],
        [0.5, 0.5, 0.5],
        0.5,
        True,
        [5.0, 5.0],
        [0],
        [0, 1, 2],
        "torch.int32",
        [1.0, 0.0],
        ["both", "rank 0", "rank 1"],
    ]
