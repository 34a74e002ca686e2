"""The one module that knows every file name inside a run folder.

One item is one folder. A file that carries its final name is complete: everything is written under a temporary name
and renamed. `result.json` is written last of all; it exists if and only if the outputs are complete.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path


def absolute(path: Path) -> Path:
    """`path` from the root and without `..`; links stay as the person named them, unlike with `Path.resolve`."""
    return Path(os.path.abspath(str(path)))  # noqa: PTH100


@dataclasses.dataclass(frozen=True)
class RunPaths:
    """Names inside one run folder. Pure: asking for a path creates nothing."""

    run: Path
    """The run folder, absolute."""

    @property
    def item(self) -> Path:
        """What to do (written by whoever expands the job; never changed afterwards)."""
        return self.run / "item.json"

    @property
    def state(self) -> Path:
        """Where the item stands, readable at any time without TopForge."""
        return self.run / "state.json"

    @property
    def metrics(self) -> Path:
        """One CSV row for each reported step: `step,total,stage,loss,psnr,...,seconds`."""
        return self.run / "metrics.csv"

    @property
    def latest_log(self) -> Path:
        """A copy-free name (link, or file on systems without) for the newest attempt's log."""
        return self.run / "latest.log"

    def attempt_log(self, attempt: int) -> Path:
        """The raw output of attempt number `attempt` (from 1)."""
        return self.run / ("attempt-%d.log" % attempt)

    @property
    def previews(self) -> Path:
        """Pictures written while the trainer works."""
        return self.run / "previews"

    @property
    def checkpoint(self) -> Path:
        """The trainer's saved states. Kept until the result is published."""
        return self.run / "checkpoint"

    @property
    def checkpoint_owner(self) -> Path:
        """Names the work that the saved states belong to; they are never handed to another."""
        return self.run / ".checkpoint-owner"

    def foreign_checkpoint(self, owner: str) -> Path:
        """Where saved states of other work, named `owner`, are kept aside."""
        return self.run / ("checkpoint-%s" % owner[:12])

    @property
    def work(self) -> Path:
        """Scratch of the running attempt: generated config, the trainer's raw output tree. Never read by others."""
        return self.run / "work"

    @property
    def config(self) -> Path:
        """The config file handed to the trainer, generated from `item.json`."""
        return self.work / "config.json"

    @property
    def output(self) -> Path:
        """The trainer's output tree; becomes `result/` by one rename when it is complete and valid."""
        return self.work / "output"

    @property
    def result(self) -> Path:
        """The published outputs."""
        return self.run / "result"

    @property
    def manifest(self) -> Path:
        """`result.json`: outputs with sizes and hashes, metrics, provenance, licences. Exists <=> outputs complete."""
        return self.run / "result.json"

    @property
    def report(self) -> Path:
        """The self-contained page about this run."""
        return self.run / "report.html"

    @property
    def lock(self) -> Path:
        """Kernel lock that one runner holds while it works on this item (the file itself means nothing)."""
        return self.run / ".lock"
