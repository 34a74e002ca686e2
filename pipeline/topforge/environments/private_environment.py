"""TopForge's own Python environment: made from pinned wheels, beside the checkout, safe to make again.

What goes in stands in pyproject.toml's optional dependencies and nowhere else. A marker in the environment holds the
digest of what was installed; when it matches, nothing is started at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from topforge import atomic
from topforge.errors import FailureClass, TopForgeError

MARKER = "topforge-installed.json"
OLDEST_PYTHON = (3, 11)
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
"""PyTorch's own index of CPU builds; the default one on Linux brings several GB of CUDA."""

Say = Callable[[str], None]


class PythonTooOldError(TopForgeError):
    """The interpreter cannot hold the pinned packages."""

    def __init__(self) -> None:
        super().__init__(
            "This is Python %d.%d (%s); the trainer's packages need 3.11 or newer."
            % (*sys.version_info[:2], sys.executable),
            "Run the same command with a newer one, for example `python3.11`.",
        )


class UnknownExtraError(TopForgeError):
    """Pyproject.toml has no such group of optional packages."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__('There is no group of packages named "%s".' % name, "Known: %s." % ", ".join(known))


class InstallFailedError(TopForgeError):
    """pip could not install the pinned packages."""

    failure_class = FailureClass.INFRA

    def __init__(self, command: Sequence[str], tail: Sequence[str], log: Path) -> None:
        super().__init__(
            "pip ended with an error: %s (whole output: %s)." % (" / ".join(tail[-3:]), log),
            "Check the connection and the free disk space (about 2.5 GB), then run the same command again.",
        )
        self.command = tuple(command)


def folder(repository: Path) -> Path:
    """Where the environment of a checkout lives; TOPFORGE_ENV overrides it (a shared one on a farm)."""
    return Path(os.environ.get("TOPFORGE_ENV") or repository / ".topforge" / "env")


def python_of(environment: Path) -> Path:
    """The environment's interpreter."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def say_at_once(line: str) -> None:
    """Prints and flushes: a script that then becomes another program would lose what is still buffered."""
    print(line, flush=True)


def ensure_or_exit(repository: Path, extras: Sequence[str]) -> Path:
    """`ensure` for scripts that a person starts: what stops it is told in two lines, and ends the process."""
    try:
        return ensure(repository, extras)
    except TopForgeError as error:
        print("%s\n  %s" % (error.reason, error.fix), file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("\nInterrupted. The same command continues.", file=sys.stderr)
        sys.exit(130)


def ensure(repository: Path, extras: Sequence[str], say: Say = say_at_once) -> Path:
    """Makes or completes the private environment and returns its interpreter.

    Args:
        repository: The checkout, with pyproject.toml.
        extras: Names of optional dependency groups; what earlier calls installed stays.
        say: Receives lines for people.

    Raises:
        PythonTooOldError: Below 3.11.
        InstallFailedError: pip failed; the environment is left as it is and completed by the next call.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise PythonTooOldError()
    environment = folder(repository)
    interpreter = python_of(environment)
    wanted = _digests(repository, extras)
    installed = _installed(environment)
    missing = [extra for extra in extras if installed.get(extra) != wanted[extra]]
    if interpreter.exists() and not missing:
        return interpreter
    if not interpreter.exists():
        say("Making a private Python environment in %s" % environment)
        _make(environment)
    requirements = [r for extra in missing for r in _requirements(repository)[extra]]
    _install(environment, requirements, say)
    atomic.write_json(environment / MARKER, {**installed, **{extra: wanted[extra] for extra in missing}})
    return interpreter


def requirements(repository: Path, extra: str) -> Tuple[str, ...]:
    """The pinned packages of one optional dependency group.

    Raises:
        PythonTooOldError: This Python cannot read pyproject.toml.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise PythonTooOldError()
    return tuple(_requirements(repository)[extra])


def _requirements(repository: Path) -> Dict[str, List[str]]:
    import tomllib  # type: ignore[import-not-found, unused-ignore]  # 3.11, which `ensure` has checked

    with (repository / "pyproject.toml").open("rb") as stream:
        groups: Dict[str, List[str]] = tomllib.load(stream)["project"]["optional-dependencies"]
    return groups


def _digests(repository: Path, extras: Sequence[str]) -> Dict[str, str]:
    groups = _requirements(repository)
    for extra in extras:
        if extra not in groups:
            raise UnknownExtraError(extra, sorted(groups))
    python = "%d.%d" % sys.version_info[:2]
    return {e: hashlib.sha256(json.dumps([python, sorted(groups[e])]).encode()).hexdigest() for e in extras}


def _installed(environment: Path) -> Dict[str, str]:
    try:
        found: Dict[str, str] = json.loads((environment / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found


def _make(environment: Path) -> None:
    """A virtual environment with pip, also where the system's Python comes without ensurepip (Debian, Ubuntu)."""
    shutil.rmtree(environment, ignore_errors=True)  # a half-made one from an interrupted call
    environment.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    interpreter = str(python_of(environment))
    if subprocess.run([interpreter, "-m", "ensurepip", "--default-pip"], capture_output=True).returncode == 0:
        return
    with tempfile.TemporaryDirectory() as scratch:
        wheel = _download_pip(Path(scratch))
        subprocess.run([interpreter, str(wheel / "pip"), "install", "-q", "--no-index", str(wheel)], check=True)


def _download_pip(scratch: Path) -> Path:
    """Pip's newest wheel from the Python Package Index; a wheel is a zip file that Python can run from."""
    with urllib.request.urlopen("https://pypi.org/pypi/pip/json", timeout=60) as answer:
        files: List[Dict[str, Any]] = json.load(answer)["urls"]
    chosen = next(file for file in files if file["packagetype"] == "bdist_wheel")
    with urllib.request.urlopen(chosen["url"], timeout=60) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != chosen["digests"]["sha256"]:
        raise InstallFailedError(["download pip"], ["the download of %s is damaged" % chosen["filename"]], scratch)
    path = scratch / str(chosen["filename"])
    path.write_bytes(data)
    return path


def _torch_source(requirements: Sequence[str]) -> List[str]:
    """Pip arguments that prefer torch's CPU build on a machine without an NVIDIA driver."""
    if not any(r.startswith("torch") for r in requirements) or sys.platform != "linux" or shutil.which("nvidia-smi"):
        return []
    try:
        urllib.request.urlopen(CPU_WHEELS + "/torch/", timeout=10).close()
    except OSError:
        return []  # offline or mirrored: pip's own configuration decides
    return ["--extra-index-url", CPU_WHEELS]


def _install(environment: Path, requirements: Sequence[str], say: Say) -> None:
    """Runs pip, showing one short line for each package and keeping the whole output in a file."""
    command = [str(python_of(environment)), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", *_torch_source(requirements), *requirements]
    log = environment / "pip.log"
    started, tail = time.monotonic(), ["nothing"]
    say("Installing %d pinned packages and what they need (a few minutes, about 2.5 GB of disk)" % len(requirements))
    with log.open("w", encoding="utf-8") as record:
        child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_clean())
        assert child.stdout is not None
        for line in child.stdout:
            record.write(line)
            tail.append(line.strip())
            short = _worth_showing(line)
            if short:
                say("  %4.0f s  %s" % (time.monotonic() - started, short))
    if child.wait() != 0:
        raise InstallFailedError(command, [t for t in tail if t], log)
    say("Installed in %.0f s." % (time.monotonic() - started))


def _clean() -> Dict[str, str]:
    """The environment without what would make another Python's packages leak in; pip's own settings stay."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_USER")}


def _worth_showing(line: str) -> Optional[str]:
    words: Tuple[str, ...] = tuple(line.split())
    if len(words) > 1 and words[0] == "Collecting":
        return words[1]
    return "installing ..." if line.startswith("Installing collected") else None
