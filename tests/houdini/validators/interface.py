"""An asset's interface: names, defaults, menus, conditions, help, tags; and the Python that it calls."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Callable, Iterator, Sequence

from topforge_scene import conditions, dialog_text
from topforge_scene.asset import Operator
from topforge_scene.dialog_script import DialogScript, Entry, Folder, Multiparm, Parameter
from topforge_scene.errors import SceneError

from . import code, operators
from .findings import Findings

TYPES = {
    *("toggle", "ordinal", "string", "file", "directory", "geometry", "image", "oppath", "oplist", "button", "label"),
    *(
        "separator",
        "integer",
        "float",
        "vector",
        "vector2",
        "vector4",
        "intvector",
        "intvector2",
        "color",
        "angle",
        "log",
    ),
    *("direction", "data", "ramp_flt", "ramp_rgb", "intlog", "color4", "geometrydata", "buttonstrip", "iconstrip"),
}
SIZES = {"vector": 3, "intvector": 3, "color": 3, "vector2": 2, "intvector2": 2, "vector4": 4, "color4": 4}
SILENT = ("separator",)
"""Types whose parameters need no help: there is nothing to say."""
TAGS = {
    *("script_callback", "script_callback_language", "script_action", "script_action_help", "script_action_icon"),
    *(
        "editor",
        "editorlang",
        "editorlines",
        "filechooser_mode",
        "filechooser_pattern",
        "opfilter",
        "oprelative",
        "units",
    ),
    *("sidefx::look", "sidefx::layout_height", "sidefx::slider", "button_icon", "multistartoffset", "pdg::scheduler"),
    *("autoscope", "spare_category", "script_action_tooltip", "sidefx::header_toggle", "sidefx::header_parm"),
}
GROUP_TAGS = {"group_type", "group_default", "sidefx::look", "sidefx::header_parm", "sidefx::header_toggle"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_#]*")
_LITERAL = re.compile(r"-?[0-9.]+")
_CALLBACK = re.compile(r"hou\.phm\(\)\.([A-Za-z_]\w*)")


class Interface:
    """An interface that is being checked.

    Args:
        script: The interface.
        operator: Whose it is.
        file: What to call it in findings.
        found: Where findings go.
    """

    def __init__(self, script: DialogScript, operator: Operator, file: str, found: Findings) -> None:
        self.script = script
        self.operator = operator
        self.file = file
        self.found = found
        self.entries = list(_walk(script.items, 0))
        self.parms = {parm.name: parm for parm in operators.from_items(script.items)}
        self.names = {entry.name: entry for entry, _ in self.entries}

    def add(self, code: str, message: str) -> None:
        self.found.add(code, self.file, message)

    def check(self, python_paths: Sequence[Path]) -> None:
        """All checks."""
        self._check_head()
        for entry, depth in self.entries:
            self._check_name(entry, depth)
            self._check_conditions(entry)
            if isinstance(entry, Parameter):
                self._check_parameter(entry)
            elif isinstance(entry, Multiparm):
                self._check_help(entry)
                self._check_tags(entry.tags, TAGS, entry.name)
            else:
                self._check_tags(entry.tags, GROUP_TAGS, entry.name)
        self._check_python(python_paths)

    def _check_head(self) -> None:
        script, operator = self.script, self.operator
        if script.name != operator.name:
            self.add("DS-NAME", "name is %s, the operator's %s" % (script.name, operator.name))
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", script.script or "bad name"):
            self.add("DS-SCRIPT", "script %r cannot begin the names of new nodes" % script.script)
        if script.label != operator.label:
            self.add("DS-LABEL", "label is %r, the index says %r" % (script.label, operator.label))
        if len(script.input_labels) != operator.max_inputs or "" in script.input_labels:
            self.add("DS-INPUTS", "%d input labels for %d inputs" % (len(script.input_labels), operator.max_inputs))

    def _check_name(self, entry: Entry, depth: int) -> None:
        if sum(other.name == entry.name for other, _ in self.entries) > 1:
            self.add("DS-DUP", "two parameters are called %s" % entry.name)
        if not _NAME.fullmatch(entry.name):
            self.add("DS-CHARS", "%r is no name of a parameter" % entry.name)
        if entry.name.count("#") != (depth if not isinstance(entry, Folder) else entry.name.count("#")):
            self.add("DS-HASH", "%s stands in %d lists: one # for each, and none elsewhere" % (entry.name, depth))
        if not entry.label and not (isinstance(entry, Parameter) and entry.type in SILENT):
            self.add("DS-NOLABEL", "%s has no label" % entry.name)

    def _check_conditions(self, entry: Entry) -> None:
        for field in ("hide_when", "disable_when", "hide_when_tab", "disable_when_tab"):
            text = getattr(entry, field, "")
            if not text:
                continue
            try:
                groups = conditions.parse(text, entry.name)
            except SceneError as error:
                self.add("DS-COND", "%s: %s" % (entry.name, error.problem))
                continue
            for comparison in (comparison for group in groups for comparison in group):
                self._check_comparison(entry, comparison)

    def _check_comparison(self, entry: Entry, comparison: conditions.Comparison) -> None:
        if re.fullmatch(r"hasinput\([0-9]+\)", comparison.left):
            return
        if comparison.left not in self.names or isinstance(self.names[comparison.left], Folder):
            self.add("DS-CONDREF", "%s depends on %s, which does not exist" % (entry.name, comparison.left))
            return
        parm, right = self.parms[comparison.left], comparison.right
        tokens = frozenset(("0", "1", "on", "off")) if parm.type == "toggle" else parm.tokens
        if tokens is not None and comparison.operator in ("==", "!=") and right not in (*tokens, "", *self.names):
            self.add("DS-CONDTOKEN", "%s depends on %s being %r, which it never is" % (entry.name, parm.name, right))
        if parm.type in ("integer", "float", "multiparm") and not _LITERAL.fullmatch(right) and right not in self.names:
            self.add("DS-CONDTOKEN", "%s compares the number %s with %r" % (entry.name, parm.name, right))

    def _check_parameter(self, entry: Parameter) -> None:
        if entry.type not in TYPES:
            self.add("DS-TYPE", "%s: there is no type %s" % (entry.name, entry.type))
        size = SIZES.get(entry.type, entry.size)
        if entry.size != size or len(entry.default) != size:
            self.add("DS-SIZE", "%s: size %d with %d defaults" % (entry.name, entry.size, len(entry.default)))
        for component, text in enumerate(entry.default):
            if entry.language(component) is None:
                self._check_default(entry, text)
        self._check_range(entry)
        self._check_menu(entry)
        self._check_help(entry)
        self._check_tags(entry.tags, TAGS, entry.name)

    def _check_default(self, entry: Parameter, text: str) -> None:
        number = re.fullmatch(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?", text)
        if entry.type == "toggle" and text not in ("0", "1", "on", "off"):
            self.add("DS-DEFAULT", "%s: the default of a toggle is %r" % (entry.name, text))
        elif entry.type in ("integer", "intvector", "intvector2") and not re.fullmatch("-?[0-9]+", text):
            self.add("DS-DEFAULT", "%s: the default of whole numbers is %r" % (entry.name, text))
        elif entry.type in ("float", "vector", "vector2", "vector4", "color", "angle", "log") and not number:
            self.add("DS-DEFAULT", "%s: the default of numbers is %r" % (entry.name, text))

    def _check_range(self, entry: Parameter) -> None:
        if entry.range is None:
            return
        low, high = entry.range
        numbers = [float(text) for text in entry.default if _LITERAL.fullmatch(text)]
        if low.value >= high.value:
            self.add("DS-RANGE", "%s: the range ends where it begins, or before" % entry.name)
        elif any((low.locked and n < low.value) or (high.locked and n > high.value) for n in numbers):
            self.add("DS-RANGE", "%s: the default is outside of the range" % entry.name)

    def _check_menu(self, entry: Parameter) -> None:
        if entry.type == "ordinal" and entry.menu is None:
            self.add("DS-MENUDEF", "%s is a menu without one" % entry.name)
        if entry.menu is None or entry.menu.script:
            return
        tokens = [token for token, _ in entry.menu.items]
        if len(set(tokens)) != len(tokens):
            self.add("DS-MENUDUP", "%s: two choices have the same token" % entry.name)
        if not tokens or not all(label for _, label in entry.menu.items):
            self.add("DS-MENUDUP", "%s: no choices, or one without a label" % entry.name)
        strict = entry.type == "ordinal" or entry.menu.kind == "menu"
        for text in entry.default if strict else ():
            indexed = entry.type == "ordinal" and text.isdigit() and int(text) < len(tokens)
            if text not in tokens and not indexed and not re.match(r"\$|.*`", text):
                self.add("DS-MENUDEF", "%s: the default %r is not one of the tokens" % (entry.name, text))

    def _check_help(self, entry: Parameter | Multiparm) -> None:
        if not entry.help.strip() and not (isinstance(entry, Parameter) and entry.type in SILENT):
            self.add("DS-HELP", "%s has no help" % entry.name)

    def _check_tags(self, tags: Sequence[tuple[str, str]], known: set[str], name: str) -> None:
        keys = [key for key, _ in tags]
        for key in keys:
            if key not in known:
                self.add("DS-TAG", "%s: the tag %s is not known" % (name, key))
        if len(set(keys)) != len(keys):
            self.add("DS-TAG", "%s has a tag twice" % name)

    def _check_python(self, paths: Sequence[Path]) -> None:
        module = code.imported(self.operator.python_module, paths)
        for entry, _ in self.entries:
            if isinstance(entry, Parameter):
                for kind, text, body in _scripts(entry, self.add):
                    self._check_script("%s of %s" % (kind, entry.name), text, body, module, paths)

    def _check_script(self, what: str, text: str, body: bool, module: dict[str, ast.FunctionDef | None], paths: Sequence[Path]) -> None:  # fmt: skip # noqa: E501
        for problem, message, _ in code.problems(text, paths, body):
            self.add(problem, "the %s: %s" % (what, message))
        for name in _CALLBACK.findall(text):
            if name not in module:
                self.add("X-CALLBACK", "the %s calls hou.phm().%s, which PythonModule does not have" % (what, name))
        for call in _calls(text, body):
            function = module.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None
            if function is not None and not code.takes(function, call):
                self.add("X-ARITY", "the %s gives %s other arguments than it takes" % (what, function.name))


def read(data: bytes, operator: Operator, file: str, found: Findings) -> Interface | None:
    """The interface of a file; None, and a finding, when it cannot be read."""
    try:
        script = dialog_text.read(data.decode("utf-8"), file)
        if dialog_text.write(script).encode("utf-8") != data:
            found.add("DS-LAYOUT", file, "not laid out as our writer does: it was edited by hand")
        return Interface(script, operator, file, found)
    except (SceneError, UnicodeDecodeError) as error:
        line = error.line if isinstance(error, SceneError) else None
        found.add("DS-SYNTAX", file, getattr(error, "problem", "not UTF-8"), line)
        return None


def _walk(items: Sequence[Entry], depth: int) -> Iterator[tuple[Entry, int]]:
    for item in items:
        yield item, depth
        if not isinstance(item, Parameter):
            yield from _walk(item.items, depth + isinstance(item, Multiparm))


def _scripts(entry: Parameter, add: Callable[[str, str], None]) -> Iterator[tuple[str, str, bool]]:
    """(kind, source, whether it is the body of a function) of all Python in a parameter."""
    callback = entry.tag("script_callback")
    if callback is not None and entry.tag("script_callback_language") != "python":
        add("X-CBLANG", "the callback of %s does not say that it is Python" % entry.name)
    if entry.type == "button" and callback is None:
        add("X-CALLBACK", "the button %s does nothing" % entry.name)
    for key in ("script_callback", "script_action"):
        text = entry.tag(key)
        if text is not None:
            yield key, text, False
    if entry.menu is not None and entry.menu.script:
        if entry.menu.language != "python":
            add("X-CBLANG", "the menu of %s is not Python" % entry.name)
        yield "menu", "\n".join(entry.menu.script), True
    for component, text in enumerate(entry.default):
        if entry.language(component) == "python":
            yield "default", text, "return" in text


def _calls(text: str, body: bool) -> Iterator[ast.Call]:
    """Calls of functions of the asset's PythonModule."""
    try:
        tree = code.parsed(text, body)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _CALLBACK.match(ast.unparse(node.func)):
            yield node
