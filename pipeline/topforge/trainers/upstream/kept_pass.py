"""What nvdiffrec's pass 1 found, kept so that another attempt can begin with pass 2.

Upstream saves no state. But pass 2 can be started by itself from a mesh with textures, and it then learns the light
even where `learn_light` is false, starting with `envmap`. So pass 1's mesh and probe are a start; textures and light
come from 8 bit, occlusion from 0, and the optimiser forgets. A mesh reference cannot do this: `envmap` lights it.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any, Dict, Mapping

from topforge import atomic
from topforge.paths import RunPaths
from topforge.trainers.upstream import soundness

FILES = ("mesh.obj", "mesh.mtl", "texture_kd.png", "texture_ks.png", "texture_n.png", "probe.hdr")
_SETTLED_SECONDS = 3.0
"""Files that nobody has written to for so long are whole: upstream writes one after another."""
_NAME = "pass_1"


def keep(folder: Path, paths: RunPaths) -> None:
    """Copies pass 1's files into the run's saved states once they are whole; later calls do nothing.

    Args:
        folder: Where upstream writes them.
        paths: The run.
    """
    kept = paths.checkpoint / _NAME
    if kept.is_dir() or not all((folder / name).is_file() for name in FILES):
        return
    if time.time() - max((folder / name).stat().st_mtime for name in FILES) < _SETTLED_SECONDS:
        return
    temporary = paths.checkpoint / (atomic.TEMPORARY + _NAME)
    shutil.rmtree(str(temporary), ignore_errors=True)
    shutil.copytree(str(folder), str(temporary))
    soundness.require_mesh(temporary / "mesh.obj")
    temporary.replace(kept)


def is_kept(paths: RunPaths) -> bool:
    """Whether the next attempt can begin with pass 2."""
    return all((paths.checkpoint / _NAME / name).is_file() for name in FILES)


def as_start(paths: RunPaths, values: Mapping[str, Any]) -> Dict[str, Any]:
    """Changes to a generated config that begin with pass 2; none where nothing was kept.

    Args:
        paths: The run.
        values: The config; its second learning rate becomes the only one.
    """
    if not is_kept(paths) or values["base_mesh"] is not None:
        return {}
    kept, rate = paths.checkpoint / _NAME, values["learning_rate"]
    return {
        "base_mesh": str(kept / "mesh.obj"),
        "envmap": str(kept / "probe.hdr"),
        "env_scale": 1.0,
        "learn_light": False,
        "random_textures": False,
        "learning_rate": [rate[-1] if isinstance(rate, list) else rate],
    }
