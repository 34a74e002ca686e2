"""What is told while a cook runs, and how it is cancelled.

`cookWorkItems(block=True)` returns when the cook is over, and is what SideFX's own `topcook.py` uses; meanwhile the
main thread is Houdini's. So a thread of ours looks at the work items now and then, through `pdg` alone: `hou` belongs
to the main thread. Python's signal handlers would wait for the main thread too; the byte that Python writes for each
signal does not (`signal.set_wakeup_fd`).
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any

from topforge.durations import duration
from topforge_houdini import cook_rows
from topforge_houdini.cook_rows import Row

_PERIOD_SECONDS = 0.5
_QUIET_SECONDS = 5.0
"""Progress of one item is told at most so often, and only when it has moved."""
_SILENT = ("not cooked", "waiting", "scheduled")
"""States that are no news."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Say = Callable[[str], None]


class Watch:
    """Tells the progress of a graph's work items, as a context around the cook."""

    def __init__(self, context: Any, names: Mapping[str, str], say: Say, every_item: bool = False) -> None:
        """Prepares; nothing runs before it is entered.

        Args:
            context: The `pdg.GraphContext`.
            names: Name of a PDG node -> what it is called for people; others are passed over.
            say: Receives lines; called from another thread.
            every_item: Also items that run nothing, which succeed when they are made.
        """
        self.stopped_by = 0
        """Number of the signal that cancelled the cook; 0 when none did."""
        self._context, self._names, self._say, self._every_item = context, names, say, every_item
        self._told: dict[int, tuple[Row, float]] = {}
        self._alarm, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="topforge-watch", daemon=True)
        self._over = False

    def __enter__(self) -> Watch:
        """Starts telling, and takes over the signals."""
        self._alarm.settimeout(_PERIOD_SECONDS)
        self._bell.setblocking(False)
        self._handlers = {number: signal.signal(number, _ignore) for number in _SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Tells the last news and gives the signals back."""
        self._over = True
        self._thread.join()
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._alarm.close()
        self._bell.close()
        self._look()

    def _run(self) -> None:
        while not self._over:
            try:
                numbers = self._alarm.recv(16)
            except TimeoutError:
                self._look()
            else:
                self._cancel(numbers)

    def _cancel(self, numbers: bytes) -> None:
        wanted = [number for number in numbers if number in _SIGNALS]
        if wanted and not self.stopped_by:
            self.stopped_by = wanted[0]
            self._say("Cancelling ...")
            self._context.cancelCook()

    def _look(self) -> None:
        for node in self._context.graph.nodes():
            if node.name in self._names:
                for item in node.workItems:
                    self._tell(cook_rows.of(item, self._names[node.name]))

    def _tell(self, row: Row) -> None:
        if not (row.runs_something or self._every_item or row.state == "failed"):
            return
        last, now = self._told.get(row.identity), time.monotonic()
        if last is None or row.state != last[0].state:
            if self._every_item or row.state not in _SILENT:
                self._say(line(row))
            self._told[row.identity] = (row, now)
        elif (row.percent, row.custom) != (last[0].percent, last[0].custom) and now - last[1] >= _QUIET_SECONDS:
            self._say(line(row))
            self._told[row.identity] = (row, now)


def line(row: Row) -> str:
    """One item's news: `train[0] quickstart: cooking, 12 %, step 50/400, 20 s left`."""
    words = [row.state]
    if row.state == "cooking":
        words += ["%.0f %%" % (100 * row.percent)] if row.percent else []
        words += [row.custom] if row.custom else []
    elif row.seconds > 0:
        words.append(duration(row.seconds))
    name = "%s %s" % (row.name, row.label) if row.label else row.name
    return "%s: %s" % (name, ", ".join(words))


def _ignore(number: int, frame: FrameType | None) -> None:
    """The signal's work is done by the watching thread."""
