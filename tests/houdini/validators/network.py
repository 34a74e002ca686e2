"""The entries of a network, in an asset or a scene: read strictly, in order, complete, and nothing else."""

from __future__ import annotations

import dataclasses
import re
from typing import Iterator, Mapping

from topforge_scene import dialog_text, options
from topforge_scene.errors import SceneError

from . import entry_text, operators
from .context import HOUDINI_VERSION
from .entry_text import Channel, Definition, Malformed, Value
from .findings import Findings
from .operators import NodeType, Parm

SUFFIXES = ("init", "def", "multiparm", "spareparmdef", "chn", "parm", "userdata", "inp")
NOTES = ("postitinit", "postitdef")
INSIDE = {"topnet": "Top", "geo": "Sop", "lopnet": "Lop", "matnet": "Vop", "ropnet": "Driver"}
"""Table of the nodes inside; that of the node itself for all others."""
GREY = "0.8 0.8 0.8"


@dataclasses.dataclass
class Node:
    """What the entries of one node say."""

    path: str
    table: str
    """Of the node itself."""
    type: str = ""
    matches: bool = False
    definition: Definition | None = None
    parms: list[tuple[str, list[Value], int]] = dataclasses.field(default_factory=list)
    channels: dict[str, Channel] = dataclasses.field(default_factory=dict)
    version: str = ""
    spare: list[Parm] = dataclasses.field(default_factory=list)
    """Its whole interface, when it has parameters of its own."""
    children: list[Node] = dataclasses.field(default_factory=list)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def all(self) -> Iterator[Node]:
        """The node and everything in it."""
        yield self
        for child in self.children:
            yield from child.all()


class Network:
    """A network that is being checked.

    Args:
        entries: Content by name, in the order of the file.
        root: "hdaroot", or a manager: "tasks".
        table: Of the nodes in it.
        file: What to call it in findings.
        assets: The node types that assets make, by `Table/name`.
        found: Where findings go.
    """

    def __init__(
        self,
        entries: Mapping[str, bytes],
        root: str,
        table: str,
        file: str,
        assets: Mapping[str, NodeType],
        found: Findings,
    ) -> None:
        self.entries = entries
        self.file = file
        self.found = found
        self.assets = assets
        self.is_asset = root == "hdaroot"
        self.root = self._node(root, table)
        self._check_sequence()
        if self.root.definition is not None and self.root.definition.next_id != 0:
            self.add("C-NEXTID", root + ".def", "a network around others has no connectors, so 0 is the next id")
        for node in self.root.all():
            self._check_order(node)

    def type_of(self, node: Node) -> NodeType | None:
        """The node's type; None where nothing is known of it."""
        key = "%s/%s" % (node.table, node.type)
        known = self.assets.get(key) or operators.built_in().get(key)
        if known is None or not node.spare:
            return known
        return known._replace(parms={**known.parms, **{parm.name: parm for parm in node.spare if parm.type}})

    def add(self, code: str, entry: str, message: str, line: int | None = None) -> None:
        self.found.add(code, "%s:%s" % (self.file, entry), message, line)

    def find(self, path: str) -> Node | None:
        """The node at a path."""
        return next((node for node in self.root.all() if node.path == path), None)

    def text(self, entry: str) -> str:
        """An entry's text; "" and a finding when it is missing or no text."""
        if entry not in self.entries:
            self.add("C-MISSING", entry, "the entry is missing")
            return ""
        try:
            return self.entries[entry].decode("utf-8")
        except UnicodeDecodeError:
            self.add("C-SYNTAX", entry, "not UTF-8")
            return ""

    def _names(self, path: str, ending: str) -> list[str]:
        inner = re.compile(re.escape(path) + r"/([^/]+)\." + ending)
        return [match.group(1) for match in map(inner.fullmatch, self.entries) if match]

    def _node(self, path: str, table: str) -> Node:
        node = Node(path, table)
        is_manager = "/" not in path and not self.is_asset
        if not is_manager:
            self._read_type(node)
        for read in (self._read_definition, self._read_own, self._read_parms, self._read_channels, self._read_version):
            try:
                read(node, is_manager)
            except Malformed as error:
                self.add(error.code, path, str(error), error.line)
        for name in self._names(path, "postitdef"):
            self._check_note("%s/%s" % (path, name))
        is_root = self.is_asset and path == "hdaroot"
        inside = table if is_manager or is_root else INSIDE.get(node.type, table)
        node.children = [self._node("%s/%s" % (path, name), inside) for name in self._names(path, "init")]
        return node

    def _check_note(self, path: str) -> None:
        if self.entries.get(path + ".postitinit") != b"type = postitnote\nmatchesdef = 0\n":
            self.add("C-SYNTAX", path + ".postitinit", "not that of a sticky note")
        try:
            entry_text.note(self.text(path + ".postitdef"))
        except Malformed as error:
            self.add(error.code, path + ".postitdef", str(error), error.line)

    def _read_type(self, node: Node) -> None:
        text = self.text(node.path + ".init")
        match = re.fullmatch(r"type = (\S+)\nmatchesdef = ([01])\n", text)
        if match is None:
            self.add("C-SYNTAX", node.path + ".init", "not a type and matchesdef")
            return
        node.type, node.matches = match.group(1), match.group(2) == "1"

    def _read_definition(self, node: Node, is_manager: bool) -> None:
        table = "Manager" if is_manager else node.table
        table = "Lop" if node.path == "stage" else table
        text = self.text(node.path + ".def")
        if text:
            node.definition = entry_text.definition(text, table, pinned=node.path != "vex")
            self._check_flags(node, table)

    def _read_own(self, node: Node, is_manager: bool) -> None:
        """Parameters of the node itself, and lists of it that follow the asset's."""
        entry = node.path + ".spareparmdef"
        if entry in self.entries:
            try:
                node.spare = list(operators.from_items(dialog_text.read_items(self.text(entry), entry)))
            except SceneError as error:
                self.add("C-SPARE", entry, error.problem, error.line)
        if node.path + ".multiparm" in self.entries:
            for line in entry_text.listed(self.text(node.path + ".multiparm"), ".multiparm"):
                if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*# \.\./[A-Za-z_][A-Za-z0-9_]*#", line):
                    self.add("C-SYNTAX", node.path + ".multiparm", "not two names of lists' items: %s" % line)

    def _read_parms(self, node: Node, is_manager: bool) -> None:
        if node.path == "hdaroot":
            if "hdaroot.parm" in self.entries:
                self.add("C-ENTRY", "hdaroot.parm", "the network of an asset has no parameters of its own")
            return
        text = self.text(node.path + ".parm")
        node.parms = entry_text.parms(text) if text else []

    def _read_channels(self, node: Node, is_manager: bool) -> None:
        if node.path + ".chn" in self.entries:
            node.channels = entry_text.channels(self.text(node.path + ".chn"))

    def _read_version(self, node: Node, is_manager: bool) -> None:
        entry = node.path + ".userdata"
        try:
            data = options.from_binary(self.entries.get(entry, b""), entry)
        except SceneError as error:
            self.add("C-USERDATA", entry, error.problem)
            return
        if list(data) != ["___Version___"] or not isinstance(data["___Version___"], str):
            self.add("C-USERDATA", entry, "holds %s instead of ___Version___" % ", ".join(data))
            return
        node.version = str(data["___Version___"])
        if is_manager and node.version != HOUDINI_VERSION:
            self.add("C-VERSION", entry, "is %r, but a manager has Houdini's, %s" % (node.version, HOUDINI_VERSION))

    def _check_flags(self, node: Node, table: str) -> None:
        assert node.definition is not None
        flags = node.definition.flags
        if flags["compress"] != (table not in ("Top", "Cop2")):
            self.add("C-FLAGS", node.path + ".def", "compress is wrong for a node of a %s network" % table)
        if flags["colordefault"] != (node.definition.color == GREY):
            self.add("C-FLAGS", node.path + ".def", "colordefault does not fit the color")

    def _check_sequence(self) -> None:
        """The file's order is that of §2.2: own entries, notes, children, `.order`, `.net`; and nothing else."""
        expected = list(self._sequence(self.root))
        own = [
            name
            for name in self.entries
            if name == self.root.path or re.match(self.root.path + r"[./]", name) is not None
        ]
        late = self.root.path in ("vex", "mat")
        if late:  # their `.net` comes behind that of `img`; `scene` checks it
            expected.remove(self.root.path + ".net")
            own = [name for name in own if name != self.root.path + ".net"]
        for name in own:
            if name not in expected:
                self.add("C-ENTRY", name, "an entry that no node of ours has")
        if [name for name in own if name in expected] != [name for name in expected if name in own]:
            self.add("C-SEQ", self.root.path, "the entries are not in the order of a file of Houdini's")
        for name in expected:
            if name.endswith(".net") and name not in own:
                self.add("C-MISSING", name, "a network without its .net")
            elif name.endswith(".net") and self.entries[name] != b"1\n":
                self.add("C-SYNTAX", name, "is not 1")

    def _sequence(self, node: Node) -> Iterator[str]:
        for suffix in SUFFIXES:
            if "%s.%s" % (node.path, suffix) in self.entries:
                yield "%s.%s" % (node.path, suffix)
        for note in self._names(node.path, "postitdef"):
            yield from ("%s/%s.%s" % (node.path, note, suffix) for suffix in NOTES)
        for child in node.children:
            yield from self._sequence(child)
        if node.path + ".order" in self.entries:
            yield node.path + ".order"
        if node.children or node is self.root or node.type in INSIDE or node.type == "subnet":
            yield node.path + ".net"

    def _check_order(self, node: Node) -> None:
        entry, names = node.path + ".order", [child.name for child in node.children]
        if (entry in self.entries) != (len(names) > 1):
            self.add("C-ORDER", entry, ".order stands beside two nodes or more, and only then")
        elif entry in self.entries:
            try:
                order = entry_text.listed(self.text(entry), ".order")
            except Malformed as error:
                self.add("C-ORDER", entry, str(error), error.line)
                return
            if order != names:
                self.add("C-ORDER", entry, "names %s, but the nodes are %s" % (", ".join(order), ", ".join(names)))
