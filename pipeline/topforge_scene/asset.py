"""Digital assets: an operator's definition, and the library that holds one or more of them. The model.

`asset_files` writes and reads the expanded form (a folder of text files, as kept in git), `asset_binary` the
collapsed one (a single .hda).
"""

from __future__ import annotations

import dataclasses
from typing import Mapping, Optional, Tuple

from topforge_scene.dialog_script import DialogScript
from topforge_scene.network import Node


@dataclasses.dataclass(frozen=True)
class Operator:
    """The definition of one node type."""

    name: str
    """With namespace and version: `topforge::train::1.0`."""
    label: str
    table: str
    """"Top", "Sop", "Lop", ..."""
    interface: DialogScript
    contents: Optional[Node]
    """The network inside, a node named `hdaroot` of this type; None for an asset without one."""
    min_inputs: int = 0
    max_inputs: int = 0
    outputs: int = 1
    icon_svg: str = ""
    """The icon's SVG text; "" = Houdini's icon for the table."""
    help: str = ""
    """Help card in SideFX's wiki markup."""
    submenus: Tuple[str, ...] = ()
    """Folders of the TAB menu."""
    keywords: Tuple[str, ...] = ()
    """What else it is found by in the TAB menu."""
    python_module: str = ""
    """Source of the callbacks (`hou.phm()`)."""
    events: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Python by event: {"OnCreated": ...}."""
    version: str = ""
    """What new instances carry as `___Version___`."""
    extra: str = ""
    """The index's `Extra` field, empty for a subnet."""
    editable_nodes: str = ""
    message_nodes: str = ""
    descriptive_parm: str = ""
    """Name of the parameter that the network editor shows below the node."""


@dataclasses.dataclass(frozen=True)
class Library:
    """What one `.hda` holds."""

    operators: Tuple[Operator, ...]
