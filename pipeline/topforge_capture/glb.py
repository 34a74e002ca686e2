"""Binary glTF 2.0, the GLB container: what TopForge's .glb files have in common, whatever stands in them."""

from __future__ import annotations

import struct
from typing import Any, Dict, List, Optional

import numpy as np

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENTS = {"<u2": 5123, "<u4": 5125, "<f4": 5126}
_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class Buffer:
    """The binary chunk, and the views and accessors into it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.views: List[Dict[str, Any]] = []
        self.accessors: List[Dict[str, Any]] = []

    def view(self, content: bytes, target: Optional[int] = None) -> int:
        """Appends bytes on a four-byte boundary; returns the view's index."""
        self.data += _padding(len(self.data), b"\0")
        view: Dict[str, Any] = {"buffer": 0, "byteOffset": len(self.data), "byteLength": len(content)}
        self.views.append({**view, "target": target} if target else view)
        self.data += content
        return len(self.views) - 1

    def accessor(self, array: np.ndarray, target: int = ARRAY_BUFFER, **more: Any) -> int:
        """Appends an array; returns the accessor's index.

        Args:
            array: Numbers [N], or rows of two to four [N, k]: uint16, uint32, or floats, which are stored with 32 bits.
            target: What it is for.
            more: What glTF wants to know beyond type and number.
        """
        kind = "<f4" if array.dtype.kind == "f" else array.dtype.newbyteorder("<").str
        described = {
            "componentType": _COMPONENTS[kind],
            "count": len(array),
            "type": _TYPES[array.size // max(len(array), 1)],
        }
        view = self.view(np.ascontiguousarray(array, kind).tobytes(), target)
        self.accessors.append({"bufferView": view, **described, **more})
        return len(self.accessors) - 1

    @property
    def length(self) -> int:
        """Of the binary chunk, with what fills its last four bytes."""
        return len(self.data) + len(_padding(len(self.data), b"\0"))


def bounds(rows: np.ndarray) -> Dict[str, Any]:
    """What glTF wants to know of positions [N, 3]."""
    return {"min": rows.min(axis=0).tolist(), "max": rows.max(axis=0).tolist()}


def container(document: str, data: bytes) -> bytes:
    """The whole file: header, the document (JSON) padded with spaces, the binary chunk padded with zeros."""
    text = document.encode("utf-8")
    text += _padding(len(text), b" ")
    data += _padding(len(data), b"\0")
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def _padding(length: int, filler: bytes) -> bytes:
    """What is missing to a multiple of four bytes."""
    return filler * (-length % 4)
