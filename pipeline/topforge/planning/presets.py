"""Presets of trainers by name: where a config starts when nobody wants to think about it."""

from __future__ import annotations

import difflib
import json
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


def summary(adapter: Adapter, name: str) -> str:
    """A preset's settings in one line; those that the fewest other presets have come first: what is special about it.

    Raises:
        UnknownPresetError: As for `values`.
    """

    def shared(option: str) -> int:
        return sum(other.get(option, adapter) == chosen[option] for other in adapter.presets.values())

    chosen = values(adapter, name)
    settings = ["%s %s" % (option, _plain(chosen[option])) for option in sorted(chosen, key=shared)]
    return ", ".join(settings) if settings else "the defaults"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
