"""Cooks a TOP node of a scene from the command line: what `scripts/cook_top.py` does."""

from __future__ import annotations

import argparse
import difflib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import hou
import pdg

from topforge import terminal_style
from topforge.errors import FailureClass, TopForgeError
from topforge_houdini import cook_rows, cook_settings, messages, top_nodes
from topforge_houdini.cook_rows import Row
from topforge_houdini.cook_settings import UsageError
from topforge_houdini.cook_watch import Say, Watch

_FAILED = 1
_SIGNAL_BASE = 128
"""Exit codes of what a signal ended, as shells have them: 130 for Ctrl-C."""


class SceneNotFoundError(UsageError):
    """The scene is not there or Houdini cannot read it."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "%s: %s." % (path, problem.removeprefix("%s: " % path).rstrip(". \n")),
            "Name a .hip file that this Houdini can open.",
        )


class NotInstalledError(TopForgeError):
    """Houdini does not know the nodes of the scene, because TopForge's package was not read."""

    failure_class = FailureClass.CONFIG

    def __init__(self, scene: Path, warnings: str) -> None:
        super().__init__(
            "%s: this Houdini has no TopForge nodes; it says: %s" % (scene, warnings.strip().splitlines()[0]),
            "Run scripts/install.py once, then this again.",
        )


class NoTopNodeError(UsageError):
    """`--top` does not name something to cook."""

    def __init__(self, path: str, problem: str, near: Sequence[str]) -> None:
        fix = "Did you mean %s?" % near[0] if near else "Name a TOP network, or a node in one."
        super().__init__("--top %s: %s." % (path, problem), fix)


def parser() -> argparse.ArgumentParser:
    """The flags of cook_top."""
    result = argparse.ArgumentParser(
        "cook_top", description="Cooks a TOP node of a scene; the exit code tells success.", allow_abbrev=False
    )
    result.add_argument("scene", type=Path, metavar="SCENE", help="the .hip file; it is not saved")
    result.add_argument("--top", required=True, metavar="PATH", help="TOP network (its display node), or a node in one")
    result.add_argument(
        "--set", action="append", default=[], metavar="NODE/PARM=VALUE", help="first set a parameter; repeatable"
    )
    result.add_argument("--items", metavar="NAME,...", help="only these work items of the node: names or indices")
    result.add_argument("--generate-only", action="store_true", help="make work items, run nothing")
    result.add_argument("--verbose", action="store_true", help="also items that run nothing, warnings, tracebacks")
    return result


def main(words: Sequence[str]) -> int:
    """Runs one command line and returns its exit code: 0, 1 items failed, 2 usage, 130 interrupted."""
    arguments = parser().parse_args(list(words))
    try:
        return _run(arguments)
    except TopForgeError as error:
        print("cook_top: %s\n  %s" % (error.reason, error.fix), file=sys.stderr)
        return error.exit_code


def _run(arguments: argparse.Namespace) -> int:
    settings = [cook_settings.parse(text) for text in arguments.set]
    warnings = open_scene(arguments.scene)
    if warnings and hou.nodeType(hou.topNodeTypeCategory(), "topforge::train::1.0") is None:
        raise NotInstalledError(arguments.scene, warnings)
    if warnings and arguments.verbose:
        print("Houdini says about the scene: %s" % warnings)
    node = top_node(arguments.top)
    for said in cook_settings.apply(top_nodes.network_of(node), settings):
        print(said)
    print("%s %s" % ("Generating" if arguments.generate_only else "Cooking", node.path()), flush=True)
    cook = Cook(node, arguments.verbose)
    if arguments.items:
        cook.only(arguments.items.split(","))
    stopped_by = cook.run(arguments.generate_only)
    return cook.tell(stopped_by, arguments.generate_only)


def open_scene(path: Path) -> str:
    """Loads a scene and returns Houdini's warnings about it.

    Raises:
        SceneNotFoundError: It is not there, or Houdini cannot read it.
    """
    if not path.is_file():
        raise SceneNotFoundError(path, "there is no such file")
    try:
        hou.hipFile.load(str(path.resolve()), suppress_save_prompt=True, ignore_load_warnings=False)
    except hou.LoadWarning as warning:
        return str(warning.instanceMessage())
    except hou.OperationFailed as error:
        raise SceneNotFoundError(path, str(error.instanceMessage())) from error
    return ""


def top_node(path: str) -> hou.TopNode:
    """The node to cook: the one at `path`, or a network's display node.

    Raises:
        NoTopNodeError: Nothing there can be cooked; the nearest path is named.
    """
    found = top_nodes.find(path)
    if found is None:
        raise NoTopNodeError(path, "there is no such node", difflib.get_close_matches(path, _top_paths(), n=1))
    if found.type().name() == "topnet":
        shown = cast(hou.TopNode, found).displayNode()
        if shown is None:
            raise NoTopNodeError(path, "the network has no display node", [c.path() for c in found.children()][:1])
        return cast(hou.TopNode, shown)
    if not isinstance(found, hou.TopNode) or found.isScheduler():
        raise NoTopNodeError(path, "it is not a TOP node that can be cooked", ())
    return found


def _top_paths() -> list[str]:
    return [node.path() for network in top_nodes.networks() for node in (network, *network.children())]


def _say(line: str) -> None:
    print(line, flush=True)


class Cook:
    """One cook of one TOP node."""

    def __init__(self, node: hou.TopNode, every_item: bool = False) -> None:
        """Makes the PDG graph of the node's network.

        Args:
            node: What to cook.
            every_item: Also tell about items that run nothing.
        """
        self.node = node
        self.errors: list[str] = []
        self._chosen: set[int] = set()
        node.cookWorkItems(block=True, tops_only=True)
        self.network = top_nodes.network_of(node)
        self.context = top_nodes.graph_context(node)
        self._names = names(self.network)
        self._every_item = every_item

    def only(self, wanted: Sequence[str]) -> None:
        """Restricts the cook to some work items of the node, through PDG's filter.

        Raises:
            UsageError: The node has no such work item.
        """
        self.node.cookWorkItems(block=True, generate_only=True)
        items = list(top_nodes.pdg_node(self.node).workItems)
        for name in (word.strip() for word in wanted):
            chosen = [item for item in items if name in (item.name, str(item.index), _config(item))]
            if not chosen:
                known = list(dict.fromkeys(_config(item) or item.name for item in items))
                raise UsageError(
                    "--items: %s has no work item %s." % (self.node.path(), name), "It has %s." % ", ".join(known[:12])
                )
            for item in chosen:
                self._chosen.add(item.id)
                self.node.addPDGFilter(item.id)
        self.node.enablePDGFilter(True)

    def run(self, generate_only: bool = False, say: Say = _say) -> int:
        """Cooks and tells the progress.

        Args:
            generate_only: Make work items and run nothing.
            say: Receives a line for each piece of news, from another thread.

        Returns:
            Number of the signal that cancelled it, 0 for none.
        """
        handler = self.context.addEventHandler(self._on_error, pdg.EventType.CookError)
        try:
            with Watch(self.context, self._names, say, self._every_item) as watch:
                self.node.cookWorkItems(block=True, generate_only=generate_only)
        finally:
            self.context.removeEventHandler(handler)
        return watch.stopped_by

    def _on_error(self, event: Any) -> None:
        """Runs on a worker thread."""
        if event.message and event.message not in self.errors:
            self.errors.append(event.message)

    def rows(self) -> list[Row]:
        """Every work item of the network's nodes."""
        graph = self.context.graph
        known = [node for node in graph.nodes() if node.name in self._names]
        return [cook_rows.of(item, self._names[node.name]) for node in known for item in node.workItems]

    def tell(self, stopped_by: int, generate_only: bool) -> int:
        """Prints the table and what went wrong, and returns the exit code."""
        style = terminal_style.style_for(sys.stdout, os.environ)
        rows = self.rows()
        shown = [row for row in rows if self._is_shown(row)]
        if shown:
            print("\n%s\n\n%s" % (cook_rows.table(shown, style), cook_rows.summary(shown)))
            for page in cook_rows.pages(shown):
                print("Report: %s" % page)
        problems = self._problems()
        for problem in problems:
            print("\n%s: %s" % (style.bad("error"), problem.replace("\n", "\n  ")))
        if stopped_by:
            print("\nInterrupted. Cook it again: items go on from their last checkpoint.")
            return _SIGNAL_BASE + stopped_by
        if not shown and not problems:
            print("Nothing to run: %s" % cook_rows.summary(rows) if rows else "No work items were made.")
        unfinished = any(self._is_wanted(row) and not (row.succeeded or generate_only) for row in rows)
        failed = any(row.state == "failed" for row in rows)
        return _FAILED if problems or unfinished or failed or not rows else 0

    def _problems(self) -> list[str]:
        """What the cook and the nodes complain about, each once.

        Unless everything is asked for: without tracebacks, and without what PDG says about failed work items, whose
        own reasons stand below the table.
        """
        complaints = node_errors(self.network)
        if self._every_item:
            return list(dict.fromkeys([*self.errors, *("%s: %s" % pair for pair in complaints)]))
        items = [item for node in self.context.graph.nodes() if node.name in self._names for item in node.workItems]
        failed = [item.name for item in items if cook_rows.state_of(item) == "failed"]
        found: dict[str, str] = {}
        for path, complaint in [*complaints, *(("", error) for error in self.errors)]:
            text = messages.without_traceback(complaint)
            if not any(name in text for name in failed):
                network = self.network.path()  # our own sentences begin with their node
                found.setdefault(text, text if not path or text.startswith(network) else "%s: %s" % (path, text))
        return list(found.values())

    def _is_wanted(self, row: Row) -> bool:
        return not self._chosen or row.identity in self._chosen

    def _is_shown(self, row: Row) -> bool:
        if row.state == "failed" or self._every_item:
            return True
        return row.runs_something and (not self._chosen or row.identity in self._chosen or row.state != "not cooked")


def names(network: hou.OpNode) -> dict[str, str]:
    """Name of each PDG node of a network -> what people call it: the node, or our asset whose output it is.

    The asset stands for the node inside that makes its output, and comes first; where it should not in a real Houdini,
    the node inside is still found by its own name.
    """
    found: dict[str, str] = {}
    for node in network.allSubChildren():
        name = node.getPDGNodeName() if isinstance(node, hou.TopNode) and not node.isScheduler() else None
        if name:
            found.setdefault(name, node.path()[len(network.path()) + 1 :].removesuffix("/run"))
    return found


def node_errors(network: hou.OpNode) -> list[tuple[str, str]]:
    """What nodes of a network complain about: path and text."""
    return [(node.path(), text) for node in network.allSubChildren() for text in node.errors()]


def _config(item: Any) -> str:
    return str(item.stringAttribValue("config")) if item.attrib("config") is not None else ""
