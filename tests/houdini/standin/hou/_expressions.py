"""Evaluation of what parameters hold: `$VARIABLES`, backticks, and the few functions that are documented.

Anything else raises `NotInStandIn` with the expression in its sentence; nothing is guessed to be empty or zero.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from ._state import NodeState, session
from ._strict import NotInStandIn

Result = Union[int, float, str]
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*|\.\d+)|(?P<string>\"(?:\\.|[^\"\\])*\"|'[^']*')|(?P<attribute>@[A-Za-z_]\w*(?:\.\w+)?)"
    r"|(?P<variable>\$\{?[A-Za-z_]\w*\}?)|(?P<name>[A-Za-z_]\w*)|(?P<operator>==|!=|<=|>=|[-+*/%()<>,]))"
)
_VARIABLE = re.compile(r"\\(\$|`)|\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


class Scope(NamedTuple):
    """Where an expression is evaluated."""

    node: Optional[NodeState]
    """The node that owns the parameter; None for hou.text.expandString."""
    item: Any = None
    """The work item whose attributes `@name` reads."""
    depth: int = 0

    def deeper(self, expression: str) -> Scope:
        if self.depth > 40:
            raise NotInStandIn("how Houdini ends the loop of references in %r" % expression)
        return self._replace(depth=self.depth + 1)


def variable(name: str, scope: Scope) -> str:
    """The value of `$name`."""
    hip = Path(session.hip)
    known: Dict[str, Callable[[], str]] = {
        "HIP": lambda: str(hip.parent),
        "HIPFILE": lambda: str(hip),
        "HIPNAME": lambda: hip.stem,
        "F": lambda: _number_text(float(int(session.frame))),
        "FF": lambda: _number_text(session.frame),
        "FSTART": lambda: _number_text(session.frame_range[0]),
        "FEND": lambda: _number_text(session.frame_range[1]),
        "FPS": lambda: _number_text(session.fps),
    }
    if name == "OS" and scope.node is not None:
        return scope.node.name
    if name in known:
        return known[name]()
    if name in session.variables:
        return session.variables[name]
    if name in os.environ:
        return os.environ[name]
    raise NotInStandIn("the variable $%s (it is neither set nor one of Houdini's that the stand-in has)" % name)


def expand(text: str, scope: Scope) -> str:
    """A string parameter's value: backticks, then variables; `\\$` and `` \\` `` stay the character itself."""
    pieces: List[str] = []
    rest = text
    while True:
        opening = _unescaped_backtick(rest, 0)
        if opening < 0:
            return "".join([*pieces, _variables(rest, scope)])
        closing = _unescaped_backtick(rest, opening + 1)
        if closing < 0:
            raise NotInStandIn("what an unpaired backtick does in %r" % text)
        pieces += [_variables(rest[:opening], scope), as_text(evaluate(rest[opening + 1 : closing], scope))]
        rest = rest[closing + 1 :]


def _unescaped_backtick(text: str, start: int) -> int:
    at = text.find("`", start)
    while at > 0 and text[at - 1] == "\\":
        at = text.find("`", at + 1)
    return at


def _variables(text: str, scope: Scope) -> str:
    return _VARIABLE.sub(lambda match: match[1] or variable(match[2] or match[3], scope), text)


def as_text(value: Result) -> str:
    return value if isinstance(value, str) else _number_text(value)


def _number_text(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else "%g" % value


def evaluate(expression: str, scope: Scope) -> Result:
    """An hscript expression: literals, arithmetic, comparisons, variables, `@attributes` and the known functions."""
    parser = _Parser(expression, scope.deeper(expression))
    value = parser.comparison()
    parser.end()
    return value


class _Parser:
    """Recursive descent over one expression."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._tokens = self._split(text)
        self._at = 0

    def _split(self, text: str) -> List[Tuple[str, str]]:
        tokens, at = [], 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise NotInStandIn("the expression %r (at %r)" % (self._text, text[at:]))
            tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            at = match.end()
        return tokens

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> Tuple[str, str]:
        if self._at >= len(self._tokens):
            raise NotInStandIn("the expression %r, which ends too early" % self._text)
        self._at += 1
        return self._tokens[self._at - 1]

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise NotInStandIn("the expression %r (from %r on)" % (self._text, self._peek()))

    def comparison(self) -> Result:
        left = self._sum()
        while self._peek() in ("==", "!=", "<", ">", "<=", ">="):
            operator = self._next()[1]
            right = self._sum()
            if isinstance(left, str) != isinstance(right, str):
                raise NotInStandIn("how %r compares text with a number" % self._text)
            outcomes = {"==": left == right, "!=": left != right, "<": left < right, ">": left > right}  # type: ignore[operator]
            outcomes.update({"<=": left <= right, ">=": left >= right})  # type: ignore[operator]
            left = int(outcomes[operator])
        return left

    def _sum(self) -> Result:
        left = self._product()
        while self._peek() in ("+", "-"):
            operator = self._next()[1]
            right = self._product()
            if operator == "+" and isinstance(left, str) and isinstance(right, str):
                left = left + right
            else:
                left = self._number(left) + (1 if operator == "+" else -1) * self._number(right)
        return left

    def _product(self) -> Result:
        left = self._unary()
        while self._peek() in ("*", "/", "%"):
            operator = self._next()[1]
            right = self._number(self._unary())
            number = self._number(left)
            left = number * right if operator == "*" else number / right if operator == "/" else number % right
        return left

    def _number(self, value: Result) -> float:
        if isinstance(value, str):
            raise NotInStandIn("arithmetic with text in %r" % self._text)
        return value

    def _unary(self) -> Result:
        if self._peek() == "-":
            self._next()
            return -self._number(self._unary())
        return self._atom()

    def _atom(self) -> Result:
        kind, text = self._next()
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "string":
            inner = text[1:-1]
            return re.sub(r"\\(.)", r"\1", inner) if text[0] == '"' else inner
        if kind == "attribute":
            return attribute(text[1:], self._scope)
        if kind == "variable":
            return _as_number(variable(text.strip("${}"), self._scope))
        if text == "(":
            value = self.comparison()
            self._expect(")")
            return value
        if kind == "name" and self._peek() == "(":
            return self._call(text)
        raise NotInStandIn("%r in the expression %r" % (text, self._text))

    def _expect(self, text: str) -> None:
        if self._next()[1] != text:
            raise NotInStandIn("the expression %r, where a %r is missing" % (self._text, text))

    def _call(self, name: str) -> Result:
        self._expect("(")
        arguments: List[Result] = []
        while self._peek() != ")":
            arguments.append(self.comparison())
            if self._peek() != ")":
                self._expect(",")
        self._expect(")")
        function = FUNCTIONS.get(name)
        if function is None:
            raise NotInStandIn("the function %s() in %r" % (name, self._text))
        return function(self._scope, *arguments)


def _as_number(text: str) -> Result:
    return (
        float(text)
        if re.fullmatch(r"-?\d+\.\d*|-?\.\d+", text)
        else int(text)
        if re.fullmatch(r"-?\d+", text)
        else text
    )


def attribute(name: str, scope: Scope) -> Result:
    """`@name` of the active work item."""
    item = scope.item
    if item is None:
        raise NotInStandIn("what @%s is when no work item is active" % name)
    name, _, component = name.partition(".")
    built_in = {"pdg_index": "index", "pdg_name": "name", "pdg_frame": "frame", "pdg_id": "id"}
    if name in built_in:
        return getattr(item, built_in[name])
    if name.startswith("pdg_"):
        raise NotInStandIn("the built-in attribute @%s" % name)
    if item.attrib(name) is None:
        raise NotInStandIn("what @%s is on work item %s, which has no such attribute" % (name, item.name))
    index = int(component) if component.isdigit() else "xyzw".index(component) if component else 0
    value = item.attribValue(name, index)
    path = getattr(value, "path", None)  # a file attribute reads as its path
    return value if path is None else path


def find_parm(scope: Scope, path: Any) -> Tuple[NodeState, str]:
    """The node and name of the parameter at a path relative to the node of the expression."""
    if not isinstance(path, str):
        raise NotInStandIn("a reference to %r" % (path,))
    if scope.node is None and not path.startswith("/"):
        raise NotInStandIn("the relative reference %r where there is no node" % path)
    folder, _, name = path.rpartition("/")
    start = scope.node if scope.node is not None else session.root
    node = start if not folder and not path.startswith("/") else start.find(folder or "/")
    if node is None:
        raise NotInStandIn("what a reference to the missing node in %r gives" % path)
    return node, name


def _channel(scope: Scope, path: Any) -> Result:
    from ._values import evaluate_parm

    node, name = find_parm(scope, path)
    value = evaluate_parm(node, name, scope.item, scope.depth)
    if isinstance(value, str):
        raise NotInStandIn("what ch() gives for the text parameter %r; use chs()" % path)
    return value


def _channel_text(scope: Scope, path: Any) -> Result:
    from ._values import evaluate_text

    node, name = find_parm(scope, path)
    return evaluate_text(node, name, scope.item, scope.depth)


def _channel_node(scope: Scope, path: Any) -> Result:
    """chsop(): the absolute path of the node that a parameter names; empty when it names none."""
    from ._values import evaluate_text

    node, name = find_parm(scope, path)
    text = evaluate_text(node, name, scope.item, scope.depth)
    if not text:
        return ""
    found = node.find(text)
    if found is None:
        raise NotInStandIn("what chsop(%r) gives for %r, where no node is" % (path, text))
    return found.path()


def _full_path(scope: Scope, path: Any) -> Result:
    found = scope.node.find(str(path)) if scope.node is not None else session.root.find(str(path))
    if found is None:
        raise NotInStandIn("what opfullpath(%r) gives, where no node is" % path)
    return found.path()


FUNCTIONS: Dict[str, Callable[..., Result]] = {
    "ch": _channel,
    "chs": _channel_text,
    "chsop": _channel_node,
    "opfullpath": _full_path,
}
