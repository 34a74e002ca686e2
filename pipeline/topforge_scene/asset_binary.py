"""Collapsed assets: a library as the one binary file that Houdini calls .hda.

    "INDX"  u32 0  u32 0  u32 n  n x { u32 length, name, u32 offset, u32 size, u32 mtime }  data
                                                     all big-endian, offsets from the start of the data

A library holds the index, the marker and for each operator a section that is again such a file. Option sections are
binary there, and the network is `gzip(u32 little-endian length, odc archive)`.
"""

from __future__ import annotations

import struct
import zlib
from typing import Dict, List, Mapping, Tuple

from topforge_scene import asset_dialect, asset_index, mangle, odc, options
from topforge_scene.asset_files import INDEX, LIST, MARKER, listed, section_list
from topforge_scene.errors import SceneError

MAGIC = b"INDX"
_GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""As Houdini writes it: no name, no time, no system. That makes it the same each time."""
_OPTIONS = ("ExtraFileOptions", "InternalFileOptions")
_CONTENTS = "Contents.gz"
_FOLDER = "Contents.dir"


def collapse(files: Mapping[str, bytes]) -> bytes:
    """The .hda of an expanded library.

    Args:
        files: Content by path inside the folder, as `asset_files.files` and `asset_files.read_files` give it.

    Raises:
        SceneError: A listed file is missing, a section is a folder, or one is malformed.
    """
    index = mangle.mangled(INDEX)
    records = asset_index.from_text(_file(files, index), index)
    modified = {mangle.operator_path(record.operator, record.table): record.modified for record in records}
    latest = max(modified.values(), default=0)
    sections: List[Tuple[str, bytes, int]] = []
    for name in listed(_file(files, LIST), LIST):
        if name == INDEX:
            sections.append((name, asset_index.to_binary(records), latest))
        elif name == MARKER:
            sections.append((name, b"", latest))
        elif name in modified:
            sections.append((name, _operator(files, mangle.mangled(name) + "/", modified[name]), modified[name]))
        else:
            raise SceneError(LIST, '"%s" has no record in the index' % name)
    return _pack(sections)


def expand(data: bytes, where: str = "library") -> Dict[str, bytes]:
    """The files of the expanded library: the reverse of `collapse`.

    Args:
        data: The whole .hda.
        where: Its name, for messages.

    Raises:
        SceneError: Not an .hda, truncated, or with a section that is malformed.
    """
    sections = _unpack(data, where)
    if INDEX not in sections:
        raise SceneError(where, "has no %s" % INDEX)
    files = {LIST: section_list(list(sections))}
    for name, content in sections.items():
        if name == INDEX:
            files[mangle.mangled(name)] = asset_index.to_text(asset_index.from_binary(content, INDEX))
        elif name == MARKER:
            files[name] = content
        else:
            inside = _expanded(content, name)
            files.update((mangle.mangled(name) + "/" + file, data) for file, data in inside.items())
    return files


def _operator(files: Mapping[str, bytes], folder: str, modified: int) -> bytes:
    sections = []
    for name in listed(_file(files, folder + LIST), folder + LIST):
        path = folder + mangle.mangled(name)
        if name == _CONTENTS:
            content = _compressed(files, folder + _FOLDER, modified)
        elif name in _OPTIONS:
            content = options.to_binary(options.from_json(_file(files, path), path))
        else:
            content = _file(files, path)
        sections.append((name, content, modified))
    return _pack(sections)


def _expanded(data: bytes, where: str) -> Dict[str, bytes]:
    sections = _unpack(data, where)
    files = {LIST: section_list(list(sections))}
    for name, content in sections.items():
        if name == _CONTENTS:
            network = asset_dialect.to_folder(odc.decode(_decompressed(content, where), where))
            files.update((_FOLDER + "/" + file, inside) for file, inside in network.items())
        elif name in _OPTIONS:
            files[mangle.mangled(name)] = options.to_json(options.from_binary(content, name))
        else:
            files[mangle.mangled(name)] = content
    return files


def _compressed(files: Mapping[str, bytes], folder: str, modified: int) -> bytes:
    inside = {name[len(folder) + 1 :]: data for name, data in files.items() if name.startswith(folder + "/")}
    archive = odc.encode(asset_dialect.to_entries(inside, folder), modified)
    data = struct.pack("<I", len(archive)) + archive
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(data) + packer.flush()
    return _GZIP_HEAD + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def _decompressed(data: bytes, where: str) -> bytes:
    try:
        opener = zlib.decompressobj(16 + zlib.MAX_WBITS)
        size = struct.unpack("<I", opener.decompress(data, 4))[0]
        archive = opener.decompress(opener.unconsumed_tail, size + 1)  # no more than announced, whatever is in there
        archive += opener.flush()
    except (zlib.error, struct.error) as error:
        raise SceneError(where, "%s is damaged: %s" % (_CONTENTS, error)) from None
    if len(archive) != size or not opener.eof or opener.unused_data:
        raise SceneError(where, "%s is not as long as it says" % _CONTENTS)
    return archive


def _pack(sections: List[Tuple[str, bytes, int]]) -> bytes:
    parts, offset = [MAGIC, struct.pack(">III", 0, 0, len(sections))], 0
    for name, content, modified in sections:
        raw = name.encode("utf-8")
        parts += [struct.pack(">I", len(raw)), raw, struct.pack(">III", offset, len(content), modified)]
        offset += len(content)
    return b"".join(parts + [content for _, content, _ in sections])


def _unpack(data: bytes, where: str) -> Dict[str, bytes]:
    if not data.startswith(MAGIC):
        raise SceneError(where, "no collapsed library: it does not begin with INDX")
    try:
        spans, position = [], 16
        zero, also_zero, count = struct.unpack_from(">III", data, 4)
        if zero or also_zero:
            raise SceneError(where, "the two numbers behind INDX are %d and %d, not 0" % (zero, also_zero))
        for _ in range(count):
            size = struct.unpack_from(">I", data, position)[0]
            name = struct.unpack_from("%ds" % size, data, position + 4)[0].decode("utf-8")
            position += 4 + size
            spans.append((name, *struct.unpack_from(">II", data, position)))
            position += 12
    except (struct.error, UnicodeDecodeError) as error:
        raise SceneError(where, "the table of sections is damaged: %s" % error) from None
    sections: Dict[str, bytes] = {}
    expected = 0
    for name, offset, size in spans:
        if name in sections or offset != expected:
            raise SceneError(where, 'section "%s" is doubled or not where it must be' % name)
        sections[name] = data[position + offset : position + offset + size]
        expected += size
    if position + expected != len(data):
        raise SceneError(where, "the sections end at byte %d of %d" % (position + expected, len(data)))
    return sections


def _file(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise SceneError(name, "is missing")
    return files[name]
