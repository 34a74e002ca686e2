"""Which capture an item is about: the node's, or that of the item above."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from topforge import fingerprint
from topforge.errors import TopForgeError
from topforge_houdini import attributes
from topforge_houdini.node_settings import InNodeError, NodeSettings


class NoCaptureError(TopForgeError):
    """Neither the node nor the item above names a capture."""

    def __init__(self, where: str, item: str | None) -> None:
        above = "there are no work items above" if item is None else "work item %s has no attribute dataset" % item
        super().__init__(
            "%s: Capture (dataset) is empty, and %s." % (where, above),
            "Choose the folder with the photographs in Capture, or wire nodes in whose items have the attribute "
            "dataset.",
        )


def chosen(settings: NodeSettings, parent: Any, *, required: bool) -> Path | None:
    """The capture's folder, absolute.

    Args:
        settings: Of the node: its parameter Capture wins.
        parent: The `pdg.WorkItem` above, None without one.
        required: None is not an answer.

    Raises:
        NoCaptureError: None is named.
    """
    folder = settings.file("dataset")
    if folder is None and parent is not None:
        texts = [text for text in attributes.texts(parent, attributes.DATASET) if text.strip()]
        if texts:
            folder = settings.scene_folder / parent.localizePath(texts[0].strip())
    if folder is None:
        if required:
            raise NoCaptureError(settings.path, None if parent is None else parent.name)
        return None
    return Path(os.path.abspath(folder))  # noqa: PTH100 -- links stay links


class Contents:
    """Fingerprints of the captures of one node's items, each worked out once."""

    def __init__(self, settings: NodeSettings) -> None:
        self._settings = settings
        self._known: dict[Path, str] = {}

    def of(self, capture: Path | None) -> str:
        """The fingerprint; "" without a capture.

        Raises:
            InNodeError: There is nothing, or it cannot be read; names the node and where the folder stands.
        """
        if capture is None:
            return ""
        if capture not in self._known:
            try:
                self._known[capture] = fingerprint.of_dataset(capture)
            except TopForgeError as error:
                raise InNodeError(self._named_by(), error) from error
        return self._known[capture]

    def _named_by(self) -> str:
        own = bool(self._settings.text("dataset"))
        return "%s: %s" % (self._settings.path, "Capture (dataset)" if own else "attribute dataset of the items above")
