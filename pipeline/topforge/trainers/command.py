"""Adapter "command": any program as a work item. The way out for whatever has no adapter of its own.

    {"arguments": ["{python}", "bake.py", "--in", "{dataset}", "--resume", "{checkpoint}"], "outputs": ["mesh.obj"]}

The program starts in the item's output folder, or in `working_folder`. In its arguments `{python}`, `{dataset}`,
`{output}` and `{checkpoint}` (a folder that outlives an interrupted attempt) are replaced, and so is the name of each
of its `values`, which a wedge can vary: `{"arguments": ["bake", "--size", "{size}"], "values": {"size": 512}}`. It
tells its progress in the lines that farm engines read: `PROGRESS: i/n`, `openjd_progress: percent`,
`openjd_status: text`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from topforge.errors import FailureClass, TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Adapter, Collected, Output, Report, Step


@dataclasses.dataclass(frozen=True)
class CommandOptions:
    """What to run and what must come out."""

    arguments: Tuple[str, ...] = option((), length=(1, 10000), group="Command")
    """Executable and arguments, handed over as they are: no shell reads them."""
    outputs: Tuple[str, ...] = option((), group="Command", label="Output Files")
    """Files, relative to the output folder, that must be there at the end."""
    values: Dict[str, Any] = option({}, group="Command")
    """Text or numbers by name; `{name}` in the arguments is replaced. A wedge varies one as `values.name`."""
    working_folder: Optional[str] = option(None, path=True, group="Command")
    """Where the program starts; null is the item's output folder."""


PLACES = ("python", "dataset", "output", "checkpoint")
"""What `{...}` in arguments stands for without being one of the values."""


_NAME = re.compile(r"\{(\w+)\}")
_FRACTION = re.compile(r"^PROGRESS:\s*(\d+)\s*/\s*(\d+)\s*$")
_PERCENT = re.compile(r"^openjd_progress:\s*(\d+(?:\.\d*)?)\s*$")
_STATUS = re.compile(r"^openjd_status:\s*(.*?)\s*$")


class CommandError(TopForgeError):
    """A command's options contradict each other."""

    def __init__(self, key: str, problem: str, fix: str) -> None:
        super().__init__("command: %s %s." % (key, problem), fix)


class MissingOutputError(TopForgeError):
    """The command ended well but did not write what it promised."""

    failure_class = FailureClass.TRAINER

    def __init__(self, missing: Sequence[str], folder: str) -> None:
        files = ", ".join(missing)
        super().__init__(
            "The command ended with exit code 0 but did not write %s into %s." % (files, folder),
            "See the attempt's log, or correct `outputs`.",
        )


class CommandAdapter(Adapter):
    """Runs `CommandOptions.arguments` as the item's only step."""

    name = "command"
    title = "Command"
    licence = "That of the command."
    options = CommandOptions
    is_trainer = True

    def validate(self, config: CommandOptions, dataset: Optional[str]) -> None:
        """Refuses no command, outputs outside the folder and `{dataset}` without a dataset."""
        if not config.arguments:
            raise CommandError("arguments", "is empty", "Give the executable and its arguments.")
        for output in config.outputs:
            path = PurePosixPath(output)
            if not output or path.is_absolute() or ".." in path.parts or "\\" in output or ":" in output:
                raise CommandError('output "%s"' % output, "is not a relative path", "Give it relative, with `/`.")
        for name, value in config.values.items():
            if name in PLACES or not name.isidentifier() or type(value) not in (str, int, float):
                raise CommandError("values.%s" % name, "cannot be used", "Name it otherwise; give text or a number.")
        if dataset is None and any("{dataset}" in argument for argument in config.arguments):
            raise CommandError("arguments", "mention {dataset} but there is none", "Give a dataset.")

    def deciding(self, config: CommandOptions) -> Dict[str, Any]:
        """All options. Where it starts counts by its path, not by what lies there."""
        deciding = super().deciding(config)
        if not config.values:
            del deciding["values"]
        folder = deciding.pop("working_folder")
        return deciding if folder is None else {**deciding, "starts in": folder}

    def option_for_attribute(self, attribute: str, config: CommandOptions) -> Optional[str]:
        """An attribute with the name of a value varies that."""
        return "values." + attribute if attribute in config.values else super().option_for_attribute(attribute, config)

    def steps(self, item: Item, config: CommandOptions, paths: RunPaths) -> Sequence[Step]:
        """One step, in the working folder; the output's and the checkpoint's are made."""
        for folder in (paths.output, paths.checkpoint):
            folder.mkdir(parents=True, exist_ok=True)
        places = {"output": str(paths.output), "checkpoint": str(paths.checkpoint), "dataset": item.dataset or ""}
        texts = {name: value if isinstance(value, str) else "%.15g" % value for name, value in config.values.items()}
        arguments = tuple(_filled(argument, {**texts, **places}) for argument in config.arguments)
        return (Step("run", arguments, working_folder=config.working_folder or str(paths.output)),)

    def parse(self, line: str) -> Optional[Report]:
        """Reads the dialects named at the top of this module."""
        fraction, percent, status = _FRACTION.match(line), _PERCENT.match(line), _STATUS.match(line)
        if fraction and int(fraction.group(2)) > 0:
            return Report(progress=min(int(fraction.group(1)) / int(fraction.group(2)), 1.0))
        if percent:
            return Report(progress=min(float(percent.group(1)) / 100, 1.0))
        return Report(message=status.group(1)) if status else None

    def collect(self, item: Item, config: CommandOptions, paths: RunPaths) -> Collected:
        """Checks that every output is a file."""
        missing = [name for name in config.outputs if not (paths.output / name).is_file()]
        if missing:
            raise MissingOutputError(missing, str(paths.output))
        return Collected(tuple(Output(name, "data") for name in config.outputs))


def _filled(argument: str, texts: Mapping[str, str]) -> str:
    """With each known `{name}` replaced, once: what a value brings in is not looked at again."""
    return _NAME.sub(lambda match: texts.get(match.group(1), match.group(0)), argument)


ADAPTER = CommandAdapter()
