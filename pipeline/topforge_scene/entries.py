"""A node as the entries of a container: `tasks/topnet1.def`, `.parm`, ... and back.

    X.init X.def [X.multiparm] [X.spareparmdef] [X.chn] X.parm X.userdata [X.inp]
    its notes, its children in the same way, [X.order] [X.net]

Entries that the model has no place for (network boxes, tile data, ...) are passed over when reading; `scene` and
`mime` keep them.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

from topforge_scene import channel_text, definition_text, node_tables, options, parm_text, small_text
from topforge_scene.definition_text import Definition, Wire
from topforge_scene.errors import SceneError
from topforge_scene.network import Connection, Node, Parm, StickyNote
from topforge_scene.scanner import text_of

ROOT = "hdaroot"
"""Path of an asset's contents."""
VERSION = "___Version___"
"""The option of `.userdata` that says which version of its type a node was saved with."""

_NODE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_ENCLOSING = re.compile(r"\(\d+\)")
_DOT = re.compile(r"\(([A-Za-z_][\w.-]*)\)")
_DEEPEST = 100


def to_entries(node: Node, path: str = ROOT, *, table: str = "Top") -> Dict[str, bytes]:
    """The entries of a node and all it holds, in the order of a file.

    Args:
        node: What to write. Its own name does not count, `path` says what it is called; at "hdaroot" its wires and
            outputs do not either, they belong to instances.
        path: "hdaroot" for the contents of an asset, else where it stands in a scene: "tasks/topnet1".
        table: The network's kind that the node stands in, or the table of the asset: "Top", "Sop", ...

    Raises:
        SceneError: Names that Houdini would not take, doubled names, or a wire from a node that is not there.
    """
    _check(node, path)
    entries = {
        path + ".init": small_text.write_type(node.type, node.matches_definition),
        path + ".def": _definition(_root(node) if path == ROOT else node, (), table),
    }
    return _rest(node, path, table, entries)


def network_entries(
    path: str, children: Sequence[Node], notes: Sequence[StickyNote] = (), *, table: str = "Top"
) -> Dict[str, bytes]:
    """The entries of what a network holds: notes, nodes, `.order` and `.net`.

    Args:
        path: Of the network: "tasks", "tasks/topnet1".
        children: Nodes, in order.
        notes: Sticky notes.
        table: Of the children.
    """
    entries: Dict[str, bytes] = {}
    for note in notes:
        entries["%s/%s.postitinit" % (path, note.name)] = small_text.write_type(small_text.NOTE, False)
        entries["%s/%s.postitdef" % (path, note.name)] = definition_text.write_note(note)
    for child in children:
        inner = "%s/%s" % (path, child.name)
        _check(child, inner)
        entries[inner + ".init"] = small_text.write_type(child.type, child.matches_definition)
        entries[inner + ".def"] = _definition(child, children, table)
        _rest(child, inner, table, entries)
    if len(children) > 1:
        entries[path + ".order"] = small_text.write_order([child.name for child in children])
    entries[path + ".net"] = small_text.NETWORK
    return entries


def from_entries(entries: Mapping[str, bytes], path: str) -> Node:
    """The node at `path` with all it holds.

    Raises:
        SceneError: It is not there, or an entry is malformed.
    """
    return _Reader(entries).node(path, 0)


def children_from_entries(entries: Mapping[str, bytes], path: str) -> Tuple[Node, ...]:
    """The nodes in the network at `path`, as `from_entries` reads them."""
    return _Reader(entries).children(path, 0)


def _root(node: Node) -> Node:
    return dataclasses.replace(node, inputs=(), outputs=())


def _check(node: Node, path: str) -> None:
    names = [child.name for child in node.children] + [note.name for note in node.notes]
    for name in names:
        if not _NODE_NAME.fullmatch(name):
            raise SceneError(path, '"%s" is no name for a node' % name, fix="Use letters, digits and `_`.")
    if len(set(names)) != len(names):
        raise SceneError(path, "two nodes have the same name", fix="Rename one of them.")
    if node.matches_definition and node.children:
        raise SceneError(path, "a locked asset cannot hold nodes of its own", fix="Unlock it, or leave them out.")


def _rest(node: Node, path: str, table: str, entries: Dict[str, bytes]) -> Dict[str, bytes]:
    """Adds what follows `.init` and `.def`."""
    if node.linked_multiparms:
        entries[path + ".multiparm"] = small_text.write_links(node.linked_multiparms)
    if node.spare_parms:
        entries[path + ".spareparmdef"] = node.spare_parms.encode("utf-8")
    channels = parm_text.channels(node.parms)
    if channels:
        entries[path + ".chn"] = channel_text.write(channels)
    if path != ROOT:
        entries[path + ".parm"] = parm_text.write(node.parms)
    entries[path + ".userdata"] = options.to_binary({VERSION: node.version})
    if node.max_inputs:
        entries[path + ".inp"] = small_text.write_inputs(node.max_inputs)
    if node.is_network or node.children or path == ROOT:
        inside = node_tables.inside(node.type, table)
        entries.update(network_entries(path, node.children, node.notes, table=inside))
    return entries


def _definition(node: Node, siblings: Sequence[Node], table: str) -> bytes:
    wires = tuple(
        (number, Wire(connection, _source_id(node, connection, siblings)))
        for number, connection in enumerate(node.inputs)
    )
    start = _first_output_id(node)
    definition = Definition(
        node_tables.head(table),
        node.comment,
        node.position,
        node_tables.flags(table, node),
        tuple((start + number, name) for number, name in enumerate(node.outputs)),
        wires,
        node.color or definition_text.GREY,
    )
    return definition_text.write(definition, start + len(node.outputs) if node.outputs else len(node.inputs))


def _first_output_id(node: Node) -> int:
    """Behind the inputs' ids. The first input keeps its id even while it is not wired, as in Houdini's own files."""
    return max(1, len(node.inputs))


def _source_id(node: Node, connection: Connection, siblings: Sequence[Node]) -> Optional[int]:
    if not connection.source or _ENCLOSING.fullmatch(connection.source):
        return None
    source = next((sibling for sibling in siblings if sibling.name == connection.source), None)
    if source is None or not 0 <= connection.output < len(source.outputs):
        problem = 'wired to output %d of "%s", which is not there' % (connection.output, connection.source)
        raise SceneError(node.name, problem, fix="Add that node beside it, or remove the wire.")
    return _first_output_id(source) + connection.output


class _Reader:
    """Reads nodes out of a container."""

    def __init__(self, entries: Mapping[str, bytes]) -> None:
        self.entries = entries
        self.inside: Dict[str, List[str]] = {}
        for entry in entries:
            folder, separator, name = entry.rpartition("/")
            if separator:
                self.inside.setdefault(folder, []).append(name)

    def node(self, path: str, depth: int) -> Node:
        if depth > _DEEPEST:
            raise SceneError(path, "nodes are nested more than %d levels deep" % _DEEPEST)
        type_name, matches = small_text.read_type(self._needed(path + ".init"), path + ".init")
        definition = definition_text.read(self._needed(path + ".def"), path + ".def")
        linked = self.entries.get(path + ".multiparm")
        seats = self.entries.get(path + ".inp")
        return Node(
            name=path.rpartition("/")[2],
            type=type_name,
            parms=self._parms(path),
            inputs=() if path == ROOT else self._inputs(path, definition),
            outputs=("output1",) if path == ROOT else tuple(name for _, name in definition.outputs),
            children=self.children(path, depth),
            notes=self._notes(path),
            version=self._version(path),
            position=definition.position,
            comment=definition.comment,
            display=definition.flags.get("display", False),
            render=definition.flags.get("render", False),
            bypass=definition.flags.get("bypass", False),
            matches_definition=matches,
            max_inputs=small_text.read_inputs(seats, path + ".inp") if seats is not None else 0,
            is_network=path + ".net" in self.entries,
            color=None if definition.flags.get("colordefault", True) else definition.color,
            spare_parms=text_of(self.entries.get(path + ".spareparmdef", b""), path + ".spareparmdef"),
            linked_multiparms=small_text.read_links(linked, path + ".multiparm") if linked is not None else (),
        )

    def children(self, path: str, depth: int) -> Tuple[Node, ...]:
        names = self._names(path, ".init")
        listed = self.entries.get(path + ".order")
        if listed is not None:
            order = {name: place for place, name in enumerate(small_text.read_order(listed, path + ".order"))}
            names.sort(key=lambda name: order.get(name, len(order)))  # stable: those it lacks keep the file's order
        return tuple(self.node("%s/%s" % (path, name), depth + 1) for name in names)

    def _notes(self, path: str) -> Tuple[StickyNote, ...]:
        notes = []
        for name in self._names(path, ".postitdef"):
            entry = "%s/%s.postitdef" % (path, name)
            notes.append(definition_text.read_note(self.entries[entry], name, entry))
        return tuple(notes)

    def _names(self, path: str, ending: str) -> List[str]:
        return [name[: -len(ending)] for name in self.inside.get(path, ()) if name.endswith(ending)]

    def _needed(self, entry: str) -> bytes:
        if entry not in self.entries:
            raise SceneError(entry, "the entry is missing")
        return self.entries[entry]

    def _parms(self, path: str) -> Tuple[Parm, ...]:
        channels = self.entries.get(path + ".chn")
        known = channel_text.read(channels, path + ".chn") if channels is not None else {}
        parms = self.entries.get(path + ".parm")
        return parm_text.read(parms, path + ".parm", known) if parms is not None else ()

    def _version(self, path: str) -> str:
        data = self.entries.get(path + ".userdata")
        version = options.from_binary(data, path + ".userdata").get(VERSION, "") if data is not None else ""
        return version if isinstance(version, str) else ""

    def _inputs(self, path: str, definition: Definition) -> Tuple[Connection, ...]:
        inputs: List[Connection] = []
        for number, wire in definition.inputs:
            inputs += [Connection("")] * (number + 1 - len(inputs))
            inputs[number] = self._behind_dots(path, wire.connection)
        return tuple(inputs)

    def _behind_dots(self, path: str, connection: Connection) -> Connection:
        """What a wire that runs through network dots comes from."""
        folder, seen = path.rpartition("/")[0], set()
        while True:
            dot = _DOT.fullmatch(connection.source)
            entry = "%s/%s.networkdotinit" % (folder, dot.group(1)) if dot else ""
            if entry not in self.entries:
                return connection
            if entry in seen:
                raise SceneError(entry, "the network dot is wired to itself")
            seen.add(entry)
            connection = small_text.read_dot(self.entries[entry], entry)
