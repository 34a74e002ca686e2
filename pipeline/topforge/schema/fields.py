"""What a dataclass says about its fields.

A field's help is the string that follows it in the class body, as everywhere in this code base: readers, editors and
documentation tools see it where they expect it. It is taken from the module's source through the module's loader,
which works from folders and from zip files, and only when somebody asks for help: validating needs no source. (The
other candidate, help inside `field(metadata=...)`, needs no source ever, but in a form that nothing else reads.)
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
import typing
from typing import Any, Dict, Iterator, List, Optional, Tuple, TypeVar, Union

T = TypeVar("T")
Number = Union[int, float]
_METADATA = "topforge"


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a value must satisfy beyond its type; applies to every number and text inside a tuple as well."""

    unit: str = ""
    minimum: Optional[Number] = None
    maximum: Optional[Number] = None
    choices: Tuple[Any, ...] = ()
    length: Optional[Tuple[int, int]] = None
    """Fewest and most entries of the outermost variadic tuple."""
    group: str = ""
    """Folder on a node, heading in help."""
    advanced: bool = False
    """Shown only to those who ask for everything."""
    path: bool = False
    """Text names a file or folder; a relative one is meant from the folder of the file that says so."""
    label: str = ""
    """What a node calls it, where the name alone would tell an artist little; "" = made from the name."""
    ignored: bool = False
    """Accepted so that other programs' config files run as they are, without effect or with one possible value only;
    not shown on nodes."""
    when: Tuple[Any, ...] = ()
    """Another option of the same dataclass, and the value of it without which this one has no effect: ("by", "count").
    Nodes show it only then."""


@dataclasses.dataclass(frozen=True)
class OptionField:
    """One option, for everything that shows options to people."""

    name: str
    """Dotted below nested dataclasses when it comes from `leaves`."""
    hint: Any
    """The resolved typing object."""
    type: str
    """The same in words: "number or null", "[number, number]"."""
    default: Any
    """`dataclasses.MISSING` when a value is required."""
    help: str
    limits: Limits

    @property
    def label(self) -> str:
        """What people call it on a node, in title case, without the unit."""
        return self.limits.label or self.name.replace(".", " ").replace("_", " ").title()

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is dataclasses.MISSING

    @property
    def range(self) -> str:
        """What is allowed beyond the type, in words; "" when anything is."""
        limits = self.limits
        if limits.choices:
            return ", ".join(str(choice) for choice in limits.choices)
        if limits.minimum is not None and limits.maximum is not None:
            return "%s to %s" % (limits.minimum, limits.maximum)
        if limits.minimum is not None:
            return "at least %s" % limits.minimum
        return "" if limits.maximum is None else "at most %s" % limits.maximum


def option(
    default: T,
    *,
    unit: str = "",
    minimum: Optional[Number] = None,
    maximum: Optional[Number] = None,
    choices: Tuple[Any, ...] = (),
    length: Optional[Tuple[int, int]] = None,
    group: str = "",
    advanced: bool = False,
    path: bool = False,
    label: str = "",
    ignored: bool = False,
    when: Tuple[Any, ...] = (),
) -> T:
    """A dataclass field with limits. Pass `dataclasses.MISSING` as default for a required option. See `Limits`."""
    limits = Limits(unit, minimum, maximum, choices, length, group, advanced, path, label, ignored, when)
    metadata = {_METADATA: limits}
    if isinstance(default, (dict, list)):
        made = default
        field: Any = dataclasses.field(default_factory=lambda: made.copy(), metadata=metadata)
    elif default is dataclasses.MISSING:
        field = dataclasses.field(metadata=metadata)
    else:
        field = dataclasses.field(default=default, metadata=metadata)
    return typing.cast(T, field)


_SHAPES: Dict[type, Dict[str, Tuple[Any, Limits, Any]]] = {}


def shape(cls: type) -> Dict[str, Tuple[Any, Limits, Any]]:
    """For each field of `cls`: type, limits, default. Needs no source; this is what validation uses."""
    if cls not in _SHAPES:
        _SHAPES[cls] = _inspected(cls)
    return _SHAPES[cls]


def _inspected(cls: type) -> Dict[str, Tuple[Any, Limits, Any]]:
    hints = typing.get_type_hints(cls)
    result = {}
    for field in dataclasses.fields(cls):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        result[field.name] = (hints[field.name], field.metadata.get(_METADATA, Limits()), default)
    return result


@functools.lru_cache(maxsize=None)
def path_options(cls: type) -> Tuple[str, ...]:
    """Names of the fields of `cls` (not of nested dataclasses) whose text names files or folders."""
    return tuple(name for name, (_, limits, _) in shape(cls).items() if limits.path)


@functools.lru_cache(maxsize=None)
def describe(cls: type) -> Tuple[OptionField, ...]:
    """The options of a dataclass in order of definition.

    Raises:
        OSError: The module's source cannot be read (an installation of bytecode only), so there is no help to give.
    """
    texts = _help_texts(cls)
    return tuple(
        OptionField(name, hint, type_in_words(hint), default, texts.get(name, ""), limits)
        for name, (hint, limits, default) in shape(cls).items()
    )


def leaves(cls: type, prefix: str = "") -> Iterator[OptionField]:
    """`describe`, with nested dataclasses replaced by their fields under dotted names."""
    for field in describe(cls):
        if dataclasses.is_dataclass(field.hint):
            for leaf in leaves(typing.cast(type, field.hint), prefix + field.name + "."):
                grouped = dataclasses.replace(leaf.limits, group=leaf.limits.group or field.limits.group or field.name)
                yield dataclasses.replace(leaf, limits=grouped)
        else:
            yield dataclasses.replace(field, name=prefix + field.name)


_WORDS = {bool: "true or false", int: "whole number", float: "number", str: "text", type(None): "null", Any: "any JSON"}


def type_in_words(hint: Any) -> str:
    """A type as a person would say it: "number or [number, ...]"."""
    if hint in _WORDS:
        return _WORDS[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Union:
        return " or ".join(type_in_words(argument) for argument in arguments)
    if origin is tuple and arguments[-1] is Ellipsis:
        return "[%s, ...]" % type_in_words(arguments[0])
    if origin is tuple:
        return "[%s]" % ", ".join(type_in_words(argument) for argument in arguments)
    if origin is list:
        return "list"
    if origin is dict or dataclasses.is_dataclass(hint):
        return "object"
    raise TypeError("options cannot have the type %r" % (hint,))


def _help_texts(cls: type) -> Dict[str, str]:
    texts: Dict[str, str] = {}
    for ancestor in reversed(cls.__mro__):
        if dataclasses.is_dataclass(ancestor):
            classes = _classes_of_source(inspect.getsource(sys.modules[ancestor.__module__]))
            texts.update(_strings_after_fields(classes[ancestor.__qualname__.replace("<locals>.", "")]))
    return texts


@functools.lru_cache(maxsize=None)
def _classes_of_source(source: str) -> Dict[str, ast.ClassDef]:
    """Class definitions by qualified name."""
    found: Dict[str, ast.ClassDef] = {}

    def visit(node: ast.AST, path: str) -> None:
        for child in ast.iter_child_nodes(node):
            named = isinstance(child, (ast.ClassDef, ast.FunctionDef))
            name = path + getattr(child, "name", "") if named else path
            if isinstance(child, ast.ClassDef):
                found[name] = child
            visit(child, name + "." if named else path)

    visit(ast.parse(source), "")
    return found


def _strings_after_fields(node: ast.ClassDef) -> Dict[str, str]:
    body: List[ast.stmt] = node.body
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in zip(body, body[1:])
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }
