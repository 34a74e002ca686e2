"""merge, null, output: one item for each upstream item, with its attributes and outputs."""

from __future__ import annotations

from .base import Generation, Operator


class PassThrough(Operator):
    """Copies items."""

    def generate(self, generation: Generation) -> None:
        for item in generation.handles():
            generation.holder.addWorkItem(parent=item, cloneOutputFiles=True)
