"""A program run to its end with a time on every line it prints and the peak of the GPU's memory."""

import dataclasses
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

MEMORY_INTERVAL_MS = 250
"""Between two looks at the GPU's memory."""


class BenchmarkError(Exception):
    """A measurement cannot be made; the sentence says why and where to look."""


@dataclasses.dataclass(frozen=True)
class Line:
    """A line of output and when it came."""

    seconds: float
    """Since the start of the process."""
    text: str


@dataclasses.dataclass(frozen=True)
class Run:
    """What a program printed and used."""

    seconds: float
    """Wall time from the start of the process to its end."""
    exit_code: int
    lines: List[Line]
    peak_gpu_mib: float
    """Peak of the GPU's memory above what was used before the start, of all its users; context included. 0: no GPU."""


class MemoryWatch:
    """Follows the memory in use on the first visible GPU with nvidia-smi while a block runs."""

    def __init__(self) -> None:
        self._values: List[float] = []
        self._process: Optional[subprocess.Popen[str]] = None

    def __enter__(self) -> "MemoryWatch":
        query = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
        device = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0] or "0"
        command = [*query, "-i", device, "-lms", str(MEMORY_INTERVAL_MS)]
        try:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        except FileNotFoundError:  # a machine without a GPU: the figure is 0
            return self
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 5.0
        while not self._values and time.monotonic() < deadline:
            time.sleep(0.01)
        return self

    def _read(self) -> None:
        for line in self._process.stdout:
            if line.strip().isdigit():
                self._values.append(float(line))

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._thread.join()

    @property
    def peak(self) -> float:
        """MiB above the first value."""
        return max(self._values) - self._values[0] if self._values else 0.0


def run(
    command: Sequence[str],
    folder: Path,
    environment: Dict[str, str],
    log: Path,
    stop_at: Optional[str] = None,
) -> Run:
    """Runs a program in `folder`; every line goes to `log` with its time in front.

    Args:
        command: Program and arguments.
        folder: Its current folder.
        environment: All of its environment variables.
        log: File to write.
        stop_at: End the program at the first line that matches this regular expression.

    Raises:
        BenchmarkError: It failed.
    """
    lines: List[Line] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    stopped = False
    with MemoryWatch() as memory, log.open("w", encoding="utf-8") as file:
        began = time.monotonic()
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        for text in process.stdout:
            line = Line(time.monotonic() - began, text.rstrip("\n"))
            lines.append(line)
            file.write("%9.3f %s\n" % (line.seconds, line.text))
            file.flush()
            if not stopped and stop_at and re.search(stop_at, line.text):
                stopped = True
                os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        seconds = time.monotonic() - began
    if code and not stopped:
        tail = "\n".join(line.text for line in lines[-12:])
        raise BenchmarkError("%s ended with code %d; the whole log is %s:\n%s" % (command[0], code, log, tail))
    return Run(seconds, code, lines, memory.peak)
