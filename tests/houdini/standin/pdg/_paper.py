"""TOP nodes on paper, for the stand-in's own tests: values in a dict, defaults from data/operators.json, no hou."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

from ._engine import context_for

_OPERATORS = json.loads((Path(__file__).resolve().parents[2] / "data" / "operators.json").read_text(encoding="utf-8"))[
    "operators"
]


class View:
    """Implements `pdg._view.NodeView`. In texts, `` `@name` `` is an attribute of the item."""

    def __init__(self, path: str, kind: str, *sources: View, scheduler: Optional[View] = None, **values: Any) -> None:
        self._path, self._kind, self._sources, self._scheduler = path, kind, list(sources), scheduler
        self.bypassed = False
        self._counts: Dict[str, int] = {}
        self._defaults: Dict[str, Any] = {}
        self._read(_OPERATORS.get("Top/" + kind, {}).get("items", []))
        self.values: Dict[str, Any] = {}
        self.set(**values)

    def _read(self, items: List[Dict[str, Any]]) -> None:
        for entry in items:
            if entry.get("kind") == "multiparm":
                self._counts[entry["name"]] = int(entry.get("default", 0))
                self._read(entry["items"])
            elif "items" in entry:
                self._read(entry["items"])
            else:
                self._parm(entry)

    def __repr__(self) -> str:
        return "<View %s>" % self._path

    def _parm(self, entry: Dict[str, Any]) -> None:
        text = entry["type"] in ("string", "file", "directory", "oppath")
        defaults = entry["default"]
        names = [entry["name"]] if len(defaults) == 1 else [entry["name"] + str(n + 1) for n in range(len(defaults))]
        for name, default in zip(names, defaults):
            self._defaults[name] = default if text else _number(default, entry)

    def set(self, **values: Any) -> View:
        """Sets parameters; a number for a multiparm is its count."""
        for name, value in values.items():
            if name in self._counts or _template(name) in self._counts:
                self._counts[name] = value
            else:
                assert self.has_parm(name) or self._kind == "topnet", name
                self.values[name] = value
        return self

    def path(self) -> str:
        return self._path

    def name(self) -> str:
        return self._path.rsplit("/", 1)[-1]

    def type_name(self) -> str:
        return self._kind

    def sources(self) -> List[View]:
        return list(self._sources)

    def has_parm(self, name: str) -> bool:
        return name in self.values or _template(name) in self._defaults or name in self._defaults

    def spare(self, **values: Any) -> View:
        """Adds job parameters, as *Add Job Parms* does."""
        self.values.update(values)
        return self

    def evaluate(self, name: str, work_item: Any = None) -> Any:
        value = self._raw(name)
        return value if not isinstance(value, str) else _expanded(value, work_item)

    def evaluate_text(self, name: str, work_item: Any = None) -> str:
        return str(self.evaluate(name, work_item))

    def _raw(self, name: str) -> Any:
        for known, where in ((name, self.values), (name, self._defaults), (_template(name), self._defaults)):
            if known in where:
                return where[known]
        raise KeyError("%s has no parameter %s" % (self._path, name))

    def count(self, name: str) -> int:
        return self._counts.get(name, self._counts.get(_template(name), 0))

    def is_bypassed(self) -> bool:
        return self.bypassed

    def scheduler(self) -> Optional[View]:
        return self._scheduler

    def hou_node(self) -> Any:
        return self


class Network:
    """A TOP network whose working folder and temp folder are below one folder, with a local scheduler."""

    def __init__(self, folder: Path, **scheduler: Any) -> None:
        self.folder = folder
        settings = {"pdg_workingdir": str(folder), "tempdirmenu": 0, "tempdirappendpid": 0}
        settings.update(maxprocsmenu=1, maxprocs=2, pdg_rpctimeout=1, pdg_rpcretries=0)
        self.scheduler = View("/tasks/net/local", "localscheduler", **{**settings, **scheduler})
        self.view = View("/tasks/net", "topnet", scheduler=self.scheduler)
        self.context = context_for(self.view)

    def add(self, kind: str, *sources: View, name: str = "", **values: Any) -> View:
        return View("/tasks/net/" + (name or kind), kind, *sources, **values)

    def processor(self, body: str, *sources: View, name: str = "items", **values: Any) -> View:
        """A Python Processor with this `generate`."""
        code = {"generate": body, "cooktask": "", "addinternaldependencies": "", "pdg_workitemgeneration": 2}
        return View("/tasks/net/" + name, "pythonprocessor", *sources, **{**code, **values})

    def shell(self, command: str, *sources: View, name: str = "run", **values: Any) -> View:
        """A generic generator that runs a command."""
        return View("/tasks/net/" + name, "genericgenerator", *sources, pdg_command=command, **values)

    def python(self, body: str, *sources: View, name: str = "run", **values: Any) -> View:
        """A generic generator that runs Python code as a program."""
        script = self.folder / (name + ".py")
        script.write_text(body, encoding="utf-8")
        return self.shell('"%s" -I "%s"' % (sys.executable, script), *sources, name=name, **values)

    def cook(self, view: View, generate_only: bool = False) -> Any:
        """Cooks, and gives the items."""
        self.context.cook(view, block=True, generate_only=generate_only)
        return self.items(view)

    def items(self, view: View) -> Any:
        return self.context.node_for(view).workItems

    def states(self, view: View) -> List[str]:
        return [item.state.name for item in self.items(view)]

    def errors(self, view: View) -> str:
        return "\n".join(self.context.messages(view)[0])


def _template(name: str) -> str:
    """`varname2` is an instance of `varname#`, `floatvalue1_2` of `floatvalue#_#`."""
    match = re.fullmatch(r"(.*?)(\d+)(_\d+)?", name)
    if match is None:
        return name
    return match.group(1) + "#" + ("_#" if match.group(3) else "") if not _vector(name) else _vector(name)


def _vector(name: str) -> str:
    match = re.fullmatch(r"((?:int|float)(?:value|range))(\d)([1-4])", name)
    return "%s#%s" % (match.group(1), match.group(3)) if match is not None else ""


def _number(default: Any, entry: Dict[str, Any]) -> Any:
    text = str(default)
    menu = [token for token, _ in entry.get("menu", [])]
    if text in menu and not re.fullmatch(r"-?\d+", text):
        return menu.index(text)
    return float(text) if "float" in entry["type"] or "vector" in entry["type"] else int(float(text))


def _expanded(text: str, item: Any) -> str:
    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        built_in = {"pdg_index": "index", "pdg_name": "name"}
        return str(getattr(item, built_in[name]) if name in built_in else item.attribValue(name))

    return re.sub(r"`@(\w+)`", value, text)
