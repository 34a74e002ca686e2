"""A network of nodes as a scene or an asset stores it: what is set, and nothing about how it is written down.

`entries` turns it into the entries of a file (`topnet1/train.parm`, ...) and back; `scene` and `asset` wrap those into
hips and digital assets.
"""

from __future__ import annotations

import dataclasses
from typing import Optional, Tuple, Union


@dataclasses.dataclass(frozen=True)
class Token:
    """The value of a menu or toggle: "on", "off", "2". Stored in quotes, unlike a number."""

    text: str


@dataclasses.dataclass(frozen=True)
class Channel:
    """A parameter component that follows an expression."""

    expression: str
    """Without the quotes of the file: `ch("../iter")`."""
    value: Union[str, int, float, Token]
    """What it was when the file was written."""
    language: str = "hscript"
    """"hscript" or "python"."""


Value = Union[str, int, float, Token, Channel]


@dataclasses.dataclass(frozen=True)
class Parm:
    """What one parameter is set to. Parameters that are not mentioned have their type's default."""

    name: str
    values: Tuple[Value, ...]
    """One for each component; a multiparm's is its number of instances, and those follow as parameters of their own."""


@dataclasses.dataclass(frozen=True)
class Connection:
    """What one input is wired to."""

    source: str
    """Name of a node beside this one, `(1)` for the second input of the subnet around it, "" for nothing."""
    output: int = 0
    """Which output of the source, counted from 0."""


@dataclasses.dataclass(frozen=True)
class Node:
    """One node."""

    name: str
    type: str
    """With namespace and version: `topforge::train::1.0`."""
    parms: Tuple[Parm, ...] = ()
    inputs: Tuple[Connection, ...] = ()
    """By input number, without gaps: an unwired one before a wired one is `Connection("")`."""
    outputs: Tuple[str, ...] = ("output1",)
    """Names of the output connectors; none for sinks such as `output`."""
    children: Tuple[Node, ...] = ()
    notes: Tuple[StickyNote, ...] = ()
    """Sticky notes inside it."""
    version: str = ""
    """`___Version___`: Houdini's for compiled types, the asset's own for the others."""
    position: Tuple[float, float] = (0.0, 0.0)
    comment: str = ""
    display: bool = False
    render: bool = False
    bypass: bool = False
    matches_definition: bool = False
    """A locked instance whose contents come from its asset; no children are stored then."""
    max_inputs: int = 0
    """Of a subnet: how many inputs its inside sees."""
    is_network: bool = False
    """It can hold children, and has a `.net` entry even without any."""
    color: Optional[Tuple[float, float, float]] = None
    """sRGB; None is Houdini's default grey."""
    spare_parms: str = ""
    """Body of `.spareparmdef`: the node's whole interface in DialogScript, when it has parameters of its own."""
    linked_multiparms: Tuple[Tuple[str, str], ...] = ()
    """Instance parameters that follow the asset's: ("name#", "../name#")."""

    def parm(self, name: str) -> Optional[Parm]:
        """The setting of a parameter, None when it is not mentioned."""
        return next((parm for parm in self.parms if parm.name == name), None)

    def child(self, name: str) -> Optional[Node]:
        """A node inside it, None when there is none of that name."""
        return next((node for node in self.children if node.name == name), None)


@dataclasses.dataclass(frozen=True)
class StickyNote:
    """A note in the network editor."""

    name: str
    text: str
    position: Tuple[float, float] = (0.0, 0.0)
    size: Tuple[float, float] = (4.0, 2.0)
    color: Optional[Tuple[float, float, float]] = None
