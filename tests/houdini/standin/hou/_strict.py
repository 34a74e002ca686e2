"""What makes the stand-in strict: a name that it does not have is a failure that says so, never a silent None."""

from __future__ import annotations

from typing import Any, Dict


class NotInStandIn(NotImplementedError):
    """Something that the stand-in refuses to guess.

    It is no AttributeError on purpose: `hasattr` and `getattr(..., default)` must not hide it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            "The stand-in of hou does not know %s. Use what is documented, or teach it with a source." % what
        )


class Strict:
    """Base of every class here: unknown attributes raise, and nothing public can be stored on an instance."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError("%s has no attribute %s" % (type(self).__name__, name))
        raise NotInStandIn("hou.%s.%s" % (type(self).__name__, name))

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise NotInStandIn("how to store %r on a hou.%s" % (name, type(self).__name__))
        super().__setattr__(name, value)


class StrictMeta(type):
    """Unknown attributes of a class (`hou.nodeFlag.Nonsense`, `hou.hipFile.nonsense`) raise as well."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError("hou.%s has no attribute %s" % (cls.__name__, name))
        raise NotInStandIn("hou.%s.%s" % (cls.__name__, name))


class EnumValue(Strict):
    """One value of an enumeration."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.EnumValue")
        self._enumeration, self._name = args

    def name(self) -> str:
        return self._name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EnumValue) and (self._enumeration, self._name) == (other._enumeration, other._name)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((self._enumeration, self._name))

    def __repr__(self) -> str:
        return "%s.%s" % (self._enumeration, self._name)


class Enumeration(metaclass=StrictMeta):
    """Base of the enumerations: `names` become values."""

    def __init_subclass__(cls, names: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        values: Dict[str, EnumValue] = {name: EnumValue(cls.__name__, name) for name in names.split()}
        for name, value in values.items():
            setattr(cls, name, value)
