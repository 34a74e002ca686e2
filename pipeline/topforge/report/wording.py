"""Numbers, times, sizes and links as people read them."""

from __future__ import annotations

import json
import math
import os
import time
from pathlib import Path
from typing import Any, Optional
from urllib.parse import quote

from topforge.report.markup import Html, element, text

_THIN = "\u2009"


def number(value: float, digits: int = 4) -> str:
    """A number with at most `digits` significant digits, thousands set apart: `12 034`, `0.0068`, `nan`."""
    if not math.isfinite(value):
        return "%g" % value
    if abs(value) >= 10 ** min(digits, 4) or (value == int(value) and abs(value) >= 1000):
        return "{:,.0f}".format(value).replace(",", _THIN)
    return "%.*g" % (digits, value)


def size(count: int) -> str:
    """Bytes as `512 B`, `37 kB`, `2.1 MB` (powers of 1000, as file managers count)."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5 or unit == "GB":
            return "%.*f%s%s" % (1 if unit in ("MB", "GB") and value < 10 else 0, value, _THIN, unit)
        value /= 1000
    raise AssertionError


def moment(seconds: float) -> str:
    """Unix time as `21 November 2026, 02:14 UTC`."""
    parts = time.gmtime(seconds)
    return "%d %s" % (parts.tm_mday, time.strftime("%B %Y, %H:%M UTC", parts))


def value(setting: Any) -> str:
    """A setting as it stands in JSON."""
    return setting if isinstance(setting, str) and setting else json.dumps(setting, ensure_ascii=False)


def link(path: Path, links_from: Path, label: str) -> Html:
    """A relative link to a file, or the plain label where there is no relative way (another Windows drive)."""
    target = reference(path, links_from)
    return text(label) if target is None else element("a", label, href=target)


def reference(path: Path, links_from: Path) -> Optional[str]:
    """The relative URL of a file."""
    try:
        relative = os.path.relpath(str(path), str(links_from))
    except ValueError:
        return None
    return quote(os.fsencode(relative.replace(os.sep, "/")), safe="/")
