"""Reading parameters of a scene's node: those not stored have their type's default."""

from __future__ import annotations

import dataclasses
from typing import FrozenSet, List, Mapping, Tuple, Union

from topforge_scene import parm_text
from topforge_scene.adopt import text
from topforge_scene.adopt.reasons import ReasonError
from topforge_scene.adopt.text import Text
from topforge_scene.network import Channel, Node, Token


@dataclasses.dataclass(frozen=True)
class Parameters:
    """The parameters of one node."""

    node: Node
    path: str
    """Of the node, for reasons."""
    variables: Mapping[str, str]
    """What `$NAME` stands for."""

    def raw(self, name: str, default: str = "") -> str:
        """The stored text of a parameter's first component, nothing expanded; a toggle is "on" or "off"."""
        return parm_text.text(self._value(name, default))

    def text(self, name: str, default: str = "") -> Text:
        """A text parameter: variables expanded, attributes as references."""
        variables = {**self.variables, "OS": self.node.name}
        return text.parse(self.raw(name, default), variables, self.path, name)

    def literal(self, name: str, default: str = "") -> str:
        """A text parameter that may not depend on attributes."""
        parsed = self.text(name, default)
        if not text.is_literal(parsed):
            raise ReasonError(self.path, "%s depends on an attribute, where it cannot be carried over" % name)
        return text.literal(parsed)

    def is_on(self, name: str, default: bool = False) -> bool:
        """A toggle."""
        return self.raw(name, "on" if default else "off") in ("on", "1")

    def count(self, name: str) -> int:
        """How many instances a list has."""
        return int(self.number(name, 0))

    def number(self, name: str, default: Union[int, float], component: int = 0) -> Union[int, float]:
        """A number."""
        value = self._value(name, default, component)
        if isinstance(value, (int, float)):
            return value
        shown = parm_text.text(value)
        try:
            return int(shown)
        except ValueError:
            raise ReasonError(self.path, '%s is "%s" instead of a number' % (name, shown)) from None

    def stored(self) -> List[Tuple[str, str]]:
        """(name, text) of all parameters that are stored and follow no expression, first components."""
        plain = [(parm.name, parm.values[0]) for parm in self.node.parms if parm.values]
        return [(name, parm_text.text(value)) for name, value in plain if not isinstance(value, Channel)]

    def refuse_channels(self, harmless: FrozenSet[str] = frozenset()) -> None:
        """Refuses a node on which any parameter follows an expression."""
        for parm in self.node.parms:
            channel = next((value for value in parm.values if isinstance(value, Channel)), None)
            if channel is not None and parm.name not in harmless:
                raise ReasonError(self.path, "%s follows the expression %s" % (parm.name, channel.expression))

    def _value(self, name: str, default: Union[str, int, float], component: int = 0) -> Union[str, int, float, Token]:
        parm = self.node.parm(name)
        if parm is None or component >= len(parm.values):
            return default
        value = parm.values[component]
        if isinstance(value, Channel):
            raise ReasonError(self.path, "%s follows the expression %s" % (name, value.expression))
        return value
