"""Reading the recipe out of a scene, with all reasons against it in one error."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from topforge_scene.adopt import attributes, command_line, environment, graph, leftovers
from topforge_scene.adopt.attributes import Wedge
from topforge_scene.adopt.graph import Chain
from topforge_scene.adopt.parameters import Parameters
from topforge_scene.adopt.reasons import CannotAdoptError, ReasonError, UnknownAttributeError
from topforge_scene.adopt.recipe import Line, Recipe
from topforge_scene.adopt.text import Text
from topforge_scene.network import Node
from topforge_scene.scene import Scene

_SET_ANEW = ("HIP", "HIPFILE", "HIPNAME", "JOB", "POSE")
"""Variables that Houdini sets when it opens a scene, whatever is stored."""
_COMMAND_OF = {"linux": "linuxcommand", "darwin": "maccommand", "win32": "windowscommand"}
_HARMLESS = frozenset(("pdg_workitemlabelexpr", "pdg_workitempriorityexpr"))
"""Parameters that may follow an expression: they change no result."""
_REFUSED_WHEN_ON = (
    ("shellcommand", "the command is for a shell"),
    ("extraargs", "its extra arguments are put together while it cooks"),
    ("pdg_useschedulewhen", "it schedules items by an expression"),
)


def read(scene: Scene, path: Path, top: Optional[str], machine: Mapping[str, str]) -> Recipe:
    """The recipe in a scene.

    Args:
        scene: What was read from `path`.
        path: The scene's file, absolute; its folder is `$HIP`.
        top: See `graph.find`.
        machine: Environment variables, for `$HOME` and others.

    Raises:
        CannotAdoptError: With all reasons that were found.
    """
    chain = graph.find(scene, path.name, top)
    return _Reader(chain, path, _variables(scene, path, machine)).recipe()


def _variables(scene: Scene, path: Path, machine: Mapping[str, str]) -> Dict[str, str]:
    """The scene's own win over the machine's, as when Houdini opens it."""
    stored = {name: value for name, value in scene.variables.items() if name not in _SET_ANEW}
    own = {"HIP": str(path.parent), "HIPFILE": str(path), "HIPNAME": path.stem}
    return {**machine, **stored, **own}


class _Reader:
    """What has been read so far."""

    def __init__(self, chain: Chain, path: Path, variables: Mapping[str, str]) -> None:
        self.chain = chain
        self.scene = path
        self.known = variables
        self.attributes: Dict[str, Text] = {}
        self.wedges: List[Wedge] = []
        self.exported: Dict[str, str] = {}
        self.became: List[Line] = []
        self.left_out: List[Line] = []
        self.reasons: List[str] = []

    def recipe(self) -> Recipe:
        scheduler, folder = self._scheduler()
        for node in self.chain.above:
            with self._collecting():
                self._above(node)
        words = self._words()
        self._varied_twice()
        if self.reasons:
            raise CannotAdoptError(self.scene.name, self.reasons)
        self._beside()
        became, left_out = tuple(self.became), tuple(self.left_out)
        wedges = tuple(self.wedges)
        return Recipe(
            self.scene.stem,
            self.chain,
            tuple(words),
            self.attributes,
            wedges,
            self.exported,
            folder,
            scheduler,
            became,
            left_out,
        )

    @contextlib.contextmanager
    def _collecting(self) -> Iterator[None]:
        try:
            yield
        except UnknownAttributeError as reason:
            if not self.reasons:
                self.reasons.append(str(reason))
        except ReasonError as reason:
            self.reasons.append(str(reason))

    def _parameters(self, node: Node) -> Parameters:
        parameters = Parameters(node, self.chain.where(node), self.known)
        if "script_callback" in node.spare_parms:
            raise ReasonError(parameters.path, "it has parameters of its own with Python or hscript callbacks")
        parameters.refuse_channels(_HARMLESS)
        return parameters

    def _scheduler(self) -> Tuple[Optional[Node], Path]:
        """The scheduler's node and the folder in which it starts jobs."""
        folder = self.scene.parent
        with self._collecting():
            name = self._parameters(self.chain.generator).raw("topscheduler")
            name = name or Parameters(self.chain.network, self.chain.path, self.known).raw("topscheduler")
            node = self.chain.network.child(name or "localscheduler")
            if node is None:
                self.left_out.append(Line(name or "localscheduler", "there is no such scheduler beside the nodes"))
                return None, folder
            if node.type != "localscheduler":
                self.left_out.append(Line(node.name, "%s: jobs run on this machine" % node.type))
                return node, folder
            parameters = self._parameters(node)
            folder = folder / parameters.literal("pdg_workingdir", "$HIP")
            for phrase in environment.read_scheduler(parameters, self.exported):
                self.left_out.append(Line(node.name, phrase))
            self.became.append(Line(node.name, "working directory -> working_folder %s" % folder))
            self._leftovers(parameters)
            return node, folder
        return None, folder

    def _above(self, node: Node) -> None:
        parameters = self._parameters(node)
        if node.type == "attributecreate":
            before = dict(self.attributes)
            for phrase in attributes.read_created(parameters, self.attributes):
                self.left_out.append(Line(node.name, phrase))
            made = [name for name, text in self.attributes.items() if before.get(name) != text]
            self.became.append(Line(node.name, "attributes -> values: %s" % ", ".join(made)))
        elif node.type == "wedge":
            wedge = attributes.read_wedge(parameters, self.attributes)
            self.wedges.append(wedge)
            self.became.append(Line(node.name, "%d variants -> wedge: %s" % (wedge.count, ", ".join(wedge.values))))
        elif node.type == "environmentedit":
            environment.read_edit(parameters, self.attributes, self.exported)
            self.became.append(Line(node.name, "environment variables: %s" % ", ".join(self.exported)))
        self._leftovers(parameters)

    def _words(self) -> Sequence[Text]:
        with self._collecting():
            parameters = self._parameters(self.chain.generator)
            for name, why in _REFUSED_WHEN_ON:
                if parameters.raw(name, "off") not in ("off", "0"):
                    raise ReasonError(parameters.path, why)
            if parameters.raw("usedelay", "off") not in ("off", "0"):
                raise ReasonError(parameters.path, "it builds its command from parts, or waits instead of running one")
            if parameters.number("itemcount", 1) != 1:
                raise ReasonError(
                    parameters.path, "it runs the same command %d times" % parameters.number("itemcount", 1)
                )
            command = parameters.text(_command_parameter(parameters))
            if not self.reasons:  # a reason above may be why an attribute is missing
                words = command_line.split(command, self.attributes, parameters.path)
                self._outputs(parameters)
                self._leftovers(parameters)
                return words
        return ()

    def _outputs(self, parameters: Parameters) -> None:
        if parameters.raw("expectedoutputsfrom", "0") != "0":
            name = self.chain.generator.name
            text = "expected outputs: name files in the job's `outputs` if the command can write into {output}"
            self.left_out.append(Line(name, text))

    def _varied_twice(self) -> None:
        names = [name for wedge in self.wedges for name in wedge.values]
        for name in sorted({name for name in names if names.count(name) > 1}):
            self.reasons.append("%s: two wedges vary %s" % (self.chain.path, name))
        if len(self.wedges) > 1 and any(len(wedge.values) > 1 for wedge in self.wedges):
            self.reasons.append(
                "%s: several wedges of which one varies more than one attribute; put them into one" % self.chain.path
            )

    def _leftovers(self, parameters: Parameters) -> None:
        lost = ["%s = %s" % pair for pair in leftovers.of(parameters)]
        if lost:
            self.left_out.append(Line(parameters.node.name, "; ".join(lost)))

    def _beside(self) -> None:
        for node in self.chain.bypassed:
            self.left_out.append(Line(node.name, "%s, bypassed" % node.type))
        for node in self.chain.beside:
            self.left_out.append(Line(node.name, "%s, not connected with the command" % node.type))
        for node in self.chain.waits:
            self.became.append(Line(node.name, "one report over all items"))
            self._leftovers(Parameters(node, self.chain.where(node), self.known))


def _command_parameter(parameters: Parameters) -> str:
    if not parameters.is_on("platformcommand"):
        return "pdg_command"
    if sys.platform not in _COMMAND_OF:
        raise ReasonError(parameters.path, "it has no command for this system (%s)" % sys.platform)
    return _COMMAND_OF[sys.platform]
