"""Reading JSON that a person wrote: what `json` lets pass or explains badly is refused with its line.

Duplicate keys (the last would win in silence), NaN and infinities (not JSON), comments and trailing commas.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from topforge.errors import TopForgeError

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\]:,]|-?(?:NaN|Infinity)')


class JsonError(TopForgeError):
    """A file that is not the JSON it should be."""

    def __init__(self, where: str, line: Optional[int], problem: str, fix: str) -> None:
        place = where if line is None else "%s, line %d" % (where, line)
        super().__init__("%s: %s." % (place, problem), fix)


class _RefusedError(Exception):
    """Raised by the hooks below, which know what is wrong but not on which line."""


def read(path: Path) -> Any:
    """The value in the JSON file `path` (UTF-8, with or without byte order mark).

    Raises:
        JsonError: Missing or unreadable file, or what `parse` refuses.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise JsonError(str(path), None, "byte %d is not UTF-8" % error.start, "Save the file as UTF-8.") from error
    except FileNotFoundError:
        raise JsonError(str(path), None, "there is no such file", "Check the path.") from None
    except IsADirectoryError:
        raise JsonError(str(path), None, "it is a folder", "Name the file that is meant.") from None
    except OSError as error:
        raise JsonError(str(path), None, error.strerror or str(error), "Make the file readable.") from error
    return parse(text, str(path))


def parse(text: str, where: str) -> Any:
    """The value of JSON text; `where` names its origin in messages.

    Raises:
        JsonError: With the line and what to change.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except _RefusedError:
        raise _explain_refusal(text, where) from None
    except RecursionError:
        raise JsonError(where, None, "is nested too deeply", "Flatten it.") from None
    except ValueError as error:
        position = error.pos if isinstance(error, json.JSONDecodeError) else 0
        raise _explain_syntax(text, where, position, str(error)) from error


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _RefusedError
    return result


def _refuse_constant(name: str) -> Any:
    raise _RefusedError


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _explain_refusal(text: str, where: str) -> JsonError:
    """Walks the tokens of syntactically sound text to the first duplicate key or non-number."""
    objects: List[Dict[str, int]] = []
    tokens = list(_TOKEN.finditer(text))
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]]):
        word, line = token.group(), _line(text, token.start())
        if word in "{[":
            objects.append({})
        elif word in "}]":
            objects.pop()
        elif word.lstrip("-") in ("NaN", "Infinity"):
            return JsonError(where, line, "%s is not a JSON number" % word, "Give a finite number.")
        elif word.startswith('"') and following.group() == ":":
            first = objects[-1].get(json.loads(word))
            if first is not None:
                return JsonError(where, line, "key %s is there twice (first on line %d)" % (word, first), "Remove one.")
            objects[-1][json.loads(word)] = line
    raise AssertionError("the decoder refused text in which nothing is wrong")


def _explain_syntax(text: str, where: str, position: int, message: str) -> JsonError:
    line, rest = _line(text, position), text[position:].lstrip()
    if rest.startswith(("//", "/*", "#")):
        return JsonError(where, line, "JSON has no comments", "Remove the comment.")
    before = text[:position].rstrip()
    if (rest[:1] in ("}", "]") and before.endswith(",")) or (rest[:1] == "," and rest[1:].lstrip()[:1] in ("}", "]")):
        line = _line(text, text.rfind(",", 0, position + 1))
        return JsonError(where, line, "there is a comma after the last entry", "Remove that comma.")
    if rest.startswith("'"):
        return JsonError(where, line, "text is in single quotes", 'Use double quotes (").')
    return JsonError(where, line, "is not valid JSON (%s)" % message.split(":")[0], "Correct that line.")
