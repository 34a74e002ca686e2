"""Presets of trainers by name: where a config starts when nobody wants to think about it."""

from __future__ import annotations

import difflib
from typing import Any, Dict

from topforge.errors import TopForgeError
from topforge.trainers.base import Adapter


class UnknownPresetError(TopForgeError):
    """A name that none of the trainer's presets has."""

    def __init__(self, adapter: Adapter, name: str) -> None:
        known = list(adapter.presets)
        near = difflib.get_close_matches(name, known, n=1)
        fix = 'Did you mean "%s"? ' % near[0] if near else ""
        fix += "Known: %s." % ", ".join(known) if known else "It has none: leave the preset out."
        super().__init__('%s has no preset named "%s".' % (adapter.title, name), fix)


def values(adapter: Adapter, name: str) -> Dict[str, Any]:
    """The options that a preset sets, as JSON values; all others have their defaults.

    Raises:
        UnknownPresetError: With the nearest known name.
    """
    if name not in adapter.presets:
        raise UnknownPresetError(adapter, name)
    return dict(adapter.presets[name])
