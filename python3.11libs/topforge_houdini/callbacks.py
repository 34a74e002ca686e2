"""What the buttons of our nodes do. Without a window they do the same, show nothing, and raise what is wrong."""

from __future__ import annotations

import subprocess
import webbrowser
from pathlib import Path
from typing import cast

import hou

import topforge
from topforge.errors import TopForgeError
from topforge.paths import RunPaths
from topforge.trainers import registry
from topforge_houdini import built_in_nodes, captures, menus, parameters, runs, top_nodes, work_items
from topforge_houdini.messages import Kwargs, in_dialog
from topforge_houdini.node_settings import NodeSettings


class NoReportError(TopForgeError):
    """The run has measured nothing yet."""

    def __init__(self, page: Path) -> None:
        super().__init__("There is no report yet (%s)." % page, "Wait until the item is done; then press again.")


class CheckBrokeError(TopForgeError):
    """The check of a capture ended without a verdict."""

    def __init__(self, said: str) -> None:
        super().__init__("The capture could not be checked:\n%s" % said.strip(), "Try Doctor on the TopForge shelf.")


@in_dialog
def apply_preset(kwargs: Kwargs) -> None:
    """Sets the options that presets name to those of the chosen one; what depends on the capture stays."""
    node = kwargs["node"]
    adapter, preset = registry.get(str(node.evalParm("trainer"))), str(node.evalParm("preset"))
    for name, values in parameters.preset_settings(adapter, preset).items() if preset else ():
        if len(values) == 1:
            node.parm(name).set(values[0])
        else:
            node.parmTuple(name).set(values)


@in_dialog
def choose_trainer(kwargs: Kwargs) -> None:
    """Takes the preset of the trainer before out of the menu: this one's options are what they are."""
    node = kwargs["node"]
    known = registry.get(str(node.evalParm("trainer"))).presets
    if str(node.evalParm("preset")) not in known:
        node.parm("preset").set(menus.STANDARD if menus.STANDARD in known else "")


@in_dialog
def check_now(kwargs: Kwargs) -> str:
    """Checks the node's capture at once, in the node's environment, and shows what was found.

    Returns:
        The report.

    Raises:
        CheckBrokeError: There is no verdict, because numpy or imageio is missing, say.
    """
    settings = NodeSettings(kwargs["node"])
    capture = captures.chosen(settings, None, required=True)
    spec, resolved = settings.environment("check")
    package = Path(topforge.__file__).resolve().parent
    words = [resolved.python, "-I", str(package), "check", str(capture), "--env", str(spec.prefix)]
    done = subprocess.run(words, env=dict(resolved.variables), capture_output=True, encoding="utf-8")
    if done.returncode not in (0, 1):
        raise CheckBrokeError(done.stderr or done.stdout)
    if hou.isUIAvailable():
        fine = "This capture can be trained on." if done.returncode == 0 else "This capture needs a hand."
        severity = hou.severityType.Message if done.returncode == 0 else hou.severityType.Warning
        hou.ui.displayMessage(fine, title="TopForge", severity=severity, details=done.stdout, details_expanded=True)
    return done.stdout


@in_dialog
def explain(kwargs: Kwargs) -> str:
    """Writes every variable of the environment, and why it is what it is, into the parameter Explanation."""
    node = kwargs["node"]
    _, resolved = NodeSettings(node).environment("topforge")
    text = resolved.explain(width=90)
    node.parm("explanation").set(built_in_nodes.literal(text.replace("`", "'")))  # people read it as it stands there
    return text


@in_dialog
def fill_edit(kwargs: Kwargs) -> None:
    """Writes the variables into the chosen Environment Edit, and offers to unset the others on the scheduler.

    Without a window, `kwargs["unset"]` being true is the answer to that offer.
    """
    settings = NodeSettings(kwargs["node"])
    target = built_in_nodes.chosen(settings, "editnode", "environmentedit")
    _, resolved = settings.environment("topforge")
    rows = resolved.as_environment_edit()
    built_in_nodes.fill_environment_edit(target, [row for row in rows if not row["remove"]])
    names = [str(row["name"]) for row in rows if row["remove"]]
    if names and _wants_to_unset(kwargs, names):
        built_in_nodes.unset_on_scheduler(target, names)


def _wants_to_unset(kwargs: Kwargs, names: list[str]) -> bool:
    if not hou.isUIAvailable():
        return bool(kwargs.get("unset"))
    question = "Also list the variables that must be unset in Unset Variables of the scheduler?"
    answer = hou.ui.displayMessage(
        question,
        buttons=("List Them", "Leave the Scheduler"),
        close_choice=1,
        title="TopForge",
        details=" ".join(names),
    )
    return answer == 0


@in_dialog
def fill_generator(kwargs: Kwargs) -> None:
    """Makes the chosen Generic Generator run the environment's own Python; its arguments stay."""
    settings = NodeSettings(kwargs["node"])
    target = built_in_nodes.chosen(settings, "generatornode", "genericgenerator")
    _, resolved = settings.environment("topforge")
    built_in_nodes.fill_generic_generator(target, Path(resolved.python).as_posix())


@in_dialog
def open_report(kwargs: Kwargs) -> Path:
    """Opens the report of the selected work item, or of the newest run, in a browser.

    Raises:
        NoReportError: There is none yet.
    """
    paths = RunPaths(_run(kwargs["node"]))
    found = [page for page in (paths.report, paths.result / "report.html") if page.is_file()]
    if not found:
        raise NoReportError(paths.report)
    if hou.isUIAvailable():
        webbrowser.open(found[0].as_uri())
    return found[0]


@in_dialog
def open_run_folder(kwargs: Kwargs) -> Path:
    """Opens the folder of the selected work item, or of the newest run, in the system's file browser."""
    run = _run(kwargs["node"])
    if hou.isUIAvailable():
        hou.ui.showInFileBrowser(run.as_posix() + "/")
    return run


def _run(node: hou.OpNode) -> Path:
    """Of the work item that is selected in the network editor, else the node's newest."""
    if hou.isUIAvailable():
        number = cast(hou.TopNode, node).getSelectedWorkItem()
        context = top_nodes.graph_context(node)
        item = context.graph.workItemById(number) if context is not None else None
        folders = work_items.run_folders_of([] if item is None else [item])
        if folders:
            return folders[0]
    return runs.newest([node])
