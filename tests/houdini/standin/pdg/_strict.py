"""What makes the stand-in strict: a name that it does not have is a failure that says so, never a silent None."""

from __future__ import annotations

import enum
from typing import Any, Tuple


class NotInStandIn(NotImplementedError):
    """Something that is not documented, or a real PDG detail that the stand-in refuses to guess.

    It is no AttributeError on purpose: `hasattr` and `getattr(..., default)` must not hide it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            "Not documented: %s. The stand-in of pdg knows what is documented or was observed; "
            "use that, or teach it with a source." % what
        )


def refuse(name: str, owner: str) -> Any:
    """What `__getattr__` of strict classes does: Python's own questions get an AttributeError, all others refusal."""
    if name.startswith("_"):
        raise AttributeError("%s has no attribute %s" % (owner, name))
    raise NotInStandIn("%s.%s" % (owner, name))


class Strict:
    """Base of the public classes: unknown attributes raise, and only properties with a setter can be stored."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return refuse(name, "pdg.%s" % type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            known = getattr(type(self), name, None)
            if not isinstance(known, property) or known.fset is None:
                raise NotInStandIn("storing pdg.%s.%s" % (type(self).__name__, name))
        object.__setattr__(self, name, value)


class StrictMeta(type):
    """Unknown attributes of a class raise as well."""

    def __getattr__(cls, name: str) -> Any:
        return refuse(name, "pdg.%s" % cls.__name__)


class StrictEnumMeta(enum.EnumMeta):
    """Unknown values of an enumeration raise the same way as unknown attributes."""

    def __getattr__(cls, name: str) -> Any:
        members = cls.__dict__.get("_member_map_", {})  # how Python 3.11 finds the values
        return members[name] if name in members else refuse(name, "pdg.%s" % cls.__name__)


class StrictEnum(enum.IntEnum, metaclass=StrictEnumMeta):
    """Base of the enumerations. Numbers are PDG's where they are known; code must use the names."""

    def __str__(self) -> str:
        return "%s.%s" % (type(self).__name__, self.name)


def expect(value: Any, types: Any, what: str) -> Any:
    """`value`, if it has one of the types. PDG's bindings convert nothing: a path object is no string.

    Raises:
        TypeError: Like the bindings do.
    """
    allowed: Tuple[type, ...] = types if isinstance(types, tuple) else (types,)
    if isinstance(value, bool) and bool not in allowed and int in allowed:
        return int(value)
    if not isinstance(value, allowed):
        wanted = " or ".join(one.__name__ for one in allowed)
        raise TypeError("%s: incompatible argument, %s expected, not %s" % (what, wanted, type(value).__name__))
    return value
