"""Files under a second name."""

from __future__ import annotations

import os
import shutil


def link_or_copy(source: str, target: str) -> None:
    """Makes `target` the same file as `source` where the file system can link, else a copy.

    Only for what nobody writes in place: results and saved states are replaced as a whole.

    Raises:
        OSError: Neither can be done.
    """
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)
