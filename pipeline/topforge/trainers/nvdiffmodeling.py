"""Adapter "nvdiffmodeling": a person's clone of NVIDIA's nvdiffmodeling, run as it is. One mesh learns another's look.

It starts `train.py` of the clone in a folder of its own, with a generated config file that holds every value and a link
to the clone's data. docs/trainers.md says what TopForge adds, and what was run for real.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from topforge.errors import FailureClass
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.trainers.base import Collected, Diagnosis, Report, Step
from topforge.trainers.nvdiffmodeling_options import MONITORING, PRESETS, NvdiffmodelingOptions, document
from topforge.trainers.upstream import (
    checkout,
    examples,
    mesh_lines,
    mesh_rules,
    normalising,
    option_checks,
    pictures,
    results_tree,
    warm_up,
)
from topforge.trainers.upstream.adapter import lowered
from topforge.trainers.upstream.checkout import Checkout, Upstream
from topforge.trainers.upstream.examples import Examples
from topforge.trainers.upstream.failures import Failure
from topforge.trainers.upstream.mesh_trainer import OUT, MeshTrainerAdapter
from topforge.trainers.upstream.option_checks import UpstreamOptionError

UPSTREAM = Upstream(
    name="nvdiffmodeling",
    address="https://github.com/NVlabs/nvdiffmodeling",
    files=("train.py", "data/sphere.obj", "data/spot/spot.obj"),
    licence="nvdiffmodeling: NVIDIA Source Code License (1-Way Commercial), no commercial use but NVIDIA's own.",
    read="9b2ba2e",
)
FAILURES: Tuple[Failure, ...] = (
    Failure(
        r"Invalid BSDF '(?P<name>\w+)'",
        'A material says nothing of its kind, and the trainer takes "{name}", which it does not know',
        "Give the mesh an .mtl file whose materials say `bsdf pbr`.",
    ),
    Failure(
        r"ZeroDivisionError",
        "The Laplacian of the base mesh is zero at the start, and its weight is to follow from it",
        "Set laplacian_factor.",
    ),
    Failure(
        r"CUDA error: an illegal memory access",
        "The trainer's kernels read beyond their memory; a mesh with indices or sizes they do not expect gets there",
        "Export both meshes again as triangles with UVs and normals; try smaller textures.",
        FailureClass.TRAINER,
    ),
)
_REMARK = re.compile(r"^((?:Ref|Base) mesh has .*|Subdivided mesh:|Writing mesh: .*|---> WARNING: .*)$")


DOWNLOADS = tuple("data/" + asset for asset in ("skull", "ewer", "gardenia", "hibiscus", "dancer"))
"""Folders of the archive on upstream's release page."""


class NvdiffmodelingAdapter(MeshTrainerAdapter):
    """See the module's docstring. It has no metrics of its own, saves no state and uses one GPU."""

    name = "nvdiffmodeling"
    title = "nvdiffmodeling (upstream)"
    licence = UPSTREAM.licence
    upstream = UPSTREAM
    watching = MONITORING
    own_failures = FAILURES
    options = NvdiffmodelingOptions
    needs_dataset = True
    is_trainer = True
    gpus = (1, 1)
    presets = PRESETS

    def validate(self, config: NvdiffmodelingOptions, dataset: Optional[str]) -> None:
        """Everything upstream would ignore in silence or meet with a traceback after minutes."""
        checkout.require(UPSTREAM, config.checkout)
        _validate_values(config)
        if config.base_mesh is None:
            fix = "Name the mesh (.obj, with UVs) to start from, such as a decimated one."
            raise UpstreamOptionError(UPSTREAM.name, "base_mesh", None, "there is no mesh to start from", fix)
        mesh_rules.check(Path(config.base_mesh))  # its material's kind does not matter: the reference's counts
        if dataset is not None and Path(dataset).exists():  # otherwise an item before this one makes it
            override = None if config.mtl_override is None else Path(config.mtl_override)
            mesh_rules.check(Path(dataset), override, needs_pbr=True)

    def examples(self, folder: str) -> Examples:
        """Its `configs/*.json`."""
        clone = checkout.require(UPSTREAM, folder)
        return Examples(clone.path, clone.commit, examples.of_json(clone.path, self.options), DOWNLOADS)

    def dataset_of(self, config: NvdiffmodelingOptions) -> Optional[str]:
        """The mesh that `ref_mesh` names."""
        return config.ref_mesh

    def steps(self, item: Item, config: NvdiffmodelingOptions, paths: RunPaths) -> Sequence[Step]:
        """As `training` says."""
        return self.training(item, config, paths, document(config, str(item.dataset), OUT))

    def smallest(self, clone: Checkout, paths: RunPaths) -> Dict[str, Any]:
        """From and to meshes that come with the clone."""
        base = str(clone.path / "data" / "sphere.obj")
        config = NvdiffmodelingOptions(iter=10, train_res=64, texture_res=(64, 64), base_mesh=base, save_interval=0)
        return document(config, str(clone.path / "data" / "spot" / "spot.obj"), OUT)

    def parser(self, config: NvdiffmodelingOptions) -> Callable[[str], Optional[Report]]:
        """Reads upstream's lines, and those of the steps around it."""
        return lambda line: warm_up.parse(line) or normalising.parse(line) or _report(line.strip(), config.iter)

    def watch(self, item: Item, config: NvdiffmodelingOptions, paths: RunPaths) -> None:
        """Previews as they appear."""
        pictures.pick_up(paths.work / "out" / OUT, ("img_*.png",), paths.previews)

    def diagnose_silence(self, tail: Sequence[str]) -> Optional[Diagnosis]:
        """A hung extension build, or the edges of a large open mesh, which upstream walks in Python."""
        stuck = super().diagnose_silence(tail)
        if stuck is not None or not any(re.match(r"(Base|Ref) mesh has|Subdivided", line) for line in tail[-3:]):
            return stuck
        return Diagnosis(
            FailureClass.TRAINER,
            "It printed nothing after reading the meshes; upstream walks their edges one by one, which takes minutes "
            "above half a million triangles.",
            "Use a smaller base mesh or less subdivision, or raise needs.silence_limit_seconds.",
        )

    def collect(self, item: Item, config: NvdiffmodelingOptions, paths: RunPaths) -> Collected:
        """The complete tree, with what it was made by."""
        facts: Dict[str, Any] = dict(checkout.require(UPSTREAM, config.checkout).provenance())
        if config.subdivision:
            facts["not_exported"] = "the displacement map and the subdivided mesh: upstream does not write them"
        return results_tree.collect(paths, results_tree.log_of(paths), facts, results_tree.PLAIN)

    def lower_settings(self, config: NvdiffmodelingOptions) -> Optional[Tuple[NvdiffmodelingOptions, str]]:
        """Views, size, samples, layers, textures, in that order."""
        return lowered(config, _rungs(config))


def _report(line: str, iterations: int) -> Optional[Report]:
    """What a line of upstream's says. Iterations run from 0 to the last, both included."""
    found = mesh_lines.iteration(line)
    if found is None:
        remark = _REMARK.match(line)
        return mesh_lines.building(line) or (Report(message=remark.group(1)) if remark else None)
    return Report(
        progress=min(1.0, found.number / (iterations + 1)),
        step=found.number,
        total=iterations + 1,
        stage="train",
        message="iteration %d of %d" % (found.number, iterations),
        metrics=found.metrics,
    )


def _validate_values(config: NvdiffmodelingOptions) -> None:
    if config.relative_laplacian and config.laplacian_factor is None:
        problem = "without laplacian_factor it divides by zero in its first iteration"
        raise UpstreamOptionError(
            UPSTREAM.name, "relative_laplacian", True, problem, "Set laplacian_factor, such as 100."
        )
    if config.random_train_res and not config.custom_mip:
        raise UpstreamOptionError(
            UPSTREAM.name, "random_train_res", True, "it needs custom_mip", "Set custom_mip to true as well."
        )
    option_checks.require_powers_of_two(UPSTREAM.name, config.texture_res)


def _rungs(config: NvdiffmodelingOptions) -> List[Tuple[str, Any]]:
    """What each setting could be lowered to, in order; None = it is as low as it should be."""
    texture = config.texture_res
    return [
        ("batch", config.batch // 2 if config.batch > 1 else None),
        ("train_res", config.train_res // 2 if config.train_res > 512 else None),
        ("spp", config.spp // 2 if config.spp > 1 else None),
        ("layers", config.layers // 2 if config.layers > 1 else None),
        ("texture_res", (texture[0] // 2, texture[1] // 2) if min(texture) > 512 else None),
        ("train_res", config.train_res // 2 if config.train_res > 128 else None),
    ]


ADAPTER = NvdiffmodelingAdapter()
"""The one instance, for the registry."""
