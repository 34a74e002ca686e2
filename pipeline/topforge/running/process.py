"""Runs one child process to its end: lines as they come, limits of time, stopping in two steps, no orphans."""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import errno
import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Sequence, Tuple

from topforge import platform_posix
from topforge.errors import FailureClass, TopForgeError
from topforge.running.stopping import StopRequest

SILENT = "silent"
"""The child said nothing for longer than allowed."""
OVERTIME = "overtime"
"""The total limit of time is over."""

LINE_LIMIT = 4096
"""Characters of a line that are kept; the rest of a longer one is dropped and counted."""
_TICK_SECONDS = 0.25
_UNKILLABLE_SECONDS = 60.0


class CannotStartError(TopForgeError):
    """The executable or the working folder cannot be used, or the machine has no room for another process."""

    def __init__(self, arguments: Sequence[str], error: OSError) -> None:
        if error.errno in (errno.EAGAIN, errno.ENOMEM):
            self.failure_class = FailureClass.INFRA
        super().__init__(
            "Cannot start %s: %s." % (" ".join(arguments), error),
            "Check the executable and the item's environment (`topforge env`).",
        )


class UnkillableError(TopForgeError):
    """A child that survives SIGKILL: it hangs inside the kernel (driver, network mount)."""

    failure_class = FailureClass.INFRA

    def __init__(self, pid: int) -> None:
        super().__init__(
            "Process %d does not end although it was killed with -9: it hangs inside the kernel." % pid,
            "Look for driver messages (`dmesg`) and unreachable mounts; the machine may need a restart.",
        )


@dataclasses.dataclass(frozen=True)
class Command:
    """What to start, and what it may keep open."""

    arguments: Tuple[str, ...]
    folder: Path
    variables: Mapping[str, str]
    """The whole environment."""
    leases: Tuple[int, ...] = ()
    """Descriptors the child inherits, so that what they lock stays locked while any process of it lives."""
    held: Tuple[int, ...] = ()
    """Descriptors that only the guard keeps."""


@dataclasses.dataclass(frozen=True)
class Limits:
    """When a child is stopped without anybody's asking. 0 seconds or None = never."""

    silence_seconds: float = 0.0
    deadline: Optional[float] = None
    """On the clock of `time.monotonic`."""
    grace_seconds: float = 30.0
    """Between SIGTERM and SIGKILL."""


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a child ended."""

    exit_code: int
    """As `subprocess` gives it: negative = killed by that signal."""
    stopped: Optional[str]
    """Why we stopped it: CANCELLED, PREEMPTED, SILENT, OVERTIME; None when it ended by itself."""
    killed: bool
    """It did not end in time after SIGTERM and was killed."""
    orphans: Tuple[int, ...]
    """Processes it left behind, killed."""
    seconds: float


class LineSplitter:
    r"""Turns chunks of bytes into lines. `\n`, `\r` and `\r\n` end one; undecodable bytes become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""
        self._dropped = 0
        self._after_return = False

    def feed(self, chunk: bytes, final: bool = False) -> List[str]:
        """The lines that `chunk` completes; with `final` also the last one, that has no end."""
        text = self._decoder.decode(chunk, final)
        if self._after_return and text:
            text, self._after_return = text[1:] if text[0] == "\n" else text, False
        self._after_return = self._after_return or text.endswith("\r")
        *ended, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        lines = []
        for part in ended:
            self._append(part)
            lines.append(self._take())
        self._append(rest)
        if final and (self._line or self._dropped):
            lines.append(self._take())
        return lines

    def _append(self, text: str) -> None:
        kept = text[: LINE_LIMIT - len(self._line)]
        self._line += kept
        self._dropped += len(text) - len(kept)

    def _take(self) -> str:
        line, dropped = self._line, self._dropped
        self._line, self._dropped = "", 0
        return line + (" ... [%d more characters]" % dropped if dropped else "")


def run(
    command: Command, limits: Limits, stop: StopRequest, on_line: Callable[[str], None], on_tick: Callable[[], None]
) -> Ending:
    """Runs a child and everything it starts to the end.

    Args:
        command: What to start.
        limits: When to stop it.
        stop: Requests to stop; entered by the caller.
        on_line: Gets every line of stdout and stderr, in order, without its end.
        on_tick: Called after each batch of lines and at least four times a second.

    Raises:
        CannotStartError: It cannot be started.
        UnkillableError: It does not end.
        Exception: Whatever the callbacks raise, after everything the child started was killed.
    """
    return _Run(command, limits, stop, on_line, on_tick).to_the_end()


class _Run:
    """The state of one `run`."""

    def __init__(
        self,
        command: Command,
        limits: Limits,
        stop: StopRequest,
        on_line: Callable[[str], None],
        on_tick: Callable[[], None],
    ) -> None:
        self._limits, self._stop, self._on_line, self._on_tick = limits, stop, on_line, on_tick
        self._splitter = LineSplitter()
        self._stopped: Optional[str] = None
        self._kill_at: Optional[float] = None
        self._killed = False
        self._spared = platform_posix.children()
        self._started = self._last_output = time.monotonic()
        self._pipe, output = os.pipe()
        os.set_blocking(self._pipe, False)
        marker = os.urandom(16).hex()
        try:
            variables = {**command.variables, platform_posix.MARKER: marker}
            self._child: subprocess.Popen[bytes] = platform_posix.spawn(
                command.arguments, command.folder, variables, output, command.leases
            )
        except OSError as error:
            os.close(self._pipe)
            raise CannotStartError(command.arguments, error) from error
        finally:
            os.close(output)
        self._guard = platform_posix.Guard(self._child.pid, marker, command.leases + command.held)

    def to_the_end(self) -> Ending:
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(self._pipe, selectors.EVENT_READ)
                selector.register(self._stop, selectors.EVENT_READ)
                while self._child.poll() is None:
                    self._wait(selector)
            orphans = self._sweep()
            self._read_rest()
        except BaseException:
            self._sweep()
            raise
        finally:
            os.close(self._pipe)
        self._on_tick()
        code = self._child.returncode
        return Ending(code, self._stopped, self._killed, orphans, time.monotonic() - self._started)

    def _wait(self, selector: selectors.BaseSelector) -> None:
        for key, _ in selector.select(_TICK_SECONDS):
            if key.fileobj is self._stop:
                self._stop.drain()
            elif not self._read():
                selector.unregister(self._pipe)  # it closed its output and lives on
        self._on_tick()
        self._watch(time.monotonic())

    def _read(self) -> bool:
        """Passes on what is in the pipe; False at its end. BlockingIOError when nothing is there."""
        chunk = os.read(self._pipe, 65536)
        self._last_output = time.monotonic()
        for line in self._splitter.feed(chunk, final=not chunk):
            self._on_line(line)
        return bool(chunk)

    def _read_rest(self) -> None:
        """Reads to the end, which is there: everyone who could write is dead (or unkillable: then what is there)."""
        with contextlib.suppress(BlockingIOError):
            while self._read():
                pass

    def _watch(self, now: float) -> None:
        """Stops in two steps: asks, and kills when the grace is over or nobody wants to wait for its end."""
        if self._kill_at is None:
            self._stopped = self._stop.request or self._exceeded(now)
            if self._stopped:
                self._kill_at = now + self._limits.grace_seconds
                platform_posix.terminate_group(self._child.pid)
        elif not self._killed and (now >= self._kill_at or self._stop.impatient):
            self._kill_at, self._killed = now, True
            platform_posix.kill_group(self._child.pid)
        elif self._killed and now >= self._kill_at + _UNKILLABLE_SECONDS:
            raise UnkillableError(self._child.pid)

    def _exceeded(self, now: float) -> Optional[str]:
        if self._limits.deadline is not None and now >= self._limits.deadline:
            return OVERTIME
        silence = self._limits.silence_seconds
        if not silence or now - self._last_output < silence:
            return None
        if platform_posix.compiles(self._child.pid):  # it builds an extension, which prints nothing for minutes
            self._last_output = now
            return None
        return SILENT

    def _sweep(self) -> Tuple[int, ...]:
        """Kills what is left; in the orderly case nothing is."""
        if self._child.poll() is None:
            platform_posix.kill_group(self._child.pid)
            try:
                self._child.wait(_UNKILLABLE_SECONDS)
            except subprocess.TimeoutExpired:
                raise UnkillableError(self._child.pid) from None
        self._guard.dismiss()
        return tuple(platform_posix.kill_orphans(self._spared))
