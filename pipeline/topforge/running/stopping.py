"""Requests to stop, as they reach a runner: signals. Handlers only set a flag and wake whoever sleeps.

The first request asks for a save. A Ctrl-C after it is a person who does not want to wait; a repeated SIGTERM is not:
engines send it more than once (Slurm to each process of the job and again to the batch script).
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Dict, Optional, Type

from topforge import platform_posix

CANCELLED = "cancelled"
"""SIGTERM, SIGINT or SIGHUP: somebody no longer wants the work, now."""
PREEMPTED = "preempted"
"""SIGUSR1: an engine needs the machine; the work is still wanted."""

_MEANING = {platform_posix.PREEMPT_SIGNAL: PREEMPTED, **dict.fromkeys(platform_posix.CANCEL_SIGNALS, CANCELLED)}


class StopRequest:
    """Catches the signals for as long as it is entered, and sleeps so that they interrupt at once.

    Also wakes when a child ends (SIGCHLD). Enter it in the main thread only: Python allows handlers nowhere else.
    """

    def __init__(self) -> None:
        self.request: Optional[str] = None
        """CANCELLED, PREEMPTED, or None while nobody asked. The first request stays."""
        self.impatient = False
        """Somebody who had asked before pressed Ctrl-C: no more waiting for a save."""
        self._before: Dict[int, Any] = {}
        self._wakeup_before = -1
        self._read_end = self._write_end = -1

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("run-item needs the main thread: signals and the child's life hang on it")
        self._read_end, self._write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        os.set_blocking(self._write_end, False)
        self._wakeup_before = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in _MEANING:
            if number in platform_posix.SHIELDED_SIGNALS and signal.getsignal(number) is signal.SIG_IGN:
                continue
            self._before[number] = signal.signal(number, self._note)
        self._before[platform_posix.CHILD_SIGNAL] = signal.signal(platform_posix.CHILD_SIGNAL, _only_wake)
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(self._wakeup_before)
        os.close(self._read_end)
        os.close(self._write_end)

    def _note(self, number: int, frame: Optional[FrameType]) -> None:
        self.impatient = self.impatient or (self.request is not None and number == platform_posix.KEYBOARD_SIGNAL)
        self.request = self.request or _MEANING[signal.Signals(number)]

    def fileno(self) -> int:
        """Descriptor that becomes readable with every signal, for `select`."""
        return self._read_end

    def drain(self) -> None:
        """Makes the descriptor unreadable until the next signal."""
        try:
            while os.read(self._read_end, 512):
                pass
        except BlockingIOError:
            pass

    def sleep(self, seconds: float) -> None:
        """Sleeps that long, or until a request to stop arrives."""
        deadline = time.monotonic() + seconds
        while self.request is None and time.monotonic() < deadline:
            select.select([self._read_end], [], [], max(0.0, deadline - time.monotonic()))
            self.drain()


def _only_wake(number: int, frame: Optional[FrameType]) -> None:
    """The wake-up descriptor does the work; without a handler the signal would not reach it."""
