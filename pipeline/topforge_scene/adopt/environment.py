"""The environment that Environment Edit and the scheduler give to jobs, and how TopForge gives the same."""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional

from topforge_scene.adopt.parameters import Parameters
from topforge_scene.adopt.reasons import ReasonError, UnknownAttributeError
from topforge_scene.adopt.text import Text, filled, is_literal, literal, unknown

_NUMBERS = {"0": "floatvarvalue%d", "1": "intvarvalue%d"}
_TEXT = "2"
_PYTHON = re.compile(r"(.+)/bin/python(?:\d+(?:\.\d+)?)?")
_SITE = r"/lib/python\d+\.\d+/site-packages"
_KEEP = "1"
"""Environment Edit's conflict mode "keep existing"."""


def read_edit(parameters: Parameters, attributes: Mapping[str, Text], variables: Dict[str, str]) -> None:
    """Adds what an Environment Edit sets to `variables`.

    Raises:
        ReasonError: A value differs between items.
    """
    if parameters.is_on("reset"):
        variables.clear()
    for index in range(1, parameters.count("environment") + 1):
        name = parameters.literal("varname%d" % index)
        kept = name in variables and parameters.raw("varconflict%d" % index, "4") == _KEEP
        if not name or kept or not parameters.is_on("varenable%d" % index, True):
            continue
        if parameters.raw("vartype%d" % index, "0") != _TEXT:
            number = parameters.number(_NUMBERS[parameters.raw("vartype%d" % index, "0")] % index, 0)
            variables[name] = "%.15g" % number
            continue
        text = parameters.text("strvarvalue%d" % index)
        missing = unknown(text, attributes)
        if missing is not None:
            raise UnknownAttributeError(parameters.path, name, missing)
        text = filled(text, attributes)
        if not is_literal(text):
            raise ReasonError(parameters.path, "%s differs between items, as it uses a varied attribute" % name)
        variables[name] = literal(text)


def read_scheduler(parameters: Parameters, variables: Dict[str, str]) -> List[str]:
    """Adds what the scheduler itself sets to `variables`; returns what is not carried over, as phrases."""
    if parameters.raw("local_env_file"):
        raise ReasonError(
            parameters.path, "it reads its environment from the file %s" % parameters.raw("local_env_file")
        )
    for index in range(1, parameters.count("local_envmulti") + 1):
        variables[parameters.literal("local_envname%d" % index)] = parameters.literal("local_envvalue%d" % index)
    unset = parameters.raw("local_envunset")
    return ["unset variables (%s): an item's environment is made clean in any case" % unset] if unset else []


def prefix_of(executable: str) -> Optional[str]:
    """The environment whose Python this is, by its path: `/x/envs/y/bin/python3` -> `/x/envs/y`; None for others."""
    match = _PYTHON.fullmatch(tidy(executable))
    return match.group(1) if match and executable.startswith("/") else None


def is_kartaverse(variables: Mapping[str, str], prefix: str) -> bool:
    """Whether these are exactly the three variables that mode "kartaverse" sets for this prefix."""
    if set(variables) != {"CUDA_HOME", "PYTHONHOME", "PYTHONPATH"}:
        return False
    homes = {tidy(variables["CUDA_HOME"]), tidy(variables["PYTHONHOME"])}
    return homes == {prefix} and re.fullmatch(re.escape(prefix) + _SITE, tidy(variables["PYTHONPATH"])) is not None


def tidy(path: str) -> str:
    """Without doubled slashes and without one at the end."""
    return re.sub(r"/+", "/", path).rstrip("/") or path[:1]
