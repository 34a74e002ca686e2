"""Adapter "topforge": the built-in trainer, `python -m topforge_train` in its own environment."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Sequence, Tuple

from topforge import atomic, schema, wavefront
from topforge.errors import FailureClass, TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.trainers import display_layers, failure_lines
from topforge.trainers.base import Adapter, Collected, Diagnosis, Output, Report, Step
from topforge.trainers.builtin_options import MONITORING, PRESETS, BuiltinOptions, extends

REQUIRED = {
    "mesh/mesh.obj": "mesh",
    "mesh/mesh.mtl": "material",
    "mesh/texture_kd.png": "texture:base_color",
    "mesh/texture_ks.png": "texture:occlusion_roughness_metallic",
    "mesh/texture_n.png": "texture:normal",
    "mesh/probe.hdr": "probe",
    "mesh.glb": "gltf",
    "asset.usda": "usd",
    "cameras.json": "cameras",
    "summary.json": "data",
}
"""What every complete run has, and what each file is to an importer."""

_LINE = re.compile(r"^topforge (stage=\S+(?: \w+=\S+)*)(?: message=(.*))?$")


class UnsupportedOptionError(TopForgeError):
    """A key of nvdiffrec's that the built-in trainer does not honour, set to something it would have to honour."""

    def __init__(self, key: str, value: Any, why: str) -> None:
        super().__init__(
            'The built-in trainer cannot honour "%s": %s (%s).' % (key, json.dumps(value), why),
            "Remove the key, or run this config with the nvdiffrec adapter.",
        )


class UnlitReferenceError(TopForgeError):
    """A mesh reference without a light: it would be black."""

    def __init__(self, mesh: str) -> None:
        super().__init__(
            "The dataset %s is a mesh, and nothing lights it." % mesh,
            "Name a latitude-longitude .hdr file in envmap, and its brightness in env_scale.",
        )


class IncompleteOutputError(TopForgeError):
    """The trainer ended well, but what it left is not a result."""

    failure_class = FailureClass.TRAINER

    def __init__(self, what: str) -> None:
        super().__init__("The trainer ended without an error, but %s." % what, "Read the attempt's log; run again.")


class BuiltinAdapter(Adapter):
    """See the module's docstring."""

    name = "topforge"
    title = "TopForge trainer"
    version = "4"
    licence = "TopForge trainer: Apache-2.0; results are yours, commercial use included."
    options = BuiltinOptions
    needs_dataset = True
    masks = "required"
    is_trainer = True
    presets = PRESETS

    def validate(self, config: BuiltinOptions, dataset: Optional[str]) -> None:
        """Refuses combinations that the field-by-field check cannot see."""
        if config.custom_mip and config.base_mesh:
            raise UnsupportedOptionError("custom_mip", True, "with a base mesh it trains nothing in nvdiffrec either")
        height, width = config.texture_res
        if height != width or height & (height - 1):
            raise UnsupportedOptionError("texture_res", [height, width], "textures are squares of a power of two")
        if config.export_res and config.export_res[0] != config.export_res[1]:
            raise UnsupportedOptionError("export_res", list(config.export_res), "textures are squares")
        if not config.learn_light and not config.envmap:
            raise UnsupportedOptionError("learn_light", False, "a fixed light needs envmap, a .hdr file")
        display_layers.validate(config.display)
        self._validate_mesh_reference(config, dataset)
        if config.base_mesh is not None and not config.random_textures:
            wavefront.refuse_missing(Path(config.base_mesh))
        for low, high in (("kd_min", "kd_max"), ("ks_min", "ks_max"), ("nrm_min", "nrm_max")):
            if any(a > b for a, b in zip(getattr(config, low), getattr(config, high))):
                raise UnsupportedOptionError(low, list(getattr(config, low)), "an entry is above that of %s" % high)

    @staticmethod
    def _validate_mesh_reference(config: BuiltinOptions, dataset: Optional[str]) -> None:
        """A mesh in place of photographs: all its files are there, and something lights it."""
        if dataset is None or not wavefront.is_mesh(dataset):
            if config.mtl_override is not None:
                raise UnsupportedOptionError("mtl_override", config.mtl_override, "the dataset is no mesh (.obj)")
            return
        override = None if config.mtl_override is None else Path(config.mtl_override)
        if Path(dataset).exists():  # otherwise an item before this one makes it
            wavefront.refuse_missing(Path(dataset), override)
        if config.envmap is None:
            raise UnlitReferenceError(dataset)

    def located(self, config: BuiltinOptions, find: Callable[[str], str]) -> BuiltinOptions:
        """The lights that `display` names."""
        return dataclasses.replace(config, display=display_layers.located(config.display, find))

    def dataset_of(self, config: BuiltinOptions) -> Optional[str]:
        """The mesh, or the folder of a capture, that `ref_mesh` names."""
        return config.ref_mesh

    def deciding(self, config: BuiltinOptions) -> Dict[str, Any]:
        """Everything but what only decides how one watches."""
        return {k: v for k, v in schema.to_json(config).items() if k not in MONITORING}

    def steps(self, item: Item, config: BuiltinOptions, paths: RunPaths) -> Sequence[Step]:
        """One child that trains, exports and measures; for several GPUs torchrun, which starts one on each."""
        paths.work.mkdir(parents=True, exist_ok=True)
        atomic.write_json(paths.config, dataclasses.asdict(config))
        arguments = ["{python}", "-u"]
        if item.needs.gpus > 1:
            arguments += ["-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
            arguments += ["--nproc_per_node", str(item.needs.gpus)]
        arguments += ["-m", "topforge_train", "--config", str(paths.config)]
        arguments += ["--dataset", str(item.dataset), "--output", str(paths.output)]
        arguments += ["--checkpoints", str(paths.checkpoint), "--previews", str(paths.previews)]
        return [Step("train", tuple(arguments))]

    def parse(self, line: str) -> Optional[Report]:
        """Reads the trainer's machine line; its other lines are for people."""
        match = _LINE.match(line.strip())
        if not match:
            return None
        words = dict(word.split("=", 1) for word in match.group(1).split(" "))
        stage, numbers = words.pop("stage"), {}
        for key, text in words.items():
            try:
                numbers[key] = float(text)
            except ValueError:
                return None  # a torn line; the next one is half a second away
        progress, left = numbers.pop("progress", None), numbers.pop("left", None)
        step, total = numbers.pop("step", None), numbers.pop("total", None)
        return Report(
            progress=min(max(progress, 0.0), 1.0) if progress is not None and math.isfinite(progress) else None,
            step=int(step) if step is not None and math.isfinite(step) else None,
            total=int(total) if total is not None and math.isfinite(total) else None,
            stage=stage,
            message=match.group(2),
            seconds_left=left,
            metrics=numbers or None,
        )

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """The trainer names its own failures; a missing package is named by Python."""
        for line in tail:
            missing = re.match(r"ModuleNotFoundError: No module named '([^']+)'", line)
            if missing:
                return Diagnosis(
                    FailureClass.CONFIG,
                    'The environment has no Python package "%s".' % missing.group(1),
                    "Run `topforge doctor --for topforge` on it, or leave `environment` out to use the private one.",
                )
        return failure_lines.diagnosis(tail) or of_first_rank(tail)

    def collect(self, item: Item, config: BuiltinOptions, paths: RunPaths) -> Collected:
        """Every required file is there and not empty; the trainer's own summary gives metrics and provenance."""
        for name in REQUIRED:
            path = paths.output / name
            if not path.is_file() or path.stat().st_size == 0:
                raise IncompleteOutputError("%s is missing or empty" % path)
        summary = json.loads((paths.output / "summary.json").read_text(encoding="utf-8"))
        outputs = [Output(path, role) for path, role in REQUIRED.items()]
        for path in sorted(paths.output.rglob("*")):
            name = path.relative_to(paths.output).as_posix()
            if path.is_file() and name not in REQUIRED:
                outputs.append(Output(name, role_of(name)))
        licences = tuple(summary.get("licences", ()))
        lowered = tuple(summary.get("lowered", ()))
        return Collected(tuple(outputs), summary["metrics"], summary["provenance"], licences, lowered)

    def extends(self, config: BuiltinOptions, earlier: BuiltinOptions) -> bool:
        """More iterations, or more time."""
        return extends(self.deciding(config), self.deciding(earlier))

    def keeps_states(self, config: BuiltinOptions) -> bool:
        """As the option says."""
        return config.keep_checkpoint

    def lower_settings(self, config: BuiltinOptions) -> Optional[Tuple[BuiltinOptions, str]]:
        """Half of layers above 2, half the texture above 1024, 2/3 of the grid, half the texture, half the batch.

        The batch comes last: the trainer computes it in parts where it does not fit, so more than that is missing.
        """
        size, grid = config.texture_res[0], config.dmtet_grid
        if config.layers > 2:
            return self._lower(config, "layers", config.layers // 2)
        if size > 1024 or (size > 512 and grid <= 32):
            return self._lower(config, "texture_res", (size // 2, size // 2))
        if grid > 32:
            return self._lower(config, "dmtet_grid", max(32, grid * 2 // 3))
        if config.batch > 1:
            return self._lower(config, "batch", config.batch // 2)
        return None

    @staticmethod
    def _lower(config: BuiltinOptions, key: str, value: Any) -> Tuple[BuiltinOptions, str]:
        sentence = "%s lowered from %s to %s to fit into memory" % (key, getattr(config, key), value)
        return dataclasses.replace(config, **{key: value}), sentence


def of_first_rank(tail: Sequence[str]) -> Optional[Diagnosis]:
    """The defect that ended the first of several processes; what the others and torchrun say comes of it."""
    marks = [re.match(r"\[rank\d+\]: (?=Traceback )", line) for line in tail]
    first = next((mark.group() for mark in marks if mark), None)
    if first is None:
        return None
    block = "\n".join(line[len(first) :].rstrip() for line in tail if line.startswith(first))
    return Diagnosis(
        FailureClass.TRAINER,
        "One of the processes that train together failed:\n" + block,
        "Read the attempt's log; try it on one GPU. If it fails there as well, report it: it is a defect.",
    )


def role_of(name: str) -> str:
    """What a file beyond the required ones is to an importer, from where it lies."""
    if name == "hull.obj":  # only where there are masks
        return "hull"
    if name.startswith("textures/"):
        return "texture"
    if name.startswith("validate/"):
        return "validation"
    return "intermediate" if name.startswith("dmtet_mesh/") else "data"


ADAPTER = BuiltinAdapter()
