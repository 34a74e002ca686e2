"""Houdini packages (`package.json`), read strictly: an unknown key, method or word in an expression is a failure.

Keys, expressions and variables as pdg.md documents them (section 6.2). Comparisons are of text, as documented.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from ._strict import NotInStandIn

_KEYS = {"name", "version", "show", "load_package_once", "enable", "hpath", "env"}
_METHODS = ("prepend", "append", "replace")
_TOKEN = re.compile(r"\s*(==|!=|<=|>=|<|>|\(|\)|'[^']*'|\$\w+|\w+)")


class Package:
    """What one file does to a session."""

    def __init__(self, path: Path, environment: Dict[str, str], words: Mapping[str, str]) -> None:
        data = json.loads(path.read_text(encoding="utf-8"))
        unknown = set(data) - _KEYS
        if unknown:
            raise NotInStandIn("the keys %s of %s" % (sorted(unknown), path))
        self.enabled = _enabled(data.get("enable", True), {**environment, **_named(words)})
        self.folders: List[str] = []
        if not self.enabled:
            return
        known = {**environment, "HOUDINI_PACKAGE_PATH": str(path.parent)}
        for entry in data.get("env", []):
            for name, value in _settings(entry):
                environment[name] = known[name] = _set(known.get(name), value, known)
        hpath = data.get("hpath", [])
        for folder in hpath if isinstance(hpath, list) else [hpath]:
            self.folders.append(_expand(folder, known))


def _named(words: Mapping[str, str]) -> Dict[str, str]:
    return {"houdini_" + name: value for name, value in words.items()}


def _enabled(condition: Any, known: Mapping[str, str]) -> bool:
    if isinstance(condition, bool):
        return condition
    if not isinstance(condition, str):
        raise NotInStandIn("the condition %r of a package" % (condition,))
    return holds(condition, known)


def holds(expression: str, known: Mapping[str, str]) -> bool:
    """Whether an expression like `houdini_version >= '20.5' and houdini_os != 'windows'` is true."""
    tokens, at = [], 0
    text = expression.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise NotInStandIn("%r in the expression %r of a package" % (text[at:], expression))
        tokens.append(match[1])
        at = match.end()
    value, rest = _either(tokens, known)
    if rest:
        raise NotInStandIn("%r in the expression %r of a package" % (" ".join(rest), expression))
    return value


def _either(tokens: List[str], known: Mapping[str, str]) -> Tuple[bool, List[str]]:
    value, rest = _both(tokens, known)
    while rest and rest[0] == "or":
        right, rest = _both(rest[1:], known)
        value = value or right
    return value, rest


def _both(tokens: List[str], known: Mapping[str, str]) -> Tuple[bool, List[str]]:
    value, rest = _comparison(tokens, known)
    while rest and rest[0] == "and":
        right, rest = _comparison(rest[1:], known)
        value = value and right
    return value, rest


def _comparison(tokens: List[str], known: Mapping[str, str]) -> Tuple[bool, List[str]]:
    if tokens and tokens[0] == "(":
        value, rest = _either(tokens[1:], known)
        if not rest or rest[0] != ")":
            raise NotInStandIn("an expression of a package with a missing )")
        return value, rest[1:]
    if len(tokens) < 3:
        raise NotInStandIn("the end of an expression of a package: %r" % " ".join(tokens))
    left, operator, right = _operand(tokens[0], known), tokens[1], _operand(tokens[2], known)
    outcomes = {"==": left == right, "!=": left != right, "<": left < right, ">": left > right}
    outcomes.update({"<=": left <= right, ">=": left >= right})
    if operator not in outcomes:
        raise NotInStandIn("the operator %r in an expression of a package" % operator)
    return outcomes[operator], tokens[3:]


def _operand(token: str, known: Mapping[str, str]) -> str:
    if token.startswith("'"):
        return token[1:-1]
    name = token.lstrip("$")
    if name not in known:
        raise NotInStandIn("%r in an expression of a package" % token)
    return known[name]


def _settings(entry: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    if set(entry) & {"var", "value", "method"}:
        raise NotInStandIn("the old spelling of env in a package")
    return list(entry.items())


def _set(current: Any, value: Any, known: Mapping[str, str]) -> str:
    if not isinstance(value, dict) or set(value) != {"value", "method"} or value["method"] not in _METHODS:
        raise NotInStandIn("env without a value and a method: %r" % (value,))
    text = _expand(value["value"], known)
    if value["method"] == "replace" or not current:
        return text
    return text + ":" + current if value["method"] == "prepend" else current + ":" + text


def _expand(text: str, known: Mapping[str, str]) -> str:
    def one(match: Any) -> str:
        name = match[1] or match[2]
        if name not in known:
            raise NotInStandIn("$%s in a package" % name)
        return known[name]

    return re.sub(r"\$(?:\{(\w+)\}|(\w+))", one, text)
