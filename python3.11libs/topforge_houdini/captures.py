"""Which capture an item is about: the node's, or that of the item above."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from topforge import fingerprint
from topforge.errors import TopForgeError
from topforge_houdini import attributes
from topforge_houdini.node_settings import NodeSettings


class NoCaptureError(TopForgeError):
    """Neither the node nor the item above names a capture."""

    def __init__(self, where: str, item: str | None) -> None:
        above = "there are no work items above" if item is None else "work item %s has no attribute dataset" % item
        super().__init__(
            "%s: Capture is empty, and %s." % (where, above),
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
    """Fingerprints of captures, each worked out once."""

    def __init__(self) -> None:
        self._known: dict[Path, str] = {}

    def of(self, capture: Path | None) -> str:
        """The fingerprint; "" without a capture.

        Raises:
            DatasetError: There is nothing, or it cannot be read.
        """
        if capture is None:
            return ""
        if capture not in self._known:
            self._known[capture] = fingerprint.of_dataset(capture)
        return self._known[capture]
