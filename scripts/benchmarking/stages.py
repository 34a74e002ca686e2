"""Where the milliseconds of an iteration go, and how few they could be: kernels by stage, against two floors.

The floors of a stage: the operations it must do, over the rate of the arithmetic units; and the fewest bytes it must
move, each input read once and each output written once, over the memory's bandwidth. Both rates are measured on the
same device. Forward and backward together; a floor counts what the method needs, not what our kernels do.
"""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

from benchmarking.ours import HERE, PIPELINE
from benchmarking.process import BenchmarkError

STAGES = (  # name, kernels by name; the first that matches counts
    ("rasterise", r"keys_kernel|rasterize_kernel|listing_kernel|barycentric_kernel|barycentric_adjoint"),
    ("silhouettes", r"chain_kernel|ring_kernel|facing_kernel|silhouette_kernel|crossing_|blend_|position_gradient"),
    ("interpolate", r"interpolate_kernel|barycentric_gradient|attribute_gradient"),
    ("normals, tangents", r"spread_|vertex_slopes|tangent_slopes|unit_kernel"),
    ("extract the surface", r"patch_kernel|cube_kernel|flag_kernel|point_|edge_kernel|[Tt]et"),
    ("material field", r"hash_grid|gemm|cutlass|cublas|sigmoid|threshold|relu|Gemm"),
    ("textures", r"texture_|level_kernel|halv"),
    ("material terms", r"variation_|choice_kernel|(?<!er)normal_kernel|limit_kernel"),
    ("light", r"multiply_rows|add_rows|add_segments|cube_(?!kernel)|prefilter|pyramid|level_rows|light_(?!slopes)"),
    ("shading, image loss", r"shade|light_slopes|image_term"),
    ("optimiser", r"multi_tensor|[Aa]dam|foreach"),
)
REST = "the rest: torch's small kernels, copies"

FLOAT = 4
"""Bytes of a float32."""
HIDDEN, OUTPUTS = 32, 6
"""Width of the material network, and its outputs."""
NEIGHBOURS = 1.25
"""Points of the material field for a covered pixel: itself, and a quarter of a neighbour for the smoothness."""
CHANNELS = 9
"""Of the texture: base colour, occlusion-roughness-metalness, normal."""
ENTRIES = 250
"""Texels of the light in the mean of a prefiltered one (`topforge_train.rendering.prefilter`)."""
ADAM_BYTES = 7 * FLOAT
"""For a parameter: itself, gradient and two moments read; itself and the moments written."""
ADAM_OPERATIONS = 12


DEFAULTS = {
    "probe_res": 64,
    "hash_levels": 8,
    "hash_log2_size": 15,
    "texture_res": [1024, 1024],
    "train_res": [512, 512],
}
"""The trainer's, and those of scripts/profile_steps.py, where a floor depends on them."""


@dataclasses.dataclass(frozen=True)
class Rates:
    """What a device does, measured."""

    bytes_per_second: float
    operations_per_second: float


@dataclasses.dataclass(frozen=True)
class Size:
    """What decides the floors of an iteration."""

    training_pass: int
    frame: int
    """Pixels of all views."""
    pixels: int
    """Covered ones."""
    options: Dict[str, Any]
    light: Tuple[int, int]
    """Texels of all levels of the light, and entries of the sums that make them."""


def floors(size: Size) -> Dict[str, Tuple[float, float]]:
    """Operations and bytes of the stages whose work is known in advance, by name."""
    options, covered = size.options, size.pixels
    image = size.frame * 4 * FLOAT
    probe = 6 * options["probe_res"] ** 2 * 3 * FLOAT
    found = {
        "rasterise": (0.0, covered * 4 * FLOAT),
        "silhouettes": (0.0, 4.0 * image),
        "interpolate": (2 * 6 * 3 * 2 * covered, covered * (4 + 6 + 6) * FLOAT),
        "light": (2 * 2 * 3 * size.light[1], 2 * (probe + size.light[0] * 3 * FLOAT)),
        "shading, image loss": (300.0 * covered, covered * 2 * (9 + 9) * FLOAT + 3 * image),
    }
    if size.training_pass == 0:
        levels, table = options["hash_levels"], options["hash_levels"] * 2 ** options["hash_log2_size"] * 2
        points, width = NEIGHBOURS * covered, 2 * options["hash_levels"]
        network = width * HIDDEN + HIDDEN * HIDDEN + HIDDEN * OUTPUTS
        encoding = points * levels * 8 * 2 * 2 * 3
        found["material field"] = (
            encoding + 3 * 2 * points * network,
            2 * table * FLOAT + points * (3 + 3 + OUTPUTS + OUTPUTS) * FLOAT,
        )
        parameters = table + network + probe / FLOAT
    else:
        texels = options["texture_res"][0] * options["texture_res"][1] * CHANNELS
        found["textures"] = (2 * 8 * CHANNELS * 2 * covered, (1 + 1 / 3) * 3 * texels * FLOAT)
        parameters = texels + probe / FLOAT
    found["optimiser"] = (ADAM_OPERATIONS * parameters, ADAM_BYTES * parameters)
    return found


def stage_of(kernel: str) -> str:
    """The stage a kernel belongs to."""
    return next((name for name, pattern in STAGES if re.search(pattern, kernel)), REST)


def profile(work: Path, mesh: Path, light: Path, changes: Dict[str, Any], name: str) -> Dict[str, Any]:
    """What scripts/profile_steps.py finds out, by "pass level views".

    Raises:
        BenchmarkError: It failed.
    """
    work.mkdir(parents=True, exist_ok=True)
    file = (work / (name + ".json")).resolve()
    script = HERE.parent / "profile_steps.py"
    command = [sys.executable, str(script), "--dataset", str(mesh), "--envmap", str(light), "--json", str(file)]
    for key, value in changes.items():
        command += ["--set", "%s=%s" % (key, value if isinstance(value, str) else json.dumps(value))]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    file.with_suffix(".log").write_text(done.stdout, encoding="utf-8")
    if done.returncode or not file.is_file():
        raise BenchmarkError("%s failed: %s" % (script.name, done.stdout[-2000:]))
    return json.loads(file.read_text(encoding="utf-8"))


def by_stage(kernels: List[List[Any]]) -> Dict[str, Tuple[float, float]]:
    """Milliseconds and launches of each stage, from rows of microseconds, launches, kernel."""
    found: Dict[str, Tuple[float, float]] = {}
    for microseconds, launches, kernel in kernels:
        name = stage_of(kernel)
        before = found.get(name, (0.0, 0.0))
        found[name] = (before[0] + microseconds / 1000.0, before[1] + launches)
    return found


def measured_rates() -> Rates:
    """Bandwidth of a large copy, reads and writes counted, and rate of a large float32 matrix product."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    source = torch.rand(2**28, device="cuda")
    copy, matrix = torch.empty_like(source), torch.rand(8192, 8192, device="cuda")
    seconds = [_seconds(lambda: copy.copy_(source)), _seconds(lambda: matrix @ matrix)]
    return Rates(2 * FLOAT * source.numel() / seconds[0], 2 * 8192.0**3 / seconds[1])


def _seconds(action: Any, repeats: int = 10) -> float:
    """Mean time of an action on the GPU after one that warms up."""
    import torch

    begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    action()
    begin.record()
    for _ in range(repeats):
        action()
    end.record()
    torch.cuda.synchronize()
    return begin.elapsed_time(end) / 1000.0 / repeats


def light_work(side: int) -> Tuple[int, int]:
    """Texels of all levels of a light with faces of this side, and entries of the sums that make them."""
    sys.path.insert(0, str(PIPELINE))
    from topforge_train.rendering import prefilter

    sides = [shape.side for shape in prefilter.level_shapes(side)]
    return sum(6 * n**2 for n in sides), ENTRIES * sum(6 * n**2 for n in sides[1:])
