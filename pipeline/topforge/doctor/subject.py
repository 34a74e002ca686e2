"""What the checks look at: one environment, for one trainer, on this machine."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import Callable, Mapping, Optional, Tuple

from topforge import cache
from topforge.doctor.probe import Module, Probe
from topforge.doctor.targets import Target
from topforge.environments import cuda, environment, prefixes
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec
from topforge.running import gpus


class Subject:
    """Everything a check may ask for; what costs time is asked for once.

    Args:
        target: The trainer to judge for.
        prefix: Root of the environment to judge; None = the one this process runs in.
        parent: Variables to start from, usually `os.environ`.
        output: Folder that runs would be written to.
        repair: Whether checks may put right what they find.
        say: Called with a line about a repair, before it is done.
        timeout: Seconds the environment's Python may take to import everything.
    """

    def __init__(
        self,
        target: Target,
        prefix: Optional[Path],
        parent: Mapping[str, str],
        output: Path,
        repair: bool = False,
        say: Callable[[str], None] = print,
        timeout: float = 60.0,
    ) -> None:
        self.target = target
        self.own = prefix is None
        """Whether it is the environment that TopForge itself runs in."""
        self.parent = parent
        self.output = output
        self.repair = repair
        self.say = say
        self.failure: Optional[TopForgeError] = None
        """Why the environment cannot be used at all; then `prefix` and `environment` are None."""
        self.prefix: Optional[prefixes.Prefix] = None
        self.environment: Optional[environment.ResolvedEnvironment] = None
        self._probe: Optional[Probe] = None
        try:
            self.prefix = prefixes.describe(prefix) if prefix else prefixes.describe_current()
            spec = EnvironmentSpec(prefix=str(prefix) if prefix else None)
            self.environment = environment.resolve(spec, parent, trainer=target.name)
            self._probe = Probe(self.environment.python, self.environment.variables, target.modules, timeout)
        except TopForgeError as error:
            self.failure = error
        except OSError as error:  # the interpreter is there and does not start (wrong architecture, missing loader)
            python = self.environment.python if self.environment else str(prefix)
            self.failure = prefixes.PrefixWithoutPythonError(Path(python), "does not start (%s)" % error)

    @property
    def python(self) -> str:
        """The environment's interpreter as one would type it."""
        return self.environment.python if self.environment else "python"

    def module(self, name: str) -> Optional[Module]:
        """What came of importing `name` in the environment; None when it was not tried."""
        return self._probe.result().get(name) if self._probe else None

    @functools.lru_cache(maxsize=None)  # noqa: B019 one subject lives as long as its process
    def inventory(self) -> gpus.Inventory:
        """The NVIDIA devices a run may use, or why there are none."""
        return gpus.inventory(self.parent)

    @functools.lru_cache(maxsize=None)  # noqa: B019
    def capability(self, uuid: str) -> cuda.Capability:
        """Driver and compute capability of a device; unknown ones for a device the driver does not list (MIG)."""
        known = {capability.uuid: capability for capability in self._capabilities()}
        return known.get(uuid, cuda.Capability(0, uuid, "", ""))

    @functools.lru_cache(maxsize=None)  # noqa: B019
    def _capabilities(self) -> Tuple[cuda.Capability, ...]:
        return cuda.query_capabilities(self.parent)

    @functools.lru_cache(maxsize=None)  # noqa: B019
    def toolkit(self) -> Optional[cuda.Toolkit]:
        """The CUDA toolkit extensions would be compiled with."""
        return cuda.find_toolkit(self.prefix.path, self.parent) if self.prefix else None

    def home(self) -> Path:
        """The user's home folder."""
        return Path(self.parent["HOME"]) if self.parent.get("HOME") else Path.home()

    def folders(self) -> Tuple[Tuple[str, Path], ...]:
        """Folders a run writes to, each with what it is for."""
        temporary = Path(self.parent.get("TMPDIR") or tempfile.gettempdir())
        return (("runs", self.output), ("cache", cache.folder(self.parent)), ("temporary", temporary))

    def search_path(self) -> str:
        """PATH as the trainer would see it."""
        return self.environment.variables.get("PATH", os.defpath) if self.environment else os.defpath
