"""Which result an import node shows, and whether all of it is there.

A result is one run folder with a result.json. The node names it by file, or by the TOP node that made it; then it is
the one that finished last.
"""

from __future__ import annotations

from pathlib import Path

import hou

from topforge import results
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.results import OutputFile, Result
from topforge_houdini import runs

_RUN_AGAIN = "Run the item again, or copy its whole run folder once more."


class NoResultChosenError(TopForgeError):
    """The node does not say what to import."""

    def __init__(self, node: hou.OpNode) -> None:
        super().__init__(
            "%s: no result is chosen." % node.path(),
            "Choose the result.json of a run in Result File, or a train node in TOP Node.",
        )


class NotAResultFileError(TopForgeError):
    """The chosen file is something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "%s is not a result.json." % path,
            "Choose the result.json in the run folder; the mesh and the textures are found through it.",
        )


class NoTopNodeError(TopForgeError):
    """The path leads to no TOP node."""

    def __init__(self, node: hou.OpNode, path: str) -> None:
        super().__init__(
            "%s: there is no TOP node at %r." % (node.path(), path), "Choose a TopForge Train node in TOP Node."
        )


class NothingFinishedError(TopForgeError):
    """The TOP node has no finished item."""

    def __init__(self, path: str) -> None:
        super().__init__(
            "%s has no finished item." % path, "Cook it, then press Reload; its newest finished item is imported."
        )


class DamagedOutputError(TopForgeError):
    """A file that result.json lists is not what was published."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), _RUN_AGAIN)


class NoOutputError(TopForgeError):
    """The result never had such a file."""

    def __init__(self, result: Result, role: str, fix: str) -> None:
        super().__init__("%s has no output of the kind %r." % (RunPaths(result.run).manifest, role), fix)


def chosen(node: hou.OpNode) -> Result:
    """The result that an import node shows, read and checked as its parameters say.

    Args:
        node: The `topforge::import` node.

    Raises:
        TopForgeError: Nothing is chosen or finished; result.json or an output is missing, damaged or newer than us.
    """
    if str(node.evalParm("resultsource")) == "top":
        result = newest(node, str(node.evalParm("toppath")))
    else:
        result = results.read(run_folder(node, str(node.evalParm("resultfile"))))
    check(result, by_hash=str(node.evalParm("verify")) == "hash")
    return result


def run_folder(node: hou.OpNode, text: str) -> Path:
    """The run folder of a chosen file: that of a result.json, or the folder itself."""
    if not text.strip():
        raise NoResultChosenError(node)
    path = Path(text)
    if path.is_dir():
        return path
    if path.name != RunPaths(path).manifest.name:
        raise NotAResultFileError(path)
    return path.parent


def newest(node: hou.OpNode, path: str) -> Result:
    """The result that finished last of those a TOP node made.

    Args:
        node: Relative paths start here.
        path: Of a TopForge node (in a scene that was just opened, what lies in its output folder counts) or of any
            TOP node whose work items have `topforge_run`.

    Raises:
        TopForgeError: No such node; nothing finished; the result is damaged.
    """
    if not path.strip():
        raise NoResultChosenError(node)
    top = node.node(path)
    if not isinstance(top, hou.TopNode):
        raise NoTopNodeError(node, path)
    finished = [results.read(run) for run in sorted(set(_finished_runs(top)))]
    if not finished:
        raise NothingFinishedError(top.path())
    return max(finished, key=lambda result: result.finished)


def _finished_runs(top: hou.TopNode) -> list[Path]:
    if runs.makes_runs(top):
        return runs.preferred([top], _is_finished)
    return [run for run in runs.of_work_items(top) if _is_finished(run)]


def _is_finished(run: Path) -> bool:
    return RunPaths(run).manifest.is_file()


def check(result: Result, by_hash: bool = False) -> None:
    """Compares all outputs with what was published.

    Args:
        result: As read.
        by_hash: Also read every file and compare its SHA-256; else only the sizes.

    Raises:
        DamagedOutputError: Names the first file that is missing, cut or changed.
    """
    for output in result.outputs:
        path = result.path(output)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise DamagedOutputError(path, "is missing (%s)" % (error.strerror or error)) from None
        if size != output.size:
            raise DamagedOutputError(path, "has %d bytes; result.json says %d" % (size, output.size))
        if by_hash and results.sha256(path) != output.sha256:
            raise DamagedOutputError(path, "has another content than result.json says (SHA-256)")


def output(result: Result, role: str, fix: str) -> Path:
    """Where the first output of a role lies.

    Args:
        result: As read.
        role: As in result.json.
        fix: What the person should do when there is none.

    Raises:
        NoOutputError: There is none.
    """
    found: tuple[OutputFile, ...] = result.with_role(role)
    if not found:
        raise NoOutputError(result, role, fix)
    return result.path(found[0])
