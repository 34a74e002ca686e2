"""One process for each item that a cook works on.

Starting an interpreter costs about 60 ms an item, a fork about 1 ms, and a process of its own is what `run_item` needs:
signals, adopted orphans and the death signal all belong to a process. So the cook must have no threads. Where there
is no fork, `topforge run-item` is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import IO, Callable, Optional

from topforge.errors import EXIT_CODES, FailureClass

Runner = Callable[[Path], int]
"""Does the item in a run folder; the exit code says how it ended."""

CAN_FORK = hasattr(os, "fork")


class Worker:
    """A running process. Its output is kept out of the cook's, for the case that it ends without a word on disk."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        """Starts `runner(folder)` in a new process, or `topforge run-item` where there is no fork."""
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self._exit_code: Optional[int] = None
        self._process = None if CAN_FORK else _spawn(folder, self._said)
        self._pid = _fork(folder, runner, self._said) if self._process is None else self._process.pid

    def poll(self) -> Optional[int]:
        """The exit code, negative for a signal; None while it runs."""
        if self._process is not None:
            return self._process.poll()
        if self._exit_code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self._exit_code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        return self._exit_code

    def send(self, number: int) -> None:
        """Sends a signal to the process, which passes it on to what it started."""
        if self._exit_code is None:
            os.kill(self._pid, number)

    def close(self) -> str:
        """What the process printed; call it once, after the end."""
        self._said.seek(0)
        text = self._said.read().decode("utf-8", "replace")
        self._said.close()
        return text


def _spawn(folder: Path, said: IO[bytes]) -> subprocess.Popen[bytes]:
    package = Path(__file__).resolve().parents[1]
    arguments = [sys.executable, str(package / "__main__.py"), "run-item", str(folder)]
    return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=said, stderr=said)


def _fork(folder: Path, runner: Runner, said: IO[bytes]) -> int:
    """The process id of a child that runs `runner(folder)` and nothing else.

    Signals wait while both sides are between two states: one that came in the child before it is itself would be lost.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # its reader went away (`| head`): no reason not to start
            stream.flush()
    parent = os.getpid()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _handled())
    try:
        pid = os.fork()
        if pid == 0:
            _become_child(folder, runner, said, parent, before)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _handled() -> set[signal.Signals]:
    return {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD}


def _become_child(folder: Path, runner: Runner, said: IO[bytes], parent: int, mask: set[int]) -> None:
    """Never returns."""
    exit_code = EXIT_CODES[FailureClass.INTERNAL]
    try:
        from topforge import platform_posix

        signal.set_wakeup_fd(-1)
        for number in _handled():
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        os.setpgid(0, 0)  # a terminal's ctrl-C reaches the cook only, which passes it on
        platform_posix.stop_with_parent(parent)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        sys.stdout = sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="replace", closefd=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        exit_code = runner(folder)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(exit_code)
