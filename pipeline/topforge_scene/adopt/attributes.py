"""What Attribute Create and Wedge put on the work items."""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Mapping, Tuple, Union

from topforge_scene.adopt.parameters import Parameters
from topforge_scene.adopt.reasons import ReasonError, UnknownAttributeError
from topforge_scene.adopt.text import Reference, Text, filled, unknown

Scalar = Union[str, int, float]

_KEEP = "4"
"""Attribute Create's conflict mode "keep existing"; all others end with the new value when both are text."""
_KINDS = {"0": "float", "2": "int", "4": "str"}
"""Wedge's types that are one value."""
_RANGE, _VALUE, _LIST = "0", "1", "2"


@dataclasses.dataclass(frozen=True)
class Wedge:
    """What one Wedge node varies: the n-th values of all its attributes go together."""

    values: Mapping[str, Tuple[Scalar, ...]]
    """By attribute, all of the same length."""

    @property
    def count(self) -> int:
        """How many variants."""
        return max(len(values) for values in self.values.values())


def read_created(parameters: Parameters, attributes: Dict[str, Text]) -> List[str]:
    """Adds what an Attribute Create makes to `attributes`.

    Returns:
        What could not be carried over, phrases about single attributes. Using one of them is refused later, as it is
        then not among the attributes.

    Raises:
        ReasonError: The node does something that changes all items.
    """
    if parameters.is_on("usecondition"):
        raise ReasonError(parameters.path, "it creates its attributes only under a condition")
    notes: List[str] = []
    for index in range(1, parameters.count("stringattribs") + 1):
        _string(parameters, index, attributes, notes)
    for kind, component in (("int", "intvalue%d"), ("float", "floatvalue%d")):
        for index in range(1, parameters.count(kind + "attribs") + 1):
            _number(parameters, kind, component % index, index, attributes, notes)
    for kind in ("dict", "pyobject"):
        for index in range(1, parameters.count(kind + "attribs") + 1):
            name = parameters.literal("%sname%d" % (kind, index))
            attributes.pop(name, None)
            notes.append("%s: neither text nor a number" % name)
    if parameters.count("resultdata"):
        notes.append("its output files: they come from elsewhere")
    return notes


def _string(parameters: Parameters, index: int, attributes: Dict[str, Text], notes: List[str]) -> None:
    name = parameters.literal("stringname%d" % index)
    if not name or not parameters.is_on("stringenable%d" % index, True):
        return
    if name in attributes and parameters.raw("stringconflict%d" % index, "0") == _KEEP:
        return
    if parameters.is_on("usestringindex%d" % index):
        attributes.pop(name, None)
        notes.append("%s: an array" % name)
        return
    text = parameters.text("stringvalue%d" % index)
    missing = unknown(text, attributes)
    if missing is not None:
        raise UnknownAttributeError(parameters.path, name, missing)
    attributes[name] = filled(text, attributes)


def _number(
    parameters: Parameters, kind: str, parm: str, index: int, attributes: Dict[str, Text], notes: List[str]
) -> None:
    name = parameters.literal("%sname%d" % (kind, index))
    if not name or not parameters.is_on("%senable%d" % (kind, index), True):
        return
    if name in attributes and parameters.raw("%sconflict%d" % (kind, index), "0") == _KEEP:
        return
    if parameters.number("%ssize%d" % (kind, index), 1) != 1:
        attributes.pop(name, None)
        notes.append("%s: an array" % name)
        return
    attributes[name] = ("%.15g" % parameters.number(parm, 0),)


def read_wedge(parameters: Parameters, attributes: Dict[str, Text]) -> Wedge:
    """What a Wedge varies; its attributes become references to themselves.

    Raises:
        ReasonError: Vectors, random values, values taken from other nodes, or fewer values than variants.
    """
    count = parameters.count("wedgecount") if parameters.node.parm("wedgecount") else 1
    values: Dict[str, Tuple[Scalar, ...]] = {}
    for index in range(1, parameters.count("wedgeattributes") + 1):
        name = parameters.literal("name%d" % index)
        values[name] = _wedged(parameters, index, name, count)
        attributes[name] = (Reference(name),)
    if not values or count < 1:
        raise ReasonError(parameters.path, "it varies nothing")
    if parameters.is_on("exportenvironment"):
        raise ReasonError(parameters.path, "exportenvironment is on: its values go into the environment")
    return Wedge(values)


def _wedged(parameters: Parameters, index: int, name: str, count: int) -> Tuple[Scalar, ...]:
    kind = _KINDS.get(parameters.raw("type%d" % index, "0"))
    way = parameters.raw("wedgetype%d" % index, _RANGE)
    if not name.isidentifier():
        raise ReasonError(parameters.path, 'attribute %d is called "%s", which is no name' % (index, name))
    if kind is None:
        raise ReasonError(parameters.path, "%s is a vector or a colour" % name)
    if parameters.is_on("random%d" % index):
        raise ReasonError(parameters.path, "%s is random" % name)
    if parameters.is_on("exportchannel%d" % index) and parameters.raw("channel%d" % index):
        raise ReasonError(
            parameters.path, "%s also sets the parameter %s" % (name, parameters.raw("channel%d" % index))
        )
    if way == _VALUE and kind != "str":
        return (_checked(parameters.number("%svalue%d" % (kind, index), 0), kind),) * count
    if way == _LIST:
        return _listed(parameters, index, name, kind, count)
    if way == _RANGE and kind != "str":
        start, end = (parameters.number("%srange%d" % (kind, index), component, component) for component in (0, 1))
        return tuple(_between(parameters, name, kind, start, end, number, count) for number in range(count))
    raise ReasonError(parameters.path, "%s is varied in a way that cannot be carried over (wedgetype %s)" % (name, way))


def _listed(parameters: Parameters, index: int, name: str, kind: str, count: int) -> Tuple[Scalar, ...]:
    length = parameters.count("values%d" % index)
    if length != count:
        raise ReasonError(parameters.path, "%s has %d values for %d variants" % (name, length, count))
    if kind == "str":
        return tuple(parameters.literal("strvalue%d_%d" % (index, number + 1)) for number in range(length))
    names = ("%svalue%d_%d" % (kind, index, number + 1) for number in range(length))
    return tuple(_checked(parameters.number(each, 0), kind) for each in names)


def _between(parameters: Parameters, name: str, kind: str, start: float, end: float, number: int, count: int) -> Scalar:
    value = start if count == 1 else start + (end - start) * number / (count - 1)
    if kind == "int" and value != int(value):
        raise ReasonError(
            parameters.path, "%s: whole numbers from %g to %g do not divide into %d" % (name, start, end, count)
        )
    return _checked(value, kind)


def _checked(value: Union[int, float], kind: str) -> Scalar:
    return int(value) if kind == "int" else float("%.12g" % value)
