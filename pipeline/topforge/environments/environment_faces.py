"""The faces of one environment edit: a table for people, shell lines, Environment Edit rows, an HQueue environment."""

from __future__ import annotations

import os
import re
import shlex
import textwrap
from typing import Dict, List, Sequence, Tuple

from topforge.environments.environment_rules import Change
from topforge.terminal_style import Style

_TITLES = (
    ("set", "Set"),
    ("prepended", "Put in front"),
    ("filtered", "Entries dropped"),
    ("removed", "Removed"),
    ("kept", "Kept"),
    ("skipped", "Not done"),
)
_HARMLESS_WHEN_EMPTY = re.compile(r"PYTHON|QT|QML|PYSIDE|LD_PRELOAD$")
"""Readers of these take empty for unset. Not so WORLD_SIZE: an empty one is no number and ends the program."""


def explain(changes: Sequence[Change], head: Sequence[Tuple[str, str]], width: int, style: Style) -> str:
    """The edit as text: one block for each action, one aligned row for each variable, the reason below its value.

    Args:
        changes: The edit.
        head: Rows to begin with, (label, value).
        width: Columns to stay within.
        style: Colours, if any.
    """
    column = min(24, max([len(change.variable) for change in changes] + [8])) + 4
    lines = [label.ljust(column) + value for label, value in head]
    for action, title in _TITLES:
        chosen = [change for change in changes if change.action == action]
        if chosen:
            lines += ["", style.bold(title)]
        for change in chosen:
            lines += _row(change, column, max(width, column + 30), style)
    return "\n".join(lines) + "\n"


def _row(change: Change, column: int, width: int, style: Style) -> List[str]:
    """`  NAME    value`, then what was dropped, then the reason; a list of paths takes one line for each entry."""
    entries = change.action in ("prepended", "filtered")
    texts = _at_most(change.value.split(os.pathsep) if entries else [change.value or change.old], 2)
    if entries and change.old:
        texts += [style.bad("without ") + entry for entry in _at_most(change.old.split(os.pathsep), 6)]
    reason = textwrap.wrap(change.reason, width - column - 2, break_long_words=False, break_on_hyphens=False)
    texts = [text for text in texts if text] + [style.dim("  " + line) for line in reason]
    name = ("  " + change.variable).ljust(column)
    if len(name) > column:
        return [name] + [" " * column + text for text in texts]
    return [name + texts[0]] + [" " * column + text for text in texts[1:]]


def _at_most(entries: List[str], limit: int) -> List[str]:
    return entries[:limit] + (["... and %d more" % (len(entries) - limit)] if len(entries) > limit else [])


def as_exports(changes: Sequence[Change]) -> str:
    """POSIX shell lines: `unset NAME` and `export NAME=value`, quoted, unsets first."""
    return "".join("unset %s\n" % name for name in _removed(changes)) + "".join(
        "export %s=%s\n" % (name, shlex.quote(value)) for name, value in _assigned(changes).items()
    )


def as_environment_edit(changes: Sequence[Change]) -> List[Dict[str, object]]:
    """Rows for Houdini's Environment Edit TOP (`varname#`, `strvarvalue#`, type string, conflict "replace").

    The node can assign but not unset: a row with `remove` true has an empty value, and its name belongs into the
    scheduler's "Unset Variables" as well.

    Returns:
        Dicts with `name` (str), `value` (str) and `remove` (bool).
    """
    rows: List[Dict[str, object]] = [
        {"name": name, "value": value, "remove": False} for name, value in _assigned(changes).items()
    ]
    return rows + [{"name": name, "value": "", "remove": True} for name in _removed(changes)]


def as_hqueue(changes: Sequence[Change]) -> Dict[str, str]:
    """The `environment` of an HQueue job, all strings.

    HQueue adds to its client's environment and cannot unset. Removed variables are therefore emptied where every
    reader takes empty for unset, and left to the client otherwise; `run-item` cleans up on the machine itself.
    """
    emptied = {name: "" for name in _removed(changes) if _HARMLESS_WHEN_EMPTY.match(name)}
    return {**emptied, **_assigned(changes)}


def _assigned(changes: Sequence[Change]) -> Dict[str, str]:
    return {change.variable: change.value for change in changes if change.action in ("set", "prepended", "filtered")}


def _removed(changes: Sequence[Change]) -> List[str]:
    """Names to unset; a variable that TopForge skipped counts when the parent had one."""
    return [c.variable for c in changes if c.action == "removed" or (c.action == "skipped" and c.old)]
