"""The job file of a recipe."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Optional, Tuple

from topforge import schema, strict_json
from topforge.errors import TopForgeError
from topforge.planning import config_files, jobs
from topforge.trainers import registry
from topforge_scene.adopt import command_line
from topforge_scene.adopt.attributes import Scalar
from topforge_scene.adopt.reasons import CannotAdoptError, ReasonError
from topforge_scene.adopt.recipe import Recipe
from topforge_scene.adopt.text import Reference, Text, filled, is_literal, literal

_TRAINER_SCRIPT = "train.py"
_CONFIG_FLAG = "--config"
_CAPTURE_FILES = ("transforms_train.json", "transforms.json", "poses_bounds.npy")
"""What a capture that nvdiffrec reads has at its root."""
Value = Dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Plan:
    """What becomes of the command."""

    document: Dict[str, Any]
    """The job file's content."""
    adapter: str
    configs: Tuple[str, ...]
    """Of adapter "topforge": its config files."""
    why: str
    """Why this adapter, for the account."""


def plan(recipe: Recipe, gpus: int, keep_command: bool) -> Plan:
    """The job of a recipe.

    Args:
        recipe: What the network does.
        gpus: Devices that each item leases; 0 hides them all.
        keep_command: Carry the command line over even where TopForge's own trainer could do its work.

    Raises:
        CannotAdoptError: The command cannot be written as one.
    """
    found = _Nvdiffrec(recipe)
    why = "asked for with --keep-command" if keep_command else found.why_not()
    if why:
        made = Plan(_command_job(recipe), "command", (), why)
    else:
        made = Plan(found.job(), "topforge", tuple(found.configs), "its script, --config and data set are nvdiffrec's")
    document = {**made.document, "environment": _environment(recipe), "needs": {"gpus": gpus}, "output": "runs"}
    _check(document, recipe)
    return dataclasses.replace(made, document=document)


def to_bytes(plan: Plan) -> bytes:
    """The job file."""
    return (json.dumps(plan.document, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def combinations(recipe: Recipe) -> Iterator[Dict[str, Scalar]]:
    """The values of the varied attributes, item by item."""
    rows = []
    for wedge in recipe.wedges:
        names = tuple(wedge.values)
        rows.append([dict(zip(names, values)) for values in zip(*wedge.values.values())])
    for row in itertools.product(*rows):
        yield {name: value for part in row for name, value in part.items()}


def _environment(recipe: Recipe) -> Value:
    made: Value = {"mode": recipe.mode}
    if recipe.prefix is not None:
        made["prefix"] = recipe.prefix
    if recipe.mode == "clean" and recipe.variables:
        made["variables"] = [list(pair) for pair in recipe.variables.items()]
    return made


def arguments(recipe: Recipe) -> Tuple[List[str], Dict[str, Scalar]]:
    """The `arguments` and `values` of adapter "command"."""
    words = recipe.words if recipe.prefix is None else recipe.words[1:]
    values: Dict[str, Scalar] = dict(command_line.values_of(words, recipe.attributes))
    varied = recipe.varied()
    for word in words:
        for piece in word:
            if isinstance(piece, Reference) and piece.name in varied:
                values[piece.name] = varied[piece.name][0]
    node = recipe.chain.where(recipe.chain.generator)
    written = [command_line.as_argument(word, list(values), node) for word in words]
    return written if recipe.prefix is None else ["{python}", *written], values


def _command_job(recipe: Recipe) -> Dict[str, Any]:
    try:
        written, values = arguments(recipe)
    except ReasonError as clash:
        raise CannotAdoptError(recipe.name, [str(clash)]) from None
    config: Dict[str, Any] = {"name": recipe.name, "arguments": written}
    if values:
        config["values"] = values
    config["working_folder"] = str(recipe.folder)
    wedge = {"values." + name: list(choices) for name, choices in recipe.varied().items() if name in values}
    idle = [name for name in recipe.varied() if name not in values]
    if idle:
        reason = "the wedge varies %s, which the command does not use: all items would be the same" % ", ".join(idle)
        raise CannotAdoptError(recipe.name, [reason])
    job: Dict[str, Any] = {"adapter": "command", "configs": [config], "report": bool(recipe.chain.waits)}
    if wedge:
        job.update(wedge=wedge, combine="zip" if len(recipe.wedges) == 1 else "product")
    return job


def _check(document: Dict[str, Any], recipe: Recipe) -> None:
    """A job that `cook` would refuse is refused here, in its words."""
    job = schema.from_json(jobs.Job, document, recipe.name)
    adapter = registry.get(job.adapter)
    for config in job.configs:
        if not isinstance(config, str):
            values = {key: value for key, value in config.items() if key != "name"}
            adapter.validate(schema.from_json(adapter.options, values, recipe.name), job.dataset)


class _Nvdiffrec:
    """Recognises nvdiffrec's own command line, `python train.py --config FILE`, with a capture that is there."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.configs: List[str] = []
        self.dataset: Optional[Path] = None

    def why_not(self) -> str:
        """Why it is carried over as a command; "" when it is recognised. Finds configs and data set."""
        words = self.recipe.words
        if self.recipe.prefix is None or len(words) != 4 or command_line.resolved(words[2], {}) != _CONFIG_FLAG:
            return "it is not `python train.py --config FILE`"
        script = command_line.resolved(words[1], self.recipe.attributes)
        if script is None or Path(script).name != _TRAINER_SCRIPT:
            return "it is not `python train.py --config FILE`"
        self.configs = list(dict.fromkeys(self._config_paths(words[3])))
        folders = (self.recipe.folder, self.recipe.folder / Path(script).parent)
        datasets = set()
        for config in self.configs:
            dataset, why = _dataset_of(Path(config), folders)
            if dataset is None:
                return why
            datasets.add(dataset)
        if len(datasets) > 1:
            return "its configs name different data sets"
        self.dataset = datasets.pop()
        return ""

    def job(self) -> Dict[str, Any]:
        """The job for the built-in trainer."""
        return {
            "adapter": "topforge",
            "dataset": str(self.dataset),
            "configs": self.configs,
            "report": bool(self.recipe.chain.waits),
        }

    def _config_paths(self, word: Text) -> Iterator[str]:
        for row in combinations(self.recipe):
            texts = {name: (value if isinstance(value, str) else "%.15g" % value,) for name, value in row.items()}
            path = filled(filled(word, self.recipe.attributes), texts)
            if is_literal(path):
                yield str(self.recipe.folder / literal(path))


def _dataset_of(config: Path, folders: Tuple[Path, ...]) -> Tuple[Optional[Path], str]:
    """The capture that a config of nvdiffrec's names, or why there is none."""
    try:
        config_files.read_config(registry.get("topforge"), config)
        named = strict_json.read(config).get("ref_mesh")
    except TopForgeError as error:
        return None, "its config cannot be used by TopForge's trainer (%s)" % error.reason.rstrip(".")
    if not isinstance(named, str):
        return None, "%s names no capture (ref_mesh)" % config.name
    for folder in folders:
        if any((folder / named / file).is_file() for file in _CAPTURE_FILES):
            return folder / named, ""
    return None, "the capture that %s names, %s, is not there" % (config.name, named)
