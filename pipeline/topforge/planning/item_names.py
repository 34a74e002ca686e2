"""Short names of items: made of the config's name and the wedged values, so that a longer wedge renames nothing."""

from __future__ import annotations

import json
import re
from typing import Any, Set, Tuple

_LONGEST = 60
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def safe(text: str) -> str:
    """`text` with everything but letters, digits, `.`, `_` and `-` made `_`, cut to a sensible length."""
    return _UNSAFE.sub("_", text).strip("_.")[:_LONGEST].rstrip("_.") or "item"


def label(value: Any) -> str:
    """A wedged JSON value as people write it: `0.03`, `flexicubes`, `[0.03, 0.01]`."""
    return value if isinstance(value, str) else json.dumps(value)


def wedged(name: str, labels: Tuple[Tuple[str, str], ...]) -> str:
    """The name of the item with these wedge values: `bob-0.03-flexicubes`."""
    return safe("-".join([name, *(safe(text) for _, text in labels)]))


class Unique:
    """Tells names apart that are the same, by a number; upper and lower case are the same, as on some file systems."""

    def __init__(self, *taken: str) -> None:
        self._taken: Set[str] = set(taken)

    def __call__(self, name: str) -> str:
        """`name`, or the first free one of `name-2`, `name-3`, ..."""
        candidate, number = name, 1
        while candidate.lower() in self._taken:
            number += 1
            candidate = "%s-%d" % (name, number)
        self._taken.add(candidate.lower())
        return candidate
