"""Attributes of work items: the names that TopForge's nodes give them, and reading and writing them safely."""

from __future__ import annotations

from typing import Any

import pdg

from topforge.errors import TopForgeError

COMMAND = "topforge_command"
"""The command line that runs the item."""
RESULT = "topforge_result"
"""Absolute path of result.json, the expected output."""
RUN = "topforge_run"
"""Absolute path of the run folder."""
UNSET = "topforge_unset"
"""Names of variables that must be unset, which an exported attribute cannot do."""
MADE = "topforge_made"
"""A capture that does not exist before an item above has run: its folder, and the key of that item."""
TRAINER, CONFIG, DATASET, REPORT = "trainer", "config", "dataset", "report"
PSNR, STEP, ETA, PREVIEW = "psnr", "step", "eta", "preview"
"""Followed by run-item while it works; see `topforge.running.pdg_report`."""
OURS = frozenset((COMMAND, RESULT, RUN, UNSET, MADE, TRAINER, CONFIG, DATASET, REPORT, PSNR, STEP, ETA, PREVIEW))
"""Never taken for the value of an option."""


class UnreadableAttributeError(TopForgeError):
    """An attribute of a type that no option has."""

    def __init__(self, item: str, name: str, kind: str) -> None:
        super().__init__(
            "Work item %s: attribute %s is of type %s." % (item, name, kind),
            "Give it as an integer, float, string, file or dictionary attribute.",
        )


def value(item: Any, name: str) -> Any:
    """The JSON value of an attribute that exists: one number, text or object, or a list where it holds several.

    Args:
        item: A `pdg.WorkItem`.
        name: Of an attribute it has.

    Raises:
        UnreadableAttributeError: It holds Python objects or geometry.
    """
    kind = item.attribType(name)
    if kind == pdg.attribType.Int:
        values = list(item.intAttribArray(name))
    elif kind == pdg.attribType.Float:
        values = list(item.floatAttribArray(name))
    elif kind == pdg.attribType.String:
        values = list(item.stringAttribArray(name))
    elif kind == pdg.attribType.File:
        values = [file.local_path for file in item.fileAttribArray(name)]
    elif kind == pdg.attribType.Dict:
        values = [dict(entry) for entry in item.dictAttribArray(name)]
    else:
        raise UnreadableAttributeError(item.name, name, kind.name)
    return values[0] if len(values) == 1 else values


def texts(item: Any, name: str) -> list[str]:
    """The values of a text or file attribute; none when the item has no attribute of that name and type."""
    if item.attrib(name) is None or item.attribType(name) not in (pdg.attribType.String, pdg.attribType.File):
        return []
    found = value(item, name)
    return found if isinstance(found, list) else [found]


def set_value(item: Any, name: str, given: int | float | str | list[str]) -> None:
    """Sets an attribute. An inherited one goes first: it may be of another type, or hold several values."""
    forget(item, name)
    setters = {int: item.setIntAttrib, float: item.setFloatAttrib}
    setters.get(type(given), item.setStringAttrib)(name, given)


def forget(item: Any, *names: str) -> None:
    """Erases what the item inherited under these names."""
    for name in names:
        if item.attrib(name) is not None:
            item.eraseAttrib(name)


def export(item: Any, name: str, text: str) -> None:
    """Sets an attribute that schedulers put into the environment of jobs [D, pdg.attribFlag.EnvExport]."""
    set_value(item, name, text)
    item.setAttribFlag(name, pdg.attribFlag.EnvExport, True)
