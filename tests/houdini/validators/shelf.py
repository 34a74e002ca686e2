"""Shelf files: well-formed, in order, each tool once, its script runs against functions that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Sequence
from xml.etree.ElementTree import Element

from topforge_scene.asset_sections import parse_xml
from topforge_scene.errors import SceneError

from . import code
from .context import Context, repository
from .findings import Finding, Findings

ORDER = ("helpText", "helpURL", "toolMenuContext", "toolSubmenu", "script", "keywordList")
"""Elements of a tool, in the order of Houdini's own files."""
CONTEXTS = {"viewer", "network", "cop_viewer"}
NETWORKS = {"SOP", "ROP", "TOP", "COP2", "VOP", "OBJ", "LOP", "SHOP", "DOP", "CHOP", "VOPNET"}
ATTRIBUTES = {"toolshelf": {"name", "label"}, "shelfSet": {"name", "label"}, "tool": {"name", "label", "icon"}}


def validate_shelf(path: Path, context: Context | None = None) -> list[Finding]:
    """Everything that is wrong with a shelf file of ours; empty when nothing is.

    Args:
        path: A `.shelf`.
        context: What it is checked against; this repository when not given.
    """
    found = Findings()
    data = path.read_bytes()
    if b"\r" in data:
        found.add("S-CRLF", path.name, "a carriage return", data[: data.index(b"\r")].count(b"\n") + 1)
    try:
        root = parse_xml(data, path.name)
    except SceneError as error:
        found.refused("S-XML", error)
        return found
    _Shelf(path.name, root, (context or repository()).python_paths, found).check()
    return found


class _Shelf:
    def __init__(self, file: str, root: Element, paths: Sequence[Path], found: Findings) -> None:
        self.file = file
        self.root = root
        self.paths = paths
        self.found = found

    def add(self, code: str, message: str) -> None:
        self.found.add(code, self.file, message)

    def check(self) -> None:
        if self.root.tag != "shelfDocument" or not all(element.tag in ATTRIBUTES for element in self.root):
            self.add("S-ELEMENT", "a shelfDocument holds toolshelf, shelfSet and tool, and nothing else")
            return
        for element in self.root:
            self._check_attributes(element)
        for kind, member in (("tool", "memberTool"), ("toolshelf", "memberToolshelf")):
            names = [element.get("name", "") for element in self.root.findall(kind)]
            for name in sorted({name for name in names if names.count(name) > 1}):
                self.add("S-DUP", "two definitions of the %s %s" % (kind, name))
            members = [element.get("name", "") for element in self.root.iter(member)]
            for name in members:
                if name not in names:
                    self.add("S-MEMBER", "the %s %s is not defined" % (kind, name))
            for name in names if kind == "tool" else ():
                if members.count(name) != 1:
                    self.add("S-MEMBER", "the tool %s stands on %d shelves, not on one" % (name, members.count(name)))
        for tool in self.root.findall("tool"):
            self._check_tool(tool, tool.get("name", ""))

    def _check_attributes(self, element: Element) -> None:
        name = element.get("name", "")
        if set(element.attrib) != ATTRIBUTES[element.tag] or not all(element.attrib.values()):
            self.add(
                "S-ATTRIBUTE", "%s %s must have %s" % (element.tag, name, ", ".join(sorted(ATTRIBUTES[element.tag])))
            )
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*(::[A-Za-z0-9_.]+)*", name):
            self.add("S-ATTRIBUTE", "%r is no name" % name)

    def _check_tool(self, tool: Element, name: str) -> None:
        tags = [element.tag for element in tool]
        if any(tag not in ORDER for tag in tags):
            self.add("S-ELEMENT", "%s holds an element that tools do not have" % name)
        elif tags != sorted(tags, key=ORDER.index):
            self.add("S-ORDER", "the elements of %s are not in Houdini's order" % name)
        if not (tool.findtext("helpText") or "").strip() and tool.find("helpURL") is None:
            self.add("S-HELP", "%s has no help" % name)
        for context in tool.findall("toolMenuContext"):
            self._check_context(context, name)
        scripts = tool.findall("script")
        if len(scripts) != 1 or scripts[0].attrib != {"scriptType": "python"}:
            self.add("S-SCRIPT", "%s must have one script, of type python" % name)
        for script in scripts:
            for problem, message, line in code.problems(script.text or "", self.paths):
                self.add(problem.replace("PY-SYNTAX", "S-SCRIPT"), "%s, line %s: %s" % (name, line, message))
            if not (script.text or "").strip():
                self.add("S-SCRIPT", "the script of %s is empty" % name)

    def _check_context(self, context: Element, name: str) -> None:
        kinds = [(element.tag, element.text or "") for element in context]
        right = all(tag == "contextOpType" or (tag == "contextNetType" and text in NETWORKS) for tag, text in kinds)
        if context.get("name") not in CONTEXTS or not kinds or not right:
            self.add("S-CONTEXT", "%s has a menu context that Houdini does not know" % name)
