"""What result.json says about how an item came about."""

from __future__ import annotations

import dataclasses
import platform
import time
from typing import Any, Dict, Sequence

from topforge import __version__, items, schema
from topforge.results import Result
from topforge.running import dependencies, quality
from topforge.running.attempts import Record, Success, Work


def result(work: Work, config: Any, success: Success, records: Sequence[Record], lowered: Sequence[str]) -> Result:
    """The content of result.json for a successful attempt.

    Args:
        work: The item.
        config: The configuration that was run.
        success: Of the attempt that succeeded.
        records: All attempts of this runner, the successful one last.
        lowered: What was changed from one attempt to the next after out-of-memory.
    """
    licences = (work.adapter.licence, *success.collected.licences)
    return Result(
        run=work.paths.run,
        key=work.item.key,
        name=work.item.name,
        adapter=work.item.adapter,
        finished=time.time(),
        outputs=success.outputs,
        metrics={name: float(value) for name, value in success.collected.metrics.items()},
        provenance={
            "topforge": __version__,
            "adapter_version": work.adapter.version,
            **_machine(success),
            "attempts": [dataclasses.asdict(record) for record in records],
            "lowered": [*lowered, *success.collected.lowered],
            "remarks": [
                *success.collected.remarks,
                *quality.remarks(work.item, success.collected.metrics, success.steps),
            ],
            "config": schema.to_json(config),
            "item": items.to_json(work.item),
            "trainer": dict(success.collected.provenance),
            **({dependencies.STANDING: work.standing} if work.standing else {}),
        },
        licences=tuple(line for line in licences if line),
    )


def _machine(success: Success) -> Dict[str, Any]:
    resolved = success.environment
    return {
        "host": platform.node(),
        "system": "%s %s %s" % (platform.system(), platform.release(), platform.machine()),
        "runner_python": platform.python_version(),
        "devices": [{"uuid": gpu.uuid, "name": gpu.name, "memory_mib": gpu.memory_mib} for gpu in success.lease.gpus],
        "environment": {
            "prefix": str(resolved.prefix),
            "kind": resolved.kind,
            "python": resolved.python,
            "summary": resolved.summary,
        },
    }
