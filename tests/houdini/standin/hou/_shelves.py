"""hou.shelves: the tools in `toolbar/*.shelf` of every folder of HOUDINI_PATH."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from ._enums import scriptLanguage
from ._strict import EnumValue, NotInStandIn, Strict, StrictMeta


class Tool(Strict):
    """A button of a shelf."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 2 or kwargs:
            raise NotInStandIn("how to make a hou.Tool")
        self._element, self._file = args

    def name(self) -> str:
        return self._element.get("name")

    def label(self) -> str:
        return self._element.get("label")

    def icon(self) -> str:
        return self._element.get("icon")

    def filePath(self) -> str:
        return self._file

    def script(self) -> str:
        return self._element.find("script").text or ""

    def language(self) -> EnumValue:
        python = self._element.find("script").get("scriptType") == "python"
        return scriptLanguage.Python if python else scriptLanguage.Hscript

    def help(self) -> str:
        found = self._element.find("helpText")
        return "" if found is None else found.text or ""

    def keywords(self) -> Tuple[str, ...]:
        return tuple(word.text or "" for word in self._element.findall("keywordList/keyword"))

    def toolMenuLocations(self) -> Tuple[str, ...]:
        return tuple(menu.text or "" for menu in self._element.findall("toolSubmenu"))


class shelves(metaclass=StrictMeta):
    """Functions on shelves and their tools."""

    @staticmethod
    def tools() -> Dict[str, Tool]:
        found = {}
        for folder in os.environ.get("HOUDINI_PATH", "").split(os.pathsep):
            for file in sorted(Path(folder).glob("toolbar/*.shelf")) if folder not in ("", "&") else ():
                for element in ElementTree.parse(file).getroot().findall("tool"):
                    found.setdefault(str(element.get("name")), Tool(element, str(file)))
        return found

    @staticmethod
    def tool(tool_name: str) -> Optional[Tool]:
        return shelves.tools().get(tool_name)
