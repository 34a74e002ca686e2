"""A stand-in of an HQueue server and of one client, from the documented protocol (pdg.md 5, farm.md 1). For tests only.

with hqueue.Farm(folder) as farm:
    farm.address          # http://127.0.0.1:<port>, for the scheduler's `address`
    farm.hqueue           # xmlrpc.client.ServerProxy
"""

from __future__ import annotations

import subprocess
import sys
import xmlrpc.client
from pathlib import Path
from typing import Any


class Farm:
    """A server and a client as processes of their own. What lies below `root` is the shared drive, HQROOT."""

    def __init__(self, root: Path, cpus: int = 4) -> None:
        program = str(Path(__file__).with_name("server.py"))
        words = [sys.executable, "-I", program, "--root", str(root), "--cpus", str(cpus)]
        self._server = subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
        assert self._server.stdout is not None
        self.address = "http://127.0.0.1:%d" % int(self._server.stdout.readline())
        self.hqueue: Any = xmlrpc.client.ServerProxy(self.address, allow_none=True)

    def __enter__(self) -> Farm:
        return self

    def __exit__(self, *problem: object) -> None:
        """The server ends with its input, its client and all jobs with it."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(15.0)
        assert self._server.stdout is not None
        self._server.stdout.close()
