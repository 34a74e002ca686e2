"""What a TopForge node is set to: its parameters, evaluated and checked, and the environment they choose."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import hou

from topforge import schema
from topforge.environments import environment, prefix_discovery, private_environment
from topforge.environments.environment import ResolvedEnvironment
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec
from topforge_houdini.pipeline_path import REPOSITORY

_NOT_WATCHED = ("pdg_", "topscheduler", "preset", "explanation", "editnode", "generatornode")
"""Starts of the names of parameters that inner nodes follow anyway, or that only buttons read."""
_VALUES = tuple(getattr(hou.parmTemplateType, name) for name in ("String", "Int", "Float", "Toggle", "Menu"))
"""Types of parameters that hold something; buttons and folders do not."""
_REFERENCE = re.compile(r"`[^`]*@|^[^/\\]*@[A-Za-z_]")
"""`@name` in backticks, or in an expression; not the `@` of a folder that is called so."""


_LABELS = {"environment.prefix": "Environment Path (environment)", "environment.mode": "Environment Mode"}
"""What the node calls a job's keys."""


class AttributeReferenceError(TopForgeError):
    """A parameter that refers to an attribute of work items, which this node cannot evaluate for each of them."""

    def __init__(self, where: str, parm: hou.Parm) -> None:
        super().__init__(
            '%s: %s (%s) = %s: "@" is not evaluated for each work item here.'
            % (where, parm.description(), parm.name(), _written(parm)),
            "Name the attribute of the items above like the option, which then overrides it, or set a value here.",
        )


class NoEnvironmentError(TopForgeError):
    """No environment is chosen, and TopForge's own has not been made."""

    def __init__(self, lacking: str, folder: Path) -> None:
        super().__init__(
            "%s, and TopForge's own environment is not there (%s)." % (lacking, folder),
            'Make it once, in a terminal: python3 "%s". Or choose an environment on the node.'
            % (REPOSITORY / "scripts" / "make_env.py").as_posix(),
        )


class InNodeError(TopForgeError):
    """A failure of the core, with the node it is about, and its parameters instead of a job's keys."""

    def __init__(self, where: str, error: TopForgeError) -> None:
        reason = error.reason
        for key, label in _LABELS.items():
            reason = reason.replace(key, label)
        super().__init__("%s: %s" % (where, reason), error.fix)


class NodeSettings:
    """Of one node. Holds nothing that changes: each call of a callback makes its own."""

    def __init__(self, node: hou.OpNode) -> None:
        """Looks at nothing yet; `node` is the asset itself."""
        self.node = node

    @classmethod
    def of(cls, graph_node: Any) -> NodeSettings:
        """Those of the asset that holds the node a callback runs on (a `pdg.Node`)."""
        graph_node["pdg_command"].evaluateString()  # see `watched`; before anything can go wrong
        return cls(graph_node.topNode().parent())

    @property
    def path(self) -> str:
        """For messages."""
        return self.node.path()

    @property
    def is_wired(self) -> bool:
        """Whether anything is wired into it: then no items above means no items here."""
        return any(source is not None for source in self.node.inputs())

    @property
    def scene_folder(self) -> Path:
        """Where relative paths start: the folder of the scene."""
        return Path(hou.text.expandString("$HIP"))

    def values(self, name: str) -> Sequence[Any]:
        """All components of a parameter.

        Raises:
            AttributeReferenceError: It refers to an attribute of work items.
        """
        parms = self.node.parmTuple(name)
        if parms is None:
            raise hou.OperationFailed("%s has no parameter %s" % (self.path, name))
        for parm in parms:
            if _REFERENCE.search(_written(parm)):
                raise AttributeReferenceError(self.path, parm)
        return tuple(cast("Sequence[Any]", parms.eval()))

    def label(self, name: str) -> str:
        """What people read beside a parameter."""
        parm = self.node.parm(name)
        if parm is None:
            raise hou.OperationFailed("%s has no parameter %s" % (self.path, name))
        return parm.description()

    def text(self, name: str) -> str:
        """A text parameter, without blanks around it."""
        return str(self.values(name)[0]).strip()

    def number(self, name: str) -> int | float:
        """A numeric parameter, a toggle or the length of a list."""
        return self.values(name)[0]  # type: ignore[no-any-return]

    def file(self, name: str) -> Path | None:
        """The absolute path in a parameter, None when it is empty; a relative one starts at the scene's folder."""
        text = self.text(name)
        return Path(os.path.abspath(self.scene_folder / text)) if text else None  # noqa: PTH100 -- links stay links

    def environment_spec(self) -> EnvironmentSpec:
        """The environment that is chosen on the node; an empty path means TopForge's own.

        Raises:
            NoEnvironmentError: TopForge's own is not there.
            TopForgeError: The name is unknown, or mode or variables are not what is allowed.
        """
        values = {
            "prefix": str(self._prefix()),
            "mode": self.text("environmentmode"),
            "variables": [
                [self.text("variablename%d" % entry), str(self.values("variablevalue%d" % entry)[0])]
                for entry in range(1, int(self.number("environmentvariables")) + 1)
                if self.text("variablename%d" % entry)
            ],
        }
        return schema.from_json(EnvironmentSpec, values, self.path)

    def _prefix(self) -> Path:
        chosen = self.text("environment")
        if chosen:
            try:
                return prefix_discovery.locate(chosen, os.environ)
            except TopForgeError as error:
                raise InNodeError("%s: Environment Path (environment)" % self.path, error) from error
        return own_environment("%s: Environment Path (environment) is empty" % self.path)

    def environment(self, trainer: str) -> tuple[EnvironmentSpec, ResolvedEnvironment]:
        """The chosen environment, and what it comes to on this machine. Starts no process.

        Args:
            trainer: Name of the adapter; its compiled extensions have a folder of their own.

        Raises:
            TopForgeError: It cannot be used; names the node.
        """
        try:
            spec = self.environment_spec()
            return spec, environment.resolve(spec, os.environ, trainer=trainer, architectures=())
        except (NoEnvironmentError, InNodeError):  # which name the node already
            raise
        except TopForgeError as error:
            raise InNodeError(self.path, error) from error


def own_environment(lacking: str) -> Path:
    """The folder of TopForge's own environment.

    Args:
        lacking: For the message: why it is needed.

    Raises:
        NoEnvironmentError: It has not been made.
    """
    folder = private_environment.folder(REPOSITORY)
    if not private_environment.python_of(folder).exists():
        raise NoEnvironmentError(lacking, folder)
    return folder


def watched(node: hou.OpNode) -> str:
    """Evaluates every parameter that decides what a node's items are, for the expression of a parameter inside it.

    That expression then depends on all of them, and so does the PDG node that evaluates it: what its Python code reads
    with `hou` is not known to the graph. Houdini notes what Python expressions evaluate [I, not yet seen in a real
    Houdini].

    Returns:
        Always "".
    """
    for parm in node.parms():
        decides = parm.parmTemplate().type() in _VALUES and not parm.name().startswith(_NOT_WATCHED)
        if decides and not _REFERENCE.search(_written(parm)):  # which generation refuses
            parm.eval()
    return ""


def _written(parm: hou.Parm) -> str:
    """What is written into a parameter: its expression, else its text; nothing for a plain number."""
    try:
        return str(parm.expression())
    except hou.OperationFailed:  # it has none
        pass
    return str(parm.unexpandedString()) if parm.parmTemplate().type() == hou.parmTemplateType.String else ""
