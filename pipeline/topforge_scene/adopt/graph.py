"""Finding the nodes of a Kartaverse-style network, and refusing what stands between them."""

from __future__ import annotations

import dataclasses
from typing import Dict, Iterator, List, Optional, Tuple

from topforge_scene.adopt.reasons import CannotAdoptError
from topforge_scene.network import Node
from topforge_scene.scene import Scene

GENERATOR = "genericgenerator"
KNOWN = ("attributecreate", "environmentedit", "wedge", "null")
"""What may stand above the generator."""
_BELOW = ("waitforall", "null", "output")
_WHY_NOT = {
    "pythonscript": "its Python code cannot be carried over without running it",
    "pythonprocessor": "its Python code cannot be carried over without running it",
    "pythonpartitioner": "its Python code cannot be carried over without running it",
    "pythonmapper": "its Python code cannot be carried over without running it",
    "invoke": "it cooks geometry inside Houdini",
    "ropfetch": "it cooks a render node inside Houdini",
    "filepattern": "which items it makes depends on the files that are there when it cooks",
    "filerange": "which items it makes depends on the files that are there when it cooks",
    GENERATOR: "it runs another command; only one command can be carried over at a time",
}
_AFTER = "it comes after the command, where a job has no place for it"
_MORE = "it is not part of attribute create, wedge, environment edit, generic generator, wait for all"


@dataclasses.dataclass(frozen=True)
class Chain:
    """The nodes that matter."""

    path: str
    """Of the TOP network: `/tasks/topnet1`."""
    network: Node
    above: Tuple[Node, ...]
    """What feeds the generator, first node first, bypassed ones left out."""
    generator: Node
    waits: Tuple[Node, ...]
    """Wait-for-alls below it."""
    bypassed: Tuple[Node, ...]
    beside: Tuple[Node, ...]
    """What is not connected with the generator, schedulers left out."""

    def where(self, node: Node) -> str:
        """Path of one of the nodes."""
        return "%s/%s" % (self.path, node.name)


def find(scene: Scene, name: str, top: Optional[str]) -> Chain:
    """The chain around a generic generator.

    Args:
        scene: Where to look.
        name: The scene's file name, for messages.
        top: Path of a TOP network or of a generic generator in one; None = the only one in the scene.

    Raises:
        CannotAdoptError: There is none, more than one, or it is connected with nodes that cannot be carried over.
    """
    found = [(path, network, node) for path, network in _networks(scene) for node in network.children if _runs(node)]
    if top is not None:
        wanted = "/" + top.strip("/")
        found = [entry for entry in found if wanted in (entry[0], "%s/%s" % (entry[0], entry[2].name))]
    if not found:
        where = "at %s" % top if top is not None else "in it"
        raise CannotAdoptError(name, ["there is no TOP network with a generic generator %s" % where])
    if len(found) > 1:
        paths = ", ".join("%s/%s" % (path, node.name) for path, _, node in found)
        reason = "it runs %d commands, and only one can be carried over at a time: %s" % (len(found), paths)
        raise CannotAdoptError(name, [reason], "Name one of them with --top.")
    path, network, generator = found[0]
    return _Walk(name, path, network).chain(generator)


def _networks(scene: Scene) -> Iterator[Tuple[str, Node]]:
    waiting = [("/%s/%s" % (manager, node.name), node) for manager, nodes in scene.networks.items() for node in nodes]
    while waiting:
        path, node = waiting.pop(0)
        if node.type == "topnet":
            yield path, node
        waiting += [("%s/%s" % (path, child.name), child) for child in node.children]


def _runs(node: Node) -> bool:
    return node.type == GENERATOR and not node.bypass


class _Walk:
    """Follows the wires from the generator, up and down."""

    def __init__(self, scene: str, path: str, network: Node) -> None:
        self.scene = scene
        self.path = path
        self.network = network
        self.nodes: Dict[str, Node] = {node.name: node for node in network.children}
        self.reasons: List[str] = []
        self.bypassed: List[Node] = []

    def chain(self, generator: Node) -> Chain:
        above = self._above(generator)
        waits, below = self._below(generator)
        if self.reasons:
            raise CannotAdoptError(self.scene, self.reasons)
        connected = {node.name for node in (*above, generator, *below, *self.bypassed)}
        beside = [
            node for node in self.network.children if node.name not in connected and not node.type.endswith("scheduler")
        ]
        kept = tuple(node for node in above if not node.bypass)
        return Chain(self.path, self.network, kept, generator, tuple(waits), tuple(self.bypassed), tuple(beside))

    def _above(self, generator: Node) -> List[Node]:
        above: List[Node] = []
        node: Optional[Node] = generator
        while node is not None:
            node = self._only_source(node)
            if node is None or node in above:
                break
            if node.bypass:
                self.bypassed.append(node)
            elif node.type not in KNOWN:
                self._refuse(node)
            above.insert(0, node)
        return above

    def _only_source(self, node: Node) -> Optional[Node]:
        sources = [connection for connection in node.inputs if connection.source]
        if len(sources) > 1:
            self.reasons.append("%s/%s: it has %d inputs" % (self.path, node.name, len(sources)))
        if not sources:
            return None
        if sources[0].source not in self.nodes:
            problem = "it is wired to %s, which is not in the network" % sources[0].source
            self.reasons.append("%s/%s: %s" % (self.path, node.name, problem))
        return self.nodes.get(sources[0].source)

    def _below(self, generator: Node) -> Tuple[List[Node], List[Node]]:
        waits: List[Node] = []
        below: List[Node] = []
        waiting = [generator]
        while waiting:
            name = waiting.pop(0).name
            for node in self.network.children:
                if node in below or not any(connection.source == name for connection in node.inputs):
                    continue
                below.append(node)
                waiting.append(node)
                if node.bypass:
                    self.bypassed.append(node)
                elif node.type == "waitforall":
                    waits.append(node)
                elif node.type not in _BELOW:
                    self._refuse(node, _AFTER if node.type in KNOWN else _MORE)
        return waits, below

    def _refuse(self, node: Node, otherwise: str = _MORE) -> None:
        why = _WHY_NOT.get(node.type, otherwise)
        self.reasons.append("%s/%s (%s): %s" % (self.path, node.name, node.type, why))
