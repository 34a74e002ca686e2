"""Job files: what they may say. `expansion` makes work items of them.

    {
      "dataset": "capture",                        the folder with the photographs, or a mesh to take them of (.obj)
      "prepare": [{"adapter": "frames"}, {"adapter": "poses"}],    items that make the capture out of it first
      "configs": ["bob.json", "more/*.json", {"name": "quick", "iter": 200}],
      "wedge": {"learning_rate": [0.03, 0.01],     values, or a range with both ends included
                "iter": {"from": 100, "to": 1600, "count": 5, "scale": "log"}},
      "combine": "product",                        or "zip"
      "adapter": "topforge", "environment": {"prefix": "../venv"}, "needs": {"gpus": 1},
      "parallel": 2, "check": true, "report": true, "output": "out"
    }

Relative paths start at the job file's folder; those in a config file as `config_files.read_config`
says. docs/jobs.md explains every key; `Job` below is what is accepted.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

from topforge import schema, strict_json
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec, Needs
from topforge.paths import absolute
from topforge.schema import option

FORMAT = 1
"""Version of job files. A reader refuses a newer one."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What a job file may say."""

    format: int = option(FORMAT, choices=(FORMAT,))
    """Version of the job file's format."""
    name: Optional[str] = None
    """Heading of the report; null = the job file's name."""
    adapter: str = "topforge"
    """Which trainer runs the configs; `topforge train --help` names them."""
    dataset: Optional[str] = option(None, path=True)
    """The capture folder, or mesh file, that all configs are trained on; null = what each config names (`ref_mesh`)."""
    prepare: Tuple[Dict[str, Any], ...] = option(())
    """Items that make the capture out of `dataset`, in order, each from the result of the one before: an `adapter`
    ("frames", "poses", ...) with its options, perhaps a `name`, an `environment`, and as `result` the file of its
    result that is the dataset of what follows ("mesh.obj")."""
    configs: Tuple[Union[str, Dict[str, Any]], ...] = ({},)
    """Config files, patterns of such (`*`, `?`, `**`), and configs written here. One of these may have a `name`."""
    wedge: Dict[str, Any] = option({})
    """Values by dotted option name: a list, or {"from", "to", "count", "scale": "linear" or "log"}."""
    combine: str = option("product", choices=("product", "zip"))
    """How several wedged options go together: all combinations, or first with first, second with second."""
    environment: EnvironmentSpec = EnvironmentSpec()
    """Where the children's Python and libraries come from."""
    needs: Needs = Needs()
    """What each training item asks of its machine."""
    parallel: int = option(1, minimum=1, maximum=1024)
    """Most items at work at the same time."""
    check: bool = True
    """Check the dataset first; nothing trains on one that fails."""
    report: bool = True
    """Write one report over all items at the end; each item has its own in any case."""
    output: str = option("out", path=True)
    """Folder that holds one run folder for each item."""


class JobError(TopForgeError):
    """A job that cannot be expanded although each of its options is fine by itself."""

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__("%s: %s." % (where, problem), fix)


def read(path: Path) -> Job:
    """The job in the file `path`, its own paths made absolute.

    Raises:
        TopForgeError: Missing file, bad JSON, or wrong options (all of them listed).
    """
    job = schema.from_json(Job, strict_json.read(path), str(path))
    return schema.with_absolute_paths(job, absolute(path.parent))
