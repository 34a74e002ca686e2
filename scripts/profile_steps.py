#!/usr/bin/env python3
"""What an iteration costs on this machine: milliseconds by the clock, time the GPU is busy, launches, memory.

    python3 scripts/profile_steps.py --dataset bob_tri.obj --envmap light.hdr            # nvdiffrec's configs/bob.json
    python3 scripts/profile_steps.py --dataset capture/ --set batch=8 --set dmtet_grid=128
    python3 scripts/profile_steps.py --dataset capture/ --set capture=off --kernels 40   # launched one by one

Trains for as many iterations as it measures, in the trainer itself, once for each shape of an iteration: pass 1 at half
and at full resolution, pass 2. Prints a table, and which kernels took the time. Nothing is delivered.
"""

import argparse
import collections
import dataclasses
import json
import re
import sys
import tempfile
import time
from pathlib import Path

import torch

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge_train import __main__ as trainer  # noqa: E402
from topforge_train.training import loop  # noqa: E402
from topforge_train.training.step import Step  # noqa: E402

BOB = {
    "batch": 4,
    "train_res": [512, 512],
    "texture_res": [1024, 1024],
    "learning_rate": [0.03, 0.003],
    "dmtet_grid": 64,
    "mesh_scale": 2.1,
    "ks_min": [0, 0.25, 0],
    "env_scale": 2.0,
}
WARM, CLOCKED, PROFILED = 30, 50, 10
"""Iterations of a shape before anything is measured, by the clock, and under the profiler."""


@dataclasses.dataclass
class Cost:
    """Of one iteration of a shape, means; times in milliseconds."""

    slowest: float = 0.0  # before anything is measured: what compiles or captures
    clock: float = 0.0
    busy: float = 0.0
    launches: float = 0.0
    kernels: list = dataclasses.field(default_factory=list)
    lengths: dict = dataclasses.field(default_factory=dict)
    peak: float = 0.0


FOUND = collections.OrderedDict()


class MeasuredStep(Step):
    """Iterations that look at the clock."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._counts = collections.Counter()
        self._began = 0.0
        self._profiler = None

    def run(self, step, drawn):
        key = (self.training.number, *drawn.shape)
        self._counts[key] += 1
        count = self._counts[key] - WARM
        if count in (0, CLOCKED, CLOCKED + PROFILED):
            self._mark(FOUND.setdefault(key, Cost()), count)
        began = time.perf_counter()
        super().run(step, drawn)
        if count < 0:
            cost = FOUND.setdefault(key, Cost())
            cost.slowest = max(cost.slowest, (time.perf_counter() - began) * 1000)

    def _mark(self, cost, count):
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.perf_counter()
        if count == 0:
            self._began = now
        elif count == CLOCKED:
            cost.clock = (now - self._began) / CLOCKED * 1000
            self._profiler = torch.profiler.profile() if self.device.type == "cuda" else None
            if self._profiler:
                self._profiler.start()
        elif self._profiler:
            self._profiler.stop()
            self._read(cost)
        if count:
            cost.lengths = self.latest.lengths
            if self.device.type == "cuda":
                cost.peak = torch.cuda.max_memory_allocated() / 2**20

    def _read(self, cost):
        times = collections.defaultdict(list)
        for event in self._profiler.events():
            if event.device_type == torch.autograd.DeviceType.CUDA:
                times[event.name].append(event.time_range.elapsed_us())
        cost.launches = sum(map(len, times.values())) / PROFILED
        cost.busy = sum(map(sum, times.values())) / PROFILED / 1000
        cost.kernels = sorted(((sum(t) / PROFILED, len(t) / PROFILED, name) for name, t in times.items()), reverse=True)


def plain(name):
    """A kernel's name without what C++ puts around it."""
    name = re.sub(r"^void |at::native::|\(anonymous namespace\)::|<unnamed>::", "", name)
    functor = re.findall(r"(\w+(?:Functor|_kernel_cuda|_kernel_impl|Ops?))\b", name)
    return (name.split("<")[0].split("(")[0] + (" " + functor[0] if functor else ""))[:70]


def table(found, kernels):
    """Lines of text."""
    shown = ["pass  level  views |  clock ms   busy ms  launches   peak MiB  slowest ms | lists"]
    for (number, level, views), cost in found.items():
        numbers = (number + 1, level, views, cost.clock, cost.busy, cost.launches, cost.peak, cost.slowest)
        lengths = ", ".join("%s %d" % item for item in cost.lengths.items())
        shown.append("%4d %6d %6d | %9.2f %9.2f %9.0f %10.0f %11.0f | %s" % (*numbers, lengths))
    for key, cost in found.items():
        merged = collections.Counter(), collections.Counter()
        for microseconds, count, name in cost.kernels:
            merged[0][plain(name)] += microseconds
            merged[1][plain(name)] += count
        if merged[0]:
            shown.append("\npass %d, level %d, %d views: microseconds, launches, kernel" % (key[0] + 1, *key[1:]))
        shown += ["%9.1f %6.1f  %s" % (t, merged[1][name], name) for name, t in merged[0].most_common(kernels)]
    return "\n".join(shown)


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, required=True, help="a capture's folder, or a mesh (.obj)")
    parser.add_argument("--envmap", type=Path, help="light of a reference mesh (.hdr)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="an option of the trainer")
    parser.add_argument("--kernels", type=int, default=25, help="how many kernels to list")
    parser.add_argument("--json", type=Path, help="also write all figures there")
    arguments = parser.parse_args()
    each = WARM + CLOCKED + PROFILED + 2
    options = {**BOB, "iter": 2 * each, "coarse_share": 0.5, "save_interval": 0, "checkpoint_interval": 0}
    if arguments.envmap:
        options["envmap"] = str(arguments.envmap.resolve())
    for setting in arguments.set:
        key, _, value = setting.partition("=")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value  # a word
    loop.Step = MeasuredStep
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "config.json"
        config.write_text(json.dumps(options))
        words = ["--config", config, "--dataset", arguments.dataset.resolve(), "--output", folder]
        words += ["--checkpoints", folder, "--previews", folder]
        trainer.deliver.deliver = lambda *_: None
        code = trainer.main(list(map(str, words)))
    print(table(FOUND, arguments.kernels), flush=True)
    if arguments.json:
        figures = {" ".join(map(str, key)): dataclasses.asdict(cost) for key, cost in FOUND.items()}
        arguments.json.write_text(json.dumps(figures, indent=1))
    return code


if __name__ == "__main__":
    sys.exit(main())
