"""Tells Houdini's PDG how an item is doing, through SideFX's `pdgcmd`, when it is PDG that runs us.

Optional in every sense: without PDG's variables nothing is imported; what matters is on disk before it is told; and a
Houdini that is gone, slow or unreachable costs a few seconds once, never the item.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Mapping, Optional, Union

from topforge.durations import estimate
from topforge.paths import RunPaths
from topforge.results import Result
from topforge.running import previews

_MAX_FAILURES = 3
_SLOW_SECONDS = 1.0
"""A call that takes longer counts as failed: the trainer's output is not read meanwhile."""
_ERROR, _WARNING, _MESSAGE = 0, 1, 2
"""pdgcmd's types of log lines."""
_PERIOD_SECONDS = 2.0
"""Progress is told no more often: each call waits for PDG, which has all other items to listen to as well."""
_TAGS = (
    ("mesh", "file/geo"),
    ("gltf", "file/geo"),
    ("usd", "file/geo/usd"),
    ("texture", "file/image"),
    ("probe", "file/image"),
    ("preview", "file/image"),
    ("cameras", "file/json"),
)


@dataclasses.dataclass(frozen=True)
class News:
    """How an item is doing."""

    share: float
    """What is done, 0 to 1."""
    position: str
    """For people, in few words: "step 400/1000"."""
    step: Optional[int] = None
    seconds_left: Optional[float] = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Newest finite values; `psnr` in dB."""

    @property
    def eta(self) -> str:
        """The time left in words, "" while nobody knows: "3 min"."""
        return "" if self.seconds_left is None else estimate(self.seconds_left)

    @property
    def state(self) -> str:
        """What PDG shows as the item's state: "step 400/1000, 3 min left"."""
        return ", ".join([self.position] + (["%s left" % self.eta] if self.eta else []))


class PdgReport:
    """Calls into `pdgcmd`; gives up after a few failures in a row.

    While it works, an item's attributes `psnr`, `step`, `eta` and `preview` follow it. Only what changed is told.
    """

    def __init__(self, variables: Mapping[str, str], on_problem: Callable[[str], None]) -> None:
        """Imports `pdgcmd` if PDG started us.

        Args:
            variables: The process environment.
            on_problem: Told once when reporting does not work, for the log.
        """
        self._on_problem = on_problem
        self._failures = 0
        self._told: Dict[str, Any] = {}
        self._told_at = -_PERIOD_SECONDS
        self._untold: Optional[News] = None
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

    def waiting(self, message: str) -> None:
        """Shows what the item waits for, and puts it into its log."""
        self._once("state", "workItemSetCustomState", message)
        self._call("workItemAppendLog", message + "\n", log_type=_MESSAGE)

    def attempt(self, log: Path) -> None:
        """An attempt starts, whose whole output goes into the file `log`."""
        self._call("workItemAppendLog", "the trainer's output: %s\n" % log, log_type=_MESSAGE)

    def progress(self, paths: RunPaths, news: News) -> None:
        """Tells how the item is doing; at once the first time, later only now and then.

        Args:
            paths: Its run folder, for the newest preview.
            news: Everything that is known now.
        """
        self.hold(news)
        if time.monotonic() - self._told_at >= _PERIOD_SECONDS:
            self._tell(paths)

    def hold(self, news: News) -> None:
        """Keeps news to be told with the next thing that must be told."""
        self._untold = news

    def _tell(self, paths: RunPaths) -> None:
        news, self._untold = self._untold, None
        if news is None or self._module is None:
            return
        self._once("percent", "workItemSetCookPercent", news.share)
        self._once("state", "workItemSetCustomState", news.state)
        self._attribute("step", news.step)
        self._attribute("psnr", news.metrics.get("psnr"))
        self._attribute("eta", news.eta)
        self._preview(previews.newest(paths))
        self._told_at = time.monotonic()

    def _preview(self, path: Optional[Path]) -> None:
        self._attribute("preview", None if path is None else path.as_posix())

    def _attribute(self, name: str, value: Union[int, float, str, None]) -> None:
        if value is not None:
            kind = {int: "Int", float: "Float", str: "String"}[type(value)]
            self._once(name, "set%sAttrib" % kind, name, value, 0)

    def failed(self, paths: RunPaths, reason: str) -> None:
        """Tells what was not told yet, and puts the reason into the work item's log."""
        self._tell(paths)
        self._call("workItemAppendLog", reason + "\n", log_type=_ERROR)

    def done(self, paths: RunPaths, result: Result) -> None:
        """Tells the last values, and the outputs, the manifest first, each with the tag PDG's nodes filter by.

        Each final metric becomes an attribute `topforge_NAME`; what looks wrong is a warning in the work item's log.
        """
        self._tell(paths)
        self._once("percent", "workItemSetCookPercent", 1.0)
        self._once("state", "workItemSetCustomState", "done")
        for tag, files in _outputs_by_tag(paths, result).items():
            self._call("addOutputFiles", files, output_file_tag=tag)
        for remark in result.remarks:
            self._call("workItemAppendLog", remark + "\n", log_type=_WARNING)
        for name, value in result.metrics.items():
            self._call("setFloatAttrib", "topforge_" + name, value, 0)
        self._attribute("psnr", result.metrics.get("psnr"))
        self._attribute("eta", "")
        self._preview(previews.of_result(paths, result))

    def _once(self, what: str, name: str, *arguments: Any) -> None:
        """Calls unless this very call was the last about `what`."""
        if self._told.get(what) != arguments and self._call(name, *arguments):
            self._told[what] = arguments

    def _call(self, name: str, *arguments: Any, **options: Any) -> bool:
        """Whether PDG was told."""
        if self._module is None:
            return False
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
        return not problem


def _outputs_by_tag(paths: RunPaths, result: Result) -> Dict[str, List[str]]:
    by_tag: Dict[str, List[str]] = {"file/json": [str(paths.manifest)]}
    for output in result.outputs:
        tag = next((tag for role, tag in _TAGS if output.role.split(":")[0] == role), "file")
        by_tag.setdefault(tag, []).append(str(result.path(output)))
    return by_tag
