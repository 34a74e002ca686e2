"""The quickstart cooks: items are made, run, told about, found again in the cache, and cancelled."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import hou

from topforge import results, states
from topforge.paths import RunPaths
from topforge_houdini import attributes, cook_rows, top_nodes
from topforge_houdini.cook_rows import Row
from topforge_houdini.cooking import Cook, node_errors
from topforge_houdini.self_checks.model import Answer, Bench, Check, FailedError, SkippedError, expect

_ENDLESS = 100000
"""Iterations of the training that is cancelled."""
_PATIENCE_SECONDS = 120.0
_GONE_SECONDS = 20.0


def _node(bench: Bench, name: str) -> hou.TopNode:
    return cast(hou.TopNode, bench.need_network().node(name))


def _cook(node: hou.TopNode, generate_only: bool = False) -> tuple[list[Row], list[str]]:
    """Rows of what runs something, and what was said meanwhile."""
    said: list[str] = []
    cook = Cook(node)
    cook.run(generate_only, said.append)
    problems = [*cook.errors, *("%s: %s" % pair for pair in node_errors(cook.network))]
    rows = [row for row in cook.rows() if row.runs_something]
    reasons = [_reason(row) for row in rows if row.state == "failed"]
    if problems or reasons:
        raise FailedError("; ".join([*reasons, *problems])[:2000])
    return rows, said


def _reason(row: Row) -> str:
    state = states.read(RunPaths(row.run).state) if row.run else None
    return "%s failed: %s" % (row.name, state.reason if state and state.reason else "no reason is on disk")


def _run_items(node: hou.TopNode) -> list[Any]:
    """The work items of the node inside an asset that runs them."""
    return list(top_nodes.pdg_node(cast(hou.OpNode, node.node("run"))).workItems)


def _generates(bench: Bench) -> Answer:
    rows, _ = _cook(_node(bench, "report"), generate_only=True)
    names = sorted(row.name for row in rows)
    expect(names == ["check[0]", "report[0]", "train[0]"], "work items are %s" % names)
    (item,) = _run_items(_node(bench, "train"))
    missing = [name for name in sorted(attributes.OURS) if item.attrib(name) is None]
    missing = [name for name in missing if name not in (attributes.UNSET, attributes.MADE, attributes.PSNR)]
    expect(not missing, "attributes are missing: %s" % ", ".join(missing))
    run = Path(item.localizePath(item.stringAttribValue(attributes.RUN)))
    expect(RunPaths(run).item.is_file(), "%s has no item.json" % run)
    outputs = [file.path for file in item.expectedOutputFiles]
    expect(len(outputs) == 1 and outputs[0].endswith("result.json"), "expected outputs are %s" % outputs)
    details = {"command": item.command, "expected": outputs, "__PDG_DIR__": item.localizePath("__PDG_DIR__")}
    return Answer("one item for each node, result.json expected", details)


def _checks(bench: Bench) -> Answer:
    rows, _ = _cook(_node(bench, "check"))
    (row,) = [row for row in rows if row.name == "check[0]"]
    expect(row.succeeded, "the check of the sample capture is %s" % row.state)
    return Answer("the sample capture is checked out of process, %.1f s" % row.seconds)


def _trains(bench: Bench) -> Answer:
    _slow(bench)
    rows, said = _cook(_node(bench, "report"))
    bad = [row.name for row in rows if not row.succeeded]
    expect(not bad, "not done: %s" % ", ".join(bad))
    (item,) = _run_items(_node(bench, "train"))
    manifest = RunPaths(Path(item.localizePath(item.stringAttribValue(attributes.RUN)))).manifest
    result = results.read(manifest.parent)
    bench.result = manifest
    tags = sorted({file.tag for file in item.outputFiles})
    told = item.attrib(attributes.PSNR) is not None
    details = {"said": said, "tags": tags, "cookPercent": item.cookPercent, "customState": item.customState}
    expect(told, "done, but PDG was not told: psnr is not on the work item (is the RPC server reachable?)")
    expect("file/geo" in tags, "done, but the mesh is not among the output files: %s" % tags)
    return Answer("PSNR %.2f dB after a short training; PDG was told" % result.metrics["psnr"], details)


def _cached(bench: Bench) -> Answer:
    bench.need_result()
    network = cast(hou.TopNode, bench.need_network())
    network.dirtyAllWorkItems(False)
    rows, _ = _cook(_node(bench, "report"))
    found = {row.name: row.state for row in rows}
    expect(all(state == "from cache" for state in found.values()), "cooked again: %s" % found)
    return Answer("dirtied and cooked again, everything comes from the cache")


def _slow(bench: Bench) -> None:
    if bench.quick:
        raise SkippedError("nothing is trained (--quick)")


def _cancels(bench: Bench) -> Answer:
    bench.need_result()
    iterations = cast(hou.Parm, _node(bench, "train").parm("topforge_iter"))
    before = iterations.eval()
    iterations.set(_ENDLESS)
    try:
        return _cancelled(bench)
    finally:
        iterations.set(before)


def _cancelled(bench: Bench) -> Answer:
    cook = Cook(_node(bench, "train"))
    asked: list[float] = []

    def cancel() -> None:
        _wait(lambda: any(row.state == "cooking" and row.percent > 0 for row in cook.rows()), _PATIENCE_SECONDS)
        asked.append(time.monotonic())
        cook.context.cancelCook()

    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    cook.run(say=lambda line: None)
    thread.join()
    seconds = time.monotonic() - asked[0]
    (item,) = _run_items(_node(bench, "train"))
    row = cook_rows.of(item, "train")
    expect(row.state == "cancelled", "the cancelled item is %s" % row.state)
    state = states.read(RunPaths(cast(Path, row.run)).state)
    process = state.process if state is not None else None
    gone = process is None or _wait(lambda: not _alive(process), _GONE_SECONDS)
    expect(gone, "process %s still runs %g s after the cancel" % (process, _GONE_SECONDS))
    left = state.status.value if state is not None else "nothing"
    end = "it could save" if left == "cancelled" else "killed without a word (state.json says %s)" % left
    return Answer("cancelled after %.1f s: %s" % (seconds, end))


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.2)
    return condition()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError:
        return False
    return True


CHECKS = (
    Check("Work items", _generates),
    Check("Check dataset cooks", _checks),
    Check("Quickstart trains", _trains),
    Check("Second cook", _cached),
    Check("Cancel", _cancels),
)
