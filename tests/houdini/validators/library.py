"""Expanded assets: the folder, its lists and index, and every operator in it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Mapping

from topforge_scene import asset_files, asset_index, asset_sections, mangle
from topforge_scene.asset_index import Record
from topforge_scene.errors import SceneError

from . import operator_sections
from .context import Context, repository
from .findings import Finding, Findings

INDEX = "INDEX__SECTION"
LIST = "Sections.list"
MARKER = "houdini.hdalibrary"


def validate_library(folder: Path, context: Context | None = None) -> list[Finding]:
    """Everything that is wrong with an expanded asset of ours; empty when nothing is.

    Args:
        folder: `otls/<name>.hda`.
        context: What it is checked against; this repository when not given.
    """
    found = Findings()
    if folder.suffix not in (".hda", ".otl"):
        found.add("L-EXT", folder.name, "Houdini loads only folders whose name ends in .hda")
    try:
        files = asset_files.read_files(folder)
    except SceneError as error:
        found.refused("L-MISSING", error)
        return found
    return [*found, *check_files(files, context)]


def check_files(files: Mapping[str, bytes], context: Context | None = None) -> list[Finding]:
    """The same for files that are no folder: content by path inside of it."""
    found = Findings()
    for name, data in files.items():
        if b"\r" in data:
            found.add("L-CRLF", name, "a carriage return", data[: data.index(b"\r")].count(b"\n") + 1)
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            found.add("L-UTF8", name, "not UTF-8", data.count(b"\n", 0, error.start) + 1)
    _check_library(files, context or repository(), found)
    return found


def _check_library(files: Mapping[str, bytes], context: Context, found: Findings) -> None:
    names = section_list(files, LIST, found)
    records = _records(files, found)
    paths = {mangle.operator_path(record.operator, record.table): record for record in records}
    expected = {"INDEX_SECTION", MARKER, *paths}
    for name in sorted(expected - set(names)):
        found.add("L-NOOP", LIST, "%s is not listed" % name)
    for name in sorted(set(names) - expected):
        found.add("L-NOOP", LIST, "%s is in no record of the index" % name)
    if files.get(MARKER, b"?") != b"":
        found.add("L-MARKER", MARKER, "must be there and empty")
    if len(paths) != len(records):
        found.add("L-INDEX", INDEX, "an operator has two records")
    folders = {_mangled(path): record for path, record in paths.items()}
    for name in files:
        top, separator, _ = name.partition("/")
        if (separator and top not in folders) or (not separator and top not in (INDEX, LIST, MARKER)):
            found.add("L-STALE", name, "belongs to no operator of the index")
    for folder, record in folders.items():
        inside = {name[len(folder) + 1 :]: data for name, data in files.items() if name.startswith(folder + "/")}
        if not inside:
            found.add("L-MISSING", folder, "the operator's folder is missing")
            continue
        _check_listed(inside, folder, found)
        operator_sections.check(record, inside, folder, context, found)


def section_list(files: Mapping[str, bytes], path: str, found: Findings) -> list[str]:
    """The real names of a `Sections.list`, with findings for lines that are none."""
    lines = files.get(path, b"").decode("utf-8", "replace").split("\n")
    if lines[0] != '""' or lines[-1] != "":
        found.add("L-SECT", path, 'must begin with "" and end with a line feed', 1)
    names: list[str] = []
    for number, line in enumerate(lines[1:-1], 2):
        file_name, tab, name = line.partition("\t")
        if not tab or not name or "\t" in name:
            found.add("L-SECT", path, "not a file name, a tab and a name: %r" % line, number)
        elif _mangled(name) != file_name:
            found.add("L-MANGLE", path, "%s is not the file name of %s" % (file_name, name), number)
        elif name in names:
            found.add("L-SECT", path, "%s is listed twice" % name, number)
        else:
            names.append(name)
    return names


def _check_listed(inside: Mapping[str, bytes], folder: str, found: Findings) -> None:
    inside = {name: data for name, data in inside.items()}
    path = folder + "/" + LIST
    listed = section_list({path: inside.get(LIST, b"")}, path, found)
    files = {"Contents.gz": "Contents.dir/Contents.mime", **{n: _mangled(n) for n in listed if n != "Contents.gz"}}
    for name in listed:
        if files[name] not in inside:
            found.add("L-MISSING", "%s/%s" % (folder, name), "is listed, but not there")
    wanted = {files[name] for name in listed} | {LIST}
    if "Contents.gz" in listed:
        wanted.add("Contents.dir/" + LIST)
        if inside.get("Contents.dir/" + LIST) != b'""\nContents.mime\tContents.mime\n':
            found.add("L-SECT", "%s/Contents.dir/%s" % (folder, LIST), "must list Contents.mime and nothing else")
    for name in sorted(set(inside) - wanted):
        found.add("L-UNLISTED", "%s/%s" % (folder, name), "no list names this section")


def _records(files: Mapping[str, bytes], found: Findings) -> tuple[Record, ...]:
    try:
        records = asset_index.from_text(files.get(INDEX, b""), INDEX)
    except SceneError as error:
        found.refused("L-INDEX", error)
        return ()
    for record in records:
        try:
            path = mangle.operator_path(record.operator, record.table)
            mangle.mangled(path)
        except SceneError as error:
            found.refused("L-INDEX", error, INDEX)
            return ()
        if record.path != "oplib:/%s?%s" % (path, path):
            found.add("L-PATH", INDEX, "Path is %s, must be oplib:/%s?%s" % (record.path, path, path))
        _check_record(record, found)
    return records


def _check_record(record: Record, found: Findings) -> None:
    wrong = []
    if record.table not in asset_sections.TABLES:
        wrong.append("Table")
    if record.license or record.user or record.extra:
        wrong.append("License, User or Extra")
    if record.python or record.empty:
        wrong.append("Python or Empty")
    if record.min_inputs > record.max_inputs:
        wrong.append("Inputs")
    if record.modified != asset_files.MODIFIED:
        wrong.append("Modified")
    if not re.fullmatch(r"[a-z]+::[a-z_][a-z0-9_]*::[0-9]+\.[0-9]+", record.operator) or not record.label.strip():
        wrong.append("Operator or Label")
    for field in wrong:
        found.add("L-INDEX", INDEX, "%s of %s is not what an operator of ours has" % (field, record.operator))


def _mangled(name: str) -> str:
    try:
        return mangle.mangled(name)
    except SceneError:
        return ""
