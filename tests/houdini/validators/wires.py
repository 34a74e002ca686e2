"""How the nodes of a network are wired: sources, connector ids, counts of inputs and outputs."""

from __future__ import annotations

import re
from typing import Mapping

from . import entry_text
from .entry_text import Definition, Malformed
from .network import Network, Node


def check(network: Network) -> None:
    """Checks every wire of a network, and the numbers of what it is wired to."""
    for node in network.root.all():
        _check_children(network, node)


def _check_children(network: Network, node: Node) -> None:
    children = {child.name: child for child in node.children}
    most = _enclosing_inputs(network, node)
    for child in node.children:
        if child.definition is not None:
            _check_ids(network, child, child.definition)
            for wire in child.definition.inputs:
                _check_wire(network, child, wire, children, most)


def _check_ids(network: Network, node: Node, definition: Definition) -> None:
    entry = node.path + ".def"
    outputs, inputs = [number for number, _ in definition.outputs], [wire.own_id for wire in definition.inputs]
    if len({*outputs, *inputs}) != len(outputs) + len(inputs):
        network.add("C-CONNID", entry, "two connectors have the same id")
    if definition.next_id != max([*outputs, *inputs], default=-1) + 1:
        network.add("C-NEXTID", entry, "connectornextid is not one more than the highest id")
    for place, wire in enumerate(definition.inputs):
        if (wire.index, wire.own_id, wire.label) != (place, place, "input%d" % (place + 1)):
            network.add("C-INPUTS", entry, "input %d is not numbered and named by its place" % place)
    if [name for _, name in definition.outputs] != ["output%d" % (n + 1) for n in range(len(outputs))]:
        network.add("C-OUTPUTS", entry, "outputs are not named output1, output2, ...")
    _check_type(network, node, definition)


def _check_type(network: Network, node: Node, definition: Definition) -> None:
    entry, outputs = node.path + ".def", definition.outputs
    known = network.type_of(node)
    if known is None:
        network.add("C-TYPE", node.path + ".init", "no node type %s is known in %s networks" % (node.type, node.table))
        return
    if known.max_inputs is not None and len(definition.inputs) > known.max_inputs:
        network.add("C-INPUTS", entry, "%s takes %d inputs at most" % (node.type, known.max_inputs))
    if len(outputs) != known.outputs and node.table in ("Top", "Sop"):
        network.add("C-OUTPUTS", entry, "%s has %d outputs, not %d" % (node.type, known.outputs, len(outputs)))
    if node.matches != known.is_asset:
        network.add("C-MATCHES", node.path + ".init", "matchesdef is 1 for instances of assets and 0 for all else")
    if known.is_asset and node.children:
        network.add("C-MATCHES", node.path, "a locked asset holds nodes of its own")


def _check_wire(network: Network, node: Node, wire: entry_text.Input, others: Mapping[str, Node], most: int) -> None:
    entry = node.path + ".def"
    enclosing = re.fullmatch(r"\((\d+)\)", wire.source)
    if enclosing is not None or not wire.source:
        if wire.source_id is not None or wire.source_output:
            network.add("C-CONNID", entry, "an input from around the network has no connector id")
        if enclosing is not None and int(enclosing.group(1)) >= most:
            network.add("C-SUBIN", entry, "input %s of the network around does not exist" % wire.source)
        return
    source = others.get(wire.source)
    if source is None or source is node:
        network.add("C-CONN", entry, "wired to %s, which is not beside it" % wire.source)
    elif source.definition is not None:
        outputs = [number for number, _ in source.definition.outputs]
        if wire.source_id not in outputs or outputs.index(wire.source_id) != wire.source_output:
            said = (wire.source_id, wire.source_output)
            network.add("C-CONNID", entry, "id %s is not that of output %d of %s" % (*said, wire.source))


def _enclosing_inputs(network: Network, node: Node) -> int:
    """How many inputs the inside of a node sees, by its `.inp`."""
    entry = node.path + ".inp"
    if entry not in network.entries:
        return 0
    try:
        lines = entry_text.listed(network.text(entry), ".inp")
    except Malformed as error:
        network.add("C-INP", entry, str(error), error.line)
        return 0
    row = re.compile(r'%s %s [0-9]+ 2 0 __NO_OWNER_NETWORK_BOX__ "FROMOUTPUT"' % ((entry_text.NUMBER,) * 2))
    if not lines or not all(row.fullmatch(line) for line in lines):
        network.add("C-INP", entry, "a line is not the place of an input, or there is none")
    return len(lines)
