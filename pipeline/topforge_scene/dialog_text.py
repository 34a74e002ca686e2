"""DialogScript as text: `write` and `read`, inverse to each other over the model.

`read(write(script)) == script`. Comments, and the order of keys inside a block, are not part of the model.
"""

from __future__ import annotations

from typing import Iterable, Iterator, List, Optional, Tuple, Union

from topforge_scene import dialog_parser
from topforge_scene.dialog_lexer import is_bare, quoted
from topforge_scene.dialog_script import Bound, DialogScript, Entry, Folder, Menu, Multiparm, Parameter, Statement

_INDENT = "    "
_FLAGS = (
    ("base", "baseparm"),
    ("spare", "spare"),
    ("join_next", "joinnext"),
    ("no_label", "nolabel"),
    ("invisible", "invisible"),
    ("invisible_tab", "invisibletab"),
    ("tab_break", "tabbreak"),
    ("unquoted", "unquoted"),
)
_CONDITIONS = (
    ("hide_when", "hidewhen"),
    ("disable_when", "disablewhen"),
    ("hide_when_tab", "hidewhentab"),
    ("disable_when_tab", "disablewhentab"),
)


def read(text: str, where: str = "DialogScript") -> DialogScript:
    """A whole interface.

    Args:
        text: DialogScript.
        where: What to call it in errors.

    Raises:
        SceneError: Anything that the grammar does not have, with its line.
    """
    return dialog_parser.read(text, where)


def read_items(text: str, where: str = ".spareparmdef") -> Tuple[Entry, ...]:
    """The items of an interface without the braces around it: what `.spareparmdef` holds.

    Raises:
        SceneError: Anything that the grammar does not have, with its line.
    """
    return dialog_parser.read_items(text, where)


def write(script: DialogScript) -> str:
    """The text of a whole interface, as Houdini lays it out."""
    lines = ["# Dialog script for %s automatically generated" % script.name, "", "{"]
    lines += ["%s%s\t%s" % (_INDENT, key, _word(value)) for key, value in _head(script)]
    if script.help:
        lines += ["", _INDENT + "help {"] + ["\t" + quoted(line) for line in script.help] + [_INDENT + "}"]
    lines += [""] + [_INDENT + line for line in _labels(script)]
    lines += [_INDENT + _statement(statement) for statement in script.statements]
    lines += [_INDENT + line if line else "" for line in _items(script.items)]
    return "\n".join([*lines, "}", ""])


def write_items(items: Iterable[Entry]) -> str:
    """The text of items without braces around them, as `.spareparmdef` wants it."""
    return "".join(line + "\n" for line in _items(items))


def _head(script: DialogScript) -> Tuple[Tuple[str, str], ...]:
    return ("name", script.name), ("script", script.script or script.name), ("label", script.label)


def _labels(script: DialogScript) -> Iterator[str]:
    for key, labels in (("inputlabel", script.input_labels), ("outputlabel", script.output_labels)):
        for number, label in enumerate(labels, 1):
            if label or number == len(labels):  # the last one tells how many there are
                yield "%s\t%d\t%s" % (key, number, quoted(label))


def _statement(statement: Statement) -> str:
    words = [statement.keyword] + [_word(word) for word in statement.words]
    if statement.block is not None:
        words += ["{"] + [_word(word) for word in statement.block] + ["}"]
    return "\t".join(words)


def _items(items: Iterable[Entry]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Parameter):
            yield "parm {"
            yield from _indented(_parameter(item))
        else:
            yield "%s {" % item.kind
            yield from _indented(_group(item))
            yield ""
            yield from _indented(_items(item.items))
        yield "}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (_INDENT + line if line else "" for line in lines)


def _key(key: str, value: str) -> str:
    return "%-7s %s" % (key, value)


def _parameter(item: Parameter) -> Iterator[str]:
    yield _key("name", quoted(item.name))
    if item.base:
        yield "baseparm"
    yield _key("label", quoted(item.label))
    if item.type:
        yield _key("type", _word(item.type))
    if item.size != 1:
        yield _key("size", str(item.size))
    yield from _flags(item, but="base")
    if item.default:
        yield _key("default", "{ %s }" % " ".join(_defaults(item)))
    yield from _texts(item)
    if item.callback:
        yield _key("callback", quoted(item.callback))
    if item.menu is not None:
        yield from _menu(item.menu)
    if item.range is not None:
        yield _range(item.range)
    yield from _conditions(item)
    yield from _tags("parmtag", item.tags)
    if item.bind_selector:
        yield "bindselector " + " ".join(_word(word) for word in item.bind_selector)


def _group(item: Union[Folder, Multiparm]) -> Iterator[str]:
    yield _key("name", quoted(item.name))
    yield _key("label", quoted(item.label))
    yield from _flags(item)
    if isinstance(item, Multiparm) and item.default is not None:
        yield _key("default", str(item.default))
    if isinstance(item, Multiparm) and item.range is not None:
        yield _range(item.range)
    yield from _texts(item)
    yield from _conditions(item)
    if isinstance(item, Folder):
        yield from _tags("grouptag", item.tags)
        yield from _tags("parmtag", item.parm_tags)
    else:
        yield from _tags("parmtag", item.tags)
        yield from _tags("grouptag", item.group_tags)


def _flags(item: Entry, but: str = "") -> Iterator[str]:
    return (key for field, key in _FLAGS if field != but and getattr(item, field, False))


def _texts(item: Entry) -> Iterator[str]:
    for key, text in (("help", item.help), ("export", item.export)):
        if text:
            yield _key(key, quoted(text) if key == "help" else _word(text))


def _conditions(item: Entry) -> Iterator[str]:
    for field, key in _CONDITIONS:
        if getattr(item, field, ""):
            yield _key(key, quoted(getattr(item, field)))


def _tags(key: str, tags: Iterable[Tuple[str, str]]) -> Iterator[str]:
    return ("%s { %s %s }" % (key, quoted(name), quoted(value)) for name, value in tags)


def _defaults(item: Parameter) -> Iterator[str]:
    for component, text in enumerate(item.default):
        language: Optional[str] = item.language(component)
        yield quoted(text) if language is None else "[ %s %s ]" % (quoted(text), language)


def _range(bounds: Tuple[Bound, Bound]) -> str:
    return _key("range", "{ %s }" % " ".join(_number(end.value) + "!" * end.locked for end in bounds))


def _number(value: float) -> str:
    return "%d" % value if value == int(value) and abs(value) < 1e15 else repr(value)


def _menu(menu: Menu) -> List[str]:
    lines = [_INDENT + "[ %s ]" % quoted(line) for line in menu.script]
    if menu.script and menu.language == "python":
        lines.append(_INDENT + "language python")
    lines += [_INDENT + "%-7s %s" % (quoted(token), quoted(label)) for token, label in menu.items]
    return ["%s %s{" % (menu.kind, "usetokenvalue " if menu.use_token_value else ""), *lines, "}"]


def _word(text: str) -> str:
    return text if is_bare(text) else quoted(text)
