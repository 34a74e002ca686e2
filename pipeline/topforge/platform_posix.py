"""The one module with calls that only POSIX, and partly only Linux, has: kernel locks, process groups, orphans.

Who dies with whom:
  * the trainer dies with its runner, by the kernel's hand (`PR_SET_PDEATHSIG`), even when that was killed with -9;
  * what the trainer started dies with it: the runner is the subreaper of all of it, also of daemons that forked twice;
  * if the runner itself is killed with -9, a `Guard` kills what the trainer started, and keeps the item and its GPUs
    locked until the last of it is gone.
On systems without `prctl` the first two are left out; the guard and the process group remain.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable, FrozenSet, Iterable, List, Mapping, Optional, Sequence

MARKER = "TOPFORGE_ATTEMPT"
"""Variable whose unique value marks every process of one attempt."""

CANCEL_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
KEYBOARD_SIGNAL = signal.SIGINT
PREEMPT_SIGNAL = signal.SIGUSR1
"""Slurm sends it when asked to (`--signal=B:USR1@...`)."""
CHILD_SIGNAL = signal.SIGCHLD
SHIELDED_SIGNALS = (signal.SIGINT, signal.SIGHUP)
"""Left alone where the parent had them ignored: `nohup`, and `&` in a script."""
KILLED, TERMINATED, FILE_TOO_LARGE = -signal.SIGKILL, -signal.SIGTERM, -signal.SIGXFSZ
"""Exit codes, as `subprocess` gives them."""

COMPILERS = frozenset(
    {"nvcc", "cicc", "ptxas", "cudafe++", "fatbinary", "nvlink", "cc1plus", "cc1", "g++", "c++", "ld"}
)
"""Programs that build extensions, by the names the kernel keeps; while one of them runs, silence is no hang."""

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_KILL_SECONDS = 10.0
"""How long a process killed with -9 may take to disappear (a driver frees gigabytes, a network mount times out)."""


@functools.lru_cache(maxsize=None)
def _prctl() -> Optional[Callable[..., int]]:
    return ctypes.CDLL(None, use_errno=True).prctl if sys.platform.startswith("linux") else None


def become_subreaper() -> None:
    """Makes this process the parent of every descendant whose own parent ends."""
    prctl = _prctl()
    if prctl is not None and prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def stop_with_parent(parent: int) -> None:
    """Makes a forked process receive SIGTERM when its parent, process id `parent`, ends for whatever reason."""
    prctl = _prctl()
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above
        os.kill(os.getpid(), signal.SIGTERM)


def try_lock(path: Path, mode: int = 0o644) -> Optional[int]:
    """Takes the kernel lock (flock) of a file, without waiting.

    The lock belongs to the returned descriptor and to whoever inherits it; it ends when the last of them closes it or
    dies. Nothing stays behind but the file, which means nothing.

    Args:
        path: Lock file; created if missing.
        mode: Permissions when created, whatever the umask.

    Returns:
        A descriptor (not inherited by exec unless asked), or None if someone else holds the lock.

    Raises:
        OSError: The file can be neither opened nor created.
    """
    while True:
        try:
            descriptor = os.open(str(path), os.O_RDWR | os.O_NOFOLLOW)
        except FileNotFoundError:
            descriptor = os.open(str(path), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, mode)
            with contextlib.suppress(PermissionError):  # another user made it in between; its mode is right then
                os.fchmod(descriptor, mode)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        if _still_named(descriptor, path):
            return descriptor
        os.close(descriptor)  # someone deleted the file while we opened it: lock the one that is there now


def _still_named(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def spawn(
    arguments: Sequence[str], folder: Path, variables: Mapping[str, str], output: int, inherited: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Starts a child in its own session, which dies when the calling thread's process does.

    Must be called from the main thread (the kernel ties the death signal to the thread) of a process without other
    threads (Python code runs between fork and exec).

    Args:
        arguments: Executable and arguments.
        folder: Working folder.
        variables: The whole environment.
        output: Descriptor that receives stdout and stderr.
        inherited: Further descriptors the child keeps open (leases).

    Raises:
        OSError: The executable or the folder cannot be used.
    """
    prctl, runner = _prctl(), os.getpid()

    def tie_to_runner() -> None:
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != runner:  # the runner died before the line above
                os._exit(127)

    return subprocess.Popen(
        arguments,
        cwd=str(folder),
        env=dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=tuple(inherited),
        start_new_session=True,
        preexec_fn=tie_to_runner,
    )


def terminate_group(group: int) -> None:
    """Asks the processes of a group to end; suspended ones are woken to hear it. One that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        os.killpg(group, signal.SIGCONT)


def kill_group(group: int) -> None:
    """Ends the processes of a group; one that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def children() -> FrozenSet[int]:
    """Process ids of this process's children, zombies among them (empty where there is no /proc)."""
    if not _has_children():  # spares a walk over all processes of the machine
        return frozenset()
    return frozenset(pid for pid in _all_processes() if _parent_of(pid) == os.getpid())


def kill_orphans(spared: FrozenSet[int]) -> List[int]:
    """Kills with -9, and reaps, every child but the `spared`, and then what they leave behind, until nothing is left.

    Returns:
        The processes that were killed.
    """
    killed: List[int] = []
    deadline = time.monotonic() + _KILL_SECONDS
    while _has_children() and time.monotonic() < deadline:
        orphans = children() - spared
        if not orphans:
            break
        for orphan in orphans:
            if os.waitpid(orphan, os.WNOHANG)[0] == 0 and orphan not in killed:
                os.kill(orphan, signal.SIGKILL)
                killed.append(orphan)
        time.sleep(0.002)
    return killed


def compiles(session: int) -> bool:
    """Whether a compiler runs in a session (that of a child from `spawn`), as far as this user may see."""
    return any(_session_of(pid) == session and _name_of(pid) in COMPILERS for pid in _all_processes())


def holders(path: Path) -> List[int]:
    """Processes that have the file `path` open, as far as this user may see."""
    return [pid for pid in _all_processes() if _has_open(pid, os.path.realpath(str(path)))]


class Guard:
    """A process that outlives a killed runner for as long as it takes to kill what the runner's child left behind."""

    def __init__(self, group: int, marker: str, held: Iterable[int]) -> None:
        """Forks the guard.

        Args:
            group: The child's process group.
            marker: Value of the variable `MARKER` in the environment of everything the child started.
            held: Descriptors of locks that stay locked until the guard has done its work.
        """
        lifeline, self._runner_end = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _guard(lifeline, group, marker, {lifeline, *held})
            finally:
                os._exit(0)
        os.close(lifeline)

    def dismiss(self) -> None:
        """Ends the guard: the child has ended in an orderly way. A second call does nothing."""
        if self._pid == 0:
            return
        os.kill(self._pid, signal.SIGKILL)  # quicker than to ask; as our child it is there, at least as a zombie
        os.close(self._runner_end)
        os.waitpid(self._pid, 0)
        self._pid = 0


def _guard(lifeline: int, group: int, marker: str, kept: Iterable[int]) -> None:
    signal.set_wakeup_fd(-1)
    for number in (*CANCEL_SIGNALS, PREEMPT_SIGNAL):
        signal.signal(number, signal.SIG_IGN)
    os.setsid()  # survives a kill of the runner's group
    _close_all_but(set(kept))
    os.read(lifeline, 1)  # returns when the runner dies: nobody ever writes
    deadline = time.monotonic() + _KILL_SECONDS
    kill_group(group)
    sought = ("%s=%s" % (MARKER, marker)).encode()
    while time.monotonic() < deadline:
        left = [pid for pid in _all_processes() if sought in _environment_of(pid)]
        if not left:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _close_all_but(kept: Iterable[int]) -> None:
    numbers = {int(entry.name) for entry in Path("/dev/fd").iterdir()}
    for number in numbers - set(kept):
        with contextlib.suppress(OSError):  # the listing's own descriptor is closed already
            os.close(number)


def _has_children() -> bool:
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _all_processes() -> List[int]:
    proc = Path("/proc")
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()] if proc.is_dir() else []


def _parent_of(pid: int) -> Optional[int]:
    try:
        stat = Path("/proc/%d/stat" % pid).read_bytes()
    except OSError as error:  # ended meanwhile
        if error.errno not in (errno.ENOENT, errno.ESRCH):
            raise
        return None
    return int(stat.rpartition(b")")[2].split()[1])  # the name in brackets may hold anything


def _session_of(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:  # it ended meanwhile
        return 0


def _name_of(pid: int) -> str:
    """The program's name, as the kernel keeps it: at most 15 characters."""
    try:
        return Path("/proc/%d/comm" % pid).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _environment_of(pid: int) -> bytes:
    try:
        return Path("/proc/%d/environ" % pid).read_bytes()
    except OSError:  # ended meanwhile, or another user's
        return b""


def _has_open(pid: int, path: str) -> bool:
    try:
        return any(os.readlink(str(entry)) == path for entry in Path("/proc/%d/fd" % pid).iterdir())
    except OSError:  # ended meanwhile, or another user's
        return False
