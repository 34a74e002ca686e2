"""What is trained: nvdiffrec's own example configs, with the lights that everybody can have.

The light of the published configs is not in nvdiffrec's repository in full; a task replaces `envmap` and leaves the
rest of the config as it is, but for the switches that make a run measurable.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any, Dict

SOFT, SUN = "soft", "sun"


@dataclasses.dataclass(frozen=True)
class Task:
    """A config of nvdiffrec and a light."""

    name: str
    config: str
    """File in nvdiffrec's `configs`, without `.json`."""
    light: str
    title: str


TASKS = {
    task.name: task
    for task in (
        Task("bob", "bob", SOFT, "bob, soft light"),
        Task("bob_sun", "bob", SUN, "bob, hard sun"),
        Task("bob_flexi", "bob_flexi", SOFT, "bob, FlexiCubes"),
        Task("spot", "spot", SOFT, "spot"),
        Task("spot_fixlight", "spot_fixlight", SOFT, "spot, known light"),
        Task("spot_metal", "spot_metal", SOFT, "spot, metal, known shape"),
    )
}


def config(task: Task, checkout: Path, lights: Dict[str, Path], changes: Dict[str, Any]) -> Dict[str, Any]:
    """A task's config as both trainers get it.

    Args:
        task: What is trained.
        checkout: Folder of nvdiffrec, or any folder with its `configs` and `data`.
        lights: File of each kind of light.
        changes: Further keys.
    """
    values = json.loads((checkout / "configs" / (task.config + ".json")).read_text(encoding="utf-8"))
    values["envmap"] = str(lights[task.light].resolve())
    return {**values, "validate": True, "out_dir": task.name, **changes}
