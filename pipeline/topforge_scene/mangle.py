"""Names as files: an expanded asset stores `acme::Top/lens_sorter::1.0` as `acme_8_8Top_1lens__sorter_8_81.0`.

Measured on every name of SideFX Labs: an underscore always begins an escape, and these are the characters that have
one. That of `?` was never seen; it is left out, as no operator's name can hold one.
"""

from __future__ import annotations

import re
from typing import Tuple

from topforge_scene.errors import SceneError

_ESCAPES = {"_": "__", "/": "_1", ":": "_8"}
_PLAIN = {escape: character for character, escape in _ESCAPES.items()}
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*")


def mangled(name: str) -> str:
    """The file name of a section or operator path.

    Raises:
        SceneError: A character that Houdini's own names never have.
    """
    strange = re.search(r"[^A-Za-z0-9_./:+-]", name)
    if strange or not name:
        problem = "the name %r holds %r" % (name, strange.group()) if strange else "an empty name"
        raise SceneError(name, problem, fix="Use letters, digits, underscores, dots and colons.")
    return "".join(_ESCAPES.get(character, character) for character in name)


def unmangled(file_name: str) -> str:
    """The name behind a file name.

    Raises:
        SceneError: An underscore that begins no escape, or a character that should be one.
    """
    if re.fullmatch(r"(?:[^_/:]|_[_18])+", file_name) is None:
        raise SceneError(file_name, "not a name as Houdini writes it (underscore __, colon _8, slash _1)")
    return re.sub(r"_.", lambda match: _PLAIN[match.group()], file_name)


def operator_path(name: str, table: str) -> str:
    """Where an operator lives: `acme::lens_sorter::1.0` of table Top is `acme::Top/lens_sorter::1.0`."""
    namespaces, base, version = split_name(name)
    return "".join(part + "::" for part in namespaces) + "%s/%s" % (table, base) + ("::" + version if version else "")


def split_name(name: str) -> Tuple[Tuple[str, ...], str, str]:
    """(namespaces, name, version) of `[namespace::]name[::version]`; the version is "" when there is none.

    The last part is a version when it is a number: `1`, `1.0`, `2.5.1`.
    """
    parts = name.split("::")
    version = parts.pop() if len(parts) > 1 and _VERSION.fullmatch(parts[-1]) else ""
    return tuple(parts[:-1]), parts[-1], version
