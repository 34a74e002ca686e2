"""Events and their handlers, which run on a worker thread, one after another."""

from __future__ import annotations

import queue
import sys
import threading
import traceback
from typing import Any, Callable, List, Optional, Sequence, Tuple

from ._enums import EventType, workItemState
from ._strict import NotInStandIn, Strict, expect


class Event(Strict):
    """What a handler gets."""

    __slots__ = ("_context", "_item", "_message", "_node", "_states", "_type")

    def __init__(
        self, type: EventType, context: Any, node: Any, item: Any, message: str, states: Tuple[Any, Any]
    ) -> None:
        self._type, self._context, self._node, self._item = type, context, node, item
        self._message, self._states = message, states

    @property
    def type(self) -> EventType:
        return self._type

    @property
    def node(self) -> Any:
        return None if self._node is None else self._node.public

    @property
    def context(self) -> Any:
        return self._context.public

    @property
    def message(self) -> str:
        return self._message

    @property
    def lastState(self) -> workItemState:
        return self._states[0]

    @property
    def currentState(self) -> workItemState:
        return self._states[1]

    @property
    def workItemId(self) -> int:
        return -1 if self._item is None else self._item.id


class EventHandler(Strict):
    """What `addEventHandler` gives; it cannot be made any other way."""

    __slots__ = ("_function", "_types")

    def __init__(self, *arguments: Any) -> None:
        if len(arguments) != 2 or not callable(arguments[0]):
            raise TypeError("pdg.PyEventHandler: No constructor defined!")
        self._function, self._types = arguments

    def _wants(self, type: EventType) -> bool:
        return EventType.All in self._types or type in self._types


def add_handler(handlers: List[EventHandler], function: Any, types: Any, pass_handler: bool) -> EventHandler:
    """Adds a function for one type of event or a list of them."""
    if pass_handler:
        raise NotInStandIn("the order of the arguments of a handler with pass_handler")
    if not callable(function):
        raise TypeError("addEventHandler: incompatible argument, a function expected")
    wanted = types if isinstance(types, (list, tuple)) else [types]
    made = EventHandler(function, tuple(expect(one, EventType, "addEventHandler type") for one in wanted))
    handlers.append(made)
    return made


class Dispatcher:
    """Runs handlers on its own thread, in the order of the events."""

    def __init__(self) -> None:
        self._queue: queue.Queue[Optional[Tuple[Callable[[Event], Any], Event]]] = queue.Queue()
        self._thread = threading.Thread(target=self._run, name="pdg-events", daemon=True)
        self._thread.start()

    def emit(self, event: Event, *lists: Sequence[EventHandler]) -> None:
        for handlers in lists:
            for handler in list(handlers):
                if handler._wants(event.type):
                    self._queue.put((handler._function, event))

    def flush(self) -> None:
        """Waits until every event so far was handled."""
        if threading.current_thread() is not self._thread:
            self._queue.join()

    def close(self) -> None:
        self._queue.put(None)

    def _run(self) -> None:
        while True:
            entry = self._queue.get()
            try:
                if entry is None:
                    return
                entry[0](entry[1])
            except Exception:  # somebody else's handler: PDG prints and goes on
                traceback.print_exc(file=sys.stderr)
            finally:
                self._queue.task_done()
