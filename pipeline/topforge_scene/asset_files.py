"""Expanded assets: a library as a folder of text files, which Houdini loads as it is and git can compare.

    <library>.hda/
        INDEX__SECTION  Sections.list  houdini.hdalibrary
        <operator path, mangled>/
            DialogScript  CreateScript  TypePropertiesOptions  Help  Tools.shelf  ...  Sections.list
            Contents.dir/
                Contents.mime  Sections.list

Two runs over one library give the same bytes: nothing in the files tells when or where they were written.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Dict, List, Mapping

from topforge_scene import asset_index, asset_sections, dialog_text, entries, mangle, mime
from topforge_scene.asset import Library, Operator
from topforge_scene.asset_index import Record
from topforge_scene.errors import SceneError
from topforge_scene.network import Node

MODIFIED = 1700000000
"""When every operator says it was changed: a constant, because git tells it better."""
MARKER = "houdini.hdalibrary"
INDEX = "INDEX_SECTION"
LIST = "Sections.list"
ROOT = "hdaroot"
CONTENTS_LIST = b'""\nContents.mime\tContents.mime\n'
_TEXTS = {
    "IconSVG": "icon_svg",
    "PythonModule": "python_module",
    "MessageNodes": "message_nodes",
    "EditableNodes": "editable_nodes",
    "DescriptiveParmName": "descriptive_parm",
}
"""Sections that hold one field of an operator as it is, and are left out when it is empty."""
EVENTS = ("OnCreated", "OnLoaded", "OnUpdated", "OnDeleted", "OnNameChanged", "OnInputChanged", "SyncNodeVersion")
"""Sections that hold Python which Houdini runs by itself."""


def files(library: Library) -> Dict[str, bytes]:
    """Every file of the expanded library: path inside the folder, with `/` -> content.

    Raises:
        SceneError: Something that cannot be written down, such as an unknown table or a name with a blank.
    """
    paths = [mangle.operator_path(operator.name, operator.table) for operator in library.operators]
    found = {
        mangle.mangled(INDEX): asset_index.to_text([_record(operator) for operator in library.operators]),
        LIST: section_list([INDEX, MARKER, *paths]),
        MARKER: b"",
    }
    for operator, path in zip(library.operators, paths):
        sections = _sections(operator)
        listed = [name for name in sections if "/" not in name]
        if operator.contents is not None:
            listed.insert(listed.index("InternalFileOptions") + 1, "Contents.gz")
        sections[LIST] = section_list(listed)
        found.update((mangle.mangled(path) + "/" + name, content) for name, content in sections.items())
    return found


def write(library: Library, folder: Path) -> None:
    """Makes the folder hold exactly this library; what was in it before is gone.

    Raises:
        SceneError: The library cannot be written down, or the folder is something else than a library.
    """
    content = files(library)
    if folder.exists():
        if not (folder / MARKER).is_file():
            raise SceneError(str(folder), "exists and is no library", fix="Move it away or choose another folder.")
        shutil.rmtree(str(folder))
    for name, data in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read(folder: Path) -> Library:
    """The library in a folder, read strictly: what the model cannot hold is refused, not dropped.

    Raises:
        SceneError: Naming the file, and the line where there is one.
    """
    try:
        return library(read_files(folder))
    except SceneError as error:
        raise error.within(str(folder)) from None


def read_files(folder: Path) -> Dict[str, bytes]:
    """Every file below a folder: path inside it -> content, sorted.

    Raises:
        SceneError: There is no such folder.
    """
    if not folder.is_dir():
        raise SceneError(str(folder), "no such folder", fix="Name a folder that ends in .hda.")
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def library(content: Mapping[str, bytes]) -> Library:
    """The library that these files are; the reverse of `files`.

    Raises:
        SceneError: Naming the file.
    """
    top = listed(_file(content, LIST), LIST)
    records = asset_index.from_text(_file(content, mangle.mangled(INDEX)), mangle.mangled(INDEX))
    paths = [mangle.operator_path(record.operator, record.table) for record in records]
    if sorted(top) != sorted([INDEX, MARKER, *paths]) or _file(content, MARKER):
        raise SceneError(LIST, "must name the index, the empty marker and what is in the index: %s" % ", ".join(paths))
    operators, used = [], {LIST, MARKER, mangle.mangled(INDEX)}
    for record, path in zip(records, paths):
        folder = mangle.mangled(path) + "/"
        inside = {name[len(folder) :]: data for name, data in content.items() if name.startswith(folder)}
        used |= {folder + name for name in inside}
        operators.append(_operator(record, inside, folder))
    unknown = sorted(set(content) - used)
    if unknown:
        raise SceneError(unknown[0], "a file that no list names")
    return Library(tuple(operators))


def section_list(names: List[str]) -> bytes:
    """`Sections.list`: file name, tab, real name."""
    lines = ["%s\t%s\n" % (mangle.mangled(name), name) for name in names]
    return ('""\n' + "".join(lines)).encode("utf-8")


def listed(data: bytes, where: str) -> List[str]:
    """The real names in a `Sections.list`.

    Raises:
        SceneError: A line that is not two names, names that do not belong together, or one twice.
    """
    lines = data.decode("utf-8", "replace").split("\n")
    if lines[0] != '""' or lines[-1] or len(lines) < 2:
        raise SceneError(where, 'must begin with "" and end with a line feed', 1)
    names: List[str] = []
    for number, line in enumerate(lines[1:-1], 2):
        file_name, _, name = line.partition("\t")
        if not name or mangle.mangled(name) != file_name or name in names:
            raise SceneError(where, '"%s" is not a file name, a tab and its name, once' % line, number)
        names.append(name)
    return names


def _record(operator: Operator) -> Record:
    path = mangle.operator_path(operator.name, operator.table)
    return Record(
        operator=operator.name,
        label=operator.label,
        path="oplib:/%s?%s" % (path, path),
        icon=asset_sections.icon(operator.table, operator.name, own=bool(operator.icon_svg)),
        table=operator.table,
        min_inputs=operator.min_inputs,
        max_inputs=operator.max_inputs,
        outputs=operator.outputs,
        subnet=operator.contents is not None,
        modified=MODIFIED,
        extra=operator.extra,
    )


def _sections(operator: Operator) -> Dict[str, bytes]:
    """Section -> content, in the most common order; the network's files have a `/` in their name."""
    summary = asset_sections.summary(operator.help)
    sections = {
        "DialogScript": dialog_text.write(operator.interface).encode("utf-8"),
        "CreateScript": asset_sections.create_script(operator.name, operator.table, operator.version),
        "TypePropertiesOptions": asset_sections.TYPE_PROPERTIES,
        "Help": operator.help.encode("utf-8"),
        "Tools.shelf": asset_sections.tool_section(operator.table, operator.submenus, operator.keywords, summary),
    }
    if operator.contents is not None:
        sections["InternalFileOptions"] = asset_sections.INTERNAL_OPTIONS
        network = {"node_type": operator.table.encode("utf-8") + b"\n"}
        network.update(entries.to_entries(operator.contents, ROOT, table=operator.table))
        sections["Contents.dir/Contents.mime"] = mime.encode(network)
        sections["Contents.dir/" + LIST] = CONTENTS_LIST
    for name, field in _TEXTS.items():
        if getattr(operator, field):
            sections[name] = getattr(operator, field).encode("utf-8")
    sections.update((name, operator.events[name].encode("utf-8")) for name in sorted(operator.events))
    if operator.version:
        sections["Version"] = asset_sections.version_section(operator.version)
    sections["ExtraFileOptions"] = asset_sections.script_options(_scripts(operator))
    return sections


def _scripts(operator: Operator) -> List[str]:
    return [*operator.events, *(["PythonModule"] if operator.python_module else [])]


def _operator(record: Record, inside: Mapping[str, bytes], folder: str) -> Operator:
    try:
        return _parsed(record, inside)
    except SceneError as error:
        raise SceneError(folder + error.where, error.problem, error.line, error.fix) from None


def _parsed(record: Record, inside: Mapping[str, bytes]) -> Operator:
    texts = {name: _text(data, name) for name, data in inside.items() if "/" not in name and name != "Version"}
    operator = Operator(
        name=record.operator,
        label=record.label,
        table=record.table,
        interface=dialog_text.read(texts.get("DialogScript", ""), "DialogScript"),
        contents=_contents(inside, record.table) if record.subnet else None,
        min_inputs=record.min_inputs,
        max_inputs=record.max_inputs,
        outputs=record.outputs,
        help=texts.get("Help", ""),
        events={name: texts[name] for name in EVENTS if name in texts},
        extra=record.extra,
        icon_svg=texts.get("IconSVG", ""),
        python_module=texts.get("PythonModule", ""),
        message_nodes=texts.get("MessageNodes", ""),
        editable_nodes=texts.get("EditableNodes", ""),
        descriptive_parm=texts.get("DescriptiveParmName", ""),
    )
    return _checked(operator, record, inside)


def _checked(operator: Operator, record: Record, inside: Mapping[str, bytes]) -> Operator:
    """The operator with what the other sections say, once they all agree with it."""
    name, table = operator.name, operator.table
    version = asset_sections.read_create_script(_file(inside, "CreateScript"), name, table, "CreateScript")
    tool = _file(inside, "Tools.shelf")
    submenus, keywords = asset_sections.read_tool(tool, table, asset_sections.summary(operator.help), "Tools.shelf")
    asset_sections.read_script_options(_file(inside, "ExtraFileOptions"), _scripts(operator), "ExtraFileOptions")
    if ("Version" in inside) != bool(version) or version != _version(inside):
        raise SceneError("Version", "is not the version that CreateScript gives to new nodes")
    operator = dataclasses.replace(operator, version=version, submenus=submenus, keywords=keywords)
    _same_constants(operator, inside)
    if _record(operator) != dataclasses.replace(record, modified=MODIFIED):
        raise SceneError("../" + mangle.mangled(INDEX), "the record of %s does not fit its sections" % name)
    return operator


def _same_constants(operator: Operator, inside: Mapping[str, bytes]) -> None:
    expected = _sections(operator)
    names = [name for name in expected if "/" not in name] + ["Contents.gz"] * (operator.contents is not None)
    if sorted(listed(_file(inside, LIST), LIST)) != sorted(names) or set(inside) != {*expected, LIST}:
        different = sorted(set(inside) ^ {*expected, LIST})
        raise SceneError(different[0] if different else LIST, "listed and present sections differ, or one is unknown")
    for name in ("TypePropertiesOptions", "InternalFileOptions", "Contents.dir/" + LIST):
        if name in expected and inside[name] != expected[name]:
            raise SceneError(name, "differs from the constant that every asset has")


def _contents(inside: Mapping[str, bytes], table: str) -> Node:
    where = "Contents.dir/Contents.mime"
    network = mime.decode(_file(inside, where), where)
    if network.pop("node_type", b"") != table.encode("utf-8") + b"\n":
        raise SceneError(where, "node_type is not %s" % table)
    return entries.from_entries(network, ROOT)


def _version(inside: Mapping[str, bytes]) -> str:
    return asset_sections.read_version(inside["Version"], "Version") if "Version" in inside else ""


def _file(content: Mapping[str, bytes], name: str) -> bytes:
    if name not in content:
        raise SceneError(name, "is missing")
    return content[name]


def _text(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise SceneError(name, "not UTF-8") from None
    if "\r" in text:
        raise SceneError(name, "a carriage return", text[: text.index("\r")].count("\n") + 1)
    return text
