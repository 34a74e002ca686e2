"""nvdiffrec's `display`: a list of extra pictures, `{"latlong": true}`, `{"bsdf": "kd"}`, `{"relight": "path.hdr"}`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

from topforge.errors import TopForgeError

BSDF = ("kd", "ks", "normal", "diffuse", "tangent")
_FORMS = '{"latlong": true}, {"bsdf": one of %s} or {"relight": a .hdr file}' % ", ".join(BSDF)


class DisplayLayerError(TopForgeError):
    """An entry of `display` that is none of the known pictures."""

    def __init__(self, entry: Any, problem: str, fix: str) -> None:
        super().__init__('An entry of "display" is %s: %s.' % (json.dumps(entry), problem), fix)


def validate(display: Any) -> None:
    """Refuses what is no list of layers, and lights that are not there.

    Raises:
        DisplayLayerError: Names the entry.
    """
    if display is None:
        return
    if not isinstance(display, list):
        raise DisplayLayerError(display, "display is a list of layers", "Write [%s]." % _FORMS)
    for entry in display:
        if not isinstance(entry, dict) or len(entry) != 1 or set(entry) - {"latlong", "bsdf", "relight"}:
            raise DisplayLayerError(entry, "no layer has that form", "Write %s." % _FORMS)
        if "bsdf" in entry and entry["bsdf"] not in BSDF:
            raise DisplayLayerError(entry, "there is no such picture", "Write one of %s." % ", ".join(BSDF))
        if "relight" in entry and not (isinstance(entry["relight"], str) and Path(entry["relight"]).is_absolute()):
            raise DisplayLayerError(entry, "that is no absolute path", "Name a .hdr file by its absolute path.")
        if "relight" in entry and not Path(entry["relight"]).is_file():
            raise DisplayLayerError(entry, "there is no such file", "Correct the path.")


def located(display: Any, find: Callable[[str], str]) -> Any:
    """The same with the paths of lights as `find` gives them; what has another form stays, to be refused later."""
    if not isinstance(display, list):
        return display
    return [_located(entry, find) for entry in display]


def _located(entry: Any, find: Callable[[str], str]) -> Any:
    if isinstance(entry, dict) and isinstance(entry.get("relight"), str):
        return {**entry, "relight": find(entry["relight"])}
    return entry


def names(display: Optional[List[Dict[str, Any]]]) -> List[str]:
    """The layers by the names that nvdiffrec gives their files; each light that relights by that of its file."""
    found = []
    for entry in display or []:
        if "bsdf" in entry:
            found.append(str(entry["bsdf"]))
        elif "relight" in entry:
            found.append("relight_" + Path(entry["relight"]).stem)
        elif entry.get("latlong"):
            found.append("light_image")
    return found
