"""What the menus of our nodes list. Menus are opened often, so nothing here starts a process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from topforge.environments import prefix_discovery, prefixes, private_environment
from topforge.trainers import registry
from topforge_houdini.pipeline_path import REPOSITORY

STANDARD = "standard"
"""The preset whose options are the defaults, of trainers that have one."""


def environments() -> list[str]:
    """Environments of this machine: token, label, token, label, ... The first, an empty text, is TopForge's own."""
    own = private_environment.folder(REPOSITORY)
    state = "" if private_environment.python_of(own).exists() else ", not made yet"
    menu = ["", "TopForge's own (%s%s)" % (own.as_posix(), state)]
    for prefix in prefix_discovery.discover(os.environ, Path.home()):
        if prefix != own:
            menu += [prefix.as_posix(), "%s (%s, %s)" % (prefix.name, prefixes.kind_of(prefix), prefix.as_posix())]
    return menu


def presets(kwargs: Mapping[str, Any]) -> list[str]:
    """Presets of the node's trainer: token, label, ... The first sets nothing, where none of them is the default."""
    adapter = registry.get(str(kwargs["node"].evalParm("trainer")))
    first = ["", "Choose a Preset"] if adapter.presets and STANDARD not in adapter.presets else []
    return first + [text for name in adapter.presets for text in (name, name.replace("_", " ").title())]
