"""How one option of a trainer stands on a node, by its type: as which parameters, how values are read and set.

bool                     toggle
choices                  text with a menu, which evaluates to the chosen token
int, float, fixed tuple  integer, float, vector, with the option's limits as hard ones
text, path               text, file
list of texts            list of parameters whose length the user sets
path or null             a file, null while it is empty
true, false or null      a menu, as for choices or null, with Default for null
number or null           a toggle `NAME_set` in front of it
anything else            text that holds JSON
"""

from __future__ import annotations

import dataclasses
import decimal
import json
import typing
from collections.abc import Callable, Sequence
from typing import Any

from topforge import strict_json
from topforge.schema import OptionField
from topforge_scene.dialog_script import Bound, Entry, Menu, Multiparm, Parameter

Evaluate = Callable[[str], Sequence[Any]]
"""All components of the parameter of that name: `hou.OpNode.evalParmTuple`."""
Settings = dict[str, tuple[int | float | str, ...]]
"""Values by name of the parameter, in the order in which they must be set (a list's length before its items)."""

_NUMBER_TYPES = {
    (int, 1): "integer",
    (int, 2): "intvector2",
    (int, 3): "intvector",
    (float, 1): "float",
    (float, 2): "vector2",
    (float, 3): "vector",
    (float, 4): "vector4",
}
"""DialogScript's type for a number of components."""
_SIDES = {"pixels": 512, "texels": 1024}
"""What a size of pictures begins with when it is switched on."""
_NULL = "null"
"""Token of a menu's first entry where an option may be null."""
_SLIDER = 10
"""Where nothing limits a number above, its slider ends at this many times the default."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """How options of one type stand on a node. The base is an option that is one parameter with one value."""

    field: OptionField

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """The parameters; `base` has name, label and help already."""
        raise NotImplementedError

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """The option's JSON value from the node.

        Raises:
            JsonError: The text of the parameter should be JSON and is not.
        """
        raise NotImplementedError

    def settings(self, name: str, value: Any) -> Settings:
        """What to set on the node so that `read` gives `value`."""
        raise NotImplementedError


class ToggleKind(Kind):
    """True or false."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A toggle."""
        return (dataclasses.replace(base, type="toggle", default=("1" if self.field.default else "0",)),)

    def read(self, name: str, evaluate: Evaluate) -> bool:
        """On is true."""
        return bool(evaluate(name)[0])

    def settings(self, name: str, value: bool) -> Settings:
        """1 is on."""
        return {name: (int(value),)}


class ChoiceKind(Kind):
    """One of some texts or numbers."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """Text with a menu, whatever the choices are: it evaluates to the token, in every context."""
        choices = self.field.limits.choices
        menu = Menu(tuple((str(choice), str(choice)) for choice in choices))
        default = self.field.default if self.field.default is not None else self.field.limits.choices[0]
        return (dataclasses.replace(base, type="string", default=(str(default),), menu=menu),)

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """The choice; a text that is none goes on as it is, for the option's own check to refuse."""
        token = str(evaluate(name)[0])
        return next((choice for choice in self.field.limits.choices if str(choice) == token), token)

    def settings(self, name: str, value: Any) -> Settings:
        """Its token."""
        return {name: (str(value),)}


@dataclasses.dataclass(frozen=True)
class NumberKind(Kind):
    """One number, or a fixed number of them."""

    scalar: type
    size: int
    single: bool
    """The option is a number, not a list of one."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A number or vector, with the option's limits."""
        default = self.field.default if self.field.default is not None else self._without_default()
        values = (default,) if self.single else tuple(default)
        written = tuple(plain_number(value) for value in values)
        kind = _NUMBER_TYPES.get((self.scalar, self.size), "integer" if self.scalar is int else "float")
        parameter = dataclasses.replace(base, type=kind, size=self.size, default=written, range=self._range(values))
        return (parameter,)

    def _without_default(self) -> Any:
        """What an optional number shows while it is not set."""
        value, limits = self.scalar(self.field.limits.minimum or 0), self.field.limits
        if self.scalar is int and limits.unit in _SIDES:  # nobody wants the least size when switching one on
            value = max(value, min(_SIDES[limits.unit], int(limits.maximum or _SIDES[limits.unit])))
        return value if self.single else (value,) * self.size

    def _range(self, values: tuple[Any, ...]) -> tuple[Bound, Bound] | None:
        low, high = self.field.limits.minimum, self.field.limits.maximum
        if low is None and high is None:
            return None
        reach = _SLIDER * max(1, *map(abs, values), abs(low or 0), abs(high or 0))
        below = Bound(low, locked=True) if low is not None else Bound(-reach)
        above = Bound(high, locked=True) if high is not None else Bound(reach)
        return (below, above)

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """A number, or a list of them."""
        values = [self.scalar(value) for value in evaluate(name)]
        return values[0] if self.single else values

    def settings(self, name: str, value: Any) -> Settings:
        """Its components."""
        return {name: (value,) if self.single else tuple(value)}


class TextKind(Kind):
    """A text, or the path of a file."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A text, with a chooser when it is a path."""
        default = (self.field.default or "",)
        if self.field.limits.path:
            return (dataclasses.replace(base, type="file", default=default, tags=(("filechooser_mode", "read"),)),)
        return (dataclasses.replace(base, type="string", default=default),)

    def read(self, name: str, evaluate: Evaluate) -> str:
        """The text."""
        return str(evaluate(name)[0])

    def settings(self, name: str, value: str) -> Settings:
        """The text."""
        return {name: (value,)}


class TextsKind(Kind):
    """A list of texts."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A list of text parameters."""
        item = Parameter(base.name + "#", base.label, "string", help=base.help, no_label=True)
        return (Multiparm(base.name, base.label, (item,), help=base.help),)

    def read(self, name: str, evaluate: Evaluate) -> list[str]:
        """The texts, in order."""
        return [str(evaluate("%s%d" % (name, index + 1))[0]) for index in range(int(evaluate(name)[0]))]

    def settings(self, name: str, value: Sequence[str]) -> Settings:
        """The length, then the texts."""
        items: Settings = {"%s%d" % (name, index + 1): (text,) for index, text in enumerate(value)}
        return {name: (len(value),), **items}


class JsonKind(Kind):
    """What has no Houdini type."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A text that holds JSON."""
        return (dataclasses.replace(base, type="string", default=(json.dumps(self.field.default),)),)

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """The value of the JSON text."""
        return strict_json.parse(str(evaluate(name)[0]), "the text")

    def settings(self, name: str, value: Any) -> Settings:
        """The JSON text."""
        return {name: (json.dumps(value),)}


class OptionalPathKind(Kind):
    """A path or null."""

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A file with a chooser."""
        tags = (("filechooser_mode", "read"),)
        return (dataclasses.replace(base, type="file", default=(self.field.default or "",), tags=tags),)

    def read(self, name: str, evaluate: Evaluate) -> str | None:
        """The path; null while it is empty."""
        return str(evaluate(name)[0]) or None

    def settings(self, name: str, value: str | None) -> Settings:
        """The path, or nothing."""
        return {name: (value or "",)}


class OptionalChoiceKind(Kind):
    """One of some texts or numbers, true or false, or null."""

    def _tokens(self) -> dict[str, Any]:
        choices = self.field.limits.choices or (True, False)
        return {_NULL: None, **{json.dumps(each) if isinstance(each, bool) else str(each): each for each in choices}}

    def _token(self, value: Any) -> str:
        return next(token for token, each in self._tokens().items() if each == value and type(each) is type(value))

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """Text with a menu whose first entry is null."""
        labels = {_NULL: "Default", "true": "On", "false": "Off"}
        menu = Menu(tuple((token, labels.get(token, token)) for token in self._tokens()))
        default = (self._token(self.field.default),)
        return (dataclasses.replace(base, type="string", default=default, menu=menu),)

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """The choice; a text that is none goes on as it is, for the option's own check to refuse."""
        token = str(evaluate(name)[0])
        return self._tokens().get(token, token)

    def settings(self, name: str, value: Any) -> Settings:
        """Its token."""
        return {name: (self._token(value),)}


@dataclasses.dataclass(frozen=True)
class OptionalKind(Kind):
    """A number, a text or numbers, or null."""

    inner: Kind

    def entries(self, base: Parameter) -> tuple[Entry, ...]:
        """A toggle that says whether there is a value, on the same row as that."""
        switch = base.name + "_set"
        toggle = Parameter(
            switch,
            "Use " + base.label,
            "toggle",
            default=("0" if self.field.default is None else "1",),
            help="Off: %s is null, which leaves it to the trainer." % base.label,
            no_label=True,
            join_next=True,
            hide_when=base.hide_when,
        )
        inner = self.inner.entries(dataclasses.replace(base, disable_when="{ %s == 0 }" % switch))
        return (toggle, *inner)

    def read(self, name: str, evaluate: Evaluate) -> Any:
        """Null while the toggle is off."""
        return self.inner.read(name, evaluate) if evaluate(name + "_set")[0] else None

    def settings(self, name: str, value: Any) -> Settings:
        """The toggle, and the value when there is one."""
        if value is None:
            return {name + "_set": (0,)}
        return {name + "_set": (1,), **self.inner.settings(name, value)}


def kind_of(field: OptionField) -> Kind:
    """How an option stands on a node."""
    members = [member for member in typing.get_args(field.hint) if member is not type(None)]
    if typing.get_origin(field.hint) is typing.Union and len(members) == 1:
        if members[0] is bool or (field.limits.choices and members[0] in (int, float, str)):
            return OptionalChoiceKind(field)
        if members[0] is str and field.limits.path:
            return OptionalPathKind(field)
        inner = _plain_kind(field, members[0])
        return inner if isinstance(inner, JsonKind) else OptionalKind(field, inner)  # JSON has a null of its own
    return _plain_kind(field, field.hint)


def _plain_kind(field: OptionField, hint: Any) -> Kind:
    if field.limits.choices:
        return ChoiceKind(field) if hint in (int, float, str) else JsonKind(field)
    if hint is bool:
        return ToggleKind(field)
    if hint is str:
        return TextKind(field)
    if hint in (int, float):
        return NumberKind(field, hint, 1, single=True)
    members = typing.get_args(hint) if typing.get_origin(hint) is tuple else ()
    if members in [(scalar,) * len(members) for scalar in (int, float)] and 1 < len(members) <= 4:
        return NumberKind(field, members[0], len(members), single=False)
    if members == (str, Ellipsis) and not field.default and not field.limits.path:
        return TextsKind(field)
    return JsonKind(field)


def plain_number(value: float) -> str:
    """A number without an exponent, exactly: "0.000001"."""
    return format(decimal.Decimal(repr(value)), "f")
