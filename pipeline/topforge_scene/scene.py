"""Scenes (`.hip`): the nine managers at the root and what stands in them; read and written without Houdini.

Structure and order are those of 70 of 70 measured scenes. That one written from scratch opens without a warning has
not yet been seen in a real Houdini.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Dict, Mapping, Tuple

from topforge import atomic
from topforge.errors import FailureClass
from topforge_scene import entries as node_entries
from topforge_scene import mime, odc, scene_constants
from topforge_scene.errors import SceneError
from topforge_scene.network import Node
from topforge_scene.scanner import text_of

VERSION = scene_constants.VERSION
MANAGERS = tuple(scene_constants.MANAGERS)
FORMS = ("odc", "text")
"""What Houdini saves by default, and its text form for version control. Both hold the same."""

_VARIABLE = re.compile(r"set -g (\w+) = '((?:[^'\\]|\\.)*)'\n", re.DOTALL)
_FOREIGN = {
    b"HouLC": "it was saved by Houdini Indie (.hiplc), in a format that only Houdini reads",
    b"HouNC": "it was saved by Houdini Apprentice or Education (.hipnc), in a format that only Houdini reads",
    b"INDX": "it is a digital asset, not a scene",
}
_FIX_FOREIGN = "Save it as a .hip with a commercial licence of Houdini, or name another file."


class SceneFileError(SceneError):
    """A scene that cannot be read from or written to disk."""

    failure_class = FailureClass.INFRA

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(str(path), error.strerror or str(error), fix="Check the path and its permissions.")


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a scene holds."""

    networks: Mapping[str, Tuple[Node, ...]] = dataclasses.field(default_factory=dict)
    """Nodes by manager: {"tasks": (topnet,), "obj": ()}. Reading gives all managers that the file has."""
    variables: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Global variables, without `$`. HIP, HIPFILE and HIPNAME are where the scene was when it was saved."""

    def node(self, path: str) -> Node:
        """The node at `/tasks/topnet1`.

        Raises:
            KeyError: There is none.
        """
        first, *names = path.strip("/").split("/")
        found = None
        nodes = self.networks.get(first, ())
        for name in names:
            found = next((node for node in nodes if node.name == name), None)
            nodes = found.children if found else ()
        if found is None:
            raise KeyError(path)
        return found


def read(path: Path) -> Scene:
    """The scene in a file, odc or text: its content tells which.

    Raises:
        SceneError: Not a scene, of a licence that cannot be read, or malformed; names entry and line.
    """
    return from_entries(read_entries(path), path.name)


def read_entries(path: Path) -> Dict[str, bytes]:
    """All entries of a scene's file, unknown ones too, in the file's order.

    Raises:
        SceneError: As `read`, for the container alone.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SceneFileError(path, error) from error
    for start, reason in _FOREIGN.items():
        if data.startswith(start):
            raise SceneError(path.name, reason, fix=_FIX_FOREIGN)
    if mime.is_mime(data):
        return mime.decode(data, path.name)
    if not data.startswith(odc.MAGIC):
        raise SceneError(path.name, "it is not a scene of Houdini's", fix="Name a .hip file.")
    return odc.decode(data, path.name)


def write(path: Path, scene: Scene, form: str = "odc") -> None:
    """Writes a scene, in one step (temporary file, then rename). The same scene gives the same bytes.

    Args:
        path: The file; its folder must exist.
        scene: What it holds.
        form: "odc" or "text".

    Raises:
        SceneError: Something in it cannot be written.
    """
    data = to_bytes(scene, form)
    try:
        atomic.write_bytes(path, data)
    except OSError as error:
        raise SceneFileError(path, error) from error


def to_bytes(scene: Scene, form: str = "odc") -> bytes:
    """What `write` writes."""
    if form not in FORMS:
        raise ValueError("form must be one of %s, not %r" % (", ".join(FORMS), form))
    entries = to_entries(scene)
    return mime.encode(entries) if form == "text" else odc.encode(entries, scene_constants.SAVED)


def to_entries(scene: Scene) -> Dict[str, bytes]:
    """All entries of a scene, in the order of a file.

    Raises:
        SceneError: An unknown manager, or a node or variable that cannot be written.
    """
    unknown = [name for name in scene.networks if name not in MANAGERS]
    if unknown:
        raise SceneError(unknown[0], "there is no such manager", fix="Use one of %s." % ", ".join(MANAGERS))
    entries = dict(scene_constants.HEAD)
    entries[".variables"] = _variables(scene.variables)
    nets: Dict[str, bytes] = {}
    for name, manager in scene_constants.MANAGERS.items():
        entries.update(scene_constants.manager_entries(name))
        inside = node_entries.network_entries(name, scene.networks.get(name, ()), table=manager.table)
        if manager.late:
            nets[name + ".net"] = inside.pop(name + ".net")
        entries.update(inside)
        if name == scene_constants.BEFORE_LATE:
            entries.update(nets)
    entries.update(scene_constants.TAIL)
    return entries


def from_entries(entries: Mapping[str, bytes], name: str = "scene") -> Scene:
    """The scene that these entries hold.

    Args:
        entries: As `read_entries` gives them.
        name: The file's name, for messages.

    Raises:
        SceneError: No manager is there, or an entry is malformed.
    """
    present = [manager for manager in MANAGERS if manager + ".def" in entries]
    if not present:
        raise SceneError(name, "it holds none of a scene's networks", fix="Name a .hip file.")
    try:
        networks = {manager: node_entries.children_from_entries(entries, manager) for manager in present}
        variables = _read_variables(entries.get(".variables", b""))
    except SceneError as error:
        raise error.within(name) from None
    return Scene(networks, variables)


def _variables(own: Mapping[str, str]) -> bytes:
    values = dict(scene_constants.VARIABLES)
    values.update(own)
    for name, value in values.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name) or re.search(r"['\\\n]", value):
            raise SceneError(".variables", "%s cannot be stored as a variable" % name, fix="Leave out quotes in it.")
    return "".join("set -g %s = '%s'\n" % pair for pair in sorted(values.items())).encode("utf-8")


def _read_variables(data: bytes) -> Dict[str, str]:
    text, position, values = text_of(data, ".variables"), 0, {}
    while position < len(text):
        match = _VARIABLE.match(text, position)
        if match is None:
            line = text.count("\n", 0, position) + 1
            raise SceneError(".variables", "expected `set -g NAME = 'value'`", line)
        values[match.group(1)] = match.group(2)
        position = match.end()
    return values
