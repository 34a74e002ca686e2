"""PNG files of what was drawn. Compressing a picture takes longer than drawing it, so it is done beside."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Deque

import torch
from torch import Tensor

from topforge import atomic
from topforge_train.export.images import Bytes, png

WAITING = 4
"""Pictures for each thread that may wait to be written, which bounds the memory for them."""


class PictureWriter:
    """Writes pictures in threads, as many as torch has: zlib, which takes nearly all of the time, lets others run.

    What is still to be written when the process ends is written before.
    """

    def __init__(self) -> None:
        """Starts no thread yet."""
        self._begun: Deque[Future[None]] = deque()

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(torch.get_num_threads(), "pictures")

    def write(self, path: Path, image: Tensor) -> None:
        """Begins to write display values [H, W, 3] in [0, 1] as 8-bit PNG; waits while too many pictures do.

        Raises:
            OSError: One of the pictures before could not be written.
        """
        pixels = (image.clamp(0, 1) * 255.0 + 0.5).to(torch.uint8).cpu().numpy()
        while self._begun and (self._begun[0].done() or len(self._begun) >= WAITING * torch.get_num_threads()):
            self._begun.popleft().result()
        self._begun.append(self._pool.submit(_write, path, pixels))

    def finish(self) -> None:
        """Waits until all is written.

        Raises:
            OSError: One of the pictures could not be.
        """
        while self._begun:
            self._begun.popleft().result()


def _write(path: Path, pixels: Bytes) -> None:
    atomic.write_bytes(path, png(pixels), durable=False)
