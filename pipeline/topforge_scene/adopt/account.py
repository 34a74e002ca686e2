"""What became what, and what did not, for a person to read."""

from __future__ import annotations

from pathlib import Path
from typing import List, Sequence, Tuple

from topforge_scene.adopt.job import Plan
from topforge_scene.adopt.recipe import Line, Recipe
from topforge_scene.network import Token

_KARTAVERSE = "exactly CUDA_HOME, PYTHONHOME and PYTHONPATH of that prefix, as the page sets them"


def text(recipe: Recipe, plan: Plan, files: Sequence[Path]) -> str:
    """The account.

    Args:
        recipe: What was read.
        plan: What was made of it.
        files: Where it was written; empty for an account that goes into one of those files.
    """
    generator = recipe.chain.generator.name
    became = [*recipe.became, *(Line(generator, words) for words in _of_command(recipe, plan))]
    sections: List[Tuple[str, List[str]]] = [("What became what", _rows(became))]
    sections.append(("Not carried over", _rows(recipe.left_out) or ["nothing that would matter"]))
    sections.append(("See to it before the first run", _before(recipe, plan)))
    sections.append(("Written", [str(path) for path in files]))
    head = "%s, %s -> TopForge" % (recipe.name, recipe.chain.path)
    parts = ["%s\n%s" % (title, "".join("  %s\n" % line for line in lines)) for title, lines in sections if lines]
    return head + "\n\n" + "\n".join(parts)


def _of_command(recipe: Recipe, plan: Plan) -> List[str]:
    lines = ['command -> adapter "%s": %s' % (plan.adapter, plan.why)]
    if recipe.prefix is not None:
        lines.append("its Python -> environment.prefix %s" % recipe.prefix)
    if recipe.mode == "kartaverse":
        lines.append('environment -> environment.mode "kartaverse": %s' % _KARTAVERSE)
    elif recipe.variables:
        lines.append('environment -> mode "clean", and on top of it: %s' % ", ".join(recipe.variables))
    for config in plan.configs:
        lines.append("config %s" % config)
    if plan.document.get("dataset"):
        lines.append("data set %s" % plan.document["dataset"])
    return lines


def _before(recipe: Recipe, plan: Plan) -> List[str]:
    """What is not there on this machine, and what works otherwise than before."""
    lines = []
    for what, path in (("the program", recipe.executable), ("the folder that jobs start in", str(recipe.folder))):
        if path is not None and path.startswith("/") and not Path(path).exists():
            lines.append("%s is not on this machine: %s" % (what, path))
    if plan.adapter == "command":
        lines.append("what the command writes stays where it writes it: its result.json lists no files of its own")
    if plan.document["needs"]["gpus"]:
        lines.append(
            "each item leases %d GPU; --gpus 0 is for commands that need none" % plan.document["needs"]["gpus"]
        )
    if recipe.prefix is None:
        lines.append("no Python environment is named: the command gets the one that TopForge itself runs in")
    sequential = recipe.chain.generator.parm("sequential")
    if recipe.wedges and (sequential is None or sequential.values != (Token("on"),)):
        lines.append("items run one after another; `parallel` in the job runs more of them at a time")
    return lines


def _rows(lines: Sequence[Line]) -> List[str]:
    width = max((len(line.node) for line in lines), default=0)
    return ["%-*s  %s" % (width, line.node, line.text) for line in lines]
