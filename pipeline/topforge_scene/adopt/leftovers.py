"""Settings of carried-over nodes that a job has no place for: told, so that nobody believes they still work."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, List, Tuple

from topforge_scene.adopt.parameters import Parameters

_NOTHING = ("", "0", "off")
_DEFAULTS: Dict[str, Dict[str, str]] = {
    "genericgenerator": {
        "pdg_workitemgeneration": "2",
        "itemcount": "1",
        "delay": "1",
        "expectedoutputtag": "file",
        "pdg_schedulewhen": "1",
    },
    "attributecreate": {"pdg_workitemgeneration": "2", "copyoutputs": "2"},
    "environmentedit": {"pdg_workitemgeneration": "2"},
    "wedge": {"pdg_workitemgeneration": "2"},
    "waitforall": {
        "pdg_partitionmergeoutputs": "4",
        "pdg_partitionmergeattributes": "1",
        "pdg_partitionframe": "1",
        "pdg_partitionsort": "1",
        "pdg_partitionidattrib": "partitionitems",
        "pdg_partitionmergeoperation1": "1",
        "pdg_partitionmergepattern1": "*",
    },
    "localscheduler": {
        "maxprocs": "1",
        "pdg_compressworkitemdata": "on",
        "pdg_validateoutputs": "on",
        "pdg_checkexpectedoutputs": "on",
        "pdg_mapzone": "$PDG_PATHMAP_ZONE",
        "tempdirmenu": "1",
        "tempdirappendpid": "on",
        "tempdircustom": "$HOUDINI_TEMP_DIR/$HIPNAME/pdgtemp",
        "socketcallbacks": "1",
        "pdg_rpcmaxerrors": "5",
        "pdg_rpctimeout": "4",
        "pdg_rpcretries": "2",
        "pdg_rpcbackoff": "2",
        "pdg_rpcbatch": "1",
        "pdg_rpcrelease": "on",
        "local_CPUs_to_use": "1",
        "local_echandleall": "on",
        "local_eccustomcode": "1",
        "local_maximumretries": "3",
        "local_failcountattr": "failurecount",
        "local_skippackages": "on",
    },
}
"""Defaults that are not nothing, Houdini 20.5."""
_READ: Dict[str, FrozenSet[str]] = {
    "genericgenerator": frozenset(
        ("pdg_command", "linuxcommand", "maccommand", "windowscommand", "platformcommand", "sequential", "topscheduler")
    ),
    "attributecreate": frozenset(),
    "environmentedit": frozenset(("reset", "environment")),
    "wedge": frozenset(("wedgecount", "wedgeattributes", "workitemorder", "seed")),
    "waitforall": frozenset(),
    "localscheduler": frozenset(("pdg_workingdir", "local_envmulti", "local_env_file", "local_envunset")),
}
"""Parameters that were read elsewhere."""
_INSTANCES = re.compile(
    r"(?:string|int|float|dict|pyobject|result)\w*|(?:var|strvar|intvar|floatvar)\w+\d+|local_env(?:name|value)\d+"
)
_WEDGE_INSTANCES = re.compile(r"[a-z]+\d+(?:_\d+)?|create\w+|\w+attrname")
_EDITOR = re.compile(r"folder\w*|sep\w*|processor_\w+|attributes|\w*button\d*|createmetadata\w*")


def of(parameters: Parameters) -> List[Tuple[str, str]]:
    """(name, stored value) of the settings that are lost."""
    kind = parameters.node.type
    defaults, read = _DEFAULTS.get(kind, {}), _READ.get(kind, frozenset())
    found = []
    for name, value in parameters.stored():
        if name in read or _EDITOR.fullmatch(name) or value == defaults.get(name) or value in _NOTHING:
            continue
        if kind in ("attributecreate", "environmentedit", "localscheduler") and _INSTANCES.fullmatch(name):
            continue
        if kind == "wedge" and _WEDGE_INSTANCES.fullmatch(name):
            continue
        found.append((name, value))
    return found
