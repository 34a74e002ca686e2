"""The server: XML-RPC on a free port, which it prints. It starts one client, and ends when its input ends."""

from __future__ import annotations

import argparse
import os
import platform
import pwd
import subprocess
import sys
import threading
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Dict, List, Optional
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

sys.path.insert(0, str(Path(__file__).resolve().parent))

import jobs


class Queue:
    """The documented functions; those that begin with `client_` are between the stand-in's server and client."""

    def __init__(self, root: Path, cpus: int) -> None:
        self._root, self._cpus = root, cpus
        self._jobs: Dict[int, jobs.Job] = {}
        self._lock = threading.RLock()
        (root / "job_logs").mkdir(parents=True, exist_ok=True)

    def ping(self) -> bool:
        return True

    def getHQRoot(self, system: str, is_client: bool = True) -> str:
        if system != "linux":
            raise Fault(1, "HQROOT of %s is not imitated" % system)
        return str(self._root)

    def newjob(self, jobspec: Any, parent_id: Optional[int] = None, child_ids: Any = ()) -> List[int]:
        if parent_id is not None or child_ids:
            raise Fault(1, "jobs that wait for jobs are not imitated")
        with self._lock:
            return [self._add(specification) for specification in jobs.specifications(jobspec)]

    def _add(self, specification: Dict[str, Any]) -> int:
        number = len(self._jobs) + 1
        self._jobs[number] = jobs.Job(number, specification)
        return number

    def getJob(self, job_id: int, attribs: Optional[List[str]] = None) -> Dict[str, Any]:
        with self._lock:
            if job_id not in self._jobs:
                raise Fault(1, "what a job that is not there gives is not imitated: %r" % job_id)
            found = self._jobs[job_id].attributes()
        return found if attribs is None else {name: found[name] for name in attribs}

    def getJobs(self, job_ids: List[int], attribs: Optional[List[str]] = None) -> List[Dict[str, Any]]:
        return [self.getJob(number, attribs) for number in job_ids]

    def getJobOutput(self, job_id: int) -> str:
        log = jobs.log_of(self._root, job_id)
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    def getJobIdsByStatus(self, statuses: List[str]) -> List[int]:
        with self._lock:
            return [job.id for job in self._jobs.values() if job.status in statuses]

    def cancelJobs(self, job_ids: List[int]) -> None:
        """Returns at once; a job that runs is cancelled when its client has ended it."""
        with self._lock:
            for job in (self._jobs[number] for number in job_ids):
                if job.status == "running":
                    job.cancel_asked = True
                elif job.status not in jobs.FINISHED:
                    job.set_status("cancelled")

    def client_beat(self) -> Dict[str, Any]:
        """What the client starts and what it ends."""
        with self._lock:
            running = [job for job in self._jobs.values() if job.status == "running"]
            started = []
            waiting = [job for job in self._jobs.values() if job.status == "runnable"]
            for job in sorted(waiting, key=lambda job: (-job.specification.get("priority", 0), job.id)):
                if jobs.may_join(job, running, self._cpus):
                    job.set_status("running")
                    running.append(job)
                    started.append({"id": job.id, "specification": job.specification})
            return {"start": started, "cancel": [job.id for job in running if job.cancel_asked]}

    def client_ended(self, job_id: int, exit_code: int, timed_out: bool) -> None:
        with self._lock:
            job = self._jobs[job_id]
            tries = job.specification.get("triesLeft", 0)
            if job.cancel_asked or timed_out:  # more time than maxTime is a cancel too
                job.set_status("cancelled")
            elif exit_code and tries > 0:
                job.specification["triesLeft"] = tries - 1
                job.set_status("runnable")
            else:
                job.set_status("failed" if exit_code else "succeeded")


class _Server(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


class _Handler(SimpleXMLRPCRequestHandler):
    rpc_paths = ()


def _login() -> Dict[str, str]:
    """What a service of this machine starts with: nothing of whoever runs the tests, and nothing of Houdini."""
    user = pwd.getpwuid(os.getuid())
    path = "/usr/local/bin:/usr/bin:/bin"
    return {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name, "SHELL": "/bin/sh", "PATH": path}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--cpus", type=int, required=True)
    given = parser.parse_args()
    root = given.root.resolve()
    server = _Server(("127.0.0.1", 0), _Handler, logRequests=False, allow_none=True)
    server.register_instance(Queue(root, given.cpus))
    address = "http://127.0.0.1:%d" % server.server_address[1]
    environment = {**_login(), "HQROOT": str(root), "HQSERVER": address, "HQCLIENT": str(root / "client")}
    environment["HQCLIENTARCH"] = "linux-" + platform.machine()
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    client = Path(__file__).with_name("client.py")
    child = subprocess.Popen(
        [sys.executable, "-I", str(client)], env=environment, cwd="/", stdin=subprocess.PIPE, start_new_session=True
    )
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    assert child.stdin is not None
    child.stdin.close()
    child.wait(10.0)


if __name__ == "__main__":
    main()
