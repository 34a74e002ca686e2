"""The MIME framing of networks and text scenes, checked line by line before it is decoded."""

from __future__ import annotations

import re

from topforge_scene import mime, options
from topforge_scene.errors import SceneError

from .findings import Findings

BOUNDARY = "HOUDINIMIMEBOUNDARY0xD3ADD339-0x00000F49-0x56B122C9-0x00000001HOUDINIMIMEBOUNDARY"
_HEAD = 'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="%s"\n\n--%s\n' % (BOUNDARY, BOUNDARY)


def entries(data: bytes, file: str, found: Findings) -> dict[str, bytes] | None:
    """Content by name, `.userdata` in binary; None, and a finding, when it cannot be read."""
    if b"\r" in data:
        found.add("C-CRLF", file, "a carriage return", data[: data.index(b"\r")].count(b"\n") + 1)
    if not data.startswith(_HEAD.encode()) or not data.endswith(b"\n--%s--\n" % BOUNDARY.encode()):
        found.add("C-MIME", file, "does not begin and end with the boundary that all of Houdini's files have", 1)
        return None
    names = re.findall(rb'^Content-Disposition: attachment; filename="([^"\n]*)"$', data, re.MULTILINE)
    for name in sorted({name for name in names if names.count(name) > 1}):
        found.add("C-DUP", file, "the entry %s occurs twice" % name.decode("utf-8", "replace"))
    parts = data.count(b"\n--%s\n" % BOUNDARY.encode())
    if parts != len(names):
        found.add("C-MIME", file, "%d boundaries for %d entries" % (parts, len(names)))
    try:
        content = mime.decode(data, file)
        if mime.references(data, file):
            found.add("C-MIME", file, "an entry is kept in another file; ours keep all in one")
    except SceneError as error:
        found.refused("C-MIME", error, file)
        return None
    for name in [name for name in content if name.endswith(".userdata")]:
        text = options.to_json(options.from_binary(content[name], name))
        part = b'filename="%s"\nContent-Type: text/plain\n\n%s\n--%s' % (name.encode(), text, BOUNDARY.encode())
        if part not in data:
            found.add("C-USERDATA", "%s:%s" % (file, name), "not laid out as Houdini does")
    if not found and mime.encode(content) != data:
        found.add("C-MIME", file, "the parts hold what they must, but are not framed as Houdini does")
    return content
