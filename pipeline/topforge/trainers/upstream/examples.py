"""The config files that a checkout brings as examples, in the words of our options.

They are read when a person asks whether the presets are what their own checkout has; nothing else needs them.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Mapping, Tuple

from topforge import strict_json
from topforge.errors import TopForgeError


@dataclasses.dataclass(frozen=True)
class Example:
    """One config file of a checkout."""

    name: str
    """Its own, without folder and extension; that of the preset that should be the same."""
    file: str
    """Relative to the checkout, with `/`."""
    values: Mapping[str, Any]
    """JSON values of the options that it names."""
    unknown: Tuple[str, ...] = ()
    """Its keys that none of our options stands for."""


@dataclasses.dataclass(frozen=True)
class Examples:
    """All of a checkout."""

    checkout: Path
    commit: str
    """"" where the checkout is no git clone."""
    files: Tuple[Example, ...] = ()
    downloads: Tuple[str, ...] = ()
    """Folders, relative to the checkout, that a clone does not hold: people download what is in them."""
    own: Tuple[str, ...] = ()
    """Options that name a file which people bring themselves, whatever the example names: a light."""
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Options that the files leave out and that upstream, in its own file of defaults, sets otherwise than we do."""
    remark: str = ""
    """What else there is to say of them: a sentence."""


class NotAnObjectError(TopForgeError):
    """A config file that holds something else than settings."""

    def __init__(self, path: Path) -> None:
        super().__init__("%s: it is no JSON object." % path, "Restore the file from upstream's repository.")


def of_json(folder: Path, options: type, pattern: str = "configs/*.json") -> Tuple[Example, ...]:
    """Config files whose keys are our options' names.

    Args:
        folder: The checkout.
        options: Their dataclass.
        pattern: Where the files lie.

    Raises:
        TopForgeError: One is no JSON object.
    """
    found, known = [], {field.name for field in dataclasses.fields(options)}
    for path in sorted(folder.glob(pattern)):
        read = strict_json.read(path)
        if not isinstance(read, dict):
            raise NotAnObjectError(path)
        values = {key: value for key, value in read.items() if key in known}
        unknown = tuple(key for key in read if key not in known)
        found.append(Example(path.stem, path.relative_to(folder).as_posix(), values, unknown))
    return tuple(found)
