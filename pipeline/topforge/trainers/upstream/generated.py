"""What a run of an upstream trainer finds in its working folder: a config file of ours, and the checkout's data.

A trainer that reads its data relative to where it starts gets a working folder of its own with a link to the data, so
that it writes nothing into the checkout and many runs of one checkout can go on side by side.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from topforge import atomic
from topforge.errors import FailureClass, TopForgeError


class CannotLinkError(TopForgeError):
    """The working folder cannot hold a link to the checkout's data."""

    failure_class = FailureClass.INFRA

    def __init__(self, link: Path, target: Path, error: OSError) -> None:
        super().__init__(
            "%s cannot be made a link to %s (%s)." % (link, target, error.strerror or error),
            "Put the output folder on a file system that has symbolic links; on Windows switch Developer Mode on.",
        )


def write_config(path: Path, values: Mapping[str, Any]) -> Path:
    """Writes the JSON that a trainer is given: every value, so that nothing depends on the trainer's defaults."""
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write_json(path, dict(values), durable=False)
    return path


def link(folder: Path, name: str, target: Path) -> Path:
    """Makes `folder/name` a link to the folder `target`; one that is there already is replaced.

    Raises:
        CannotLinkError: The file system or the system's policy has no such links.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / name
    try:
        if made.is_symlink():
            made.unlink()
        made.symlink_to(target, target_is_directory=True)
    except OSError as error:
        raise CannotLinkError(made, target, error) from error
    return made
