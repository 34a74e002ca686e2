"""The environment of a job, in the documented order: nothing is cleaned, and what is unset is unset last (2.11)."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from .._items import Item
from .._strict import NotInStandIn


def job_environment(scheduler: Any, item: Item, scene: Mapping[str, str], slots: int) -> Dict[str, str]:
    """All variables of the child.

    Args:
        scheduler: Gives `text`, `on`, `whole`, `count` of a job parameter (the node's own, else the scheduler's),
            the folders and the server's address.
        item: The work item.
        scene: HIP and its kin.
        slots: Items that run at the same time.
    """
    variables = dict(os.environ)  # the whole of Houdini's: PYTHONHOME, PYTHONPATH, LD_LIBRARY_PATH, QT_* and all
    _threads(variables, scheduler, item, slots)
    variables.update({name: str(value) for name, value in item.attributes.environment().items()})
    variables.update(pdg_variables(scheduler, item))
    if scheduler.text("local_env_file", item):
        raise NotInStandIn("where local_env_file comes in the order of the environment")
    for entry in range(1, scheduler.count("local_envmulti", item) + 1):
        name = scheduler.text("local_envname%d" % entry, item)
        value = scheduler.text("local_envvalue%d" % entry, item)
        if name == "PATH":
            value += os.pathsep + variables.get("PATH", "")
        if name:
            variables[name] = value
    variables.update(scene)
    if scheduler.on("local_skippackages", item):
        variables["HOUDINI_PACKAGE_SKIP"] = "1"
    for name in scheduler.text("local_envunset", item).split():
        variables.pop(name, None)
    return variables


def _threads(variables: Dict[str, str], scheduler: Any, item: Item, slots: int) -> None:
    if scheduler.on("local_usehoudinimaxthreads", item):
        threads = scheduler.whole("local_houdinimaxthreads", item)
    else:
        threads = max(1, (os.cpu_count() or 1) // slots)
        known = variables.get("HOUDINI_MAXTHREADS", "")
        threads = min(threads, int(known)) if known.isdigit() and known != "0" else threads
    variables["HOUDINI_MAXTHREADS"] = str(threads)


def pdg_variables(scheduler: Any, item: Item) -> Dict[str, str]:
    """What PDG tells every job (2.8)."""
    ignore = scheduler.whole("pdg_rpcignoreerrors")
    return {
        "PDG_DIR": scheduler.working_folder,
        "PDG_TEMP": scheduler.temp_folder,
        "PDG_SHARED_TEMP": scheduler.temp_folder,
        "PDG_SCRIPTDIR": scheduler.script_folder,
        "PDG_ITEM_NAME": item.name,
        "PDG_ITEM_ID": str(item.id),
        "PDG_ITEM_LABEL": item.label,
        "PDG_INDEX": str(item.index),
        "PDG_RESULT_SERVER": scheduler.server.address,
        "PDG_JOBUSE_PDGNET": "1",
        "PDG_ITEM_DATA_SOURCE": str(scheduler.whole("pdg_workitemdatasource")),
        "PDG_RPC_IGNORE_ERRORS": "1" if ignore == 2 else "0",
        "PDG_RPC_MAX_ERRORS": str(scheduler.whole("pdg_rpcmaxerrors")),
        "PDG_RPC_TIMEOUT": str(scheduler.whole("pdg_rpctimeout")),
        "PDG_RPC_RETRIES": str(scheduler.whole("pdg_rpcretries")),
        "PDG_RPC_MAX_BACKOFF": str(scheduler.whole("pdg_rpcbackoff")),
        "PDG_BATCH_POLL_DELAY": scheduler.text("pdg_rpcbatch"),
        "PDG_RELEASE_SLOT_ON_POLL": "1" if scheduler.on("pdg_rpcrelease") else "0",
    }
