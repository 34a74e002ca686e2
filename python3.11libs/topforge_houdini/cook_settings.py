"""`node/parm=value` on a command line: found, checked against the parameter's type, and set."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable, Sequence

import hou

from topforge.errors import TopForgeError
from topforge_houdini import top_nodes


class UsageError(TopForgeError):
    """A command line that names something that is not there, or gives a value of the wrong kind."""

    @property
    def exit_code(self) -> int:
        """2, as everywhere."""
        return 2


@dataclasses.dataclass(frozen=True)
class Setting:
    """One `--set`."""

    node: str
    """Path of the node: absolute, or from the TOP network."""
    parm: str
    value: str

    def __str__(self) -> str:
        return "%s/%s=%s" % (self.node, self.parm, self.value)


def parse(text: str) -> Setting:
    """Splits `train/topforge_iter=200`.

    Raises:
        UsageError: There is no `=`, or nothing in front of the parameter's name.
    """
    target, equals, value = text.partition("=")
    node, slash, parm = target.rpartition("/")
    if not equals or not slash or not node or not parm:
        raise UsageError(
            '--set "%s" is not of the form node/parm=value.' % text, "For example train/topforge_iter=200."
        )
    return Setting(node, parm, value)


def apply(network: hou.OpNode, settings: Iterable[Setting]) -> list[str]:
    """Sets parameters and says what was set, one line for each.

    Args:
        network: The TOP network; nodes without a leading slash are looked up in it.
        settings: In order: a list's length before its items.

    Raises:
        UsageError: A node or parameter that is not there (with the nearest that is), or a value of the wrong kind.
    """
    return [_apply(network, setting) for setting in settings]


def _apply(network: hou.OpNode, setting: Setting) -> str:
    absolute = setting.node.startswith("/")
    node = top_nodes.find(setting.node) if absolute else network.node(setting.node)
    if node is None:
        parent = top_nodes.find(setting.node.rpartition("/")[0] or "/") if absolute else network
        names = [child.name() for child in (parent or network).children()]
        raise UsageError(
            "--set %s: there is no node %s." % (setting, setting.node), _nearest(setting.node.split("/")[-1], names)
        )
    components = _components(node, setting.parm)
    if not components:
        names = [parm.name() for parm in node.parmTuples()]
        raise UsageError(
            "--set %s: %s has no parameter %s." % (setting, node.path(), setting.parm), _nearest(setting.parm, names)
        )
    texts = [setting.value] if len(components) == 1 else setting.value.replace(",", " ").split()
    if len(texts) != len(components):
        raise UsageError(
            "--set %s: %s has %d components." % (setting, setting.parm, len(components)),
            "Give them separated by commas.",
        )
    for component, value in zip(components, [_value(setting, c, text) for c, text in zip(components, texts)]):
        _set(setting, component, value)
    if components[0].parmTemplate().scriptCallback():
        _call_back(setting, components[0])
    return "%s/%s = %s" % (node.path(), setting.parm, setting.value)


def _call_back(setting: Setting, parm: hou.Parm) -> None:
    """A change by hand calls the callback, one by hou does not: a preset would do nothing."""
    try:
        parm.pressButton()
    except TopForgeError as error:
        raise UsageError("--set %s: %s" % (setting, error.reason), error.fix) from error


def _set(setting: Setting, parm: hou.Parm, value: int | float | str) -> None:
    """Sets a checked value. Houdini moves a number that is beyond a hard limit to it, without a word."""
    try:
        parm.set(value)
    except (TypeError, hou.OperationFailed, hou.PermissionError) as error:
        raise UsageError("--set %s: Houdini refuses it (%s)." % (setting, error), "Give another value.") from error
    if isinstance(value, (int, float)) and abs(float(parm.eval()) - value) > 1e-6 * max(1.0, abs(value)):
        raise UsageError(
            "--set %s: %s is beyond the limit %s." % (setting, value, parm.eval()), "Give %s, say." % parm.eval()
        )


def _components(node: hou.OpNode, name: str) -> list[hou.Parm]:
    """The parameter's components; one, when it is the name of a component; none, when it is nothing."""
    together, alone = node.parmTuple(name), node.parm(name)
    return list(together) if together is not None else [alone] if alone is not None else []


def _value(setting: Setting, parm: hou.Parm, text: str) -> int | float | str:
    """The text as the parameter's own type."""
    kind = parm.parmTemplate().type()
    if kind == hou.parmTemplateType.Toggle:
        return _toggle(setting, text)
    if kind == hou.parmTemplateType.Menu:
        return _token(setting, parm, text)
    if kind == hou.parmTemplateType.Float:
        return _number(setting, text, float, "a number")
    if kind == hou.parmTemplateType.String:
        return text
    if kind in (hou.parmTemplateType.Int, hou.parmTemplateType.Folder):
        return int(_number(setting, text, int, "a whole number"))
    raise UsageError("--set %s: %s holds no value." % (setting, setting.parm), "Leave it out.")


def _toggle(setting: Setting, text: str) -> int:
    states = {"on": 1, "1": 1, "true": 1, "off": 0, "0": 0, "false": 0}
    if text.lower() not in states:
        raise UsageError('--set %s: "%s" is neither on nor off.' % (setting, text), "Give on or off.")
    return states[text.lower()]


def _token(setting: Setting, parm: hou.Parm, text: str) -> str:
    tokens = list(parm.menuItems())
    if text not in tokens:
        fix = _nearest(text, tokens) if len(tokens) > 8 else "Choices: %s." % ", ".join(tokens)
        raise UsageError('--set %s: "%s" is not in the menu of %s.' % (setting, text, setting.parm), fix)
    return text


def _number(setting: Setting, text: str, kind: type[int] | type[float], words: str) -> int | float:
    try:
        return kind(text)
    except ValueError:
        raise UsageError('--set %s: "%s" is not %s.' % (setting, text, words), "Give %s." % words) from None


def _nearest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near:
        return "Did you mean %s?" % near[0]
    shown = ", ".join(sorted(names)[:12]) + (", ..." if len(names) > 12 else "")
    return "There are: %s." % shown if names else "There are none."
