"""Adapter "richdreamer": an unmodified clone of RichDreamer, from a prompt to a textured mesh.

Each of its three stages and its export is a step; a stage that is done is not done again. They lie in the run's
`checkpoint/`, so that a later attempt goes on with the next one.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from topforge import atomic, schema
from topforge.errors import TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.trainers import richdreamer_launch, richdreamer_log, richdreamer_weights
from topforge.trainers import richdreamer_stages as stages
from topforge.trainers.base import Collected, Report, Step
from topforge.trainers.richdreamer_options import PRESETS, WATCHING, RichDreamerOptions, StageOptions
from topforge.trainers.upstream import checkout, normalising, pictures, results_tree, warm_up
from topforge.trainers.upstream import variables as shared
from topforge.trainers.upstream.adapter import CheckoutAdapter
from topforge.trainers.upstream.examples import Examples

UPSTREAM = checkout.Upstream(
    name="richdreamer",
    address="--recursive https://github.com/modelscope/RichDreamer.git",
    files=("launch.py", "threestudio", "configs/nd-mv-nerf/geo.yaml", "configs/nd-mv-dmtet/geo.yaml", "extern/nd_sd"),
    licence="RichDreamer: Apache-2.0; its weights have terms of their own (Stable Diffusion: OpenRAIL, Damo ND: its "
    "own), and nvdiffrast, which it needs, forbids commercial use.",
    read="e467759",
)
REQUIRED: Mapping[str, str] = {**results_tree.PLAIN, "preview.png": "preview"}
"""What every complete run has: no photographs, and so no cameras; its light is a given one."""
_SHARE = {"geometry": 0.55, "refinement": 0.15, "texture": 0.28, stages.EXPORT: 0.02}
_LEAST_VIEW, _LEAST_SIDE = 64, 256


class UnsuitablePromptError(TopForgeError):
    """A prompt that would not arrive as it is meant."""

    def __init__(self, prompt: str, why: str, fix: str) -> None:
        super().__init__('RichDreamer: "prompt" = %s: %s.' % (json.dumps(prompt), why), fix)


class UnknownToStageError(TopForgeError):
    """An option that the modules of a stage do not have."""

    def __init__(self, key: str, value: Any, path: str) -> None:
        super().__init__(
            'RichDreamer: "%s" = %s: this stage of "%s" has no such option.' % (key, json.dumps(value), path),
            "Set it to null.",
        )


class RichDreamerAdapter(CheckoutAdapter):
    """See the module's docstring."""

    name = "richdreamer"
    title = "RichDreamer (upstream)"
    version = "1"
    licence = UPSTREAM.licence
    upstream = UPSTREAM
    watching = WATCHING
    own_failures = richdreamer_log.FAILURES
    options = RichDreamerOptions
    is_trainer = True
    gpus = (1, None)
    presets = PRESETS

    def validate(self, config: RichDreamerOptions, dataset: Optional[str]) -> None:
        """Prompt, options that a stage does not have, and everything that is loaded from disk."""
        clone = checkout.require(UPSTREAM, config.checkout)
        _validate_prompt(config.prompt)
        for stage in stages.STAGES:
            own = stages.options_of(config, stage)
            for name in stages.unknown_to(config.path, stage):
                if getattr(own, name) is not None:
                    raise UnknownToStageError("%s.%s" % (stage, name), getattr(own, name), config.path)
        richdreamer_weights.require(config, clone.path)

    def examples(self, folder: str) -> Examples:
        """None of its own: its scripts hold the settings."""
        clone = checkout.require(UPSTREAM, folder)
        remark = "RichDreamer's examples are scripts, whose settings cannot be read from outside: nothing is compared."
        return Examples(clone.path, clone.commit, remark=remark)

    def steps(self, item: Item, config: RichDreamerOptions, paths: RunPaths) -> Sequence[Step]:
        """The stages that are not done yet, the export, and TopForge's own step."""
        clone = checkout.require(UPSTREAM, config.checkout)
        root = paths.checkpoint
        for made in (paths.work, root):
            made.mkdir(parents=True, exist_ok=True)
        atomic.write_json(paths.config, {"config": schema.to_json(config), **clone.provenance()})
        needs = variables(item, config, clone.path)
        found = [warm_up.step(self.name, needs)]
        redo = False
        for stage in stages.STAGES:
            redo = redo or not stages.is_done(root, stage)  # what comes after a stage is made from it
            if redo:
                launch = _launch(stage, stages.steps_of(config, stage), root, stages.checkpoint_of(root, stage))
                words = launch + stages.arguments(config, stage, root, item.needs.gpus)
                found.append(Step(stage, tuple(words), _SHARE[stage], str(clone.path), needs))
        wanted = stages.folder_of(root, "texture") / "save" / "it*-export" / "model.obj"
        export = _launch(stages.EXPORT, 0, root, wanted) + stages.export_arguments(config, root, item.needs.gpus)
        found.append(Step(stages.EXPORT, tuple(export), _SHARE[stages.EXPORT], str(clone.path), needs))
        arguments = ("--run", str(paths.run), "--stages", str(root))
        return [*found, normalising.step(arguments, self.name)]

    def parse(self, line: str) -> Optional[Report]:
        """What a line says by itself."""
        return self.parser(None)(line)

    def parser(self, config: Any) -> Callable[[str], Optional[Report]]:
        """Reads upstream's lines, and those of the steps around it."""
        reader = richdreamer_log.Reader()
        return lambda line: warm_up.parse(line) or normalising.parse(line) or reader(line)

    def watch(self, item: Item, config: RichDreamerOptions, paths: RunPaths) -> None:
        """Pictures of the stages as they appear."""
        for stage in stages.STAGES:
            pictures.pick_up(stages.folder_of(paths.checkpoint, stage) / "save", ("it*.png",), paths.previews)

    def collect(self, item: Item, config: RichDreamerOptions, paths: RunPaths) -> Collected:
        """The complete folder, with what went less well and how long the stages were."""
        log = results_tree.log_of(paths)
        warnings = [line[len(richdreamer_launch.MARK) :] for line in log if '"warning"' in line]
        clone = checkout.require(UPSTREAM, config.checkout)
        facts: Dict[str, Any] = {
            **clone.provenance(),
            "prompt": config.prompt,
            "seed": config.seed,
            "iterations": {stage: stages.steps_of(config, stage) for stage in stages.STAGES},
            "warnings": [json.loads(text)["warning"] for text in warnings],
        }
        return results_tree.collect(paths, log, facts, REQUIRED)

    def lower_settings(self, config: RichDreamerOptions) -> Optional[Tuple[RichDreamerOptions, str]]:
        """nerf: save_mem, then the volume's views; dmtet: half the views of a batch; then smaller views for both."""
        if config.path == "nerf" and not config.save_mem:
            return _lowered(config, "save_mem", True)
        if config.path == "nerf" and config.img_res > _LEAST_VIEW:
            return _lowered(config, "img_res", max(_LEAST_VIEW, config.img_res // 2))
        changes: Dict[str, Dict[str, Any]] = _smaller_batches(config) if config.path == "dmtet" else {}
        changes = changes or _smaller_views(config)
        if not changes:
            return None
        parts = ["%s.%s to %d" % (stage, name, value) for stage, own in changes.items() for name, value in own.items()]
        own_stages: Dict[str, Any] = {
            stage: dataclasses.replace(stages.options_of(config, stage), **own) for stage, own in changes.items()
        }
        return dataclasses.replace(config, **own_stages), "lowered to fit into memory: " + ", ".join(parts)


def _lowered(config: RichDreamerOptions, key: str, value: Any) -> Tuple[RichDreamerOptions, str]:
    said = "%s changed from %s to %s to fit into memory" % (key, json.dumps(getattr(config, key)), json.dumps(value))
    return dataclasses.replace(config, **{key: value}), said


_DMTET_BATCHES = {"geometry": 16, "refinement": 4, "texture": 8}
_SIDES = {"nerf": {"refinement": 512, "texture": 512}, "dmtet": {"geometry": 1024, "refinement": 1024, "texture": 1024}}


def _smaller_batches(config: RichDreamerOptions) -> Dict[str, Dict[str, Any]]:
    """Half of each batch above four views, which the multi-view diffusion sees together."""
    found: Dict[str, Dict[str, Any]] = {}
    for stage, upstream in _DMTET_BATCHES.items():
        size = _largest(stages.options_of(config, stage).batch_size, upstream)
        if size >= 8:
            found[stage] = {"batch_size": size // 8 * 4}
    return found


def _smaller_views(config: RichDreamerOptions) -> Dict[str, Dict[str, Any]]:
    found: Dict[str, Dict[str, Any]] = {}
    for stage, upstream in _SIDES[config.path].items():
        own: StageOptions = stages.options_of(config, stage)
        side = max(_largest(own.width, upstream), _largest(own.height, upstream))
        if side > _LEAST_SIDE:
            found[stage] = {"width": side // 2, "height": side // 2}
    return found


def _largest(value: Any, upstream: int) -> int:
    if value is None:
        return upstream
    return max(value) if isinstance(value, tuple) else int(value)


def _validate_prompt(prompt: str) -> None:
    if not prompt.strip():
        raise UnsuitablePromptError(prompt, "it is empty", "Say what to make.")
    if "${" in prompt:
        raise UnsuitablePromptError(prompt, "${ stands for another option in upstream's files", "Write it without.")
    if any(ord(letter) < 32 for letter in prompt):
        raise UnsuitablePromptError(prompt, "it has more than one line, or control characters", "Write one line.")


def _launch(stage: str, total: int, root: Path, until: Path) -> List[str]:
    """What runs a stage and judges it by what it left."""
    words = ["{python}", "-u", str(Path(richdreamer_launch.__file__)), "--stage", stage, "--total", str(total)]
    folder = stages.folder_of(root, "texture" if stage == stages.EXPORT else stage)
    return [*words, "--folder", str(folder), "--until", str(until), "--", "{python}", "-u"]


def variables(item: Item, config: RichDreamerOptions, clone: Path) -> Tuple[Tuple[str, str], ...]:
    """What upstream's scripts export, with the cache's folder absolute; no login, no display, no Slurm."""
    found = [
        ("HF_HOME", str(richdreamer_weights.hf_home(config, clone))),
        ("WANDB_MODE", "disabled"),
        ("WANDB_SILENT", "true"),
        ("TOKENIZERS_PARALLELISM", "false"),  # else it warns in every loading process
    ]
    if config.offline:
        found += [(name, "1") for name in ("TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE", "HF_HUB_OFFLINE")]
    own = dict(item.environment.variables)
    return (*shared.of(item, ADAPTER.name), *((name, value) for name, value in found if name not in own))


ADAPTER = RichDreamerAdapter()
"""The one instance, for the registry."""
