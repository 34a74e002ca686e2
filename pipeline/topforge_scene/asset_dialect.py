"""The network of an expanded asset as the entries it has in memory, whichever way its times and versions are kept.

TopForge writes them where they belong. Houdini can put them into three files beside `Contents.mime` instead
(`Contents.createtimes`, `.modtimes`, `.houdini_versions`), so that saving twice changes little; -1 and `___EXTERNAL___`
stand in their places then. Definitions of other assets (`.OPdummydefs`) may be files of their own, too.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Mapping, Tuple

from topforge_scene import mime, options
from topforge_scene.errors import SceneError

EXTERNAL = (".OPfallbacks", ".OPdummydefs")
"""Entries that Houdini keeps as files beside `Contents.mime`."""
_TIMES = (("Contents.createtimes", b"create"), ("Contents.modtimes", b"modify"))
_VERSIONS = "Contents.houdini_versions"
_ELSEWHERE = "___EXTERNAL___"


def to_entries(folder: Mapping[str, bytes], where: str) -> Dict[str, bytes]:
    """The entries of a network, complete.

    Args:
        folder: Content of the files in `Contents.dir`, by name.
        where: What to call the folder in errors.

    Raises:
        SceneError: A file is malformed, or names an entry that is not there.
    """
    data = folder.get("Contents.mime")
    if data is None:
        raise SceneError(where + "/Contents.mime", "is missing")
    entries = {
        name: folder[file] for name, file in mime.references(data, where + "/Contents.mime").items() if file in folder
    }  # those that are not there were left out of version control: Houdini makes them anew
    entries.update(mime.decode(data, where + "/Contents.mime"))
    for file, word in _TIMES:
        if file in folder:
            _put_times(entries, _json(folder[file], where + "/" + file), word, where + "/" + file)
    if _VERSIONS in folder:
        _put_versions(entries, _json(folder[_VERSIONS], where + "/" + _VERSIONS), where + "/" + _VERSIONS)
    return entries


def to_folder(entries: Mapping[str, bytes]) -> Dict[str, bytes]:
    """The files of `Contents.dir` for a network, all times and versions in their places."""
    external = {name: name for name in EXTERNAL if name in entries}
    inside = {name: content for name, content in entries.items() if name not in external}
    names = ["Contents.mime", *external]
    listing = '""\n' + "".join("%s\t%s\n" % (name, name) for name in names[:1])
    files = {"Contents.mime": mime.encode(inside, external), "Sections.list": listing.encode("utf-8")}
    files.update((name, entries[name]) for name in external)
    return files


def _json(data: bytes, where: str) -> Dict[str, Any]:
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise SceneError(where, "not JSON: %s" % error) from None
    if not isinstance(document, dict):
        raise SceneError(where, "not a JSON object")
    return document


def _put_times(entries: Dict[str, bytes], times: Mapping[str, Any], word: bytes, where: str) -> None:
    for name, seconds in times.items():
        if name not in entries or type(seconds) is not int:
            raise SceneError(where, "%s: %r is no time of an entry" % (name, seconds))
        line = re.compile(rb"^  %s -1$" % word, re.MULTILINE)
        entries[name] = line.sub(b"  %s %d" % (word, seconds), entries[name])


def _put_versions(entries: Dict[str, bytes], versions: Mapping[str, Any], where: str) -> None:
    values, indexes = _tables(versions, where)
    for name, index in indexes.items():
        if name not in entries or type(index) is not int or not 0 <= index < len(values):
            raise SceneError(where, "%s: %r is no version of an entry" % (name, index))
        known = options.from_binary(entries[name], name)
        for option, value in known.items():
            if value == _ELSEWHERE:
                known[option] = str(values[index])
        entries[name] = options.to_binary(known)


def _tables(versions: Mapping[str, Any], where: str) -> Tuple[Any, Dict[str, Any]]:
    values, indexes = versions.get("values"), versions.get("indexes")
    if not isinstance(values, list) or not isinstance(indexes, dict):
        raise SceneError(where, "has no values and indexes")
    return values, indexes
