"""Adapter "nvdiffrec": a person's clone of NVIDIA's nvdiffrec, run as it is, one work item for each config.

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
from topforge.trainers import nvdiffrec_captures, nvdiffrec_checks, nvdiffrec_lines
from topforge.trainers.base import Collected, Diagnosis, Report, Step
from topforge.trainers.nvdiffrec_captures import MESH
from topforge.trainers.nvdiffrec_lines import Lines
from topforge.trainers.nvdiffrec_options import (
    DEFAULT_SIZE,
    MONITORING,
    PRESETS,
    NvdiffrecUpstreamOptions,
    document,
)
from topforge.trainers.upstream import (
    checkout,
    examples,
    kept_pass,
    normalising,
    pictures,
    results_tree,
    warm_up,
)
from topforge.trainers.upstream.adapter import lowered
from topforge.trainers.upstream.checkout import Checkout, Upstream
from topforge.trainers.upstream.examples import Examples
from topforge.trainers.upstream.failures import Failure
from topforge.trainers.upstream.mesh_trainer import OUT, MeshTrainerAdapter

UPSTREAM = Upstream(
    name="nvdiffrec",
    address="https://github.com/NVlabs/nvdiffrec",
    files=("train.py", "data/irrmaps/bsdf_256_256.bin", "dataset", "geometry", "render"),
    licence="nvdiffrec: NVIDIA Source Code License, research and evaluation only, no commercial use.",
    read="a3e7390",
)
PREVIEWS = ("img_dmtet_pass1_*.png", "img_mesh_pass_*.png")
FAILURES: Tuple[Failure, ...] = (
    Failure(
        r"Got empty training triangle mesh",
        "The surface vanished: nothing of the grid is inside the object any more",
        "Set mesh_scale so that the object fills most of the box, look at masks and cameras with `topforge check`, use "
        "batch 4 or more, lower learning_rate to 0.01, or raise sdf_regularizer.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"reg_loss=nan",
        "The regulariser became NaN: the signed distances no longer change sign anywhere, so there is no surface left",
        "Set mesh_scale so that the object fills most of the box, look at masks and cameras with `topforge check`, use "
        "batch 4 or more, or lower learning_rate to 0.01.",
        FailureClass.TRAINER,
    ),
    Failure(
        r"texture2d_mipBackward returned an invalid gradient",
        "The textures' size is no power of two",
        "Set texture_res to powers of two, such as [1024, 1024].",
    ),
    Failure(
        r"NameError: .*dataset_train",
        "nvdiffrec did not recognise the dataset",
        "Give a mesh (.obj), a folder with poses_bounds.npy, or one with transforms_train.json.",
    ),
    Failure(
        r"Tried to find image file for: (?P<name>.*), but found (?P<count>\d+) files",
        "The picture {name} of a frame is there {count} times",
        "Write file_path without an extension, and keep one picture of that name.",
    ),
    Failure(
        r"No module named 'apex'",
        "Several GPUs need NVIDIA's apex, which is not in the environment",
        "Install apex, or lease one GPU: one work item for each GPU is faster for a wedge anyway.",
    ),
    Failure(
        r"No module named '(?P<name>dataset|geometry|render)(?:\.[\w.]+)?'",
        "The checkout is not whole: its folder {name} is missing",
        "Clone it again.",
    ),
)


class NvdiffrecAdapter(MeshTrainerAdapter):
    """See the module's docstring."""

    name = "nvdiffrec"
    title = "nvdiffrec (upstream)"
    licence = UPSTREAM.licence
    upstream = UPSTREAM
    watching = MONITORING
    own_failures = FAILURES
    options = NvdiffrecUpstreamOptions
    needs_dataset = True
    masks = "required"
    is_trainer = True
    gpus = (1, None)
    presets = PRESETS

    def validate(self, config: NvdiffrecUpstreamOptions, dataset: Optional[str]) -> None:
        """Everything upstream would ignore in silence or meet with a traceback after minutes."""
        clone = checkout.require(UPSTREAM, config.checkout)
        nvdiffrec_checks.check_values(config)
        nvdiffrec_checks.check_files(config, clone)
        if dataset is not None and Path(dataset).exists():  # otherwise an item before this one makes it
            nvdiffrec_checks.check_dataset(config, Path(dataset))

    def examples(self, folder: str) -> Examples:
        """Its `configs/*.json`."""
        clone = checkout.require(UPSTREAM, folder)
        downloads = ("data/nerf_synthetic", "data/nerd")
        return Examples(clone.path, clone.commit, examples.of_json(clone.path, self.options), downloads, ("envmap",))

    def dataset_of(self, config: NvdiffrecUpstreamOptions) -> Optional[str]:
        """The mesh, or the folder of a capture, that `ref_mesh` names."""
        return config.ref_mesh

    def steps(self, item: Item, config: NvdiffrecUpstreamOptions, paths: RunPaths) -> Sequence[Step]:
        """As `training` says; pass 2 alone where an earlier attempt kept pass 1."""
        found = nvdiffrec_captures.check(Path(str(item.dataset)))
        values = document(config, str(item.dataset), found.size, OUT)
        if config.restart_pass_2:
            values.update(kept_pass.as_start(paths, values))
        cameras = () if found.kind == MESH else ("--dataset", str(item.dataset))
        return self.training(item, config, paths, values, ("--bound", repr(config.mesh_scale), *cameras))

    def smallest(self, clone: Checkout, paths: RunPaths) -> Dict[str, Any]:
        """Of a mesh that comes with the clone, under an even light."""
        light = paths.work / "light.hdr"
        light.write_bytes(results_tree.GREY_LIGHT)
        size = (64, 64)
        config = NvdiffrecUpstreamOptions(iter=10, train_res=size, texture_res=size, dmtet_grid=32, envmap=str(light))
        values = document(config, str(clone.path / "data/bob/bob_tri.obj"), size, OUT)
        return {**values, "save_interval": 0, "validate": False}

    def parser(self, config: NvdiffrecUpstreamOptions) -> Callable[[str], Optional[Report]]:
        """Reads upstream's lines, and those of the steps around it."""
        lines = Lines(config.iter, 1 if config.base_mesh else 2)
        return lambda line: warm_up.parse(line) or normalising.parse(line) or lines(line)

    def watch(self, item: Item, config: NvdiffrecUpstreamOptions, paths: RunPaths) -> None:
        """Previews as they appear; what pass 1 found, where a later attempt may begin with it."""
        out = paths.work / "out" / OUT
        pictures.pick_up(out, PREVIEWS, paths.previews)
        if config.restart_pass_2 and not config.base_mesh:
            kept_pass.keep(out / "dmtet_mesh", paths)

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """What is known, else an assertion that says nothing itself."""
        return super().diagnose(exit_code, tail) or _wrong_size(tail)

    def diagnose_silence(self, tail: Sequence[str]) -> Optional[Diagnosis]:
        """A hung extension build, or texture coordinates of a surface that is no surface."""
        stuck = super().diagnose_silence(tail)
        if stuck is not None:
            return stuck
        last = [line for line in tail if line.strip()][-3:]
        if any(re.search(r"rem=0\.00 s|^[\d.]+, [\d.]+\s*$", line.strip()) for line in last):
            return Diagnosis(
                FailureClass.TRAINER,
                "It hung after pass 1, where xatlas makes texture coordinates: that takes for ever on a surface of "
                "thousands of loose pieces.",
                "Look at the last previews. Improve masks, cameras and mesh_scale, use batch 4 or more, raise "
                "sdf_regularizer; or raise needs.silence_limit_seconds if the mesh is just large.",
            )
        return None

    def collect(self, item: Item, config: NvdiffrecUpstreamOptions, paths: RunPaths) -> Collected:
        """The complete tree, with what it was made by."""
        log = results_tree.log_of(paths)
        echo, centre = nvdiffrec_lines.echoed(log), nvdiffrec_lines.centre(log)
        provenance = {**checkout.require(UPSTREAM, config.checkout).provenance(), "echoed_config": echo}
        if centre is not None:
            provenance["origin_in_capture"] = centre
        return results_tree.collect(paths, log, provenance)

    def lower_settings(self, config: NvdiffrecUpstreamOptions) -> Optional[Tuple[NvdiffrecUpstreamOptions, str]]:
        """Views, size (of a mesh reference), layers, textures, grid, in that order; below two views last of all."""
        return lowered(config, _rungs(config))


def _wrong_size(tail: Sequence[str]) -> Optional[Diagnosis]:
    """The assertion that the background is as large as the picture drawn, which says nothing itself."""
    text = "\n".join(tail)
    if not re.search(r"(?m)^AssertionError\s*$", text) or "render_mesh" not in text or "background" not in text:
        return None
    return Diagnosis(
        FailureClass.CONFIG,
        "The size to train at is not that of the photographs (an assertion in render_mesh about the background).",
        "Set train_res to the photographs' [height, width], or to null.",
    )


def _rungs(config: NvdiffrecUpstreamOptions) -> List[Tuple[str, Any]]:
    """What each setting could be lowered to, in order; None = it is as low as it should be."""
    is_mesh = config.ref_mesh is not None and config.ref_mesh.endswith(".obj")
    size = config.train_res or DEFAULT_SIZE
    halved = (size[0] // 2, size[1] // 2)
    texture, grid = config.texture_res, config.dmtet_grid
    smaller = max(32, grid // 2) if config.isosurface == "dmtet" else max(32, grid * 2 // 3)
    return [
        ("batch", config.batch // 2 if config.batch > 3 else None),
        ("train_res", halved if is_mesh and min(halved) >= 256 else None),
        ("layers", config.layers // 2 if config.layers > 1 else None),
        ("texture_res", (texture[0] // 2, texture[1] // 2) if min(texture) > 1024 else None),
        ("dmtet_grid", smaller if smaller < grid else None),
        ("batch", config.batch // 2 if config.batch > 1 else None),
    ]


ADAPTER = NvdiffrecAdapter()
"""The one instance, for the registry."""
