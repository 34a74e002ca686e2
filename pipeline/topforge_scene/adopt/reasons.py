"""Why a scene, or a part of it, is not carried over."""

from __future__ import annotations

from typing import Iterable, Tuple

from topforge.errors import TopForgeError


class CannotAdoptError(TopForgeError):
    """A scene that would not do the same as a job; all reasons at once."""

    def __init__(self, scene: str, reasons: Iterable[str], fix: str = "") -> None:
        self.reasons: Tuple[str, ...] = tuple(dict.fromkeys(reasons))
        lines = "".join("\n  %s." % reason for reason in self.reasons)
        count = "1 reason" if len(self.reasons) == 1 else "%d reasons" % len(self.reasons)
        fix = fix or "Change that in the scene, or build the network with TopForge's nodes (docs/adopt.md)."
        super().__init__("%s cannot be carried over, for %s:%s" % (scene, count, lines), fix)


class ReasonError(Exception):
    """One reason, on its way to `CannotAdoptError`.

    Args:
        node: Path of the node in the scene.
        problem: A phrase that names the parameter and its value, without a full stop.
    """

    def __init__(self, node: str, problem: str) -> None:
        super().__init__("%s: %s" % (node, problem))


class UnknownAttributeError(ReasonError):
    """An attribute that nothing sets; not worth telling when a node that may set it was refused already."""

    def __init__(self, node: str, user: str, attribute: str) -> None:
        super().__init__(node, "%s uses @%s, which nothing above it sets to text or a number" % (user, attribute))
