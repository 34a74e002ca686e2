"""DialogScript, read strictly: every key known and at its place, none of them twice where once is meant.

Each kind of block is a table from its keys to how their values are read; one function walks all blocks. An item inside
a block is one of its keys too.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from topforge_scene import dialog_values
from topforge_scene.dialog_lexer import END, WORD, Cursor
from topforge_scene.dialog_script import DialogScript, Entry, Folder, Multiparm, Parameter
from topforge_scene.dialog_values import Reader

FOLDERS = ("group", "groupsimple", "groupcollapsible", "groupradio")
MULTIPARMS = ("multiparm", "multiscroll", "multiswitcher", "multitab")
MENUS = ("menu", "menureplace", "menutoggle", "menumini", "menujoin")
Values = Dict[str, Any]
"""What a block says, by field of the model; `tags`, `items` and the like are lists."""


def read(text: str, where: str) -> DialogScript:
    """A whole DialogScript.

    Raises:
        SceneError: Anything that the grammar does not have, with its line.
    """
    cursor = Cursor(text, where)
    start = cursor.expect("{")
    values = _block(cursor, _TOP)
    cursor.expect(END)
    for key in ("name", "script", "label"):
        if key not in values:
            raise cursor.problem("%s is missing" % key, start)
    if values["script"] == values["name"]:
        values["script"] = ""
    values.setdefault("help", ())
    values.setdefault("items", ())
    for labels in ("input_labels", "output_labels"):
        values[labels] = _by_number(cursor, values.get(labels, ()))
    return DialogScript(**_frozen(values))


def read_items(text: str, where: str) -> Tuple[Entry, ...]:
    """The items of an interface without the braces around them, as `.spareparmdef` has them."""
    cursor = Cursor(text, where)
    values = _block(cursor, _ITEMS, closing=END)
    return tuple(values.get("items", ()))


def _block(cursor: Cursor, table: Mapping[str, Tuple[str, Reader]], closing: str = "}") -> Values:
    values: Values = {}
    while cursor.ahead.kind != closing:
        token = cursor.expect(WORD)
        if token.text not in table:
            raise cursor.problem("%s is not known here" % token.text, token)
        field, reader = table[token.text]
        value = reader(cursor, token.text)
        if field in _REPEATED:
            values.setdefault(field, []).append(value)
        elif field in values:
            raise cursor.problem("%s is said twice" % token.text, token)
        else:
            values[field] = value
    cursor.expect(closing)
    return values


def _frozen(values: Values) -> Values:
    return {field: tuple(value) if isinstance(value, list) else value for field, value in values.items()}


def _by_number(cursor: Cursor, labels: Any) -> Tuple[str, ...]:
    by_number: Dict[int, str] = {}
    for number, label, token in labels:
        if number < 1 or number in by_number:
            raise cursor.problem("label number %d is taken or below 1" % number, token)
        by_number[number] = label
    return tuple(by_number.get(number, "") for number in range(1, max(by_number, default=0) + 1))


def _parameter(cursor: Cursor, key: str) -> Parameter:
    start = cursor.expect("{")
    values = _block(cursor, _PARAMETER)
    values.setdefault("type", "" if values.get("base") else None)
    if "name" not in values or values["type"] is None:
        raise cursor.problem("a parm without a name or a type", start)
    texts, languages = zip(*values.pop("default")) if "default" in values else ((), ())
    if len(set(languages)) > 1:
        values["default_languages"] = languages
    elif languages:
        values["default_language"] = languages[0]
    values.setdefault("label", "")
    return Parameter(default=texts, **_frozen(values))


def _folder(cursor: Cursor, key: str) -> Folder:
    start = cursor.expect("{")
    values = _block(cursor, _FOLDER)
    return Folder(kind=key, **_named(cursor, values, start))


def _multiparm(cursor: Cursor, key: str) -> Multiparm:
    start = cursor.expect("{")
    values = _block(cursor, _MULTIPARM)
    values.setdefault("default", None)
    return Multiparm(kind=key, **_named(cursor, values, start))


def _named(cursor: Cursor, values: Values, start: Any) -> Values:
    if "name" not in values:
        raise cursor.problem("a folder without a name", start)
    values.setdefault("label", "")
    values.setdefault("items", ())
    return _frozen(values)


_REPEATED = {"items", "tags", "parm_tags", "group_tags", "input_labels", "output_labels", "statements"}
"""Fields that a block may say any number of times."""

_ITEMS: Dict[str, Tuple[str, Reader]] = {
    "parm": ("items", _parameter),
    **{key: ("items", _folder) for key in FOLDERS},
    **{key: ("items", _multiparm) for key in MULTIPARMS},
}
_COMMON: Dict[str, Tuple[str, Reader]] = {
    "name": ("name", dialog_values.value),
    "label": ("label", dialog_values.value),
    "help": ("help", dialog_values.value),
    "hidewhen": ("hide_when", dialog_values.value),
    "disablewhen": ("disable_when", dialog_values.value),
    "invisible": ("invisible", dialog_values.flag),
    "nolabel": ("no_label", dialog_values.flag),
    "joinnext": ("join_next", dialog_values.flag),
    "baseparm": ("base", dialog_values.flag),
    "export": ("export", dialog_values.value),
}
_PARAMETER: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    "type": ("type", dialog_values.value),
    "size": ("size", dialog_values.integer),
    "default": ("default", dialog_values.defaults),
    "range": ("range", dialog_values.bounds),
    "parmtag": ("tags", dialog_values.tag),
    "spare": ("spare", dialog_values.flag),
    "unquoted": ("unquoted", dialog_values.flag),
    "callback": ("callback", dialog_values.value),
    "bindselector": ("bind_selector", dialog_values.words(9)),
    **{key: ("menu", dialog_values.menu) for key in MENUS},
}
_FOLDER: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    **_ITEMS,
    "grouptag": ("tags", dialog_values.tag),
    "parmtag": ("parm_tags", dialog_values.tag),
    "hidewhentab": ("hide_when_tab", dialog_values.value),
    "disablewhentab": ("disable_when_tab", dialog_values.value),
    "invisibletab": ("invisible_tab", dialog_values.flag),
    "tabbreak": ("tab_break", dialog_values.flag),
}
_MULTIPARM: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    **_ITEMS,
    "parmtag": ("tags", dialog_values.tag),
    "grouptag": ("group_tags", dialog_values.tag),
    "default": ("default", dialog_values.count),
    "range": ("range", dialog_values.bounds),
}
_TOP: Dict[str, Tuple[str, Reader]] = {
    **_ITEMS,
    "name": ("name", dialog_values.value),
    "script": ("script", dialog_values.value),
    "label": ("label", dialog_values.value),
    "help": ("help", dialog_values.strings),
    "inputlabel": ("input_labels", dialog_values.label),
    "outputlabel": ("output_labels", dialog_values.label),
    **{key: ("statements", dialog_values.statement(1)) for key in ("rendermask", "shadertype", "externalshader")},
    "parmtag": ("statements", dialog_values.statement(0, block=True)),
    "bindhandle": ("statements", dialog_values.statement(5)),
    **{key: ("statements", dialog_values.statement(3)) for key in ("input", "output")},
    "inputflags": ("statements", dialog_values.statement(2)),
    "signature": ("statements", dialog_values.statement(2, block=True)),
    "outputoverrides": ("statements", dialog_values.statement(1, block=True)),
    "code": ("statements", dialog_values.code),
}
