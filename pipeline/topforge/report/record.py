"""Everything a report tells about one run, read from its folder without complaining.

A report is wanted most when something went wrong, so whatever cannot be read becomes a sentence in `problems`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from topforge import results, states
from topforge.errors import TopForgeError
from topforge.paths import RunPaths, absolute
from topforge.report.series import Table, read_table
from topforge.results import OutputFile, Result
from topforge.states import State

COMPANIONS = frozenset(("check", "report"))
"""Adapters whose runs stand beside those of a job; a comparison is not about them."""


@dataclasses.dataclass(frozen=True)
class View:
    """A held-out view that was measured."""

    name: str
    values: Mapping[str, float]
    """psnr (dB), ssim, mse."""
    files: str
    """Start of its pictures' paths in the result folder: `validate/val_000000`."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One run as it stands on disk. Every part may be missing."""

    paths: RunPaths
    item: Mapping[str, Any]
    """item.json, its paths absolute."""
    state: Optional[State]
    result: Optional[Result]
    views: Tuple[View, ...]
    findings: Optional[Mapping[str, Any]]
    """report.json of a capture's check."""
    table: Table
    """metrics.csv."""
    problems: Tuple[str, ...]
    """What could not be read, and why."""

    @property
    def name(self) -> str:
        """The item's name."""
        return str(self.item.get("name") or self.paths.run.name)

    @property
    def adapter(self) -> str:
        """Name of what ran it."""
        return str(self.item.get("adapter", ""))

    @property
    def labels(self) -> Tuple[Tuple[str, str], ...]:
        """Wedged options and their values, as text."""
        pairs = self.item.get("labels") or ()
        return tuple((str(pair[0]), str(pair[1])) for pair in pairs if isinstance(pair, list) and len(pair) == 2)

    @property
    def provenance(self) -> Mapping[str, Any]:
        """Of the result; empty without one."""
        return self.result.provenance if self.result else {}

    @property
    def config(self) -> Mapping[str, Any]:
        """The configuration that was run (a retry may have lowered it), else the one that was asked for."""
        config = self.provenance.get("config") or self.item.get("config")
        return config if isinstance(config, dict) else {}

    @property
    def attempts(self) -> List[Mapping[str, Any]]:
        """The attempts that result.json tells of."""
        return [attempt for attempt in self.provenance.get("attempts", ()) if isinstance(attempt, dict)]

    def metric(self, name: str) -> Optional[float]:
        """A final value."""
        return self.result.metrics.get(name) if self.result else None

    def file(self, path: str) -> Optional[Path]:
        """Where a published file lies; None when the result does not list it."""
        listed = self.result.outputs if self.result else ()
        return next((self.paths.result / output.path for output in listed if output.path == path), None)

    def first(self, role: str) -> Optional[OutputFile]:
        """The first output with a role."""
        return next((output for output in self.result.outputs if output.role == role), None) if self.result else None


def read(run_folder: Path) -> Record:
    """The record of a run; never raises for what is in the folder."""
    paths, problems = RunPaths(run_folder), []  # type: Tuple[RunPaths, List[str]]
    item = _with_absolute_paths(_json(paths.item, problems), absolute(run_folder))
    result = _result(paths, problems)
    summary = _json(paths.result / "summary.json", problems) if _lists(result, "summary.json") else {}
    findings = _findings(paths, result, problems) if item.get("adapter") == "check" else None
    state = _state(paths, problems)
    table = read_table(paths.metrics, problems)
    return Record(paths, item, state, result, _views(summary), findings, table, tuple(problems))


def _with_absolute_paths(item: Dict[str, Any], run_folder: Path) -> Dict[str, Any]:
    """In item.json paths may be relative to the run folder; what is no path stays as it is."""

    def below(value: Any) -> Any:
        return str(absolute(run_folder / value)) if isinstance(value, str) else value

    folders = {key: list(map(below, item[key])) for key in ("depends", "after") if isinstance(item.get(key), list)}
    return {**item, **({"dataset": below(item["dataset"])} if "dataset" in item else {}), **folders}


def adapter_of(run_folder: Path) -> str:
    """Name of the adapter that a run folder is for; "" when item.json cannot be read."""
    return str(_json(RunPaths(run_folder).item, []).get("adapter", ""))


def _findings(paths: RunPaths, result: Optional[Result], problems: List[str]) -> Optional[Dict[str, Any]]:
    """A check's report; of one that failed, and so published nothing, what it left in its scratch folder."""
    places = (paths.result / "report.json" if result else None, paths.output / "report.json")
    path = next((place for place in places if place is not None and place.is_file()), None)
    return _json(path, problems) if path else None


def _lists(result: Optional[Result], path: str) -> bool:
    return result is not None and any(output.path == path for output in result.outputs)


def _json(path: Path, problems: List[str]) -> Dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        problems.append("%s could not be read: %s." % (path.name, error))
        return {}
    if not isinstance(value, dict):
        problems.append("%s is not a JSON object." % path.name)
        return {}
    return value


def _result(paths: RunPaths, problems: List[str]) -> Optional[Result]:
    if not paths.manifest.exists():
        return None
    try:
        return results.read(paths.run)
    except TopForgeError as error:
        problems.append(error.reason)
        return None


def _state(paths: RunPaths, problems: List[str]) -> Optional[State]:
    try:
        return states.read(paths.state)
    except (OSError, ValueError, KeyError, TypeError) as error:
        problems.append("%s could not be read: %s." % (paths.state.name, error))
        return None


def _views(summary: Mapping[str, Any]) -> Tuple[View, ...]:
    found = []
    for entry in summary.get("views") or ():
        if isinstance(entry, dict) and isinstance(entry.get("psnr"), (int, float)):
            values = {key: float(value) for key, value in entry.items() if isinstance(value, (int, float))}
            found.append(View(str(entry.get("view", "")), values, str(entry.get("files", ""))))
    return tuple(found)
