"""The result folder of an upstream mesh trainer, after `normalising`: what is in it, and whether it is complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from topforge.paths import RunPaths
from topforge.trainers.base import Collected, Output
from topforge.trainers.upstream import soundness
from topforge.trainers.upstream.soundness import UnsoundOutputError, log_of

__all__ = ["GREY_LIGHT", "KEPT", "PLAIN", "WITH_PROBE", "collect", "log_of"]

PLAIN: Mapping[str, str] = {
    "mesh/mesh.obj": "mesh",
    "mesh/mesh.mtl": "material",
    "mesh/texture_kd.png": "texture:base_color",
    "mesh/texture_ks.png": "texture:occlusion_roughness_metallic",
    "mesh/texture_n.png": "texture:normal",
    "mesh.glb": "gltf",
    "asset.usda": "usd",
    "summary.json": "data",
}
"""What every complete run has, in the built-in trainer's places and roles."""
WITH_PROBE: Mapping[str, str] = {**PLAIN, "mesh/probe.hdr": "probe", "cameras.json": "cameras"}
"""Beside that, where the trainer finds a light."""
KEPT = "upstream"
"""Folder in the result that holds what upstream wrote, untouched."""
GREY_LIGHT = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 4 +X 8\n" + bytes((128, 128, 128, 128)) * 32
"""A Radiance file of an even light, for runs in which light does not matter."""


def collect(
    paths: RunPaths, log: Sequence[str], provenance: Mapping[str, Any], required: Mapping[str, str] = WITH_PROBE
) -> Collected:
    """What a finished run made.

    Args:
        paths: The run; `output` holds the tree.
        log: The attempt's lines.
        provenance: What the adapter knows of how it was made.
        required: Paths that must be there, and their roles.

    Raises:
        UnsoundOutputError: Something is missing, empty, old or not readable.
    """
    soundness.require_saved(log)
    soundness.require_files(paths.output, required, soundness.began(paths))
    soundness.require_mesh(paths.output / "mesh" / "mesh.obj")
    summary = _summary(paths.output / "summary.json")
    outputs = [Output(path, role) for path, role in required.items()]
    for path in sorted(paths.output.rglob("*")):
        name = path.relative_to(paths.output).as_posix()
        if path.is_file() and name not in required:
            outputs.append(Output(name, role_of(name)))
    facts: Dict[str, Any] = {**summary["provenance"], **provenance}
    return Collected(_with_preview(outputs), summary["metrics"], facts)


def _summary(path: Path) -> Dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not {"metrics", "provenance"} <= set(found):
        raise UnsoundOutputError("%s is not what the last step writes" % path)
    return found


def role_of(name: str) -> str:
    """What a file beyond the required ones is to an importer, from where it lies."""
    first, _, rest = name.partition("/")
    if first in ("textures", "validate"):
        return {"textures": "texture", "validate": "validation"}[first]
    if first == KEPT:
        return "intermediate" if rest.startswith(("dmtet_mesh/", "dmtet_validate/")) else KEPT
    return "data"


def _with_preview(outputs: Sequence[Output]) -> Tuple[Output, ...]:
    """The last picture of the last pass is what shows the run."""
    last: Optional[str] = max(
        (one.path for one in outputs if one.path.startswith((KEPT + "/img_mesh_pass_", KEPT + "/img_0"))), default=None
    )
    return tuple(Output(one.path, "preview") if one.path == last else one for one in outputs)
