"""Values of parameters: set with Houdini's strictness, evaluated for a work item or for none."""

from __future__ import annotations

import re
from typing import Any, List, Optional, Tuple, Union

from . import _expressions
from ._errors import OperationFailed
from ._specs import Number, Spec, Unknown, instance_name, specs_of
from ._state import NodeState, ParmState, session
from ._strict import NotInStandIn

Result = Union[int, float, str]
_CUT = ("generate", "partition")
"""Defaults that are code which the reference only has the beginning of."""


def locate(node: NodeState, name: str) -> Optional[Tuple[ParmState, int]]:
    """The parameter and component that a parm's name stands for."""
    for state in node.parms.values():
        if name in state.spec.components:
            return state, state.spec.components.index(name)
    if not node.type.complete:
        raise NotInStandIn(
            "whether %s has a parameter %r: the reference does not list all of them" % (node.type.name, name)
        )
    return None


def raw(node: NodeState, name: str) -> Tuple[ParmState, int, Any]:
    found = locate(node, name)
    if found is None:
        raise OperationFailed("Invalid parameter name: %s on %s" % (name, node.path()))
    state, component = found
    for used in session.trackers():
        used.append((state, state.version))
    if not session.trackers() and session.generating() is not None:
        session.read_by_callbacks.setdefault(state, set()).add(session.generating())
    return state, component, state.values[component]


def evaluate_parm(node: NodeState, name: str, item: Any = None, depth: int = 0) -> Result:
    """What `Parm.eval()` gives: text expanded, numbers, a toggle's 0 or 1, a menu's number."""
    state, _, value = raw(node, name)
    spec = state.spec
    if isinstance(value, Unknown):
        raise NotInStandIn("the default of %s (%s) on %s; set it first" % (name, spec.type, node.path()))
    if isinstance(value, Number):
        return _coerce(spec, _run(value, node, item, depth))
    if spec.kind == "text":
        if spec.name in _CUT and str(value).endswith("..."):
            raise NotInStandIn(
                "the default code of %s/%s, of which the reference has the beginning only" % (node.path(), name)
            )
        return _expressions.expand(value, _expressions.Scope(node, item, depth))
    if spec.kind == "menu":
        return menu_number(spec, value)
    if spec.kind in ("silent", "unknown"):
        raise NotInStandIn("the value of the %s %s" % (spec.type, name))
    return value


def evaluate_text(node: NodeState, name: str, item: Any = None, depth: int = 0) -> str:
    """What `Parm.evalAsString()` gives: a menu's token; numbers as text."""
    state, _, value = raw(node, name)
    if state.spec.kind == "menu" and not isinstance(value, (Number, Unknown)):
        return str(value)
    if state.spec.kind == "toggle":
        raise NotInStandIn("whether the text of a toggle (%s) is on/off or 1/0; evaluate it as a number" % name)
    if state.spec.kind == "menu":
        number = evaluate_parm(node, name, item, depth)
        return number if isinstance(number, str) else token_at(state.spec, int(number), node)
    return _expressions.as_text(evaluate_parm(node, name, item, depth))


def _run(number: Number, node: NodeState, item: Any, depth: int) -> Result:
    if number.language == "python":
        return _run_python(number.expression, node)
    return _expressions.evaluate(number.expression, _expressions.Scope(node, item, depth))


def _run_python(source: str, node: NodeState) -> Result:
    """A Python expression: with `return` it is the body of a function, else one expression; hou.pwd() is the node."""
    import hou

    names = {"hou": hou}
    session.pwd_stack().append(node)
    try:
        if re.search(r"^\s*return\b", source, re.MULTILINE):
            body = "def evaluate():\n" + "\n".join("    " + line for line in source.splitlines())
            exec(body, names)
            return names["evaluate"]()  # type: ignore[operator]
        return eval(source, names)
    finally:
        session.pwd_stack().pop()


def _coerce(spec: Spec, value: Result) -> Result:
    if spec.kind == "text":
        return _expressions.as_text(value)
    if isinstance(value, str):
        raise NotInStandIn("the number that the %s %s becomes from the text %r" % (spec.type, spec.name, value))
    if spec.kind == "float":
        return clamp(spec, float(value))
    return clamp(spec, int(value))


def clamp(spec: Spec, value: Any) -> Any:
    """A value within the hard limits (`!`), as Houdini clamps it."""
    low = spec.low if spec.low is None or spec.kind == "float" else int(spec.low)
    high = spec.high if spec.high is None or spec.kind == "float" else int(spec.high)
    value = value if low is None else max(low, value)
    return value if high is None else min(high, value)


def menu_pairs(spec: Spec, node: NodeState) -> List[Tuple[str, str]]:
    """Tokens and labels; scripts of assets run, those of Houdini's own types are known only by name."""
    menu = spec.menu
    if menu is None:
        raise OperationFailed("%s is no menu" % spec.name)
    if menu.items:
        return list(menu.items)
    if menu.script == ("?",):
        return _stock_menu(spec)
    if menu.language != "python":
        raise NotInStandIn("the hscript menu of %s" % spec.name)
    from ._assets import run_menu_script

    return run_menu_script(menu.script, node, spec)


def _stock_menu(spec: Spec) -> List[Tuple[str, str]]:
    import pdg

    makers = {"pdg_workitemgeneration": "generateWhenMenu", "pdg_cachemode": "cacheModeMenu"}
    if spec.name not in makers:
        raise NotInStandIn("the items of the menu %s, which a script of SideFX's makes" % spec.name)
    flat = getattr(pdg, makers[spec.name])()
    return list(zip(flat[::2], flat[1::2]))


def menu_number(spec: Spec, token: str) -> int:
    """The number of a menu's token: the token itself where the menu says so, else its position."""
    if spec.menu is None:
        raise NotInStandIn("an ordinal %s without a menu" % spec.name)
    if spec.menu.use_token_value:
        if not re.fullmatch(r"-?\d+", token):
            raise NotInStandIn("the number of the token %r of %s" % (token, spec.name))
        return int(token)
    if spec.menu.items:
        return [known for known, _ in spec.menu.items].index(token)
    if re.fullmatch(r"\d+", token):
        return int(token)
    raise NotInStandIn("the position of %r in the menu of %s, which a script makes" % (token, spec.name))


def token_at(spec: Spec, number: int, node: NodeState) -> str:
    if spec.menu is not None and spec.menu.use_token_value:
        return str(number)
    tokens = [token for token, _ in menu_pairs(spec, node)]
    if not 0 <= number < len(tokens):
        raise TypeError("%s has no menu item %d; it has %s." % (spec.name, number, tokens))
    return tokens[number]


def checked(spec: Spec, value: Any, node: NodeState) -> Any:
    """A value as it is stored, refused when the parameter cannot hold it.

    Raises:
        TypeError: The wrong type, or a token that the menu does not have.
    """
    if spec.kind == "text":
        return _checked_text(spec, value, node)
    if spec.kind == "menu":
        return _checked_menu(spec, value, node)
    if spec.kind == "unknown":
        raise NotInStandIn("setting the %s %s" % (spec.type, spec.name))
    if spec.kind in ("button", "silent"):
        raise TypeError("%s is a %s and has no value to set." % (spec.name, spec.type))
    if isinstance(value, str) or not isinstance(value, (bool, int, float)):
        raise TypeError("Cannot set a numeric parm to a non-numeric value: %s = %r" % (spec.name, value))
    if spec.kind == "toggle":
        if value not in (0, 1):
            raise TypeError("The toggle %s takes True or False, not %r." % (spec.name, value))
        return int(value)
    if spec.kind == "float":
        return clamp(spec, float(value))
    if value != int(value):
        raise TypeError("%s holds whole numbers, not %r." % (spec.name, value))
    return clamp(spec, int(value))


def _checked_text(spec: Spec, value: Any, node: NodeState) -> str:
    if not isinstance(value, str):
        raise TypeError("%s holds text, not %r." % (spec.name, value))
    menu = spec.menu
    if menu is not None and menu.items and menu.kind == "menu" and node.type.operator is not None:
        tokens = [token for token, _ in menu.items]
        if value not in tokens and "$" not in value and "`" not in value:
            raise TypeError("%s has no menu item %r; it has %s." % (spec.name, value, tokens))
    return value


def _checked_menu(spec: Spec, value: Any, node: NodeState) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise TypeError("The menu %s takes a token or a whole number, not %r." % (spec.name, value))
    if isinstance(value, int):
        if spec.menu is not None and spec.menu.use_token_value:
            raise NotInStandIn(
                "whether a number set on %s, whose menu uses tokens, is a token or a position; set the text" % spec.name
            )
        return token_at(spec, value, node)
    tokens = [token for token, _ in menu_pairs(spec, node)]
    if value not in tokens:
        raise TypeError("%s has no menu item %r; it has %s." % (spec.name, value, tokens))
    return value


def resize(node: NodeState, state: ParmState, count: int) -> None:
    """Makes or removes instances of a multiparm so that there are `count`."""
    count = clamp(state.spec, count)
    state.store(0, count)
    wanted = _instance_specs(state.spec, count)
    names = {spec.name for spec in wanted}
    for name in [n for n, other in node.parms.items() if other.spec.parent == state.spec.name and n not in names]:
        _drop(node, name)
    for spec in wanted:
        if spec.name not in node.parms:
            add(node, spec)


def _drop(node: NodeState, name: str) -> None:
    for inner in [n for n, other in node.parms.items() if other.spec.parent == name]:
        _drop(node, inner)
    node.parms.pop(name, None)


def add(node: NodeState, spec: Spec) -> None:
    """Gives a node a parameter; a multiparm comes with the instances of its default."""
    if spec.name in node.parms:
        raise OperationFailed("%s already has a parameter %s" % (node.path(), spec.name))
    state = ParmState(spec)
    node.parms[spec.name] = state
    if spec.kind == "multiparm":
        resize(node, state, int(spec.defaults[0]))


def _instance_specs(spec: Spec, count: int) -> List[Spec]:
    above = instance_numbers(spec)
    made: List[Spec] = []
    for number in range(spec.start, spec.start + count):
        made += specs_of(spec.children, (*above, number), spec.name)
    return made


def instance_numbers(spec: Spec) -> Tuple[int, ...]:
    """The numbers in the name of an instance, outermost first."""
    if "#" not in spec.template:
        return ()
    pattern = "".join(r"(\d+)" if part == "#" else re.escape(part) for part in re.split("(#)", spec.template))
    match = re.fullmatch(pattern, spec.name)
    if match is None:
        raise NotInStandIn("the numbers in %r of %r" % (spec.name, spec.template))
    return tuple(int(number) for number in match.groups())


__all__ = ["add", "checked", "clamp", "evaluate_parm", "evaluate_text", "instance_name", "locate", "raw", "resize"]
