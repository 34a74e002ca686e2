"""Tells Houdini's PDG how an item is doing, through SideFX's `pdgcmd`, when it is PDG that runs us.

Optional in every sense: without PDG's variables nothing is imported; what matters is on disk before it is told; and a
Houdini that is gone, slow or unreachable costs a few seconds once, never the item.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional

from topforge.paths import RunPaths
from topforge.results import Result

_MAX_FAILURES = 3
_SLOW_SECONDS = 1.0
"""A call that takes longer counts as failed: the trainer's output is not read meanwhile."""
_ERROR = 0
"""pdgcmd's log type of an error."""
_TAGS = (
    ("mesh", "file/geo"),
    ("gltf", "file/geo"),
    ("usd", "file/geo/usd"),
    ("texture", "file/image"),
    ("probe", "file/image"),
    ("preview", "file/image"),
    ("cameras", "file/json"),
)


class PdgReport:
    """Calls into `pdgcmd`; gives up after a few failures in a row."""

    def __init__(self, variables: Mapping[str, str], on_problem: Callable[[str], None]) -> None:
        """Imports `pdgcmd` if PDG started us.

        Args:
            variables: The process environment.
            on_problem: Told once when reporting does not work, for the log.
        """
        self._on_problem = on_problem
        self._failures = 0
        self._module: Optional[ModuleType] = None
        if variables.get("PDG_RESULT_SERVER") and variables.get("PDG_SCRIPTDIR"):
            self._module = self._import(variables["PDG_SCRIPTDIR"])

    def _import(self, folder: str) -> Optional[ModuleType]:
        for name, value in (("PDG_RPC_TIMEOUT", "2"), ("PDG_RPC_RETRIES", "1"), ("PDG_RPC_MAX_BACKOFF", "1")):
            os.environ.setdefault(name, value)  # read by pdgcmd when it is imported; PDG's own defaults stall 16 s
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("pdgcmd")
        except Exception as error:  # not our code: whatever it raises must not cost the item
            self._on_problem("PDG is not told about progress: pdgcmd cannot be imported (%s)" % error)
            return None
        finally:
            sys.path.remove(folder)

    def progress(self, share: float) -> None:
        """Tells the share that is done, 0 to 1."""
        self._call("workItemSetCookPercent", share)

    def failed(self, reason: str) -> None:
        """Puts the reason into the work item's log."""
        self._call("workItemAppendLog", reason + "\n", log_type=_ERROR)

    def done(self, run_folder: Path, result: Result) -> None:
        """Tells the outputs, the manifest first, each with the tag PDG's nodes filter by."""
        self._call("workItemSetCookPercent", 1.0)
        for tag, paths in _outputs_by_tag(run_folder, result).items():
            self._call("addOutputFiles", paths, output_file_tag=tag)
        for name, value in result.metrics.items():
            self._call("setFloatAttrib", "topforge_" + name, value, 0)

    def _call(self, name: str, *arguments: Any, **options: Any) -> None:
        if self._module is None:
            return
        started = time.monotonic()
        problem = ""
        try:
            getattr(self._module, name)(*arguments, **options)
        except Exception as error:  # not our code: whatever it raises must not cost the item
            problem = "%s: %s" % (type(error).__name__, error)
        if not problem and time.monotonic() - started > _SLOW_SECONDS:
            problem = "it took %.1f s" % (time.monotonic() - started)
        self._failures = self._failures + 1 if problem else 0
        if self._failures >= _MAX_FAILURES:
            self._module = None
            self._on_problem("PDG is no longer told about progress: pdgcmd.%s: %s" % (name, problem))


def _outputs_by_tag(run_folder: Path, result: Result) -> Dict[str, List[str]]:
    by_tag: Dict[str, List[str]] = {"file/json": [str(RunPaths(run_folder).manifest)]}
    for output in result.outputs:
        tag = next((tag for role, tag in _TAGS if output.role.split(":")[0] == role), "file")
        by_tag.setdefault(tag, []).append(str(result.path(output)))
    return by_tag
