"""hou.ParmTemplate: what a parameter is."""

from __future__ import annotations

from typing import Any, Dict

from ._enums import parmData, parmTemplateType, scriptLanguage
from ._specs import Spec
from ._strict import EnumValue, NotInStandIn, Strict

_TEMPLATE_TYPES = {
    "text": "String", "integer": "Int", "float": "Float", "toggle": "Toggle", "menu": "Menu", "button": "Button",
    "multiparm": "Folder",
}  # fmt: skip


class ParmTemplate(Strict):
    """What a parameter is, to read only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if len(args) != 1 or not isinstance(args[0], Spec) or kwargs:
            raise NotInStandIn("how to make a hou.%s" % type(self).__name__)
        self._spec: Spec = args[0]

    def name(self) -> str:
        return self._spec.name

    def label(self) -> str:
        return self._spec.label

    def type(self) -> EnumValue:
        word = _TEMPLATE_TYPES.get(self._spec.kind) or self._spec.type.capitalize()
        return getattr(parmTemplateType, word)

    def dataType(self) -> EnumValue:
        words = {"text": "String", "float": "Float", "integer": "Int", "toggle": "Int", "menu": "Int"}
        if self._spec.kind not in words:
            raise NotInStandIn("the data type of a %s" % self._spec.kind)
        return getattr(parmData, words[self._spec.kind])

    def numComponents(self) -> int:
        return len(self._spec.components)

    def help(self) -> str:
        return self._spec.help

    def isHidden(self) -> bool:
        return self._spec.hidden

    def tags(self) -> Dict[str, str]:
        return dict(self._spec.tags)

    def scriptCallback(self) -> str:
        return dict(self._spec.tags).get("script_callback", "")

    def scriptCallbackLanguage(self) -> EnumValue:
        python = dict(self._spec.tags).get("script_callback_language") == "python"
        return scriptLanguage.Python if python else scriptLanguage.Hscript

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParmTemplate) and self._spec == other._spec

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
