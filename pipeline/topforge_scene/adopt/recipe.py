"""What a Kartaverse-style network does, in plain values: everything that `job` and `network` write."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, Mapping, Optional, Tuple

from topforge_scene.adopt import command_line, environment
from topforge_scene.adopt.attributes import Scalar, Wedge
from topforge_scene.adopt.graph import Chain
from topforge_scene.adopt.text import Text
from topforge_scene.network import Node


@dataclasses.dataclass(frozen=True)
class Line:
    """One line of the account."""

    node: str
    """Name of the node it is about."""
    text: str


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A command, its values, its environment and what varies."""

    name: str
    """Of the scene, without its ending."""
    chain: Chain
    words: Tuple[Text, ...]
    """Of the command, executable first."""
    attributes: Mapping[str, Text]
    wedges: Tuple[Wedge, ...]
    variables: Mapping[str, str]
    """What jobs get in their environment."""
    folder: Path
    """Where jobs start."""
    scheduler: Optional[Node]
    became: Tuple[Line, ...]
    left_out: Tuple[Line, ...]

    @property
    def executable(self) -> Optional[str]:
        """The program; None when it varies."""
        return command_line.resolved(self.words[0], self.attributes)

    @property
    def prefix(self) -> Optional[str]:
        """The environment whose Python the program is; None when it is another program."""
        return environment.prefix_of(self.executable) if self.executable is not None else None

    @property
    def mode(self) -> str:
        """How TopForge makes the environment: "kartaverse", or "clean" with the variables on top."""
        prefix = self.prefix
        return "kartaverse" if prefix and environment.is_kartaverse(self.variables, prefix) else "clean"

    def varied(self) -> Dict[str, Tuple[Scalar, ...]]:
        """All varied attributes with their values."""
        return {name: values for wedge in self.wedges for name, values in wedge.values.items()}
