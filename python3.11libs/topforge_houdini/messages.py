"""Failures in the words of Houdini: errors on nodes, dialogs, and several problems told at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import hou

from topforge.errors import TopForgeError

Kwargs = Mapping[str, Any]
"""What Houdini hands to callbacks of parameters: "node", "parm", "script_value", ..."""
Function = TypeVar("Function", bound=Callable[..., Any])


class ManyProblemsError(TopForgeError):
    """Several things are wrong at once."""

    def __init__(self, where: str, errors: Sequence[TopForgeError]) -> None:
        lines = "".join("\n- %s" % text(error).replace("\n", "\n  ") for error in errors)
        super().__init__("%s: %d problems:%s" % (where, len(errors), lines), "Correct these and try again.")
        self.errors = tuple(errors)


class NodeError(Exception):
    """What a callback of a TOP node raises: PDG shows its text on the node."""


def text(error: TopForgeError) -> str:
    """What happened, and on the next line what to do."""
    return "%s\n%s" % (error.reason, error.fix)


def without_traceback(problem: str) -> str:
    """What PDG says of a failed callback, without the Python traceback that it may put in front.

    Args:
        problem: A node's error, or the message of an event. How a traceback looks in it is [I, not yet seen in a real
            Houdini]; what is not recognised is returned as it is.

    Returns:
        The text of our `NodeError`; of another exception its last line.
    """
    ours = problem.partition("%s.%s: " % (NodeError.__module__, NodeError.__qualname__))[2]
    if ours:
        return ours.strip()
    if "Traceback (most recent call last)" in problem:
        return problem.strip().splitlines()[-1]
    return problem.strip()


def raise_all(where: str, errors: Sequence[TopForgeError]) -> None:
    """Raises what was collected: nothing, the one error, or all in one.

    Args:
        where: The node's path.
        errors: In the order in which they were found; the same sentence is told once.

    Raises:
        TopForgeError: If there is any.
    """
    different = list({text(error): error for error in errors}.values())
    if len(different) == 1:
        raise different[0]
    if different:
        raise ManyProblemsError(where, different)


def on_node(function: Function) -> Function:
    """Makes a callback of PDG fail with a readable text instead of a chain of exceptions.

    PDG shows an exception that leaves `onGenerate` on the node, with its traceback in front [I, not yet seen in a real
    Houdini], so that the sentence stands at its end.
    """

    @functools.wraps(function)
    def callback(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except TopForgeError as error:
            raise NodeError(text(error)) from None

    return callback  # type: ignore[return-value]


def in_dialog(function: Function) -> Function:
    """Makes a button show failures in a window where there is one; elsewhere the caller gets them."""

    @functools.wraps(function)
    def callback(kwargs: Kwargs) -> Any:
        try:
            return function(kwargs)
        except TopForgeError as error:
            if not hou.isUIAvailable():
                raise
            hou.ui.displayMessage(error.reason, help=error.fix, severity=hou.severityType.Error, title="TopForge")
            return None

    return callback  # type: ignore[return-value]
