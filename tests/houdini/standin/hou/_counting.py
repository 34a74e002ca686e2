"""Counts the public methods of geometries, and lets only those change one that may."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any, Callable

from ._errors import GeometryPermissionError

calls: Counter[str] = Counter()
"""Public methods by name, over all geometries, since the last `calls.clear()`."""


def api(method: Callable[..., Any]) -> Callable[..., Any]:
    """A public method: counted."""

    @functools.wraps(method)
    def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls[method.__name__] += 1
        return method(self, *args, **kwargs)

    return counted


def editing(method: Callable[..., Any]) -> Callable[..., Any]:
    """A public method that changes the geometry."""

    @functools.wraps(method)
    def checked(self: Any, *args: Any, **kwargs: Any) -> Any:
        if self._read_only:
            raise GeometryPermissionError("%s()" % method.__name__)
        return method(self, *args, **kwargs)

    return api(checked)
