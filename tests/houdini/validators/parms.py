"""What the nodes of a network are set to: names, kinds and tokens of their types, channels, references, code."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Iterator, Sequence

from . import code, operators
from .context import HOUDINI_VERSION
from .entry_text import NUMBER, Value
from .network import Network, Node
from .operators import NodeType, Parm

QUOTED_TYPES = ("toggle", "ordinal")
NUMBER_TYPES = ("integer", "float", "intvector", "intvector2", "vector", "vector2", "vector4", "log", "angle", "intlog")
CODE = {
    ("pythonprocessor", "generate"): ("self", "item_holder", "upstream_items", "generation_type", "pdg"),
    ("pythonprocessor", "cooktask"): ("self", "work_item", "pdg"),
    ("pythonprocessor", "regeneratestatic"): ("self", "item_holder", "existing_items", "upstream_items", "pdg"),
    ("pythonprocessor", "addinternaldependencies"): ("self", "work_items", "internal_items", "is_static", "pdg"),
    ("pythonscript", "script"): ("self", "work_item", "parent_item", "pdg"),
    ("pythonpartitioner", "partition"): ("self", "partition_holder", "work_items", "pdg"),
    ("python", "python"): (),
}
"""Parameters that hold Python, by node type, and the names that Houdini gives to it."""
REFERENCE = re.compile(r"\bch(?:s|f|i|sop|sraw|ramp)?\(\s*[\"']([^\"']+)[\"']")
_COMPONENTS = "xyzw"


def check(network: Network, own: NodeType | None, python_paths: Sequence[Path]) -> None:
    """Checks every node's settings.

    Args:
        network: The network.
        own: The interface around it, of an asset; None in a scene, or when it cannot be read.
        python_paths: Where modules of ours are found.
    """
    for node in network.root.all():
        known = network.type_of(node)
        if node is network.root or known is None:
            continue
        _check_version(network, node, known)
        _check_channels(network, node)
        _check_settings(network, node, known)
        _check_lists(network, node, known)
        for expression, line in _expressions(node):
            _check_expression(network, own, node, expression, line)
        _check_code(network, own, node, known, python_paths)
        _check_scheduler(network, node)


def _check_version(network: Network, node: Node, known: NodeType) -> None:
    expected = HOUDINI_VERSION if known.version == "houdini" else known.version
    if expected is None:
        network.add("C-VERSION", node.path + ".userdata", "no version of %s was ever seen" % node.type)
    elif node.version != expected:
        message = "is %r, but %s of these parameters has %r" % (node.version, node.type, expected)
        network.add("C-VERSION", node.path + ".userdata", message)


def _check_settings(network: Network, node: Node, known: NodeType) -> None:
    entry, seen = node.path + ".parm", set()
    for name, values, line in node.parms:
        if name in seen:
            network.add("C-PARMDUP", entry, "%s is set twice" % name, line)
        seen.add(name)
        parm = known.parm(name)
        if parm is None:
            network.add("C-PARMNAME", entry, "%s has no parameter %s" % (node.type, name), line)
            continue
        if parm.type not in ("folder", "any") and len(values) != parm.size:
            network.add("C-SIZE", entry, "%s has %d values, not %d" % (name, parm.size, len(values)), line)
        for value in values:
            _check_value(network, entry, parm, value, line)


def _check_value(network: Network, entry: str, parm: Parm, value: Value, line: int) -> None:
    if value.text.count("`") % 2:
        network.add("C-BACKTICK", entry, "%s: an expression in backticks that is open" % parm.name, line)
    is_number = not value.quoted and re.fullmatch(NUMBER, value.text) is not None
    if parm.type in QUOTED_TYPES and not value.quoted:
        network.add("C-QUOTE", entry, "%s: a menu or toggle without quotes" % parm.name, line)
    elif parm.type == "toggle" and value.text not in ("on", "off"):
        network.add("C-TOKEN", entry, "%s: %r is neither on nor off" % (parm.name, value.text), line)
    elif parm.type in (*NUMBER_TYPES, "multiparm", "button", "folder") and not is_number:
        network.add("C-NUMBER", entry, "%s: %r is not a number" % (parm.name, value.text), line)
    elif parm.type in ("integer", "multiparm") and not re.fullmatch("-?[0-9]+", value.text):
        network.add("C-NUMBER", entry, "%s: %r is not whole" % (parm.name, value.text), line)
    elif parm.tokens is not None and value.text not in parm.tokens and not re.match(r"\$|.*`", value.text):
        network.add("C-TOKEN", entry, "%s: %r is not one of its tokens" % (parm.name, value.text), line)


def _check_channels(network: Network, node: Node) -> None:
    followed = set()
    for name, values, line in node.parms:
        for place, value in enumerate(values):
            expected = name + (_COMPONENTS[place] if len(values) > 1 else "")
            if value.channel:
                followed.add(value.channel)
            if value.channel and value.channel != expected:
                message = "%s follows the channel %s instead of %s" % (name, value.channel, expected)
                network.add("C-CHAN", node.path + ".parm", message, line)
    for channel in sorted(followed ^ set(node.channels)):
        network.add("C-CHAN", node.path + ".chn", "the channel %s stands in only one of .parm and .chn" % channel)


def _check_lists(network: Network, node: Node, known: NodeType) -> None:
    """Instances of a multiparm: only announced ones; and of a list that is announced, at least one."""
    counts = {name: int(values[0].text) for name, values, _ in node.parms if _is_list(known, name) and _whole(values)}
    used: set[str] = set()
    for name, _, line in node.parms:
        parm = known.parm(name)
        match = operators.pattern(parm).fullmatch(name) if parm is not None and parm.lists else None
        for place, pattern in enumerate(parm.lists if parm is not None and match is not None else ()):
            numbers = match.groups()  # type: ignore[union-attr]
            outer = iter(numbers)
            concrete = "".join(next(outer) if letter == "#" else letter for letter in pattern)
            used.add(concrete)
            if not 1 <= int(numbers[place]) <= counts.get(concrete, 0):
                message = "%s, but %s has %d entries" % (name, concrete, counts.get(concrete, 0))
                network.add("C-COUNT", node.path + ".parm", message, line)
    for name, count in counts.items():
        if count and name not in used:
            network.add("C-COUNT", node.path + ".parm", "%s announces %d entries, none is set" % (name, count))


def _is_list(known: NodeType, name: str) -> bool:
    parm = known.parm(name)
    return parm is not None and parm.type == "multiparm"


def _whole(values: list[Value]) -> bool:
    return len(values) == 1 and re.fullmatch("[0-9]{1,4}", values[0].text) is not None


def _expressions(node: Node) -> Iterator[tuple[str, int | None]]:
    """Every hscript expression: channels, and what stands between backticks."""
    yield from ((channel.expression, None) for channel in node.channels.values() if channel.language == "hscript")
    for _, values, line in node.parms:
        for value in values:
            yield from ((expression, line) for expression in re.findall("`([^`]*)`", value.text))


def _check_expression(network: Network, own: NodeType | None, node: Node, expression: str, line: int | None) -> None:
    outside = re.sub(r'"[^"]*"', "", expression)
    if '"' in outside or outside.count("(") != outside.count(")") or not expression.strip():
        network.add("C-EXPRESSION", node.path, "a quote or a bracket is open in %s" % expression, line)
    for reference in REFERENCE.findall(expression):
        _check_reference(network, own, node, reference, line)


def _check_reference(network: Network, own: NodeType | None, node: Node, reference: str, line: int | None) -> None:
    steps, _, name = reference.rpartition("/")
    target = _resolved(network, node, steps)
    known = own if target is network.root else target and network.type_of(target)
    if target is network.root and network.is_asset and own is None:
        return  # the interface cannot be read, and that is found
    if target is None or known is None or not known.reads(name):
        network.add("C-CHREF", node.path, 'ch("%s") leads to no parameter' % reference, line)


def _resolved(network: Network, node: Node, path: str) -> Node | None:
    """The node that a path leads to, seen from a node."""
    place = [] if path.startswith("/") else node.path.split("/")
    for step in path.split("/"):
        if step == "..":
            place = place[:-1]
        elif step not in (".", ""):
            place.append(step)
    return network.find("/".join(place))


def _check_scheduler(network: Network, node: Node) -> None:
    """`topscheduler` leads to a scheduler, seen from the node. (A wrong one silently means the network's own.)"""
    for name, values, line in node.parms:
        if name == "topscheduler" and values and values[0].text and "`" not in values[0].text:
            target = _resolved(network, node, values[0].text)
            if target is None or not target.type.endswith("scheduler"):
                network.add("C-SCHED", node.path + ".parm", "there is no scheduler %s" % values[0].text, line)


def _check_code(network: Network, own: NodeType | None, node: Node, known: NodeType, paths: Sequence[Path]) -> None:
    for name, values, line in node.parms:
        if (node.type, name) not in CODE or len(values) != 1:
            continue
        source, given = values[0].text, code.GIVEN.union(CODE[node.type, name])
        for problem, message, inner in code.problems(source, paths, given=given):
            network.add(problem, node.path + ".parm", "%s: %s" % (name, message), line + (inner or 1) - 1)
        for wanted in _evaluated(source):
            if own is not None and not own.reads(wanted) and not known.reads(wanted):
                network.add(
                    "C-EVALPARM", node.path + ".parm", "%s evaluates %s, which nobody has" % (name, wanted), line
                )
    for channel, expression in node.channels.items():
        if expression.language == "python":
            for problem, message, _ in code.problems(
                expression.expression, paths, body="return" in expression.expression
            ):
                network.add(problem, node.path + ".chn", "%s: %s" % (channel, message))


def _evaluated(source: str) -> Iterator[str]:
    """Names of parameters in `evalParm("x")` and `self["x"]`."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        value = None
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("evalParm", "parm")
        ):
            value = node.args[0] if len(node.args) == 1 else None
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "self":
            value = node.slice
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and "/" not in value.value:
            yield value.value
