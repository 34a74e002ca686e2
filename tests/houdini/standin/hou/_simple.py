"""Small value types."""

from __future__ import annotations

from typing import Any, Iterator, Tuple

from ._strict import NotInStandIn, Strict


class Vector2(Strict):
    """Two numbers."""

    def __init__(self, x: Any = 0.0, y: float = 0.0) -> None:
        pair = (x, y) if isinstance(x, (int, float)) else tuple(x)
        if len(pair) != 2:
            raise NotInStandIn("a hou.Vector2 of %r" % (x,))
        self._pair = (float(pair[0]), float(pair[1]))

    def x(self) -> float:
        return self._pair[0]

    def y(self) -> float:
        return self._pair[1]

    def __getitem__(self, index: int) -> float:
        return self._pair[index]

    def __len__(self) -> int:
        return 2

    def __iter__(self) -> Iterator[float]:
        return iter(self._pair)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vector2) and self._pair == other._pair

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]


class Color(Strict):
    """A colour, 0 to 1."""

    def __init__(self, rgb_tuple: Any = (1.0, 1.0, 1.0), g: float = 0.0, b: float = 0.0) -> None:
        triple = (rgb_tuple, g, b) if isinstance(rgb_tuple, (int, float)) else tuple(rgb_tuple)
        if len(triple) != 3:
            raise NotInStandIn("a hou.Color of %r" % (rgb_tuple,))
        self._rgb = tuple(float(value) for value in triple)

    def rgb(self) -> Tuple[float, float, float]:
        red, green, blue = self._rgb
        return red, green, blue

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Color) and self._rgb == other._rgb

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]
