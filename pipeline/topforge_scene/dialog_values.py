"""DialogScript: how the values behind its keys are read. Each function takes what follows a key.

The second argument of all of them is the key itself. They raise `SceneError` at what does not belong there.
"""

from __future__ import annotations

import re
from typing import Any, Callable, List, Optional, Tuple

from topforge_scene.dialog_lexer import STRING, WORD, Cursor
from topforge_scene.dialog_script import Bound, Menu, Statement

Reader = Callable[[Cursor, str], Any]
"""Reads what follows a key."""
LANGUAGES = ("hscript-expr", "python")
"""Of default values that are expressions."""
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def value(cursor: Cursor, key: str) -> str:
    """One word, quoted or bare."""
    return cursor.value()


def integer(cursor: Cursor, key: str) -> int:
    """One integer."""
    return cursor.integer()


def flag(cursor: Cursor, key: str) -> bool:
    """Nothing: the key alone says it."""
    return True


def words(count: int) -> Reader:
    """A reader of so many words."""
    return lambda cursor, key: tuple(cursor.value() for _ in range(count))


def strings(cursor: Cursor, key: str) -> Tuple[str, ...]:
    """`{ "line" ... }`, one line at least."""
    start = cursor.ahead
    lines = cursor.block()
    if not lines:
        raise cursor.problem("%s without a text" % key, start)
    return lines


def label(cursor: Cursor, key: str) -> Tuple[int, str, Any]:
    """(number, label, the word where it begins), as in `inputlabel 1 "Images"`."""
    token = cursor.ahead
    return cursor.integer(), cursor.value(), token


def tag(cursor: Cursor, key: str) -> Tuple[str, str]:
    """`{ "key" "value" }`, both in quotes."""
    cursor.expect("{")
    pair = cursor.expect(STRING).text, cursor.expect(STRING).text
    cursor.expect("}")
    return pair


def _bound(cursor: Cursor) -> Bound:
    token = cursor.expect(WORD, STRING)
    text = token.text[:-1] if token.text.endswith("!") else token.text
    if _NUMBER.fullmatch(text) is None:
        raise cursor.problem("a number expected, found %s" % token.text, token)
    return Bound(float(text), locked=text != token.text)


def bounds(cursor: Cursor, key: str) -> Tuple[Bound, Bound]:
    """`{ 1! 500 }`: two numbers; with `!` one cannot be passed."""
    cursor.expect("{")
    ends = _bound(cursor), _bound(cursor)
    cursor.expect("}")
    return ends


def _bracketed(cursor: Cursor) -> Tuple[str, Optional[str]]:
    """`[ "text" language ]`, the language optional."""
    cursor.expect("[")
    text = cursor.expect(STRING).text
    language = cursor.value() if cursor.ahead.kind != "]" else None
    cursor.expect("]")
    return text, language


def defaults(cursor: Cursor, key: str) -> List[Tuple[str, Optional[str]]]:
    """(text, language) of each component: `{ "1" [ "$FSTART" hscript-expr ] }`."""
    start = cursor.expect("{")
    components: List[Tuple[str, Optional[str]]] = []
    while cursor.ahead.kind != "}":
        token = cursor.ahead
        if token.kind != "[":
            components.append((cursor.value(), None))
            continue
        text, language = _bracketed(cursor)
        if language not in LANGUAGES:
            raise cursor.problem("the language of a default is hscript-expr or python, not %s" % language, token)
        components.append((text, language))
    cursor.expect("}")
    if not components:
        raise cursor.problem("default without a value", start)
    return components


def count(cursor: Cursor, key: str) -> int:
    """A number of instances, bare or in braces."""
    if cursor.ahead.kind != "{":
        return cursor.integer()
    cursor.expect("{")
    number = cursor.integer()
    cursor.expect("}")
    return number


def menu(cursor: Cursor, key: str) -> Menu:
    """Choices, or the lines of a script that makes them."""
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
        found = Menu((), tuple(script), _menu_language(cursor), key, use_token_value)
    else:
        items = []
        while cursor.ahead.kind != "}":
            items.append((cursor.value(), cursor.value()))
        found = Menu(tuple(items), kind=key, use_token_value=use_token_value)
    cursor.expect("}")
    return found


def _menu_language(cursor: Cursor) -> str:
    if cursor.ahead.kind != WORD:
        return "hscript"
    key, language = cursor.take(), cursor.expect(WORD, STRING)
    if key.text != "language" or language.text not in ("python", "hscript"):
        raise cursor.problem("language python or hscript expected, found %s" % key.text, key)
    return language.text


def statement(words: int, block: bool = False) -> Reader:
    """A reader of so many words, and of a block behind them."""

    def read_statement(cursor: Cursor, key: str) -> Statement:
        values = tuple(cursor.value() for _ in range(words))
        return Statement(key, values, cursor.block() if block else None)

    return read_statement


def code(cursor: Cursor, key: str) -> Statement:
    """VEX code: one text, or a block of lines."""
    if cursor.ahead.kind == "{":
        return Statement(key, (), cursor.block())
    return Statement(key, (cursor.value(),))
