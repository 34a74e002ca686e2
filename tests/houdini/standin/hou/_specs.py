"""What a parameter of a node type is: components, defaults, menus, ranges. Made from DialogScript's model."""

from __future__ import annotations

import re
from typing import Any, List, NamedTuple, Optional, Tuple

from . import _scene
from ._strict import NotInStandIn

TEXT_TYPES = ("string", "file", "directory", "oppath", "oplist", "image", "geometry")
INTEGER_TYPES = ("integer", "intvector", "intvector2", "intlog")
FLOAT_TYPES = ("float", "log", "angle", "vector", "vector2", "vector4", "color", "color4", "direction")
SILENT_TYPES = ("separator", "label")
"""They show something and hold nothing."""
_SUFFIXES = {"vector": "xyz", "vector2": "xy", "vector4": "xyzw", "intvector": "xyz", "intvector2": "xy"}
_SUFFIXES.update({"color": "rgb", "color4": "rgba", "direction": "xyz"})


class Number(NamedTuple):
    """A default or value that is an expression."""

    expression: str
    language: str


class Unknown:
    """The default of a parameter that the reference does not tell: it can be set, but not read before."""

    def __repr__(self) -> str:
        return "unknown"


UNKNOWN = Unknown()


class Spec(NamedTuple):
    """One parameter of a node, with the instance numbers of its multiparms already in the name."""

    name: str
    label: str
    kind: str
    """text, integer, float, toggle, menu, button, multiparm, silent, unknown."""
    type: str
    """DialogScript's word."""
    components: Tuple[str, ...]
    """Names of the parms."""
    defaults: Tuple[Any, ...]
    """Raw: text as written; numbers; a menu's token as text; `Number` for an expression."""
    menu: Any = None
    low: Optional[float] = None
    """Hard limits only: Houdini clamps there."""
    high: Optional[float] = None
    tags: Tuple[Tuple[str, str], ...] = ()
    hidden: bool = False
    spare: bool = False
    help: str = ""
    hide_when: str = ""
    disable_when: str = ""
    children: Tuple[Any, ...] = ()
    """Of a multiparm: entries with `#` in their names."""
    parent: str = ""
    """The multiparm that this is an instance of."""
    template: str = ""
    """Name with the `#`s."""
    unit: Any = None
    """DialogScript entry that it came from."""

    @property
    def start(self) -> int:
        """First instance number of a multiparm."""
        return int(dict(self.tags).get("multistartoffset", "1"))


def specs_of(entries: Tuple[Any, ...], numbers: Tuple[int, ...] = (), parent: str = "") -> List[Spec]:
    """The specs of entries of an interface, in order; items of multiparms are made when instances are."""
    made: List[Spec] = []
    for entry in entries:
        if isinstance(entry, _scene.dialog_script.Folder):
            made += specs_of(entry.items, numbers, parent)
        elif isinstance(entry, _scene.dialog_script.Multiparm):
            made.append(_multiparm(entry, numbers, parent))
        else:
            made.append(_parameter(entry, numbers, parent))
    return made


def instance_name(template: str, numbers: Tuple[int, ...]) -> str:
    """`values#_#` with (1, 2) is `values1_2`: one number for each `#`."""
    if template.count("#") != len(numbers):
        raise NotInStandIn("a parameter %r inside %d nested multiparms" % (template, len(numbers)))
    for number in numbers:
        template = template.replace("#", str(number), 1)
    return template


def kind_of(type_: str) -> str:
    for types, kind in (
        (TEXT_TYPES, "text"),
        (INTEGER_TYPES, "integer"),
        (FLOAT_TYPES, "float"),
        (SILENT_TYPES, "silent"),
    ):
        if type_ in types:
            return kind
    if type_ in ("toggle", "button"):
        return type_
    if type_ == "ordinal":
        return "menu"
    return "unknown"  # it can be there; reading or setting it raises


def component_names(name: str, type_: str, size: int) -> Tuple[str, ...]:
    if size == 1:
        return (name,)
    letters = _SUFFIXES.get(type_)
    if letters is not None:
        if len(letters) != size:
            raise NotInStandIn("a %s of %d components" % (type_, size))
        return tuple(name + letter for letter in letters)
    return tuple("%s%d" % (name, number + 1) for number in range(size))


def _multiparm(entry: Any, numbers: Tuple[int, ...], parent: str) -> Spec:
    name = instance_name(entry.name, numbers)
    return Spec(
        name, entry.label, "multiparm", entry.kind, (name,), (int(entry.default or 0),), low=0, tags=entry.tags,
        hidden=entry.invisible, help=entry.help, hide_when=entry.hide_when, disable_when=entry.disable_when,
        children=entry.items, parent=parent, template=entry.name, unit=entry,
    )  # fmt: skip


def _parameter(entry: Any, numbers: Tuple[int, ...], parent: str) -> Spec:
    name = instance_name(entry.name, numbers)
    kind = kind_of(entry.type)
    low, high = _limits(entry)
    return Spec(
        name, entry.label, kind, entry.type, component_names(name, entry.type, entry.size), _defaults(entry, kind),
        menu=entry.menu, low=low, high=high, tags=entry.tags, hidden=entry.invisible, spare=entry.spare,
        help=entry.help, hide_when=entry.hide_when, disable_when=entry.disable_when, parent=parent,
        template=entry.name, unit=entry,
    )  # fmt: skip


def _limits(entry: Any) -> Tuple[Optional[float], Optional[float]]:
    if entry.range is None:
        return None, None
    low, high = entry.range
    return (low.value if low.locked else None), (high.value if high.locked else None)


def _defaults(entry: Any, kind: str) -> Tuple[Any, ...]:
    if kind in ("silent", "button"):
        return (0,) * entry.size
    if kind == "unknown":
        return entry.default
    texts = entry.default if entry.default else ("",) * entry.size
    if len(texts) != entry.size:
        raise NotInStandIn("%d defaults for the %d components of %s" % (len(texts), entry.size, entry.name))
    return tuple(_default(entry, kind, text, number) for number, text in enumerate(texts))


def _default(entry: Any, kind: str, text: str, component: int) -> Any:
    language = entry.language(component)
    if language is not None:
        return Number(text, "python" if language == "python" else "hscript")
    if kind == "text":
        return text
    if kind == "toggle":
        return {"": 0, "0": 0, "off": 0, "1": 1, "on": 1}[text]
    if kind == "menu":
        return menu_token(entry.menu, text)
    if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text or "0"):
        return int(float(text or "0")) if kind == "integer" else float(text or "0")
    return Number(text, "hscript")


def menu_token(menu: Any, text: str) -> str:
    """The token that the text of a default stands for: a token itself, or a position."""
    tokens = [token for token, _ in menu.items] if menu is not None else []
    if not tokens or text in tokens:
        return text or "0"
    if text == "":
        return tokens[0]
    if re.fullmatch(r"\d+", text) and int(text) < len(tokens):
        return tokens[int(text)]
    raise NotInStandIn("a default %r that is no token of the menu %s" % (text, tokens))
