"""Neuralangelo's log: how far it is, and what its failures mean. Pure."""

from __future__ import annotations

import dataclasses
import re
from typing import Optional, Tuple

from topforge.errors import FailureClass
from topforge.trainers.base import Report
from topforge.trainers.upstream.failures import Failure

TRAIN, EXTRACT, DELIVER = "train", "extract", "deliver"
"""Stages, as reports name them."""

_BAR = re.compile(r"^Training epoch (\d+):\s*(\d+)%\|.*?\|\s*(\d+)/(\d+).*?\biter=(\d+)\]?")
_EPOCH = re.compile(r"^Epoch: (\d+), total time: ([0-9.]+|nan|inf)\.")
_ITERATION = re.compile(r"^Iteration: (\d+), average iter time: ([0-9.]+|nan|inf)\.")
_RESOLUTION = re.compile(r"^Extracting surface at resolution (\d+) (\d+) (\d+)")
_BLOCKS = re.compile(r"^(?:[^:|]*:)?\s*(\d+)%\|.*?\|\s*(\d+)/(\d+)\s*\[")
_COUNT = re.compile(r"\b(vertices|faces|colors): (\d+)")
_TOLD = 1000
"""Of all iterations so many are reported at least."""
_STARTS: Tuple[Tuple[str, str, str], ...] = (
    ("Training with ", TRAIN, "starting"),
    ("Training from scratch.", TRAIN, "from scratch"),
    ("Loading checkpoint (local): ", TRAIN, "continuing from a checkpoint"),
    ("Evaluating with ", TRAIN, "rendering held-out views"),
    ("Saved checkpoint to ", TRAIN, "checkpoint saved"),
    ("Running mesh extraction with ", EXTRACT, "starting"),
)


def parse(line: str) -> Optional[Report]:
    """What a line says; None for one without meaning. Stage and step alone: the adapter knows how many there are."""
    text = line.strip()
    bar = _BAR.match(text)
    if bar:
        report = Report(step=int(bar.group(5)), stage=TRAIN, message="epoch %s, iteration %s" % bar.group(1, 5))
        said = parse(text[bar.end() :])  # what upstream prints while it trains comes behind the bar, in its line
        return report if said is None else dataclasses.replace(said, step=report.step)
    iteration = _ITERATION.match(text)
    if iteration:
        seconds = float(iteration.group(2))
        return Report(step=int(iteration.group(1)), stage=TRAIN, metrics={"seconds_per_iteration": seconds})
    epoch = _EPOCH.match(text)
    if epoch:
        metrics = {"epoch": float(epoch.group(1)), "seconds_per_epoch": float(epoch.group(2))}
        return Report(stage=TRAIN, message="epoch %s is over" % epoch.group(1), metrics=metrics)
    if text.startswith("Done with training"):
        return Report(progress=1.0, stage=TRAIN, message="done")
    return _parse_extraction(text) or next(
        (Report(stage=stage, message=says) for start, stage, says in _STARTS if text.startswith(start)), None
    )


def _parse_extraction(text: str) -> Optional[Report]:
    resolution = _RESOLUTION.match(text)
    if resolution:
        return Report(stage=EXTRACT, message="at %s x %s x %s cells" % resolution.groups())
    blocks = _BLOCKS.match(text)
    if blocks and int(blocks.group(3)):
        done, total = int(blocks.group(2)), int(blocks.group(3))
        return Report(progress=min(1.0, done / total), stage=EXTRACT, message="block %d of %d" % (done, total))
    counts = _COUNT.findall(text)
    if counts and text.startswith(("vertices", "faces", "colors")):
        return Report(stage=EXTRACT, metrics={name: float(count) for name, count in counts})
    return None


class Reader:
    """Reads one attempt's lines in order: how many iterations there are, and which bar belongs to which stage."""

    def __init__(self, iterations: int) -> None:
        self._iterations, self._stage, self._told = iterations, TRAIN, 0

    def __call__(self, line: str) -> Optional[Report]:
        """What a line says, with the training's length; bars of held-out views are passed over."""
        report = parse(line)
        if report is None:
            return None
        if line.startswith("Running mesh extraction"):
            self._stage = EXTRACT
        if report.stage != self._stage:
            return None
        return report if report.step is None else self._counted(report, report.step)

    def _counted(self, report: Report, step: int) -> Optional[Report]:
        """With the length; upstream draws its bar anew with each iteration, and a thousandth of them is enough."""
        near = 0 <= step - self._told < max(1, self._iterations // _TOLD)
        if near and not report.metrics:
            return None
        self._told = step
        return dataclasses.replace(report, total=self._iterations)


FAILURES: Tuple[Failure, ...] = (
    Failure(
        r"'list' object has no attribute 'vertices'",
        "The surface is empty: no block of the extraction holds one",
        "Look at the bounding sphere first: it must hold the object. Correct sphere_center and sphere_radius in "
        "transforms.json, or set readjust_center and readjust_scale; then train for more than 20000 iterations.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"Training loss has gone to NaN",
        "The training diverged: its loss is not a number",
        "Lower learning_rate, leave amp off, and check the cameras; a new run continues from the last checkpoint.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"The input key '(?P<name>[^']+)' does not exist in the config files",
        "This checkout knows no key {name}: it is not the version that TopForge's options are made for",
        "Check out the commit that docs/trainers.md names.",
    ),
    Failure(
        r"exitcode\s*:\s*-9|DataLoader worker \(pid.*\) is killed by signal: Killed",
        "The system killed a process: the host's memory was not enough, usually for the photographs held in it",
        "Set preload to false and lower num_workers, or train on smaller photographs (train_image_size).",
        FailureClass.OOM,
    ),
    Failure(
        r"NVMLError|NVML Shared Library Not Found|Driver/library version mismatch",
        "Neuralangelo asks the NVIDIA driver (NVML) when it starts, and it does not answer",
        "Run it on a machine with an NVIDIA GPU and driver; a container needs the driver capability `utility`.",
    ),
    Failure(
        r"libcudart\.so.*cannot open shared object file",
        "libcudart.so, which Neuralangelo loads by name, is on no library path",
        "Install cuda-cudart or cudatoolkit-dev into the environment; its lib folder comes first by itself.",
    ),
    Failure(
        r"api_key not configured|wandb: \(1\) Create a W&B account|wandb: Enter your choice",
        "Weights & Biases asks for a login, which nobody can give here",
        "Leave wandb at disabled or offline, and WANDB_MODE out of the item's environment.",
    ),
    Failure(
        r"No such file or directory: '[^']*projects/neuralangelo/configs/base\.yaml'",
        "The configuration that ours builds on is not in the checkout",
        "Name the root folder of a whole clone of Neuralangelo in checkout.",
    ),
    Failure(
        r"PytorchStreamReader failed|invalid header or archive is corrupted",
        "The checkpoint is damaged, as a killed process or a full disk leaves it",
        "Run the item with --force, which starts anew.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"(?:Size|shape).*mismatch for .*(?:embed|encoding)|Error\(s\) in loading state_dict",
        "The checkpoint is of another model than this configuration describes",
        "Run the item with --force, which starts anew.",
    ),
    Failure(
        r"^topforge-launch: (?P<name>.*)$",
        "{name}",
        "Read the end of the training in the attempt's log; running the item again continues.",
        FailureClass.TRAINER,
    ),
)
"""Neuralangelo's own failures, looked at before those that all trainers share."""
