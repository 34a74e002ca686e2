"""Run folders of TopForge nodes, as this machine sees them: of this session's work items, and of earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import hou

from topforge import results
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge_houdini import top_nodes

_WORKING_FOLDER = "__PDG_DIR__"
_NAMESPACE = "topforge::"


class NoRunError(TopForgeError):
    """No TopForge node has run anything yet."""

    def __init__(self, what: str, nodes: Sequence[hou.OpNode]) -> None:
        where = ", ".join(node.path() for node in nodes[:3]) or "this scene"
        super().__init__("There is no %s of %s yet." % (what, where), "Cook a TopForge node first.")


def our_nodes(selected: Sequence[hou.OpNode] = ()) -> list[hou.OpNode]:
    """The TopForge nodes among the selected ones that make run folders; of the whole scene when none is selected."""
    chosen = [node for node in selected if makes_runs(node)]
    return chosen or [child for network in top_nodes.networks() for child in network.children() if makes_runs(child)]


def makes_runs(node: hou.OpNode) -> bool:
    """Whether it is a TopForge node that makes run folders."""
    return bool(node.type().name().startswith(_NAMESPACE) and node.parm("outputfolder") is not None)


def newest(nodes: Sequence[hou.OpNode]) -> Path:
    """The run folder in which something happened last; those of work items go before what else lies on disk.

    Raises:
        NoRunError: There is none.
    """
    found = preferred(nodes, lambda run: True)
    if not found:
        raise NoRunError("run", nodes)
    return max(found, key=_changed)


def preferred(nodes: Sequence[hou.OpNode], fits: Callable[[Path], bool]) -> list[Path]:
    """Run folders of the nodes' work items that fit; if none does, those in their output folders that do.

    What lies on disk may be of other settings, or of another scene that has a node of this name; it counts only in a
    scene that has just been opened.
    """
    for runs_in in (_of_inner_items, _on_disk):
        found = [run for node in nodes for run in runs_in(node) if RunPaths(run).item.is_file() and fits(run)]
        if found:
            return found
    return []


def newest_result(nodes: Sequence[hou.OpNode], role: str = "mesh") -> Path:
    """The newest result.json whose outputs have a role; see `preferred`.

    Args:
        nodes: Where to look.
        role: "mesh", "usd", ...

    Raises:
        NoRunError: No run has finished with such an output.
    """
    fitting = [RunPaths(run).manifest for run in preferred(nodes, lambda run: _has_role(run, role))]
    if not fitting:
        raise NoRunError("result", nodes)
    return max(fitting, key=lambda path: path.stat().st_mtime)


def runs_of(node: hou.OpNode) -> Iterator[Path]:
    """Run folders of a node: those of its work items, then those that lie in its output folder."""
    seen = set()
    for run in (*_of_inner_items(node), *_on_disk(node)):
        if run not in seen and RunPaths(run).item.is_file():
            seen.add(run)
            yield run


def of_work_items(node: hou.TopNode) -> Iterator[Path]:
    """Run folders that the work items of one TOP node name, on this machine."""
    graph_node = top_nodes.pdg_node(node)
    for item in graph_node.workItems if graph_node is not None else ():
        if item.attrib("topforge_run") is not None:
            yield Path(item.localizePath(item.stringAttribValue("topforge_run")))


def _of_inner_items(node: hou.OpNode) -> Iterator[Path]:
    for child in node.children():
        if isinstance(child, hou.TopNode):
            yield from of_work_items(child)


def _on_disk(node: hou.OpNode) -> list[Path]:
    folder = str(node.evalParm("outputfolder"))
    if folder.startswith(_WORKING_FOLDER):
        folder = working_folder(top_nodes.network_of(node)) + folder[len(_WORKING_FOLDER) :]
    return sorted(path.parent for path in Path(folder).glob("*/item.json"))


def working_folder(network: hou.OpNode) -> str:
    """What `__PDG_DIR__` is on this machine: the working directory of the network's scheduler, else $HIP."""
    scheduler = network.node(str(network.evalParm("topscheduler")))
    if scheduler is not None and scheduler.parm("pdg_workingdir") is not None:
        return str(scheduler.evalParm("pdg_workingdir"))
    return hou.text.expandString("$HIP")


def _has_role(run: Path, role: str) -> bool:
    try:
        return bool(results.read(run).with_role(role))
    except TopForgeError:
        return False  # a damaged result.json is no result; importing it would say why


def _changed(run: Path) -> float:
    paths = RunPaths(run)
    times = [path.stat().st_mtime for path in (paths.manifest, paths.state, paths.item) if path.is_file()]
    return max(times)
