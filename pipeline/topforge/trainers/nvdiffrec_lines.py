"""What nvdiffrec prints, read line by line: both passes as one run, its curves, and what it was given."""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence

from topforge.trainers.base import Report
from topforge.trainers.upstream import mesh_lines

PASSES = ("pass 1", "pass 2")
_BASE_MESH = re.compile(r"^Base mesh has (\d+) triangles and (\d+) vertices\.")
_QUALITY = re.compile(r"^([\d.]+|nan|inf), ([\d.]+|nan|inf)\s*$")
_DATASET = re.compile(r"^Dataset\w+: (.*)$")
_WRITING = re.compile(r"^Writing mesh:\s+(.+)$")
_WARNING = re.compile(r"^(?:---> )?WARNING: (.+)$")
_CENTRE = re.compile(r"^DatasetLLFF: auto-centering at (.+)$")
_HEAD, _RULE = "Config / Flags:", "---------"


class Lines:
    """One attempt's reader. The run itself says how many iterations and passes it has, before the first of them."""

    def __init__(self, iterations: int, passes: int) -> None:
        """Knows what the generated config says; what the run echoes wins.

        Args:
            iterations: `iter`: each pass runs 0 to `iter`, both included.
            passes: 2, or 1 with a base mesh.
        """
        self._iterations, self._passes = iterations, passes
        self._pass, self._last = 0, -1
        self._measuring = self._echoing = False

    def __call__(self, line: str) -> Optional[Report]:
        """What a line says; None for one without meaning."""
        line = line.strip()
        self._echo(line)
        found = self._iteration(line)
        if found is not None:
            return found
        if _BASE_MESH.match(line):
            self._begin_pass_2()
            return Report(stage=self._stage, message=line)
        return self._quality(line) or mesh_lines.building(line) or _remark(line)

    def _echo(self, line: str) -> None:
        """The block in which the run says what it was given, at the latest over when it iterates."""
        if line == _HEAD:
            self._echoing = True
        elif line.startswith("iter="):
            self._echoing = False
        key, _, value = line.partition(" ") if self._echoing else ("", "", "")
        if key == "iter" and value.isdigit():
            self._iterations = int(value)
        elif key == "base_mesh":
            self._passes = 2 if value == "None" else 1

    @property
    def _stage(self) -> str:
        return PASSES[self._pass] if self._passes > 1 else PASSES[1]

    def _begin_pass_2(self) -> None:
        if self._pass == 0 and self._passes > 1:
            self._pass, self._last = 1, -1

    def _iteration(self, line: str) -> Optional[Report]:
        found = mesh_lines.iteration(line)
        if found is None:
            return None
        if found.number < self._last:
            self._begin_pass_2()
        self._last, self._measuring = found.number, False
        length = self._iterations + 1
        step, total = self._pass * length + found.number, self._passes * length
        return Report(
            progress=min(1.0, step / total),
            step=step,
            total=total,
            stage=self._stage,
            message="iteration %d of %d" % (found.number, self._iterations),
            metrics=found.metrics,
        )

    def _quality(self, line: str) -> Optional[Report]:
        """The table after `Running validation`: a heading, then two numbers."""
        if line == "Running validation":
            return Report(stage="validate", message="measuring held-out views")
        if re.match(r"^MSE,\s+PSNR$", line):
            self._measuring = True
            return None
        match = _QUALITY.match(line) if self._measuring else None
        if match is None:
            return None
        self._measuring = False
        return Report(metrics={"mse": float(match.group(1)), "psnr": float(match.group(2))})


def _remark(line: str) -> Optional[Report]:
    """Lines that only people read."""
    for pattern, stage, form in (
        (_DATASET, "prepare", "%s"),
        (_WRITING, "export", "writing %s"),
        (_WARNING, None, "%s"),
    ):
        match = pattern.match(line)
        if match:
            return Report(stage=stage, message=form % match.group(1))
    return None


def echoed(lines: Sequence[str]) -> Dict[str, str]:
    """What the run says it was given: the block after `Config / Flags:`, key by key, as text."""
    texts = [line.strip() for line in lines]
    if _HEAD not in texts:
        return {}
    block = texts[texts.index(_HEAD) + 2 :]
    block = block[: block.index(_RULE)] if _RULE in block else []
    return {key: value for key, _, value in (line.partition(" ") for line in block)}


def centre(lines: Sequence[str]) -> Optional[str]:
    """The point that became the origin, as printed; None where the capture was not moved."""
    return next((match.group(1).strip() for match in map(_CENTRE.match, lines) if match), None)
