"""Attributes of work items: named, typed arrays with flags."""

from __future__ import annotations

import fnmatch
from typing import Any, Dict, List, Optional

from ._enums import attribFlag, attribType
from ._files import File
from ._strict import NotInStandIn, Strict, expect

TYPES = {
    attribType.Int: int,
    attribType.Float: (float, int),
    attribType.String: str,
    attribType.File: File,
    attribType.Dict: dict,
    attribType.PyObject: object,
}


class AttribError(Exception):
    """PDG's failure of access to an attribute."""


class Attribute(Strict):
    """What `attrib()` gives: proof that it exists. Its own members are not used by us, hence not imitated."""

    __slots__ = ("_flags", "_name", "_type", "_values")

    def __init__(self, name: str, kind: attribType) -> None:
        self._name = name
        self._type = kind
        self._values: List[Any] = []
        self._flags = attribFlag(0)

    def _copy(self) -> Attribute:
        made = Attribute(self._name, self._type)
        made._values = list(self._values)
        made._flags = self._flags
        return made


class AttributeTable:
    """The attributes of one item, by name."""

    def __init__(self, owner: str) -> None:
        self.owner = owner
        self.by_name: Dict[str, Attribute] = {}

    def inherit(self, parent: AttributeTable) -> None:
        """Copies what the parent has, but what is marked NoCopy."""
        for name, attribute in parent.by_name.items():
            if not attribute._flags & attribFlag.NoCopy:
                self.by_name[name] = attribute._copy()

    def add(self, name: str, kind: attribType) -> Attribute:
        expect(name, str, "attribute name")
        if not name.isidentifier():
            raise AttribError("%s: %r is no name for an attribute" % (self.owner, name))
        known = self.by_name.get(name)
        if known is not None and known._type != kind:
            raise NotInStandIn(
                "what setting attribute %s of %s as %s does while it is %s" % (name, self.owner, kind, known._type)
            )
        if known is not None and known._flags & attribFlag.ReadOnly:
            raise AttribError("%s: attribute %s is read only" % (self.owner, name))
        return self.by_name.setdefault(name, Attribute(name, kind))

    def set(self, name: str, kind: attribType, value: Any, index: Optional[int] = None) -> None:
        """Sets the whole attribute (a list, or one value), or its entry `index`."""
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        checked = [expect(one, TYPES[kind], "attribute %s of %s" % (name, self.owner)) for one in values]
        if kind is attribType.Float:
            checked = [float(one) for one in checked]
        attribute = self.add(name, kind)
        if index is None:
            attribute._values = checked
            return
        expect(index, int, "index of attribute %s" % name)
        if len(checked) != 1 or index < 0 or index > len(attribute._values):
            raise NotInStandIn("setting %d values of attribute %s at index %d" % (len(checked), name, index))
        attribute._values[index : index + 1] = checked

    def get(self, name: str) -> Attribute:
        """The attribute.

        Raises:
            NotInStandIn: There is none: what the getters give then is not documented; ask `attrib` first.
        """
        expect(name, str, "attribute name")
        if name not in self.by_name:
            raise NotInStandIn("reading attribute %s, which %s does not have; ask attrib() first" % (name, self.owner))
        return self.by_name[name]

    def value(self, name: str, kind: Optional[attribType], index: int) -> Any:
        values = self.array(name, kind)
        expect(index, int, "index of attribute %s" % name)
        if not 0 <= index < len(values):
            raise NotInStandIn(
                "reading value %d of attribute %s of %s, which has %d" % (index, name, self.owner, len(values))
            )
        return values[index]

    def array(self, name: str, kind: Optional[attribType]) -> List[Any]:
        attribute = self.get(name)
        if kind is not None and attribute._type != kind:
            raise NotInStandIn(
                "reading attribute %s of %s as %s while it is %s" % (name, self.owner, kind, attribute._type)
            )
        return list(attribute._values)

    def set_flag(self, name: str, flag: attribFlag, on: bool) -> None:
        expect(flag, attribFlag, "attribute flag")
        expect(on, bool, "attribute flag")
        attribute = self.get(name)
        attribute._flags = attribute._flags | flag if on else attribute._flags & ~flag

    def erase(self, name: str) -> None:
        self.get(name)
        del self.by_name[name]

    def names(self, kind: Optional[attribType] = None) -> List[str]:
        return [name for name, attribute in self.by_name.items() if kind is None or attribute._type == kind]

    def match(self, pattern: str) -> List[str]:
        """Names that one of the patterns matches; `^` takes away."""
        found: List[str] = []
        for part in expect(pattern, str, "attribute pattern").split():
            if part.startswith("^"):
                found = [name for name in found if not fnmatch.fnmatchcase(name, part[1:])]
            else:
                found += [name for name in self.by_name if fnmatch.fnmatchcase(name, part) and name not in found]
        return found

    def environment(self) -> Dict[str, Any]:
        """Exported attributes: name -> first value."""
        return {
            name: attribute._values[0]
            for name, attribute in self.by_name.items()
            if attribute._flags & attribFlag.EnvExport and attribute._values
        }
