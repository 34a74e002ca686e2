"""hou.VopNode and hou.LopNode: as far as building materials and references goes."""

from __future__ import annotations

from ._enums import nodeFlag
from ._handles import register
from ._op_nodes import OpNode


class VopNode(OpNode):
    """A shader node."""

    def isMaterialFlagSet(self) -> bool:
        return self.isGenericFlagSet(nodeFlag.Material)

    def setMaterialFlag(self, on: bool) -> None:
        self._writable().flags["material"] = bool(on)


class LopNode(OpNode):
    """A node of Solaris."""

    def isBypassed(self) -> bool:
        return self._live().flags["bypass"]

    def bypass(self, on: bool) -> None:
        self._writable().flags["bypass"] = bool(on)

    def isDisplayFlagSet(self) -> bool:
        return self._live().flags["display"]

    def setDisplayFlag(self, on: bool) -> None:
        self.setGenericFlag(nodeFlag.Display, on)


register("Vop", VopNode)
register("Lop", LopNode)
