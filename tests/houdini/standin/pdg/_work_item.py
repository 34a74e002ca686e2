"""pdg.WorkItem: a handle with the documented members (2.4) and no others."""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Optional, Sequence, Type

from ._enums import attribFlag, attribType, workItemCookType, workItemState
from ._events import EventHandler, add_handler
from ._files import File, matches
from ._items import Item
from ._strict import NotInStandIn, Strict, expect
from ._writing import Lock, check_writable


def _setter(kind: attribType) -> Callable[..., None]:
    def set_value(self: WorkItem, name: str, value: Any, index: Optional[int] = None) -> None:
        check_writable(self._item, self._read_only)
        self._item.attributes.set(name, kind, value, index)

    return set_value


def _value(kind: Optional[attribType]) -> Callable[..., Any]:
    def value(self: WorkItem, name: str, index: int = 0) -> Any:
        return self._item.attributes.value(name, kind, index)

    return value


def _array(kind: Optional[attribType]) -> Callable[..., List[Any]]:
    def array(self: WorkItem, name: str) -> List[Any]:
        return self._item.attributes.array(name, kind)

    return array


class WorkItem(Strict):
    """One work item."""

    __slots__ = ("_item", "_read_only")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if not (len(arguments) == 2 and isinstance(arguments[0], Item)) or options:
            raise TypeError("pdg.WorkItem: No constructor defined!")
        self._item, self._read_only = arguments

    # attributes
    setStringAttrib = _setter(attribType.String)
    setIntAttrib = _setter(attribType.Int)
    setFloatAttrib = _setter(attribType.Float)
    setFileAttrib = _setter(attribType.File)
    setDictAttrib = _setter(attribType.Dict)
    setPyObjectAttrib = _setter(attribType.PyObject)
    attribValue = _value(None)
    stringAttribValue = _value(attribType.String)
    intAttribValue = _value(attribType.Int)
    floatAttribValue = _value(attribType.Float)
    fileAttribValue = _value(attribType.File)
    dictAttribValue = _value(attribType.Dict)
    pyObjectAttribValue = _value(attribType.PyObject)
    attribArray = _array(None)
    stringAttribArray = _array(attribType.String)
    intAttribArray = _array(attribType.Int)
    floatAttribArray = _array(attribType.Float)
    fileAttribArray = _array(attribType.File)
    dictAttribArray = _array(attribType.Dict)

    def addAttrib(self, name: str, type: attribType) -> Any:
        check_writable(self._item, self._read_only)
        return self._item.attributes.add(name, expect(type, attribType, "addAttrib type"))

    def setAttribFlag(self, name: str, flag: attribFlag, value: bool) -> None:
        check_writable(self._item, self._read_only)
        self._item.attributes.set_flag(name, flag, value)

    def eraseAttrib(self, name: str) -> None:
        check_writable(self._item, self._read_only)
        self._item.attributes.erase(name)

    def clearAttribs(self) -> None:
        check_writable(self._item, self._read_only)
        self._item.attributes.by_name.clear()

    def attrib(self, name: str) -> Any:
        """The attribute, or None."""
        return self._item.attributes.by_name.get(expect(name, str, "attrib name"))

    def attribNames(self, type: Optional[attribType] = None) -> List[str]:
        return self._item.attributes.names(type)

    def attribType(self, name: str) -> attribType:
        return self._item.attributes.get(name)._type

    def attribMatch(self, pattern: str) -> List[str]:
        return self._item.attributes.match(pattern)

    @property
    def lockAttributes(self) -> Lock:
        """Context manager: write to an item that other threads may read."""
        return Lock(self._item)

    # environment
    @property
    def environment(self) -> Dict[str, Any]:
        return self._item.attributes.environment()

    def envLookup(self, name: str) -> Any:
        return self.environment[name]

    def hasEnvironmentVar(self, name: str) -> bool:
        return name in self.environment

    def clearEnvironment(self) -> None:
        check_writable(self._item, self._read_only)
        for name in self.environment:
            self._item.attributes.erase(name)

    # files
    def addExpectedOutputFile(self, path: str, tag: str = "", own: bool = True) -> None:
        check_writable(self._item, self._read_only)
        expect(path, str, "addExpectedOutputFile path")
        self._item.expected.append(File(path, tag, 0, own, _localize=self.localizePath))

    def addExpectedOutputFiles(self, paths: Sequence[str], tag: str = "", own: bool = True) -> None:
        for path in expect(paths, (list, tuple), "addExpectedOutputFiles paths"):
            self.addExpectedOutputFile(path, tag, own)

    def addOutputFile(self, path: str, tag: str = "", hash: int = 0, own: bool = False) -> None:
        check_writable(self._item, self._read_only)
        self._item.add_output(File(path, tag, hash, own, _localize=self.localizePath))

    def addOutputFiles(self, paths: Sequence[str], tag: str = "", hash: int = 0, own: bool = False) -> None:
        for path in expect(paths, (list, tuple), "addOutputFiles paths"):
            self.addOutputFile(path, tag, hash, own)

    def clearOutputFiles(self) -> None:
        check_writable(self._item, self._read_only)
        self._item.outputs = []

    def clearExpectedOutputFiles(self) -> None:
        check_writable(self._item, self._read_only)
        self._item.expected = []

    @property
    def expectedOutputFiles(self) -> List[File]:
        return list(self._item.expected)

    @property
    def outputFiles(self) -> List[File]:
        return list(self._item.outputs)

    @property
    def inputFiles(self) -> List[File]:
        return self._item.inputs(lambda other: other.outputs)

    @property
    def expectedInputFiles(self) -> List[File]:
        return self._item.inputs(lambda other: other.expected or other.outputs)

    def inputFilesForTag(self, tag: str) -> List[File]:
        return [file for file in self.inputFiles if matches(file.tag, expect(tag, str, "tag"))]

    def outputFilesForTag(self, tag: str) -> List[File]:
        return [file for file in self.outputFiles if matches(file.tag, expect(tag, str, "tag"))]

    def localizePath(self, path: str) -> str:
        """Replaces the tokens of folders by this machine's folders of the item's scheduler."""
        return self._item.node.scheduler().localize(expect(path, str, "localizePath path"))

    # command
    def setCommand(self, command: str) -> None:
        check_writable(self._item, self._read_only)
        self._item.command = expect(command, str, "setCommand")

    @property
    def command(self) -> str:
        return self._item.command

    @property
    def hasCommand(self) -> bool:
        return bool(self._item.command)

    @property
    def shouldRunInShell(self) -> bool:
        return self._item.shell

    @shouldRunInShell.setter
    def shouldRunInShell(self, value: bool) -> None:
        raise NotInStandIn("whether PDG accepts shouldRunInShell set from Python")

    # identity
    @property
    def index(self) -> int:
        return self._item.index

    @property
    def id(self) -> int:
        return self._item.id

    @property
    def name(self) -> str:
        return self._item.name

    @property
    def label(self) -> str:
        return self._item.label

    def setLabel(self, label: str) -> None:
        self._item.label = expect(label, str, "setLabel")

    @property
    def node(self) -> Any:
        return self._item.node.public

    @property
    def graph(self) -> Any:
        return self.context.graph

    @property
    def context(self) -> Any:
        return self._item.node.context.public

    @property
    def parent(self) -> Optional[WorkItem]:
        return None if self._item.parent is None else handle(self._item.parent)

    @property
    def dependencies(self) -> List[WorkItem]:
        return [handle(other) for other in self._item.dependencies]

    @property
    def dependents(self) -> List[WorkItem]:
        return [handle(other) for other in self._item.dependents]

    @property
    def isPartition(self) -> bool:
        return self._item.is_partition

    @property
    def isBatch(self) -> bool:
        return False

    @property
    def partitionItems(self) -> List[WorkItem]:
        return [handle(other) for other in self._item.partition_items]

    @property
    def isStatic(self) -> bool:
        return self._item.static

    # frame
    def setFrame(self, frame: float, step: float = 1.0) -> None:
        check_writable(self._item, self._read_only)
        self._item.frame = (
            float(expect(frame, (float, int), "setFrame")),
            float(expect(step, (float, int), "setFrame")),
        )

    @property
    def hasFrame(self) -> bool:
        return self._item.frame is not None

    @property
    def frame(self) -> float:
        if self._item.frame is None:
            raise NotInStandIn("the frame of %s, which has none" % self.name)
        return self._item.frame[0]

    @property
    def frameStep(self) -> float:
        if self._item.frame is None:
            raise NotInStandIn("the frame step of %s, which has no frame" % self.name)
        return self._item.frame[1]

    # state
    @property
    def state(self) -> workItemState:
        return self._item.state

    @property
    def isCooked(self) -> bool:
        return self._item.finished

    @property
    def isSuccessful(self) -> bool:
        return self._item.succeeded

    @property
    def isUnsuccessful(self) -> bool:
        return self._item.state in (workItemState.CookedFail, workItemState.CookedCancel)

    @property
    def cookType(self) -> workItemCookType:
        return self._item.cook_type

    @property
    def isInProcess(self) -> bool:
        return self._item.cook_type is workItemCookType.InProcess

    @property
    def isOutOfProcess(self) -> bool:
        return self._item.cook_type is workItemCookType.OutOfProcess

    @property
    def priority(self) -> int:
        return self._item.priority

    @property
    def customState(self) -> str:
        return self._item.custom_state

    def setCustomState(self, state: str) -> None:
        self._item.custom_state = expect(state, str, "setCustomState")

    @property
    def cookPercent(self) -> float:
        return self._item.cook_percent

    def setCookPercent(self, percent: float) -> None:
        self._item.cook_percent = float(expect(percent, (float, int), "setCookPercent"))

    @property
    def cookDuration(self) -> float:
        return self._item.cook_seconds

    def cancel(self) -> None:
        self._item.node.context.cancel_items([self._item])

    def makeActive(self) -> None:
        self._item.node.context.active = self._item

    def invalidateCache(self) -> None:
        self._item.always_cook = True

    # log
    def addError(self, message: str, fail_task: bool = False, timestamp: bool = True) -> None:
        self._item.log(0, expect(message, str, "addError"))
        self._item.asked_to_fail = self._item.asked_to_fail or fail_task

    def addWarning(self, message: str) -> None:
        self._item.log(1, expect(message, str, "addWarning"))

    def addMessage(self, message: str) -> None:
        self._item.log(2, expect(message, str, "addMessage"))

    @property
    def logMessages(self) -> str:
        """[I] The text of all messages; the exact form is not documented."""
        return "".join(text if text.endswith("\n") else text + "\n" for _, text in self._item.messages)

    @property
    def logURI(self) -> str:
        """[I] `file:///` and the path of the log of the process."""
        return "file:///" + self._item.log_path.lstrip("/") if self._item.log_path else ""

    # events
    def addEventHandler(self, handler: Any, type: Any, pass_handler: bool = False) -> EventHandler:
        return add_handler(self._item.handlers, handler, type, pass_handler)

    def removeEventHandler(self, handler: EventHandler) -> None:
        self._item.handlers.remove(handler)

    def __repr__(self) -> str:
        return "<pdg.WorkItem %s %s>" % (self.name, self.state.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, WorkItem) and other._item is self._item

    def __hash__(self) -> int:
        return hash(id(self._item))


def handle(item: Item, read_only: bool = False, kind: Type[WorkItem] = WorkItem) -> WorkItem:
    """The public handle of an item."""
    if read_only not in item.handles:
        item.handles[read_only] = kind(item, read_only)
    return item.handles[read_only]
