"""PNG files of what was drawn. Compressing a picture takes longer than drawing it, so several are written at once."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Deque, Optional, Type

import imageio.v3 as imageio
import torch
from torch import Tensor

WAITING = 4
"""Pictures for each thread that may wait to be written, which bounds the memory for them."""


def as_bytes(image: Tensor) -> Any:
    """Display values [H, W, 3] in [0, 1] as 8 bits a channel, in numpy."""
    return (image.clamp(0, 1) * 255.0 + 0.5).to(torch.uint8).cpu().numpy()


def write_png(path: Path, image: Tensor) -> None:
    """Writes display values [H, W, 3] in [0, 1] as 8-bit PNG."""
    imageio.imwrite(path, as_bytes(image))


class PictureWriter:
    """`write_png` in threads, as many as torch has: zlib lets others run. All is written when the `with` block ends."""

    def __enter__(self) -> PictureWriter:
        """Starts no thread yet."""
        threads = torch.get_num_threads()
        self._most = WAITING * threads
        self._pool = ThreadPoolExecutor(threads, "pictures")
        self._begun: Deque[Future[None]] = deque()
        return self

    def write(self, path: Path, image: Tensor) -> None:
        """Begins to write; waits while too many pictures do.

        Raises:
            OSError: One of the pictures before could not be written.
        """
        self._begun.append(self._pool.submit(imageio.imwrite, path, as_bytes(image)))
        while len(self._begun) > self._most:
            self._begun.popleft().result()

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """Waits for all; after an error only for those that are being written."""
        self._pool.shutdown(cancel_futures=error is not None)
        if error is None:
            for picture in self._begun:
                picture.result()
