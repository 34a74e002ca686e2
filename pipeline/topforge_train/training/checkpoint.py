"""Saved states of a training run: complete or absent, of this configuration or refused.

A file is a header line of JSON (format, identity, digest and size of the payload) followed by torch's own payload.
The digest tells a truncated or damaged file before torch sees it; then the one before is used.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import logging
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

import torch

from topforge import atomic
from topforge.errors import FailureClass, TopForgeError

FORMAT = 2
KEEP = 2
"""The newest and the one before: enough to survive a damaged newest file."""

log = logging.getLogger(__name__)


class ForeignCheckpointError(TopForgeError):
    """The folder holds the state of another run."""

    def __init__(self, path: Path, differences: List[str]) -> None:
        super().__init__(
            "%s was saved by a run with other settings (%s)." % (path, "; ".join(differences)),
            "Use another run folder, or remove its checkpoint/ to start anew. To train longer, raise iter or "
            "time_budget alone.",
        )


class NotSavedError(TopForgeError):
    """A checkpoint cannot be written: disk full and the like. The earlier ones are intact."""

    failure_class = FailureClass.INFRA

    def __init__(self, path: Path, size: int, error: OSError) -> None:
        super().__init__(
            "The checkpoint %s of %d bytes could not be written: %s; %d bytes are free."
            % (path, size, error, shutil.disk_usage(str(path.parent)).free),
            "Make room on that disk and run again: it continues from the checkpoint before.",
        )


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """One saved state."""

    training_pass: int
    """0 while the shape is found, 1 while the final triangles are refined."""
    step: int
    """Iterations of the pass that are done."""
    elapsed: float
    """What the run's clock says, over all attempts."""
    state: Dict[str, Any]
    """Tensors of the pass: parameters, optimiser, what earlier passes handed on."""
    progress: float = 0.0
    """How far the pass was, 0 to 1."""
    plain: Dict[str, Dict[str, Any]] = dataclasses.field(default_factory=dict)
    """What the parts of the loop keep beside, JSON-able, by their names."""
    is_extended: bool = False
    """Set by `load`: it was saved by a run with an earlier end."""


@dataclasses.dataclass(frozen=True)
class Packed:
    """A saved state as the bytes of its file; what is trained on does not change it any more."""

    name: str
    header: Dict[str, Any]
    payload: memoryview


def pack(identity: Dict[str, Any], checkpoint: Checkpoint) -> Packed:
    """Copies a state; tensors on a GPU are waited for.

    Args:
        identity: The configuration that decides the result; a later `load` must present an equal one.
        checkpoint: What to save.
    """
    buffer = io.BytesIO()
    torch.save(checkpoint.state, buffer)
    payload = buffer.getbuffer()  # no copy: with fine textures it is hundreds of megabytes
    header = {
        "format": FORMAT,
        "identity": identity,
        "pass": checkpoint.training_pass,
        "step": checkpoint.step,
        "elapsed": checkpoint.elapsed,
        "progress": checkpoint.progress,
        "plain": checkpoint.plain,
        "size": len(payload),
    }
    return Packed("pass%d-%07d.ckpt" % (checkpoint.training_pass, checkpoint.step), header, payload)


def write(folder: Path, packed: Packed) -> Path:
    """Writes a checkpoint and removes all but the newest `KEEP`.

    Args:
        folder: Made if it is not there.
        packed: What `pack` made.

    Raises:
        NotSavedError: Disk full and the like; earlier checkpoints are intact.
    """
    header = {**packed.header, "sha256": hashlib.sha256(packed.payload).hexdigest()}
    line = json.dumps(header).encode("utf-8") + b"\n"
    path = folder / packed.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        atomic.write_parts(path, [line, packed.payload])
    except OSError as error:
        raise NotSavedError(path, len(line) + len(packed.payload), error) from error
    for old in _newest_first(folder)[KEEP:]:
        old.unlink()
    return path


Extends = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether the first configuration differs from the second in nothing but a later end."""


def load(folder: Path, identity: Dict[str, Any], extends: Extends) -> Optional[Checkpoint]:
    """The newest whole checkpoint, or None when there is none. Damaged files are named in the log and left alone.

    Its tensors are on the CPU, so that a run may go on on another device than it began on.

    Args:
        folder: Of the checkpoints; may be missing.
        identity: The configuration that decides the result.
        extends: Says of another configuration than the saved one whether it may go on all the same.

    Raises:
        ForeignCheckpointError: The newest whole one belongs to another configuration. Nothing is changed.
    """
    for path in _newest_first(folder):
        try:
            header, payload = _read(path)
        except (ValueError, KeyError, TypeError) as error:  # not JSON, or not a header
            log.warning("The checkpoint %s is damaged (%s); looking for the one before.", path, error)
            continue
        wanted = json.loads(json.dumps(identity))
        differences = _differences(header["identity"], wanted)
        if differences and not extends(wanted, header["identity"]):
            raise ForeignCheckpointError(path, differences)
        state = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        numbers = (header["pass"], header["step"], header["elapsed"])
        return Checkpoint(*numbers, state, header["progress"], header["plain"], bool(differences))
    return None


def keep_newest(folder: Path) -> None:
    """Removes all but the newest file: enough once the result is there."""
    for old in _newest_first(folder)[1:]:
        old.unlink()


def _newest_first(folder: Path) -> List[Path]:
    return sorted(folder.glob("pass*.ckpt"), reverse=True) if folder.is_dir() else []


def _read(path: Path) -> tuple[Dict[str, Any], bytes]:
    with path.open("rb") as stream:
        line, payload = stream.readline(), stream.read()
    header: Dict[str, Any] = json.loads(line)
    if header["format"] != FORMAT:
        raise ValueError("format %r, this version reads %d" % (header["format"], FORMAT))
    if len(payload) != header["size"] or hashlib.sha256(payload).hexdigest() != header["sha256"]:
        raise ValueError("%d of %d bytes, or altered" % (len(payload), header["size"]))
    return header, payload


def _differences(saved: Dict[str, Any], wanted: Dict[str, Any]) -> List[str]:
    changed = [key for key in sorted(set(saved) | set(wanted)) if saved.get(key) != wanted.get(key)]
    return ["%s %r, now %r" % (key, saved.get(key), wanted.get(key)) for key in changed]
