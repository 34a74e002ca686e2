"""hou.NodeType, its categories, and the definitions of assets."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

from ._errors import OperationFailed
from ._state import session
from ._strict import NotInStandIn, Strict
from ._type_state import CATEGORIES, TypeState


class NodeTypeCategory(Strict):
    """A kind of network."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 1 or args[0] not in CATEGORIES or kwargs:
            raise NotInStandIn("how to make a hou.%s" % type(self).__name__)
        self._category: str = args[0]

    def name(self) -> str:
        return self._category

    def label(self) -> str:
        return CATEGORIES[self._category][1]

    def nodeTypes(self) -> Dict[str, Any]:
        return {name: OpNodeType(state) for name, state in session.types.of_category(self._category).items()}

    def nodeType(self, type_name: str) -> Any:
        state = session.types.exact(self._category, type_name)
        if state is None:
            session.types.refuse_unlisted(self._category, type_name)
        return None if state is None else OpNodeType(state)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeTypeCategory) and self._category == other._category

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._category)


class OpNodeTypeCategory(NodeTypeCategory):
    """A kind of network of operators."""


class NodeType(Strict):
    """A type of nodes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], TypeState) or kwargs:
            raise NotInStandIn("how to make a hou.%s" % type(self).__name__)
        self._type: TypeState = args[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeType) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Tuple[str, str]:
        return self._type.category, self._type.name

    def __repr__(self) -> str:
        return "<hou.%s for %s %s>" % (type(self).__name__, self._type.category, self._type.name)

    def category(self) -> OpNodeTypeCategory:
        return OpNodeTypeCategory(self._type.category)

    def name(self) -> str:
        return self._type.name

    def nameComponents(self) -> Tuple[str, ...]:
        return self._type.parts

    def nameWithCategory(self) -> str:
        return "%s/%s" % self._key()

    def description(self) -> str:
        return self._type.label

    def minNumInputs(self) -> int:
        return self._type.min_inputs

    def maxNumInputs(self) -> int:
        return self._type.max_inputs

    def maxNumOutputs(self) -> int:
        return self._type.outputs

    def icon(self) -> str:
        if self._type.operator is None or not self._type.operator.icon_svg:
            raise NotInStandIn("the icon of %s" % self._type.name)
        return "opdef:/%s?IconSVG" % operator_path(self._type)

    def childTypeCategory(self) -> Optional[OpNodeTypeCategory]:
        return OpNodeTypeCategory(self._type.child_category) if self._type.child_category else None

    def parmTemplates(self) -> Tuple[Any, ...]:
        from ._templates import ParmTemplate

        if not self._type.complete:
            raise NotInStandIn("all parameters of %s" % self._type.name)
        return tuple(ParmTemplate(spec) for spec in self._type.specs)

    def parmTemplateGroup(self) -> Any:
        from ._interface import ParmTemplateGroup

        return ParmTemplateGroup._of_type(self._type)


class OpNodeType(NodeType):
    """A type of operators."""

    def definition(self) -> Optional[HDADefinition]:
        return HDADefinition(self._type) if self._type.operator is not None else None

    def hdaModule(self) -> Any:
        from ._assets import module_of

        return module_of(self._type) if self._type.operator is not None else None

    def instances(self) -> Tuple[Any, ...]:
        from ._handles import handle

        every = handle(session.root).allSubChildren()
        return tuple(node for node in every if node.type() == self)

    def sourcePath(self) -> str:
        if self._type.operator is None:
            raise NotInStandIn("where %s comes from" % self._type.name)
        return self._type.library


class SopNodeType(OpNodeType):
    """A type of SOPs."""


class HDADefinition(Strict):
    """An asset's definition in its library."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], TypeState) or kwargs:
            raise NotInStandIn("how to make a hou.HDADefinition")
        self._type: TypeState = args[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HDADefinition) and self._key() == other._key()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> Tuple[str, str, str]:
        return self._type.category, self._type.name, self._type.library

    def nodeType(self) -> OpNodeType:
        return OpNodeType(self._type)

    def nodeTypeCategory(self) -> OpNodeTypeCategory:
        return OpNodeTypeCategory(self._type.category)

    def nodeTypeName(self) -> str:
        return self._type.name

    def libraryFilePath(self) -> str:
        return self._type.library

    def description(self) -> str:
        return self._type.label

    def embeddedHelp(self) -> str:
        return self._type.operator.help

    def version(self) -> str:
        return self._type.operator.version

    def minNumInputs(self) -> int:
        return self._type.min_inputs

    def maxNumInputs(self) -> int:
        return self._type.max_inputs

    def maxNumOutputs(self) -> int:
        return self._type.outputs

    def extraInfo(self) -> str:
        return self._type.operator.extra

    def icon(self) -> str:
        return OpNodeType(self._type).icon()

    def isInstalled(self) -> bool:
        return any(state is self._type for state in session.types.installed())

    def isCurrent(self) -> bool:
        return session.types.exact(self._type.category, self._type.name) is self._type

    def sections(self) -> Dict[str, HDASection]:
        return {name: HDASection(self, name, text) for name, text in self._texts().items()}

    def hasSection(self, name: str) -> bool:
        return name in self._texts()

    def _texts(self) -> Dict[str, bytes]:
        from ._assets import section_files

        return section_files(self._type)


class HDASection(Strict):
    """A file inside an asset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 3 or kwargs:
            raise NotInStandIn("how to make a hou.HDASection")
        self._definition, self._name, self._bytes = args

    def name(self) -> str:
        return self._name

    def definition(self) -> HDADefinition:
        return self._definition

    def contents(self, compressionType: Any = None) -> str:
        if compressionType is not None:
            raise NotInStandIn("contents() with a compression")
        return self._bytes.decode("utf-8")

    def size(self) -> int:
        return len(self._bytes)


def operator_path(type_: TypeState) -> str:
    """`topforge::train::1.0` in Top is `topforge::Top/train::1.0`."""
    _, space, name, version = type_.parts
    tail = "%s/%s" % (type_.category, name) + ("::" + version if version else "")
    return space + "::" + tail if space else tail


def category_named(name: str) -> OpNodeTypeCategory:
    if name not in CATEGORIES:
        raise OperationFailed("Invalid node type category name: %r" % name)
    return OpNodeTypeCategory(name)
