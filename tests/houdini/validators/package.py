"""package.json: strict JSON, known keys, a guard for versions, and nothing that harms Houdini's own environment."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from .findings import Finding, Findings

KEYS = {"name", "show", "hpath", "load_package_once", "enable", "version", "env", "requires", "recommends"}
"""What packages of ours may say. `path` is the old word for `hpath`."""
METHODS = {"append", "prepend", "replace"}
FORBIDDEN = (
    "PYTHONPATH",
    "PYTHONHOME",
    "LD_LIBRARY_PATH",
    "PATH",
    "HOUDINI_PATH",
    "HOUDINI_OTLSCAN_PATH",
    "QT_PLUGIN_PATH",
)
"""Variables that a package of ours must leave alone: Houdini, or the programs it starts, break by them."""
SUPPORTED = ("20.5", "21.0", "22.0")
REFUSED = ("19.5", "20.0", "30.0")
_COMPARISON = re.compile(r"houdini_version (<=|>=|<|>|==|!=) '([0-9]+(?:\.[0-9]+)*)'")


def validate_package(path: Path) -> list[Finding]:
    """Everything that is wrong with a package file of ours; empty when nothing is."""
    found = Findings()
    if path.suffix != ".json":
        found.add("P-EXT", path.name, "Houdini reads only packages whose name ends in .json")
    data = path.read_bytes()
    if b"\r" in data:
        found.add("P-CRLF", path.name, "a carriage return", data[: data.index(b"\r")].count(b"\n") + 1)
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refused)
    except ValueError as error:
        found.add("P-JSON", path.name, str(error), getattr(error, "lineno", None))
        return found
    if not isinstance(document, dict):
        found.add("P-JSON", path.name, "not an object")
        return found
    for key in sorted(set(document) - KEYS):
        found.add("P-KEY", path.name, "%s is not a key of packages" % key)
    _check_guard(document.get("enable"), path.name, found)
    variables = _check_environment(document.get("env"), path.name, found)
    _check_hpath(document.get("hpath"), variables, path.name, found)
    for key, kind in (("name", str), ("version", str), ("load_package_once", bool), ("show", bool)):
        if key in document and type(document[key]) is not kind:
            found.add("P-TYPE", path.name, "%s is not a %s" % (key, kind.__name__))
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def _refused(word: str) -> None:
    raise ValueError("%s is not JSON" % word)


def _check_guard(enable: Any, file: str, found: Findings) -> None:
    if not isinstance(enable, str) or not all(_COMPARISON.fullmatch(part) for part in enable.split(" and ")):
        found.add("P-GUARD", file, "enable must compare houdini_version, so that other versions stay untouched")
        return
    for version, wanted in (*((v, True) for v in SUPPORTED), *((v, False) for v in REFUSED)):
        if all(_holds(version, *match) for match in _COMPARISON.findall(enable)) != wanted:
            found.add("P-GUARD", file, "Houdini %s is %s" % (version, "left out" if wanted else "let in"))


def _holds(version: str, operator: str, other: str) -> bool:
    one, two = ([int(part) for part in text.split(".")] for text in (version, other))
    return {"<": one < two, ">": one > two, "<=": one <= two, ">=": one >= two, "==": one == two, "!=": one != two}[
        operator
    ]


def _check_environment(env: Any, file: str, found: Findings) -> dict[str, str]:
    values: dict[str, str] = {}
    if not isinstance(env, list) or not all(isinstance(entry, dict) and len(entry) == 1 for entry in env):
        found.add("P-ENV", file, "env must be a list of objects with one variable each")
        return values
    for entry in env:
        ((name, setting),) = entry.items()
        if not isinstance(setting, dict) or set(setting) != {"value", "method"} or setting["method"] not in METHODS:
            found.add("P-METHOD", file, "%s needs a value and a method (%s)" % (name, ", ".join(sorted(METHODS))))
            continue
        if name.upper() in FORBIDDEN or not re.fullmatch("[A-Z][A-Z0-9_]*", name):
            found.add("P-FORBIDDEN", file, "%s must not be set by a package" % name)
        value = setting["value"]
        if not isinstance(value, str) or not value or re.match(r"[/~]|[A-Za-z]:", value):
            found.add("P-PATH", file, "%s is %r: a path of one machine, or no text" % (name, value))
            continue
        _check_references(value, {**values, "HOUDINI_PACKAGE_PATH": ""}, name, file, found)
        values[name] = value
    return values


def _check_hpath(hpath: Any, variables: dict[str, str], file: str, found: Findings) -> None:
    if not isinstance(hpath, str) or not hpath.startswith("$"):
        found.add("P-HPATH", file, "hpath must begin with a variable that env sets")
        return
    _check_references(hpath, variables, "hpath", file, found)
    values = " ".join(variables.values())
    if "$HOUDINI_PACKAGE_PATH" not in values:
        found.add("P-HPATH", file, "nothing is relative to the folder of this file")


def _check_references(value: str, known: dict[str, str], name: str, file: str, found: Findings) -> None:
    for used in re.findall(r"\$\{?([A-Za-z_]\w*)", value):
        if used not in known:
            found.add("P-PATH", file, "%s uses $%s, which nothing above it sets" % (name, used))
