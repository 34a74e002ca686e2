"""Adapter "neuralangelo": an unmodified clone of NVlabs/neuralangelo, from a posed capture to a surface.

Three steps: its training, its extraction, and TopForge's own, which turns the extracted surface into a result. Saved
states lie in the run's `checkpoint/`, which is upstream's logdir: a later attempt goes on from them.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any, Callable, List, Mapping, Optional, Sequence, Tuple

from topforge import atomic, schema
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.trainers import (
    neuralangelo_config,
    neuralangelo_examples,
    neuralangelo_launch,
    neuralangelo_log,
    neuralangelo_memory,
)
from topforge.trainers.base import Collected, Output, Report, Step
from topforge.trainers.neuralangelo_options import PRESETS, WATCHING, NeuralangeloOptions
from topforge.trainers.upstream import checkout, normalising, soundness
from topforge.trainers.upstream import variables as shared
from topforge.trainers.upstream.adapter import CheckoutAdapter
from topforge.trainers.upstream.examples import Examples

UPSTREAM = checkout.Upstream(
    name="neuralangelo",
    address="https://github.com/NVlabs/neuralangelo.git",
    files=("train.py", neuralangelo_config.PARENT, "projects/neuralangelo/scripts/extract_mesh.py", "imaginaire"),
    licence="Neuralangelo: NVIDIA Source Code License, non-commercial (research or evaluation), on NVIDIA processors "
    "only.",
    read="94390b6",
)
EXTRACTED = "upstream/mesh.ply"
SUMMARY = "summary.json"
REQUIRED: Mapping[str, str] = {
    "mesh/mesh.ply": "mesh",
    "mesh/mesh.obj": "mesh_obj",
    "mesh_preview.ply": "mesh_preview",
    "mesh.glb": "gltf",
    "asset.usda": "usd",
    "cameras.json": "cameras",
    "preview.png": "preview",
    SUMMARY: "data",
}
"""What every complete run has. Upstream makes no textures, and so no material and no light.

The mesh that is imported is the PLY: it has the colours, and any size. OBJ, glTF and USD hold the preview where it is
too large for them.
"""

_ITERATION = re.compile(r"_iteration_(\d+)_checkpoint\.pt$")


class UnsuitableOptionError(TopForgeError):
    """A combination of options that upstream would stumble over, or silently ignore."""

    def __init__(self, key: str, value: Any, why: str) -> None:
        super().__init__('Neuralangelo: "%s" = %s: %s.' % (key, json.dumps(value), why), "Correct that option.")


class NeuralangeloAdapter(CheckoutAdapter):
    """See the module's docstring."""

    name = "neuralangelo"
    title = "Neuralangelo (upstream)"
    version = "1"
    licence = UPSTREAM.licence
    upstream = UPSTREAM
    watching = WATCHING
    own_failures = neuralangelo_log.FAILURES
    options = NeuralangeloOptions
    needs_dataset = True
    masks = "unused"
    is_trainer = True
    gpus = (1, None)
    presets = PRESETS

    def validate(self, config: NeuralangeloOptions, dataset: Optional[str]) -> None:
        """Checkout, capture and combinations. A capture that is not there is for others to complain about."""
        checkout.require(UPSTREAM, config.checkout)
        folder = Path(dataset) if dataset else None
        capture = neuralangelo_config.read_capture(folder) if folder is not None and folder.is_dir() else None
        if capture is not None and capture.facing == 0 and not any(config.readjust_center):
            raise neuralangelo_config.UnseenSphereError(capture)
        problem = neuralangelo_config.validate(config, capture)
        if problem is not None:
            raise UnsuitableOptionError(*problem)

    def examples(self, folder: str) -> Examples:
        """Those that upstream made by hand, over what they build on."""
        clone = checkout.require(UPSTREAM, folder)
        files, below = neuralangelo_examples.examples(clone.path), neuralangelo_examples.defaults(clone.path)
        return Examples(clone.path, clone.commit, files, defaults=below)

    def dataset_of(self, config: NeuralangeloOptions) -> Optional[str]:
        """What `data_root` names."""
        return config.data_root

    def steps(self, item: Item, config: NeuralangeloOptions, paths: RunPaths) -> Sequence[Step]:
        """Training (left out when its last checkpoint is there), extraction, and TopForge's own."""
        clone = checkout.require(UPSTREAM, config.checkout)
        capture = neuralangelo_config.read_capture(Path(str(item.dataset)))
        deliver = normalising.step(self._delivery(config, capture, paths), self.name, 0.1)
        for made in (paths.work, paths.checkpoint, (paths.output / EXTRACTED).parent):
            made.mkdir(parents=True, exist_ok=True)
        values = neuralangelo_config.values(config, capture)
        atomic.write_json(paths.config, {"config": schema.to_json(config), **clone.provenance()})
        written = paths.output / "upstream" / "topforge.yaml"
        atomic.write_text(written, neuralangelo_config.yaml_text(values))
        folder, needs = str(clone.path), variables(item, config, paths)
        extract = Step("extract", self._extraction(item, config, paths, written), 0.1, folder, needs)
        if is_trained(paths.checkpoint, config.max_iter):
            return [extract, deliver]
        arguments = [*_launcher(item, "train.py"), "--config=%s" % written, "--logdir=%s" % paths.checkpoint]
        arguments += ["--seed=%d" % config.seed, "--show_pbar", *resumption(paths.checkpoint)]
        arguments += ["--wandb", "--wandb_name=topforge"] if config.wandb == "offline" else []
        return [Step("train", tuple(arguments), 1.0, folder, needs), extract, deliver]

    @staticmethod
    def _extraction(item: Item, config: NeuralangeloOptions, paths: RunPaths, written: Path) -> Tuple[str, ...]:
        arguments = ["{python}", str(Path(neuralangelo_launch.__file__)), str(paths.checkpoint), str(config.max_iter)]
        arguments += [*_launcher(item, "projects/neuralangelo/scripts/extract_mesh.py"), "--config=%s" % written]
        arguments += ["--checkpoint=" + neuralangelo_launch.PLACE, "--output_file=%s" % (paths.output / EXTRACTED)]
        arguments += ["--resolution=%d" % config.resolution, "--block_res=%d" % config.block_res]
        arguments += [
            flag for flag, wanted in (("--textured", config.textured), ("--keep_lcc", config.keep_lcc)) if wanted
        ]
        return tuple(arguments)

    @staticmethod
    def _delivery(config: NeuralangeloOptions, capture: neuralangelo_config.Capture, paths: RunPaths) -> List[str]:
        arguments = ["--mesh", str(paths.output / EXTRACTED), "--output", str(paths.output)]
        arguments += ["--scratch", str(paths.work / "surface"), "--up", config.up_axis]
        arguments += ["--capture", str(capture.folder / neuralangelo_config.TRANSFORMS)]
        arguments += ["--fuse", repr(config.fuse_tolerance), "--triangles", str(config.triangle_budget)]
        arguments += ["--preview-triangles", str(config.preview_triangles)]
        arguments += ["--largest-part"] if config.largest_part else []
        return [*arguments, *(() if config.keep_extracted else ("--remove-mesh",))]

    def parse(self, line: str) -> Optional[Report]:
        """What a line says by itself."""
        return normalising.parse(line) or neuralangelo_log.parse(line)

    def parser(self, config: NeuralangeloOptions) -> Callable[[str], Optional[Report]]:
        """With the training's length."""
        reader = neuralangelo_log.Reader(config.max_iter)
        return lambda line: normalising.parse(line) or reader(line)

    def collect(self, item: Item, config: NeuralangeloOptions, paths: RunPaths) -> Collected:
        """Everything that TopForge's step wrote; it has read the whole mesh."""
        soundness.require_files(paths.output, REQUIRED)
        summary = json.loads((paths.output / SUMMARY).read_text(encoding="utf-8"))
        outputs = [Output(path, role) for path, role in REQUIRED.items()]
        others = (path for path in sorted(paths.output.rglob("*")) if path.is_file())
        names = [path.relative_to(paths.output).as_posix() for path in others]
        outputs += [Output(name, "intermediate") for name in names if name not in REQUIRED]
        metrics = {**summary["metrics"], "iterations": float(config.max_iter)}
        size, dim = neuralangelo_memory.table_of(config)
        table = {"dict_size": size, "dim": dim, "parameters": neuralangelo_memory.parameters(config)}
        found = {"hash_table": table, "surface": summary["provenance"], "seed": config.seed}
        clone = checkout.require(UPSTREAM, config.checkout)
        return Collected(tuple(outputs), metrics, {**clone.provenance(), **found})

    def option_for_attribute(self, attribute: str, config: NeuralangeloOptions) -> Optional[str]:
        """Upstream calls iterations `max_iter`; everything that varies or extends runs calls them `iter`."""
        return "max_iter" if attribute == "iter" else super().option_for_attribute(attribute, config)

    def extends(self, config: NeuralangeloOptions, earlier: NeuralangeloOptions) -> bool:
        """More iterations of the same absolute schedule: one that is shortened with the training is another one."""
        wanted, before = self.deciding(config), self.deciding(earlier)
        same = {k for k in wanted if wanted[k] != before[k]} == {"max_iter"} and config.max_iter > earlier.max_iter
        shortened = config.scale_schedule and earlier.max_iter < neuralangelo_config.SCHEDULE_LENGTH
        return same and not shortened

    def keeps_states(self, config: NeuralangeloOptions) -> bool:
        """As the option says."""
        return config.keep_checkpoint

    def lower_settings(self, config: NeuralangeloOptions) -> Optional[Tuple[NeuralangeloOptions, str]]:
        """As `neuralangelo_memory` says."""
        return neuralangelo_memory.lowered(config)


def _launcher(item: Item, script: str) -> List[str]:
    """One process on one GPU, or torchrun's, which starts one on each."""
    if item.needs.gpus > 1:
        ranks = "--nproc_per_node=%d" % item.needs.gpus
        return ["{python}", "-u", "-m", "torch.distributed.run", "--standalone", ranks, script]
    return ["{python}", "-u", script, "--single_gpu"]


def variables(item: Item, config: NeuralangeloOptions, paths: RunPaths) -> Tuple[Tuple[str, str], ...]:
    """What its processes need on top of the environment edit: no login, no questions, no files outside of the run."""
    found = {
        "WANDB_MODE": config.wandb,
        "WANDB_DIR": str(paths.work),
        "WANDB_CONFIG_DIR": str(paths.work / "wandb-config"),
        "WANDB_CACHE_DIR": str(paths.work / "wandb-cache"),
        "WANDB_SILENT": "true",
        "OMP_NUM_THREADS": "1",
    }
    own = dict(item.environment.variables)
    return (*shared.of(item, ADAPTER.name), *((name, value) for name, value in found.items() if name not in own))


def is_trained(folder: Path, iterations: int) -> bool:
    """Whether the checkpoint of the last iteration is there, whole."""
    found = [path for path in _checkpoints(folder) if _iteration_of(path) == iterations]
    return any(zipfile.is_zipfile(str(path)) for path in found)


def resumption(folder: Path) -> Tuple[str, ...]:
    """The flags that continue from the newest whole checkpoint; none when there is none.

    A process that is killed while it saves leaves half a file, which may be the one that latest_checkpoint.txt names.
    `--checkpoint` without `--resume` would load the weights and start at iteration 0.
    """
    pointer = folder / "latest_checkpoint.txt"
    named = folder / pointer.read_text(encoding="utf-8").strip() if pointer.is_file() else None
    if named is not None and named.is_file() and zipfile.is_zipfile(str(named)):
        return ("--resume",)
    whole = [path for path in _checkpoints(folder) if zipfile.is_zipfile(str(path))]
    return ("--checkpoint=%s" % whole[-1], "--resume") if whole else ()


def _checkpoints(folder: Path) -> List[Path]:
    """All saved states, oldest first."""
    return sorted(folder.glob("*_checkpoint.pt"), key=lambda path: (path.stat().st_mtime_ns, path.name))


def _iteration_of(path: Path) -> int:
    found = _ITERATION.search(path.name)
    return int(found.group(1)) if found else -1


ADAPTER = NeuralangeloAdapter()
