"""The client on a machine of the farm: runs commands in the shell, with its own environment and the job's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import xmlrpc.client
from pathlib import Path
from typing import Any, Dict, Optional

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jobs

_GRACE_SECONDS = 2.0
"""[U] Between SIGTERM and SIGKILL when a job is cancelled; the documentation tells neither."""


class Run:
    """One job that runs here, in a process group of its own."""

    def __init__(self, number: int, specification: Dict[str, Any]) -> None:
        own = {str(name): str(value) for name, value in specification.get("environment", {}).items()}
        variables = {**os.environ, **own, "JOBID": str(number)}
        with jobs.log_of(Path(os.environ["HQROOT"]), number).open("ab") as log:
            self.process = subprocess.Popen(
                ["/bin/sh", "-c", specification["command"]],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        limit = specification.get("maxTime", 0)
        self._deadline = time.monotonic() + limit if limit > 0 else float("inf")
        self.timed_out = False
        self._kill_at: Optional[float] = None

    def is_over(self) -> bool:
        """Also ends what has had its time."""
        now = time.monotonic()
        if now > self._deadline and not self.timed_out:
            self.timed_out = True
            self.end()
        if self._kill_at is not None and now > self._kill_at:
            self._signal(signal.SIGKILL)
        if self.process.poll() is None:
            return False
        if self._kill_at is not None:
            self._signal(signal.SIGKILL)  # the shell is gone; what it started may not be
        return True

    def end(self) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + _GRACE_SECONDS
            self._signal(signal.SIGTERM)

    def _signal(self, which: int) -> None:
        try:
            os.killpg(self.process.pid, which)
        except ProcessLookupError:
            pass  # it was over


def main() -> None:
    """Until its input ends; then all jobs end with it."""
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stop.set()), daemon=True).start()
    server: Any = xmlrpc.client.ServerProxy(os.environ["HQSERVER"], allow_none=True)
    runs: Dict[int, Run] = {}
    while not stop.wait(0.05):
        orders = server.client_beat()
        for order in orders["start"]:
            runs[order["id"]] = Run(order["id"], order["specification"])
        for number in orders["cancel"]:
            if number in runs:
                runs[number].end()
        for number in [number for number, run in runs.items() if run.is_over()]:
            run = runs.pop(number)
            server.client_ended(number, run.process.returncode, run.timed_out)
    for run in runs.values():
        run._signal(signal.SIGKILL)
        run.process.wait()


if __name__ == "__main__":
    main()
