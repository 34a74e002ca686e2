"""Pictures inside the page, as data URIs, made smaller where they are larger than a page can show."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Mapping, Optional

from topforge.report import png
from topforge.report.markup import Html, element
from topforge.report.png import Picture, UnsupportedPngError

VIEW_PIXELS = 400
"""Longest side of a view in a strip: twice what a strip of six gives it on a laptop."""
MAP_PIXELS = 512
"""Longest side of a map."""
_MOST_BYTES = 2 << 20
"""Files that cannot be made smaller are embedded up to this size."""
_KINDS: Mapping[bytes, str] = {png.SIGNATURE: "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
"""Media types by the first bytes of a file; its name may lie."""


@dataclasses.dataclass(frozen=True)
class Source:
    """A picture ready to be put into an `<img>`."""

    uri: str
    width: Optional[int]
    height: Optional[int]

    def image(self, alternative: str, class_: Optional[str] = None) -> Html:
        """The element; `alternative` says in words what is to be seen."""
        return element("img", src=self.uri, alt=alternative, width=self.width, height=self.height, class_=class_)


def embed(path: Optional[Path], most: int) -> Optional[Source]:
    """The picture in a file.

    Args:
        path: PNG, JPEG or GIF; None = nothing.
        most: Longest side in pixels; a larger PNG is reduced by a whole factor.

    Returns:
        None when there is no such file, it is no picture, or it is too large and cannot be reduced.
    """
    content = _read(path)
    kind = next((name for start, name in _KINDS.items() if content.startswith(start)), None)
    if kind == "png":
        try:
            if max(png.size_of(content)) > most:
                return of_picture(png.reduced(png.decode(content), most))
            return _source(content, kind, *png.size_of(content))
        except UnsupportedPngError:
            pass  # as it is, if it is small enough
    return _source(content, kind, None, None) if kind and len(content) <= _MOST_BYTES else None


def of_picture(picture: Picture) -> Source:
    """Pixels as a source."""
    return _source(png.encode(picture), "png", picture.width, picture.height)


def decoded(path: Optional[Path], most: int) -> Optional[Picture]:
    """The pixels of a PNG file, reduced as by `embed`; None where that cannot be."""
    try:
        return png.reduced(png.decode(_read(path)), most)
    except UnsupportedPngError:
        return None


def difference(result: Optional[Path], reference: Optional[Path], most: int) -> Optional[Source]:
    """Where two pictures differ, as `png.difference` draws it; None where they cannot be compared."""
    try:
        apart = png.difference(png.decode(_read(result)), png.decode(_read(reference)))
        return of_picture(png.reduced(apart, most))
    except UnsupportedPngError:
        return None


def _read(path: Optional[Path]) -> bytes:
    try:
        return path.read_bytes() if path is not None else b""
    except OSError:
        return b""


def _source(content: bytes, kind: str, width: Optional[int], height: Optional[int]) -> Source:
    return Source("data:image/%s;base64,%s" % (kind, base64.b64encode(content).decode("ascii")), width, height)
