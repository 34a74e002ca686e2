"""`topforge env`: which environments there are, what exactly a trainer's process would see in one, and making one."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Sequence, Tuple

from topforge import terminal_style
from topforge.environments import cuda, environment, prefix_discovery, prefixes
from topforge.environments.environment import ResolvedEnvironment
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec
from topforge.running import gpus
from topforge.verbs import env_create

HELP = "list environments, show what a trainer's process would see in one, or `create` one for a trainer"
FORMATS = ("explain", "exports", "environment-edit", "hqueue", "json")


CREATE = "create"
"""The first word of the other form, `topforge env create TRAINER`; an environment of that name is `./create`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares nothing: which flags there are depends on the first word."""


def add_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Declares the flags of the form that `words` begin with."""
    if words and words[0] == CREATE:
        parser.prog += " " + CREATE
        parser.usage = "%(prog)s TRAINER [flags]"
        parser.description = env_create.HELP
        env_create.add_arguments(parser)
        return
    parser.epilog = "`topforge env create TRAINER` makes a trainer's environment; see `topforge env create --help`."
    parser.add_argument("prefix", nargs="?", help='environment: its root, its name, or "current"; none: list them all')
    parser.add_argument("--mode", choices=environment.MODES, default="clean", help="how to edit (%(default)s)")
    parser.add_argument("--format", choices=FORMATS, default="explain", help="what to print (%(default)s)")
    parser.add_argument("--trainer", default="topforge", help="whose process it is (%(default)s)")
    parser.add_argument("--devices", help="value for CUDA_VISIBLE_DEVICES, as a lease would set it")


def run(arguments: argparse.Namespace) -> int:
    """Prints the list or the edit, or makes an environment."""
    if hasattr(arguments, CREATE):
        return env_create.run(arguments, _architectures)
    if arguments.prefix is None:
        return _list()
    current = arguments.prefix == "current"
    prefix = None if current else str(prefix_discovery.locate(arguments.prefix, os.environ))
    spec = EnvironmentSpec(prefix=prefix, mode=arguments.mode)
    devices = arguments.devices
    found = None if devices is not None else _architectures()
    print(_shown(environment.resolve(spec, os.environ, devices, arguments.trainer, found), arguments.format), end="")
    return 0


def _architectures() -> Tuple[str, ...]:
    """GPU architectures of the devices that an item started from here could lease: the edit shows what it would get."""
    usable = ",".join(gpu.uuid for gpu in gpus.inventory(os.environ).gpus)
    found = cuda.select(cuda.query_capabilities(os.environ), usable)
    return tuple(sorted({device.architecture for device in found if device.architecture}))


def _shown(resolved: ResolvedEnvironment, form: str) -> str:
    if form == "explain":
        style = terminal_style.style_for(sys.stdout, os.environ)
        return resolved.explain(terminal_style.width(), style)
    if form == "exports":
        return resolved.as_exports()
    if form == "environment-edit":
        return json.dumps(resolved.as_environment_edit(), indent=1) + "\n"
    if form == "hqueue":
        return json.dumps(resolved.as_hqueue(), indent=1) + "\n"
    return json.dumps(resolved.as_json(), indent=1) + "\n"


def _list() -> int:
    """A table of every environment found; the one this runs in is marked."""
    here = prefixes.describe_current()
    found = {here.path: here}
    rows = []
    for path in prefix_discovery.discover(os.environ, Path.home()):
        try:
            found.setdefault(path, prefixes.describe(path))
        except TopForgeError as error:
            rows.append(("", path.name, str(path), "unusable: " + error.reason.rsplit(": ", 1)[-1]))
    for path, prefix in found.items():
        rows.append(("*" if path == here.path else "", path.name, str(path), prefixes.summary(prefix, prefix.kind)))
    columns = [max(map(len, column)) for column in zip(*rows)]
    for row in sorted(rows, key=lambda row: row[2]):
        print("  ".join(cell.ljust(column) for cell, column in zip(row, columns)).rstrip())
    print("\n* runs this command. `topforge env NAME` shows what a trainer's process would see in one of them;")
    print("`topforge doctor --env NAME` checks it.")
    return 0
