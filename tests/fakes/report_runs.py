"""Run folders for the tests of reports, written as the runner writes them, with pictures of a few pixels."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Dict, Optional

from topforge import atomic, items, results, states
from topforge.errors import FailureClass
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.report import png
from topforge.results import OutputFile, Result
from topforge.running.metrics_table import MetricsTable
from topforge.states import State, Status
from topforge.trainers.base import Report
from topforge.trainers.builtin import REQUIRED, role_of
from topforge.trainers.builtin_options import BuiltinOptions

HOSTILE = """<script>alert("x")</script>'&\u00e9\u202e\u0007"""
FINISHED = 1_790_000_000.0


def picture(width: int = 16, height: int = 16, shift: int = 0) -> bytes:
    places = ((x, y, c) for y in range(height) for x in range(width) for c in range(3))
    pixels = bytes((x * 8 + y * 4 + c * 40 + shift) & 255 for x, y, c in places)
    return png.encode(png.Picture(width, height, 3, pixels))


def item(folder: Path, name: str = "ewer", adapter: str = "topforge", **changes: Any) -> RunPaths:
    """A run folder with nothing but item.json."""
    from topforge import schema

    paths = RunPaths(folder)
    folder.mkdir(parents=True)
    config = changes.pop("config", None)
    if config is None:
        config = schema.to_json(BuiltinOptions(iter=100, batch=2)) if adapter == "topforge" else {}
    key = hashlib.sha256(str(folder).encode()).hexdigest()
    items.write(paths.item, Item(name, adapter, config, key, **changes))
    return paths


def state(paths: RunPaths, status: Status, **values: Any) -> None:
    states.write(paths.state, State(status, **values))


def failed(paths: RunPaths, reason: str, fix: str, log: str) -> None:
    """An attempt that ended badly, as far as it left traces."""
    paths.attempt_log(1).write_text(
        '[topforge] attempt 1 at "x"\n[topforge] step "train": python -m topforge_train\n%s\n'
        "[topforge] attempt 1 ended: %s %s\n" % (log, reason, fix),
        encoding="utf-8",
    )
    state(paths, Status.FAILED, failure_class=FailureClass.TRAINER, reason=reason, fix=fix, attempt=1)


def metrics(paths: RunPaths, steps: int = 200, every: int = 5) -> None:
    """Loss with a NaN in the middle, PSNR now and then, as the built-in trainer reports them."""
    table = MetricsTable(paths.metrics, 1)
    for step in range(0, steps, every):
        loss = math.nan if step == steps // 2 else math.exp(-step / 40.0) + 0.01
        table.add(Report(step=step, total=steps, metrics={"loss": loss, "rate": 0.01 / (1 + step)}), "train", step / 10)
        if step % (4 * every) == 0:
            table.add(Report(step=step, metrics={"psnr": 20 + 5 * step / steps}), "train", step / 10)
    table.flush()


def finished(
    folder: Path,
    name: str = "ewer",
    psnr: float = 30.0,
    view_names: Optional[list] = None,
    texture: bytes = b"",
    lowered: tuple = (),
    **changes: Any,
) -> RunPaths:
    """A finished run of the built-in trainer."""
    paths = item(folder, name, **changes)
    names = ["r_000", "r_001", "r_002", "r_003", "r_004"] if view_names is None else view_names
    files: Dict[str, bytes] = {path: b"x" * 10 for path in REQUIRED}
    files.update({path: texture or picture(32, 32) for path in files if path.endswith(".png")})
    files["probe.png"] = picture(32, 16)
    views = []
    for index, view in enumerate(names):
        start = "validate/val_%06d" % index
        values = {"mse": 0.001, "psnr": psnr - index, "ssim": 0.95 - index / 100}
        views.append({"view": view, **values, "files": start})
        for kind in ("opt", "ref", "kd", "ks", "normal"):
            files["%s_%s.png" % (start, kind)] = picture(shift=index * 3 + len(kind))
    files["summary.json"] = results.json.dumps({"metrics": {}, "provenance": {}, "views": views}).encode()
    for path, content in files.items():
        (paths.result / path).parent.mkdir(parents=True, exist_ok=True)
        (paths.result / path).write_bytes(content)
    _manifest(paths, files, {"psnr": psnr, "ssim": 0.93, "triangles": 2000.0, "peak_memory_mib": 900.0}, lowered)
    metrics(paths)
    paths.attempt_log(1).write_text('[topforge] step "train": python -m topforge_train\nall well\n', encoding="utf-8")
    return paths


def _manifest(paths: RunPaths, files: Dict[str, bytes], values: Dict[str, float], lowered: tuple) -> None:
    work = items.read(paths.item)
    outputs = [
        OutputFile(path, REQUIRED.get(path) or role_of(path), len(content), hashlib.sha256(content).hexdigest())
        for path, content in files.items()
    ]
    attempt = {"number": 1, "started": FINISHED - 30, "seconds": 25.0, "outcome": "done"}
    attempt["steps"] = [{"name": "train", "seconds": 24.5, "exit_code": 0}]
    provenance = {
        "topforge": "0.1.0",
        "adapter_version": "1",
        "host": "node-7",
        "system": "Linux",
        "runner_python": "3.11.7",
        "devices": [],
        "environment": {"prefix": "/envs/train", "kind": "venv", "python": "/envs/train/bin/python", "summary": "s"},
        "attempts": [attempt],
        "lowered": list(lowered),
        "config": {**work.config, "batch": 1} if lowered else work.config,
        "item": items.to_json(work),
        "trainer": {"torch": "2.13.0", "seed": 0},
    }
    result = Result(
        paths.run, work.key, work.name, work.adapter, FINISHED, tuple(outputs), values, provenance, ("Apache-2.0.",)
    )
    atomic.write_json(paths.manifest, results.to_json(result), durable=False)
