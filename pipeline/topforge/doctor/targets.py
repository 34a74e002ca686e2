"""What each trainer asks of an environment and a machine."""

from __future__ import annotations

import dataclasses
from typing import Dict, Tuple


@dataclasses.dataclass(frozen=True)
class Target:
    """The needs of one trainer. Numbers are what its users report, not what it enforces."""

    name: str
    modules: Tuple[str, ...]
    """Modules it imports beside the standard library."""
    needs_gpu: bool = True
    compiles: bool = False
    """Whether it compiles CUDA extensions at run time (nvcc, headers, a C++ compiler, ninja)."""
    pythons: Tuple[Tuple[int, int], Tuple[int, int]] = ((3, 8), (3, 13))
    """Oldest and newest minor version it is known to run with."""
    device_memory_gib: int = 0
    """Memory of a device its default settings fit into."""
    disk_gib: int = 2
    """Free space one run and its caches may take."""


TARGETS: Dict[str, Target] = {
    target.name: target
    for target in (
        Target("topforge", ("numpy", "torch", "warp", "imageio", "xatlas"), needs_gpu=False),
        Target(
            "nvdiffrec",
            ("numpy", "torch", "imageio", "xatlas", "nvdiffrast", "tinycudann"),
            compiles=True,
            pythons=((3, 8), (3, 11)),
            device_memory_gib=16,
            disk_gib=5,
        ),
        Target(
            "nvdiffmodeling",
            ("numpy", "torch", "imageio", "nvdiffrast"),
            compiles=True,
            pythons=((3, 8), (3, 11)),
            device_memory_gib=8,
            disk_gib=5,
        ),
        Target("neuralangelo", ("numpy", "torch", "imageio", "tinycudann"), device_memory_gib=24, disk_gib=20),
        Target(
            "richdreamer",
            ("numpy", "torch", "imageio", "xatlas", "nvdiffrast", "tinycudann", "xformers", "diffusers"),
            device_memory_gib=24,
            disk_gib=40,
        ),
    )
}
