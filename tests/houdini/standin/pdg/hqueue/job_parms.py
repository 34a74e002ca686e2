"""From a work item to the specification of an HQueue job (pdg.md 2.11, 5.2, 5.3; the help page of hqueuescheduler)."""

from __future__ import annotations

import os
from typing import Any, Dict, List

from .._items import Item
from .._strict import NotInStandIn
from ..local.environment import pdg_variables

_UNKNOWN = ("hqueue_env_file", "hqueue_preshell", "hqueue_postshell", "hqueue_prepy", "hqueue_postpy", "hqueue_host",
            "hqueue_conditions", "hqueue_description", "description")  # fmt: skip
"""Texts of which the reference has the name only; where one is set, the job is not known."""


def specification(scheduler: Any, item: Item, command: str) -> Dict[str, Any]:
    """The job of an item.

    Raises:
        NotInStandIn: A parameter is set whose effect is not documented.
    """
    for name in _UNKNOWN:
        if scheduler.text(name, item):
            raise NotInStandIn("what %s becomes in a job" % name)
    if scheduler.whole("hqueue_assign_to", item):
        raise NotInStandIn("the conditions of jobs that are assigned to clients or groups")
    made = {
        "name": item.name,
        "command": command,
        "environment": _environment(scheduler, item),
        "tags": _tags(scheduler, item),
        "cpus": scheduler.whole("hqueue_CPUs_to_use", item) if _sets_cpus(scheduler, item) else 1,
        "priority": scheduler.whole("hqueue_priority", item),
        "triesLeft": scheduler.whole("hqueue_triesleft", item),
    }
    if scheduler.on("hqueue_usemaxtime", item):
        made["maxTime"] = scheduler.whole("hqueue_maxtime", item)
    return made


def _sets_cpus(scheduler: Any, item: Item) -> bool:
    return bool(scheduler.on("hqueue_is_CPU_number_set", item))


def _tags(scheduler: Any, item: Item) -> List[str]:
    """Without a number of processors or threads, the machine is the job's alone [D]."""
    tags = scheduler.text("hqueue_tags", item).split()
    if len(tags) > 1 or any("," in tag for tag in tags):
        raise NotInStandIn("how several tags are divided in hqueue_tags")
    alone = not _sets_cpus(scheduler, item) and not scheduler.on("hqueue_usehoudinimaxthreads", item)
    return [*tags, "single"] if alone else tags


def _environment(scheduler: Any, item: Item) -> Dict[str, str]:
    """Of farm-type schedulers, in order (2.11). Unsetting takes out of what PDG sends, not of what a machine has."""
    variables = _inherited() if scheduler.on("hqueue_inheritlocalenv", item) else {}
    variables.update(pdg_variables(scheduler, item))
    variables.update({name: str(value) for name, value in item.attributes.environment().items()})
    variables.update(_threads(scheduler, item))
    for name in scheduler.text("hqueue_envunset", item).split():
        variables.pop(name, None)
    return variables


def _inherited() -> Dict[str, str]:
    """The session's, without `HOUDINI_*` and values with $HFS in them (`resolveBaseEnvironment`)."""
    installation = os.environ.get("HFS")
    if not installation:
        raise NotInStandIn("hqueue_inheritlocalenv without HFS in the session's environment")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HOUDINI_") and installation not in value
    }


def _threads(scheduler: Any, item: Item) -> Dict[str, str]:
    if scheduler.on("hqueue_usehoudinimaxthreads", item):
        return {"HOUDINI_MAXTHREADS": str(scheduler.whole("hqueue_houdinimaxthreads", item))}
    if _sets_cpus(scheduler, item):
        return {"HOUDINI_MAXTHREADS": str(scheduler.whole("hqueue_CPUs_to_use", item))}
    return {}
