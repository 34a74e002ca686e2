"""result.json: what an item made. It is written last, so it exists if and only if the outputs are complete.

    {
     "format": 1,
     "key": "<the item's key, hex SHA-256>",
     "name": "<the item's name>",
     "adapter": "<adapter>",
     "finished": <Unix time>,
     "outputs": [{"path": "mesh/mesh.obj", "role": "mesh", "size": 123, "sha256": "<hex>"}, ...],
     "metrics": {"psnr": 27.3, ...},
     "provenance": {
      "topforge": "<version>", "adapter_version": "1",
      "host": "...", "system": "Linux 6.1 x86_64", "runner_python": "3.11.7",
      "devices": [{"uuid": "GPU-...", "name": "...", "memory_mib": 24564}],
      "environment": {"prefix": "...", "kind": "venv", "python": "...", "summary": "..."},
      "attempts": [{"number": 1, "started": <Unix time>, "seconds": 61.2, "outcome": "infra: ...",
                    "steps": [{"name": "train", "seconds": 60.9, "exit_code": -9}]}, ...],
      "lowered": ["<what a retry after out-of-memory changed>", ...],
      "remarks": ["<what may be wrong with the result, and what to look at>", ...],
      "config": {<the configuration that was run>}, "item": {<item.json>},
      "trainer": {<whatever the adapter adds: versions, commit, seed, timings>}
     },
     "licences": ["<one line each>"]
    }

`attempts` lists the attempts of the runner that finished, failed ones first. Output paths are relative to `result/`,
with `/`; sizes are in bytes; metrics are finite.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from pathlib import Path, PurePosixPath
from typing import Any, Dict, Mapping, Optional, Tuple

from topforge.errors import TopForgeError
from topforge.paths import RunPaths

FORMAT = 1
"""Version of result.json. A reader refuses a newer one by name."""


class ResultError(TopForgeError):
    """result.json is missing, or not what this version can read."""

    def __init__(self, path: Path, problem: str, fix: str = "Run the item again.") -> None:
        super().__init__("%s: %s." % (path, problem), fix)


@dataclasses.dataclass(frozen=True)
class OutputFile:
    """One published file."""

    path: str
    """Relative to `result/`, with `/`."""
    role: str
    """As `topforge.trainers.base.Output.role`."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""


def sentence(remark: str) -> str:
    """A remark, which has no end, as people read it by itself."""
    return remark[:1].upper() + remark[1:] + "."


@dataclasses.dataclass(frozen=True)
class Result:
    """A finished item; the fields are those of result.json."""

    run: Path
    """The run folder it was read from; not part of the file."""
    key: str
    name: str
    adapter: str
    finished: float
    outputs: Tuple[OutputFile, ...]
    metrics: Mapping[str, float]
    provenance: Mapping[str, Any]
    licences: Tuple[str, ...]

    def path(self, output: OutputFile) -> Path:
        """Where `output` lies."""
        return RunPaths(self.run).result / output.path

    @property
    def remarks(self) -> Tuple[str, ...]:
        """What went less well than it should, or looks wrong although it is complete; each without an end."""
        return tuple(str(text) for key in ("lowered", "remarks") for text in self.provenance.get(key) or ())

    def with_role(self, role: str) -> Tuple[OutputFile, ...]:
        """The outputs of one role; "texture" finds "texture:base_color" as well."""
        return tuple(o for o in self.outputs if o.role == role or o.role.startswith(role + ":"))


def to_json(result: Result) -> Dict[str, Any]:
    """The content of result.json."""
    values = {field.name: getattr(result, field.name) for field in dataclasses.fields(Result) if field.name != "run"}
    values["outputs"] = [dataclasses.asdict(output) for output in result.outputs]
    values["licences"] = list(result.licences)
    return {"format": FORMAT, **values}


def read(run_folder: Path) -> Result:
    """Reads result.json strictly: nothing missing, nothing unknown, every type right. Looks at no other file.

    Raises:
        ResultError: Names the file and the problem.
    """
    path = RunPaths(run_folder).manifest
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultError(path, "there is no such file: the item is not finished") from None
    except (OSError, ValueError) as error:
        raise ResultError(path, "cannot be read as JSON (%s)" % error) from error
    if not isinstance(raw, dict) or not isinstance(raw.get("format"), int):
        raise ResultError(path, "is not a result: it has no `format` number")
    if raw.pop("format") > FORMAT:
        raise ResultError(path, "is of a newer format than %d" % FORMAT, "Update TopForge on this machine.")
    return _result(run_folder, path, raw)


_TYPES: Mapping[str, type] = {
    "key": str,
    "name": str,
    "adapter": str,
    "finished": float,
    "outputs": list,
    "metrics": dict,
    "provenance": dict,
    "licences": list,
}


def _result(run_folder: Path, path: Path, raw: Dict[str, Any]) -> Result:
    wrong = sorted(set(raw) ^ set(_TYPES)) or [key for key, kind in _TYPES.items() if not isinstance(raw[key], kind)]
    if wrong:
        raise ResultError(path, "%s: missing, unknown or of the wrong type" % ", ".join(wrong))
    if not all(isinstance(value, float) and math.isfinite(value) for value in raw["metrics"].values()):
        raise ResultError(path, "metrics: not all are finite numbers")
    if not all(isinstance(licence, str) for licence in raw["licences"]):
        raise ResultError(path, "licences: not all are text")
    outputs = tuple(_output(path, entry) for entry in raw.pop("outputs"))
    return Result(run=run_folder, outputs=outputs, licences=tuple(raw.pop("licences")), **raw)


def _output(path: Path, entry: Any) -> OutputFile:
    kinds = {"path": str, "role": str, "size": int, "sha256": str}
    if not isinstance(entry, dict) or set(entry) != set(kinds):
        raise ResultError(path, "outputs: %r has missing or unknown fields" % (entry,))
    if not all(isinstance(entry[name], kind) for name, kind in kinds.items()):
        raise ResultError(path, "outputs: %r has a field of the wrong type" % (entry,))
    if not is_inside(entry["path"]):
        raise ResultError(path, "outputs: %s is not inside the result folder" % entry["path"])
    return OutputFile(**entry)


def is_inside(path: str) -> bool:
    """Whether a relative output path stays in its folder, by its text."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\\" not in path


def is_complete(run_folder: Path, key: Optional[str] = None, verify: bool = False) -> bool:
    """Whether a run folder holds a finished item whose outputs are all there; arguments as of `complete`."""
    return complete(run_folder, key, verify) is not None


def complete(run_folder: Path, key: Optional[str] = None, verify: bool = False) -> Optional[Result]:
    """The result in a run folder if its outputs are all there, else None.

    Args:
        run_folder: The item's folder.
        key: Also require this key.
        verify: Also compare the hashes, which reads every output; else only the sizes.
    """
    try:
        result = read(run_folder)
    except ResultError:
        return None
    return result if (key is None or result.key == key) and has_outputs(result, verify) else None


def has_outputs(result: Result, verify: bool = False) -> bool:
    """Whether all outputs are there with the right size, and with `verify` also the right hash."""
    return all(_is_there(result.path(output), output, verify) for output in result.outputs)


def _is_there(path: Path, output: OutputFile, verify: bool) -> bool:
    try:
        return path.stat().st_size == output.size and (not verify or sha256(path) == output.sha256)
    except OSError:
        return False


def sha256(path: Path) -> str:
    """Hex SHA-256 of a file's content."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
