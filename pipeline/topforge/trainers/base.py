"""The contract between TopForge and anything that can do an item's work.

An adapter is data plus three small functions. Runner, nodes, importers and reports know adapters only through this
module, so that adding one touches none of them.
"""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from topforge import schema
from topforge.errors import FailureClass
from topforge.items import Item
from topforge.paths import RunPaths

if TYPE_CHECKING:
    from topforge.trainers.upstream.examples import Examples

MASKS = ("required", "wanted", "unused")
"""What a trainer makes of masks: it cannot do without; nobody knows; it does not look at them."""


@dataclasses.dataclass(frozen=True)
class Step:
    """One child process of an item. An item's steps run in order, under one lease, in one environment."""

    name: str
    """Shown to people: "train", "export", ..."""
    arguments: Tuple[str, ...]
    """Executable and arguments; never a shell string. "{python}" stands for the environment's own Python."""
    weight: float = 1.0
    """Share of the item's whole time; the item's progress is weighted with it."""
    working_folder: Optional[str] = None
    """Absolute; None = the run's `work/` folder."""
    variables: Tuple[Tuple[str, str], ...] = ()
    """Environment needs of this step (TORCH_EXTENSIONS_DIR, ...), on top of the environment edit."""


@dataclasses.dataclass(frozen=True)
class Report:
    """What one line of a child's output says. All fields optional: None = the line says nothing about it."""

    progress: Optional[float] = None
    """0 to 1 within the step."""
    step: Optional[int] = None
    total: Optional[int] = None
    stage: Optional[str] = None
    message: Optional[str] = None
    seconds_left: Optional[float] = None
    metrics: Optional[Mapping[str, float]] = None
    """Values for metrics.csv, e.g. {"loss": 0.0068, "psnr": 27.3}. NaN is passed on as it is."""


@dataclasses.dataclass(frozen=True)
class Diagnosis:
    """Why a child failed, in words a person can act on."""

    failure_class: FailureClass
    reason: str
    fix: str


@dataclasses.dataclass(frozen=True)
class Output:
    """One published file, path relative to the result folder, with `/`."""

    path: str
    role: str
    """"mesh", "gltf", "usd", "texture:base_color", "probe", "cameras", "preview", "document", "data", ..."""


@dataclasses.dataclass(frozen=True)
class Collected:
    """What an adapter found in a finished run."""

    outputs: Tuple[Output, ...]
    """Every file that must exist for the run to count as done."""
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """Final values, finite; anything else makes the run fail."""
    provenance: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Versions, commit, seed, timings: JSON-able."""
    licences: Tuple[str, ...] = ()
    """One line for each licence that came in by the configuration, beside the adapter's own."""
    lowered: Tuple[str, ...] = ()
    """What the trainer itself changed to fit into memory, a sentence each, without an end."""
    remarks: Tuple[str, ...] = ()
    """What may be wrong with it although it is complete, and what to look at; each without an end."""


class Adapter:
    """Base of all adapters; subclasses fill in the data and override the functions."""

    name: str = ""
    """As written in item.json and job files."""
    title: str = ""
    """As shown to people."""
    version: str = "1"
    """Part of the key; raise it when the same config would give another result."""
    licence: str = ""
    """One line, shown before the run and in the report."""
    options: type = object
    """Frozen dataclass of the configuration (see `topforge.schema`)."""
    needs_dataset: bool = False
    masks: str = "wanted"
    """One of `MASKS`: how much the check of its photographs asks for."""
    is_trainer: bool = False
    """Nodes offer it as one; the others are companions (a check, a report) with nodes of their own."""
    gpus: Tuple[int, Optional[int]] = (0, None)
    """Fewest and most devices an item of it can use; None = as many as one likes."""
    presets: Mapping[str, Mapping[str, Any]] = types.MappingProxyType({})
    """Values of options by name of the preset, in order; an option that a preset does not name has its default."""

    def validate(self, config: Any, dataset: Optional[str]) -> None:
        """Refuses what the field-by-field check cannot see (combinations, missing files). Raises TopForgeError.

        It is called when a job is expanded, and again before the item runs. In between another item may have to make
        the dataset (`prepare` in a job): one that is not there is no complaint of an adapter's.
        """

    def located(self, config: Any, find: Callable[[str], str]) -> Any:
        """The configuration with paths that stand inside other values made absolute by `find`."""
        return config

    def places(self, config: Any) -> Tuple[Path, ...]:
        """Further folders where relative paths may start, when nothing is where they start by the common rule."""
        return ()

    def examples(self, folder: str) -> Optional[Examples]:
        """The config files that come with the checkout in `folder`, to compare presets with; None = it has none.

        Raises:
            TopForgeError: The folder is no such checkout.
        """
        return None

    def dataset_of(self, config: Any) -> Optional[str]:
        """The dataset that the configuration itself names, for where nothing else does; absolute."""
        return None

    def builds(self, config: Any) -> str:
        """Names the folder of compiled extensions: runs whose kernels may differ must not share one; default: name."""
        return self.name

    def deciding(self, config: Any) -> Dict[str, Any]:
        """The part of the configuration that decides the result; default: all of it."""
        return schema.to_json(config)

    def option_for_attribute(self, attribute: str, config: Any) -> Optional[str]:
        """The option (dotted) that an attribute of a work item varies, by its name; None when it varies none."""
        return attribute if attribute in schema.to_json(config) else None

    def steps(self, item: Item, config: Any, paths: RunPaths) -> Sequence[Step]:
        """The child processes to run. May write generated files under `paths.work`."""
        raise NotImplementedError

    def parse(self, line: str) -> Optional[Report]:
        """What a line of output says; pure; None for a line without meaning."""
        return None

    def parser(self, config: Any) -> Callable[[str], Optional[Report]]:
        """What reads the lines of one attempt, in order, from its first step to its last; default: `parse`.

        For dialects in which a line means something only after those before it: which pass, how many iterations.
        """
        return self.parse

    def watch(self, item: Item, config: Any, paths: RunPaths) -> None:
        """Called every second or so while a step runs, and once at its end: for what appears on disk meanwhile.

        Previews go to `paths.previews`, what another attempt may continue from to `paths.checkpoint`.
        """

    def diagnose_silence(self, tail: Sequence[str]) -> Optional[Diagnosis]:
        """Why a child that was stopped for its silence hung, from its last lines; None = nobody knows."""
        return None

    def diagnose(self, exit_code: int, tail: Sequence[str]) -> Optional[Diagnosis]:
        """Maps a failed child's last lines to a class, a reason and a fix; None = no idea (the runner then says so)."""
        return None

    def collect(self, item: Item, config: Any, paths: RunPaths) -> Collected:
        """Looks at `paths.output`, checks that it is complete and sound. Raises TopForgeError if it is not."""
        raise NotImplementedError

    def extends(self, config: Any, earlier: Any) -> bool:
        """Whether `config` is `earlier` with a later end, so that the states saved for that one may be continued."""
        return False

    def keeps_states(self, config: Any) -> bool:
        """Whether the last saved state stays when the result is published, to be continued with a later end."""
        return False

    def lower_settings(self, config: Any) -> Optional[Tuple[Any, str]]:
        """For a retry after out-of-memory: a smaller config and a sentence saying what changed; None = no rung left."""
        return None
