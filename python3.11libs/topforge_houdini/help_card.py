"""A node's help card in SideFX's wiki markup, generated from its row of the table and its parameters' own help."""

from __future__ import annotations

import re
from collections.abc import Iterator

from topforge.errors import TopForgeError
from topforge_houdini.nodes.common import NodeEntry
from topforge_scene.dialog_script import Entry, Folder, Multiparm, Parameter

_LIST = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*\]")
"""A list in brackets, with lists in it."""


class MissingHelpError(TopForgeError):
    """A parameter that does not say what it is for."""

    def __init__(self, operator: str, name: str) -> None:
        super().__init__(
            'The parameter "%s" of %s has no help.' % (name, operator),
            "Say in its entry, or below the option's field, what it does.",
        )


def text(node: NodeEntry) -> str:
    """The whole card.

    Raises:
        MissingHelpError: A parameter has no help.
    """
    lines = [
        "#type: node",
        "#context: %s" % node.table.lower(),
        "#internal: %s" % node.operator,
        "#icon: %s" % icon_path(node),
        "#tags: %s" % ", ".join(node.keywords),
        "",
        "= %s =" % node.label,
        "",
        '"""%s"""' % node.summary,
        "",
        "== Overview ==",
        "",
        *node.overview.strip().splitlines(),
        "",
        *_tasks(node),
        *_boxes("TIP", node.tips),
        *_boxes("WARNING", node.warnings),
        "@parameters",
        "",
        *_parameters(node, node.parameters, 2),
        *_outputs(node),
        "@related",
        "",
        *("- [Node:%s]" % path for path in node.related),
    ]
    return "\n".join(lines) + "\n"


def icon_path(node: NodeEntry) -> str:
    """Where Houdini finds the icon inside the asset."""
    return "opdef:/topforge::%s/%s?IconSVG" % (node.table, node.operator.split("::", 1)[1])


def _tasks(node: NodeEntry) -> Iterator[str]:
    for goal, steps in node.tasks:
        yield ":task: To %s:" % goal
        yield from ("    # %s" % step for step in steps)
        yield ""


def _boxes(kind: str, texts: tuple[str, ...]) -> Iterator[str]:
    for words in texts:
        yield from ("%s:" % kind, "    %s" % words, "")


def _parameters(node: NodeEntry, items: tuple[Entry, ...], level: int) -> Iterator[str]:
    """Folders become headings, one level deeper inside another."""
    for item in items:
        if isinstance(item, Folder):
            yield from ("%s %s %s" % ("=" * level, item.label, "=" * level), "")
            yield from _parameters(node, item.items, min(level + 1, 4))
        elif item.name.endswith("_set"):
            continue  # the switch of an optional value; the value's own help says so
        else:
            yield from _parameter(node, item)


def _parameter(node: NodeEntry, item: Parameter | Multiparm) -> Iterator[str]:
    if not item.help:
        raise MissingHelpError(node.operator, item.name)
    yield from ("%s:" % item.label, "    #id: %s" % item.name, "", "    %s" % _literal_lists(item.help), "")
    if isinstance(item, Multiparm):
        for line in _parameters(node, item.items, 4):
            yield "    " + line if line else ""


def _literal_lists(words: str) -> str:
    """Lists such as [0, 1] as code: brackets mean links in the markup. What is code already stays as it is."""
    plain_and_code = words.split("`")
    plain_and_code[::2] = [_LIST.sub(r"`\g<0>`", plain) for plain in plain_and_code[::2]]
    return "`".join(plain_and_code)


def _outputs(node: NodeEntry) -> Iterator[str]:
    if node.outputs:
        yield from ("@outputs", "")
        for name, words in node.outputs:
            yield from ("`%s`:" % name, "    %s" % words, "")
