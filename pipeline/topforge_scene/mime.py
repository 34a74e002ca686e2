"""The text form of Houdini's containers: `Contents.mime` of an asset, and a scene saved as text.

One MIME stream whose boundary is the same in all files. What is binary travels in base64, each 128 bytes encoded by
themselves, one line for each. `.userdata` is binary in memory and in the odc form, and JSON here.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Dict, List, Mapping, Optional, Tuple

from topforge_scene import options
from topforge_scene.errors import SceneError

BOUNDARY = "HOUDINIMIMEBOUNDARY0xD3ADD339-0x00000F49-0x56B122C9-0x00000001HOUDINIMIMEBOUNDARY"
"""What all measured files have."""
_SEPARATOR = b"\n--" + BOUNDARY.encode()
_START = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="%s"\n' % BOUNDARY.encode()
_HEAD = re.compile(
    rb'\nContent-Disposition: attachment; filename="([^"\n]+)"\nContent-Type: ([^\n]+)\n'
    rb"(?:Content-Transfer-Encoding: ([^\n]+)\n)?\n"
)
_CHUNK = 128
_EXTERNAL = b"application/external-reference"
_BINARY = re.compile(rb"[\x00-\x08\x0b-\x1f]")


def encode(entries: Mapping[str, bytes], external: Optional[Mapping[str, str]] = None) -> bytes:
    """The stream that holds `entries`, in their order.

    Args:
        entries: Content by name, `.userdata` in binary.
        external: Entry name -> name of the file beside this one that holds its content; such entries come first.

    Raises:
        SceneError: A `.userdata` that is not an option block, or a name that cannot be written.
    """
    parts = [_START]
    for name, file in (external or {}).items():
        parts.append(_part(name, "Content-Type: %s\n" % _EXTERNAL.decode(), file.encode("utf-8") + b"\n"))
    for name, content in entries.items():
        if name.endswith(".userdata"):
            content = options.to_json(options.from_binary(content, name))
        if _is_text(content):
            parts.append(_part(name, "Content-Type: text/plain\n", content))
        else:
            kind = "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n"
            parts.append(_part(name, kind, _to_base64(content)))
    return b"".join(parts) + _SEPARATOR + b"--\n"


def decode(data: bytes, where: str = "Contents.mime") -> Dict[str, bytes]:
    """Content by name, in the order of the stream; external references are left out (`references` names them).

    Raises:
        SceneError: Framing, base64 or a `.userdata` is malformed, or an entry occurs twice.
    """
    return _read(data, where)[0]


def references(data: bytes, where: str = "Contents.mime") -> Dict[str, str]:
    """Entry name -> name of the file beside this one that holds its content."""
    return _read(data, where)[1]


def is_mime(data: bytes) -> bool:
    """Whether this is the text form."""
    return data.startswith(b"MIME-Version:")


def _part(name: str, kind: str, body: bytes) -> bytes:
    if '"' in name or "\n" in name or not name:
        raise SceneError(name, "an entry cannot have this name", fix="Use letters, digits and `_` in node names.")
    head = '\nContent-Disposition: attachment; filename="%s"\n%s\n' % (name, kind)
    return _SEPARATOR + head.encode("utf-8") + body


def _is_text(content: bytes) -> bool:
    if _BINARY.search(content) or _SEPARATOR in b"\n" + content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _to_base64(content: bytes) -> bytes:
    chunks = (content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK))
    return b"".join(base64.b64encode(chunk) + b"\n" for chunk in chunks)


class _Stream:
    """What has been read of a stream so far."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.entries: Dict[str, bytes] = {}
        self.external: Dict[str, str] = {}

    def add(self, part: bytes, line: int) -> None:
        head = _HEAD.match(part)
        if head is None:
            raise SceneError(self.where, "a part's headers are not those of Houdini", line)
        try:
            name = head.group(1).decode("utf-8")
        except UnicodeDecodeError:
            raise SceneError(self.where, "an entry's name is not UTF-8", line) from None
        if name in self.entries or name in self.external:
            raise SceneError(self.where, 'entry "%s" occurs twice' % name, line)
        kind, transfer, body = head.group(2), head.group(3), part[head.end() :]
        if kind == _EXTERNAL and transfer is None:
            self.external[name] = body.decode("utf-8", "replace").strip()
        elif transfer == b"base64":
            self.entries[name] = _from_base64(body, self.where, line + 5)
        elif transfer is None and kind == b"text/plain":
            self.entries[name] = body
        else:
            raise SceneError(self.where, 'entry "%s" has a content type that is not known' % name, line)
        if name.endswith(".userdata") and name in self.entries:
            try:
                self.entries[name] = options.to_binary(options.from_json(self.entries[name], name))
            except SceneError as error:
                raise error.within(self.where) from None


def _read(data: bytes, where: str) -> Tuple[Dict[str, bytes], Dict[str, str]]:
    parts = data.split(_SEPARATOR)
    if parts[0] != _START:
        raise SceneError(where, "does not start with Houdini's MIME headers", 1)
    if len(parts) < 2 or parts[-1] != b"--\n":
        raise SceneError(where, "does not end with the closing boundary", data.count(b"\n") + 1)
    stream, line = _Stream(where), parts[0].count(b"\n") + 2
    for part in parts[1:-1]:
        stream.add(part, line)
        line += part.count(b"\n") + 1
    return stream.entries, stream.external


def _from_base64(body: bytes, where: str, line: int) -> bytes:
    chunks: List[bytes] = []
    for number, text in enumerate(body.split(b"\n")):
        try:
            chunks.append(base64.b64decode(text, validate=True))
        except binascii.Error as error:
            raise SceneError(where, "not base64: %s" % error, line + number) from None
    return b"".join(chunks)
