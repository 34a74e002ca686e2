"""Adapter "warm-up": builds an upstream trainer's extensions on the machine that runs it, once, and sweeps stale locks.

Before a wedge of thirty items on a fresh machine, one such item keeps twenty-nine from waiting for the first one's
compiler, and says what is wrong with the environment in a minute instead of at the end of a queue. It is bound to the
machine: give each machine a run folder of its own.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Callable, Dict, Optional, Protocol, Sequence

from topforge import atomic
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers import registry
from topforge.trainers.base import Adapter, Collected, Diagnosis, Output, Report, Step
from topforge.trainers.upstream import warm_up

TRAINERS = ("nvdiffrec", "nvdiffmodeling")
"""Adapters whose trainers compile extensions when they are first used."""
RECORD = "warm_up.json"


class Warmable(Protocol):
    """What this adapter needs of another."""

    options: Any

    def builds(self, config: Any) -> str:
        """As `Adapter.builds`."""

    def warm_up(self, item: Item, folder: Optional[str], paths: RunPaths) -> Step:
        """The step that builds, for the checkout in `folder` (None = the machine's own)."""

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """As `Adapter.diagnose`."""

    def parser(self, config: Any) -> Callable[[str], Optional[Report]]:
        """As `Adapter.parser`."""


class CannotWarmUpError(TopForgeError):
    """A trainer that has nothing to compile."""

    def __init__(self, name: str) -> None:
        super().__init__('"%s" compiles nothing that could be built before.' % name, "Leave the warm-up out.")


@dataclasses.dataclass(frozen=True)
class WarmUpOptions:
    """Whose extensions."""

    trainer: str = option("nvdiffrec", choices=TRAINERS, group="Upstream")
    """The adapter whose trainer is started, on its smallest example, until it has trained one iteration."""
    checkout: Optional[str] = option(None, path=True, group="Upstream")
    """Folder of your clone of it; null = what TOPFORGE_NVDIFFREC, or the like, names."""


class WarmUpAdapter(Adapter):
    """See the module's docstring. It has to be asked for with the training items' environment and kind of GPU."""

    name = warm_up.NAME
    title = "Warm up upstream trainer"
    licence = "That of the trainer it starts."
    options = WarmUpOptions
    gpus = (1, 1)

    def deciding(self, config: WarmUpOptions) -> Dict[str, Any]:
        """Trainer and place: a build cannot be taken from elsewhere."""
        return {"trainer": config.trainer, "at": config.checkout}

    def builds(self, config: WarmUpOptions) -> str:
        """The trainer's: what is built here is for its runs."""
        target = _target(config.trainer)
        return target.builds(target.options(checkout=config.checkout))

    def steps(self, item: Item, config: WarmUpOptions, paths: RunPaths) -> Sequence[Step]:
        """One child, which starts the trainer."""
        atomic.write_json(paths.output / RECORD, {"trainer": config.trainer, "checkout": config.checkout})
        return [_target(config.trainer).warm_up(item, config.checkout, paths)]

    def parser(self, config: WarmUpOptions) -> Callable[[str], Optional[Report]]:
        """The sweeping program's lines; the trainer's own progress would be that of another run."""
        return warm_up.parse

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """As the trainer's adapter does, whichever it is."""
        found = (_target(name).diagnose(exit_code, tail) for name in TRAINERS)
        return next((diagnosis for diagnosis in found if diagnosis is not None), None)

    def collect(self, item: Item, config: WarmUpOptions, paths: RunPaths) -> Collected:
        """A record that it was done; the extensions are in the machine's cache."""
        facts = json.loads((paths.output / RECORD).read_text(encoding="utf-8"))
        return Collected((Output(RECORD, "data"),), provenance=facts)


def _target(name: str) -> Warmable:
    adapter: Any = registry.get(name)
    if not callable(getattr(adapter, "warm_up", None)):
        raise CannotWarmUpError(name)
    target: Warmable = adapter
    return target


ADAPTER = WarmUpAdapter()
"""The one instance, for the registry."""
