"""DialogScript, read strictly: every key known and at its place, none of them twice where once is meant.

Each kind of block is a table from its keys to how their values are read; one function walks all blocks. An item inside
a block is one of its keys too.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from topforge_scene.dialog_lexer import END, STRING, WORD, Cursor
from topforge_scene.dialog_script import Bound, DialogScript, Entry, Folder, Menu, Multiparm, Parameter, Statement

FOLDERS = ("group", "groupsimple", "groupcollapsible", "groupradio")
MULTIPARMS = ("multiparm", "multiscroll", "multiswitcher", "multitab")
MENUS = ("menu", "menureplace", "menutoggle", "menumini", "menujoin")
LANGUAGES = ("hscript-expr", "python")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")

Reader = Callable[[Cursor, str], Any]
"""Reads what follows a key; the second argument is the key."""
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


def _value(cursor: Cursor, key: str) -> str:
    return cursor.value()


def _integer(cursor: Cursor, key: str) -> int:
    return cursor.integer()


def _flag(cursor: Cursor, key: str) -> bool:
    return True


def _words(count: int) -> Reader:
    return lambda cursor, key: tuple(cursor.value() for _ in range(count))


def _strings(cursor: Cursor, key: str) -> Tuple[str, ...]:
    start = cursor.ahead
    words = cursor.block()
    if not words:
        raise cursor.problem("%s without a text" % key, start)
    return words


def _label(cursor: Cursor, key: str) -> Tuple[int, str, Any]:
    token = cursor.ahead
    return cursor.integer(), cursor.value(), token


def _tag(cursor: Cursor, key: str) -> Tuple[str, str]:
    cursor.expect("{")
    tag = cursor.expect(STRING).text, cursor.expect(STRING).text
    cursor.expect("}")
    return tag


def _bound(cursor: Cursor) -> Bound:
    token = cursor.expect(WORD, STRING)
    text = token.text[:-1] if token.text.endswith("!") else token.text
    if _NUMBER.fullmatch(text) is None:
        raise cursor.problem("a number expected, found %s" % token.text, token)
    return Bound(float(text), locked=text != token.text)


def _range(cursor: Cursor, key: str) -> Tuple[Bound, Bound]:
    cursor.expect("{")
    bounds = _bound(cursor), _bound(cursor)
    cursor.expect("}")
    return bounds


def _bracketed(cursor: Cursor) -> Tuple[str, Optional[str]]:
    """`[ "text" language ]`, the language optional."""
    cursor.expect("[")
    text = cursor.expect(STRING).text
    language = cursor.value() if cursor.ahead.kind != "]" else None
    cursor.expect("]")
    return text, language


def _defaults(cursor: Cursor, key: str) -> List[Tuple[str, Optional[str]]]:
    start = cursor.expect("{")
    defaults: List[Tuple[str, Optional[str]]] = []
    while cursor.ahead.kind != "}":
        token = cursor.ahead
        if token.kind != "[":
            defaults.append((cursor.value(), None))
            continue
        text, language = _bracketed(cursor)
        if language not in LANGUAGES:
            raise cursor.problem("the language of a default is hscript-expr or python, not %s" % language, token)
        defaults.append((text, language))
    cursor.expect("}")
    if not defaults:
        raise cursor.problem("default without a value", start)
    return defaults


def _count(cursor: Cursor, key: str) -> int:
    if cursor.ahead.kind != "{":
        return cursor.integer()
    cursor.expect("{")
    count = cursor.integer()
    cursor.expect("}")
    return count


def _menu(cursor: Cursor, key: str) -> Menu:
    use_token_value = cursor.ahead.text == "usetokenvalue"
    if use_token_value:
        cursor.take()
    cursor.expect("{")
    if cursor.ahead.kind == "[":
        script = []
        while cursor.ahead.kind == "[":
            token = cursor.ahead
            text, language = _bracketed(cursor)
            if language is not None:
                raise cursor.problem("the language of a menu script stands behind its lines", token)
            script.append(text)
        menu = Menu((), tuple(script), _menu_language(cursor), key, use_token_value)
    else:
        items = []
        while cursor.ahead.kind != "}":
            items.append((cursor.value(), cursor.value()))
        menu = Menu(tuple(items), kind=key, use_token_value=use_token_value)
    cursor.expect("}")
    return menu


def _menu_language(cursor: Cursor) -> str:
    if cursor.ahead.kind != WORD:
        return "hscript"
    key, language = cursor.take(), cursor.expect(WORD, STRING)
    if key.text != "language" or language.text not in ("python", "hscript"):
        raise cursor.problem("language python or hscript expected, found %s" % key.text, key)
    return language.text


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


def _statement(words: int, block: bool = False) -> Reader:
    def read_statement(cursor: Cursor, key: str) -> Statement:
        values = tuple(cursor.value() for _ in range(words))
        return Statement(key, values, cursor.block() if block else None)

    return read_statement


def _code(cursor: Cursor, key: str) -> Statement:
    if cursor.ahead.kind == "{":
        return Statement(key, (), cursor.block())
    return Statement(key, (cursor.value(),))


_REPEATED = {"items", "tags", "parm_tags", "group_tags", "input_labels", "output_labels", "statements"}
"""Fields that a block may say any number of times."""

_ITEMS: Dict[str, Tuple[str, Reader]] = {
    "parm": ("items", _parameter),
    **{key: ("items", _folder) for key in FOLDERS},
    **{key: ("items", _multiparm) for key in MULTIPARMS},
}
_COMMON: Dict[str, Tuple[str, Reader]] = {
    "name": ("name", _value),
    "label": ("label", _value),
    "help": ("help", _value),
    "hidewhen": ("hide_when", _value),
    "disablewhen": ("disable_when", _value),
    "invisible": ("invisible", _flag),
    "nolabel": ("no_label", _flag),
    "joinnext": ("join_next", _flag),
    "baseparm": ("base", _flag),
    "export": ("export", _value),
}
_PARAMETER: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    "type": ("type", _value),
    "size": ("size", _integer),
    "default": ("default", _defaults),
    "range": ("range", _range),
    "parmtag": ("tags", _tag),
    "spare": ("spare", _flag),
    "unquoted": ("unquoted", _flag),
    "callback": ("callback", _value),
    "bindselector": ("bind_selector", _words(9)),
    **{key: ("menu", _menu) for key in MENUS},
}
_FOLDER: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    **_ITEMS,
    "grouptag": ("tags", _tag),
    "parmtag": ("parm_tags", _tag),
    "hidewhentab": ("hide_when_tab", _value),
    "disablewhentab": ("disable_when_tab", _value),
    "invisibletab": ("invisible_tab", _flag),
    "tabbreak": ("tab_break", _flag),
}
_MULTIPARM: Dict[str, Tuple[str, Reader]] = {
    **_COMMON,
    **_ITEMS,
    "parmtag": ("tags", _tag),
    "grouptag": ("group_tags", _tag),
    "default": ("default", _count),
    "range": ("range", _range),
}
_TOP: Dict[str, Tuple[str, Reader]] = {
    **_ITEMS,
    "name": ("name", _value),
    "script": ("script", _value),
    "label": ("label", _value),
    "help": ("help", _strings),
    "inputlabel": ("input_labels", _label),
    "outputlabel": ("output_labels", _label),
    **{key: ("statements", _statement(1)) for key in ("rendermask", "shadertype", "externalshader")},
    "parmtag": ("statements", _statement(0, block=True)),
    "bindhandle": ("statements", _statement(5)),
    **{key: ("statements", _statement(3)) for key in ("input", "output")},
    "inputflags": ("statements", _statement(2)),
    "signature": ("statements", _statement(2, block=True)),
    "outputoverrides": ("statements", _statement(1, block=True)),
    "code": ("statements", _code),
}
