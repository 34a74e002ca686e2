"""What the engine knows about a work item. `pdg.WorkItem` is a handle to one of these."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional, Tuple

from ._attributes import AttributeTable
from ._enums import workItemCookType, workItemState
from ._files import File

FINISHED = (
    workItemState.CookedSuccess,
    workItemState.CookedCache,
    workItemState.CookedFail,
    workItemState.CookedCancel,
)
SUCCEEDED = (workItemState.CookedSuccess, workItemState.CookedCache)


class Item:
    """One work item. Written by the thread that generates it, then by the engine's thread, under `lock`."""

    def __init__(self, node: Any, number: int, name: str, index: int) -> None:
        self.node = node
        self.id = number
        self.name = name
        self.index = index
        self.lock = threading.RLock()
        self.writer: Optional[int] = threading.get_ident()
        """Thread that may write attributes freely; None once the item is in the graph."""
        self.attributes = AttributeTable(name)
        self.parent: Optional[Item] = None
        self.dependencies: List[Item] = []
        self.dependents: List[Item] = []
        self.partition_items: List[Item] = []
        self.is_partition = False
        self.static = True
        self.cook_type = workItemCookType.Automatic
        self.command = ""
        self.shell = False
        self.priority = 0
        self.frame: Optional[Tuple[float, float]] = None
        self.label = ""
        self.custom_state = ""
        self.cook_percent = 0.0
        self.cook_seconds = 0.0
        self.state = workItemState.Uncooked
        self.expected: List[File] = []
        self.outputs: List[File] = []
        self.generated_outputs: List[File] = []
        """What it had before it cooked; where a second cook starts from."""
        self.passes_outputs = False
        """Its outputs are those of what it depends on (merge, null, output, partitions, cloneOutputFiles)."""
        self.messages: List[Tuple[int, str]] = []
        """(0 error, 1 warning, 2 message, 3 raw; text)."""
        self.log_path = ""
        self.wrote = False
        """It, or something that it depends on, wrote files in this cook: caches after it are stale."""
        self.asked_to_fail = False
        self.always_cook = False
        """`invalidateCache`: files on disk do not count."""
        self.handlers: List[Any] = []
        self.handles: Dict[bool, Any] = {}
        """The public handles: read only or not."""

    @property
    def finished(self) -> bool:
        return self.state in FINISHED

    @property
    def succeeded(self) -> bool:
        return self.state in SUCCEEDED

    def depend_on(self, other: Item) -> None:
        if other not in self.dependencies:
            self.dependencies.append(other)
            other.dependents.append(self)

    def inputs(self, pick: Callable[[Item], List[File]]) -> List[File]:
        """Files of everything it depends on, each path once."""
        found: Dict[str, File] = {}
        for other in self.dependencies:
            for file in pick(other):
                found.setdefault(file.path, file)
        return list(found.values())

    def add_output(self, file: File) -> None:
        """Reported outputs: the same path twice is one output, the newest word counts."""
        self.outputs = [known for known in self.outputs if known.path != file.path] + [file]

    def log(self, kind: int, text: str) -> None:
        with self.lock:
            self.messages.append((kind, text))
