"""One process of a work item."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable, Dict, List, Optional


class CommandError(Exception):
    """The command cannot be started."""


def arguments(command: str, in_shell: bool, variables: Dict[str, str]) -> List[str]:
    """The words of a command as the local scheduler runs it: no shell, the first word is a program that exists.

    Raises:
        CommandError: It is empty or badly quoted, or no such program is found.
    """
    if in_shell:
        return ["/bin/sh", "-c", command]
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CommandError("%s in the command: %s" % (error, command)) from None
    if not words:
        raise CommandError("the command is empty")
    program = shutil.which(words[0], path=variables.get("PATH", ""))
    if program is None:
        raise CommandError("executable not found: %s, in the command: %s" % (words[0], command))
    return [program, *words[1:]]


class Process:
    """A child in a process group of its own; its output goes to a file."""

    def __init__(
        self,
        words: List[str],
        variables: Dict[str, str],
        log: Path,
        limit: Optional[float],
        on_end: Callable[[Process], None],
    ) -> None:
        self.canceled = self.timed_out = False
        self.started = time.monotonic()
        self._limit, self._on_end = limit, on_end
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                words, env=variables, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        threading.Thread(target=self._wait, name="pdg-process", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def code(self) -> int:
        return self._child.returncode

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    def cancel(self) -> None:
        """SIGKILL for the whole group, without notice."""
        self.canceled = True
        self._kill()

    def _kill(self) -> None:
        try:
            os.killpg(self._child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it was over

    def _wait(self) -> None:
        try:
            self._child.wait(self._limit)
        except subprocess.TimeoutExpired:
            self.timed_out = True
            self._kill()
            self._child.wait()
        self._on_end(self)
