"""Neuralangelo's example configs, read without a YAML library: they are written in the plain part of YAML."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from topforge.errors import TopForgeError
from topforge.trainers.neuralangelo_config import PARENT
from topforge.trainers.neuralangelo_keys import KEYS
from topforge.trainers.upstream.examples import Example

PLACES = ("projects/neuralangelo/configs/*.yaml", "projects/neuralangelo/configs/custom/template.yaml")
"""Others in `custom` are people's own: upstream's generate_config writes there."""
UNBOUNDED = "max_viz_samples"
"""null there is no limit to what previews show, which our option cannot say; it decides no result."""
_COMMENT = re.compile(r"""((?:[^'"#]|"[^"]*"|'[^']*'|(?<!\s)#)*?)(?:(?:^|\s+)#.*)?$""")
_ENTRY = re.compile(r"""(?P<indent> *)(?P<key>[\w.]+):(?:\s+(?P<value>.*))?$""")
_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$")
_CONSTANTS: Dict[str, Any] = {"{}": {}, "": None, "~": None, "null": None, "None": None, "true": True, "True": True}
_CONSTANTS.update({"false": False, "False": False})


class UnreadableYamlError(TopForgeError):
    """A line that is not of the plain kind."""

    def __init__(self, where: str, line: int, text: str) -> None:
        super().__init__(
            '%s, line %d: "%s" is YAML of a kind that TopForge does not read.' % (where, line, text.strip()),
            "Compare that file with the preset by eye.",
        )


def examples(folder: Path) -> Tuple[Example, ...]:
    """The example configs of the checkout in `folder`, but the one that the others build on."""
    options = {key: name for name, key in KEYS.items()}
    found = []
    for path in (path for place in PLACES for path in sorted(folder.glob(place))):
        file = path.relative_to(folder).as_posix()
        if file == PARENT:
            continue
        read = values(path)
        named = {options[key]: value for key, value in read.items() if key in options}
        if named.get(UNBOUNDED, 0) is None:
            del named[UNBOUNDED]
        found.append(Example(path.stem, file, named, tuple(key for key in read if key not in options)))
    return tuple(found)


def defaults(folder: Path) -> Mapping[str, Any]:
    """What the file that the examples build on says, by option."""
    read = values(folder / PARENT)
    return {name: read[key] for name, key in KEYS.items() if key in read}


def values(path: Path) -> Dict[str, Any]:
    """The values of a YAML file by dotted key; `_parent_` is left out.

    Raises:
        UnreadableYamlError: It is not as plain as that.
    """
    found: Dict[str, Any] = {}
    above: List[Tuple[int, str]] = []
    for number, indent, key, text in _entries(path):
        while above and above[-1][0] >= indent:
            above.pop()
        dotted = ".".join([*(name for _, name in above), key])
        above.append((indent, key))
        found.pop(".".join(name for _, name in above[:-1]), None)  # it has entries, so it was no empty value
        try:
            found[dotted] = _value(text)
        except ValueError:
            raise UnreadableYamlError(str(path), number, text) from None
    found.pop("_parent_", None)
    return found


def _entries(path: Path) -> Iterator[Tuple[int, int, str, str]]:
    """Line number, indentation, key and the text of the value."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        matched = _COMMENT.match(line)
        text = (matched.group(1) if matched else line).rstrip()
        if not text or text == "---":
            continue
        entry = _ENTRY.match(text)
        if entry is None:
            raise UnreadableYamlError(str(path), number, line)
        yield number, len(entry.group("indent")), entry.group("key"), (entry.group("value") or "").strip()


def _value(text: str) -> Any:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _NUMBER.match(text):
        return float(text) if any(letter in text for letter in ".eE") else int(text)
    if text[0] == "[" and text[-1] == "]":
        inside = text[1:-1].strip()
        return [_value(part.strip()) for part in inside.split(",")] if inside else []
    if text[0] in "'\"":
        return ast.literal_eval(text)
    if text[0] in "[{&*!|>-%@`":
        raise ValueError(text)
    return text
