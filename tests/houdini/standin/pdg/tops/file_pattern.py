"""File Pattern: an item for each file that a pattern finds."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import List, Optional

from .._files import File
from .._strict import NotInStandIn
from .._view import choice, on, whole
from .._work_item import WorkItem
from .base import Generation, Operator

_UNKNOWN = ("recursive", "usesizeattrib", "usemtimeattrib", "useoutputattrib", "copyfiles", "inheritupstreamindex")


class FilePattern(Operator):
    """Split into one item for each file; the file is the item's output."""

    def generate(self, generation: Generation) -> None:
        view = generation.view
        for name in _UNKNOWN:
            if on(view, name):
                raise NotInStandIn("filepattern with %s" % name)
        if not on(view, "split"):
            raise NotInStandIn("filepattern without split")
        parents: List[Optional[WorkItem]] = list(generation.handles())
        if not generation.node.sources:
            parents = [None]
        for parent in parents:
            found = self._find(generation, parent)
            for index, path in enumerate(found, len(generation.holder._made)):
                self._add(generation, parent, index, path)

    def _find(self, generation: Generation, parent: Optional[WorkItem]) -> List[Path]:
        pattern = str(generation.view.evaluate("pattern", parent))
        wanted = whole(generation.view, "filetypes")
        found = [Path(path) for path in sorted(glob.glob(pattern))]  # noqa: PTH207  an absolute pattern
        found = [path for path in found if wanted == 0 or path.is_file() == (wanted == 1)]
        behaviour = choice(generation.view, "nomatchbehavior", ("ignore", "error", "createattr"))
        if not found and behaviour == "error":
            generation.node.error("no file matches %s" % pattern)
        if not found and behaviour == "createattr":
            raise NotInStandIn("filepattern with createattr")
        return found

    def _add(self, generation: Generation, parent: Optional[WorkItem], index: int, path: Path) -> None:
        view = generation.view
        made = generation.holder.addWorkItem(parent=parent, index=index)
        name = path.name if on(view, "includeextensions") else path.stem
        made.setStringAttrib(str(view.evaluate("fileattrib")), name)
        made.setFileAttrib(str(view.evaluate("directoryattrib")), File(str(path.parent)))  # file attribute: [I]
        made.setStringAttrib(str(view.evaluate("extensionattrib")), path.suffix)
        tag = str(view.evaluate("resultdatatag")) if on(view, "overrideresultdatatag") else ""
        made.addOutputFile(str(path), tag)
