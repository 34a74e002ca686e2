"""Which capture an item is about: the node's, or that of the item above; and what must have run before it is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from topforge.errors import TopForgeError
from topforge.planning import fingerprint, preparations
from topforge_houdini import attributes, work_items
from topforge_houdini.node_settings import InNodeError, NodeSettings


class NoCaptureError(TopForgeError):
    """Neither the node nor the item above names a capture."""

    def __init__(self, settings: NodeSettings, item: str | None) -> None:
        above = "there are no work items above" if item is None else "work item %s has no attribute dataset" % item
        name = named(settings)
        super().__init__(
            "%s: %s is empty, and %s." % (settings.path, name, above),
            "Choose it in %s, or wire nodes in whose items have the attribute dataset." % name.partition(" (")[0],
        )


def named(settings: NodeSettings) -> str:
    """What the node calls it: `Capture (dataset)`."""
    return "%s (dataset)" % settings.label("dataset")


def chosen(settings: NodeSettings, parent: Any, *, required: bool, from_files: bool = False) -> Path | None:
    """The capture, absolute.

    Args:
        settings: Of the node: its parameter wins.
        parent: The `pdg.WorkItem` above, None without one.
        required: None is not an answer.
        from_files: Where the item above has no attribute for it either, the first of its output files will do: what a
            File Pattern found.

    Raises:
        NoCaptureError: None is named.
    """
    found = settings.file("dataset")
    if found is None and parent is not None:
        texts = [text for text in attributes.texts(parent, attributes.DATASET) if text.strip()]
        if not texts and from_files:
            texts = [file.local_path for file in parent.outputFiles or parent.expectedOutputFiles]
        if texts:
            found = settings.scene_folder / parent.localizePath(texts[0].strip())
    if found is None:
        if required:
            raise NoCaptureError(settings, None if parent is None else parent.name)
        return None
    return Path(os.path.abspath(found))  # noqa: PTH100 -- links stay links


def gates(capture: Path | None, parent: Any) -> tuple[str, ...]:
    """Run folders that must hold a result before an item may start: what makes its capture, and the check above."""
    made = (str(capture.parent),) if capture is not None and _key_of_maker(capture, parent) else ()
    if parent is None or "check" not in attributes.texts(parent, attributes.TRAINER):
        return made
    return made + tuple(os.fspath(run) for run in work_items.run_folders_of([parent]))


def _key_of_maker(capture: Path, parent: Any) -> str | None:
    """The key of the item above whose result the capture will be; None when it is there already.

    Nodes in between pass the attribute on. It counts only for the folder that it names: another may be chosen since.
    """
    words = [] if parent is None else attributes.texts(parent, attributes.MADE)
    return words[1] if len(words) == 2 and Path(words[0]) == capture else None


class Contents:
    """Fingerprints of the captures of one node's items, each worked out once."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._known: dict[Path, str] = {}

    def of(self, capture: Path | None, parent: Any) -> str:
        """The fingerprint; "" without a capture. One that an item above makes is known by that item's key.

        Raises:
            InNodeError: There is nothing, or it cannot be read; names the node and where the folder stands.
        """
        if capture is None:
            return ""
        key = _key_of_maker(capture, parent)
        if key is not None:
            return preparations.content_of_result(key)
        if capture not in self._known:
            try:
                self._known[capture] = fingerprint.of_dataset(capture)
            except TopForgeError as error:
                raise InNodeError(self._named_by(), error) from error
        return self._known[capture]

    def _named_by(self) -> str:
        own = bool(self._settings.text("dataset"))
        return "%s: %s" % (
            self._settings.path,
            named(self._settings) if own else "attribute dataset of the items above",
        )
