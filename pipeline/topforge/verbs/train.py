"""`topforge train CONFIG.json --dataset CAPTURE --out RUN`: a job of one item."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Optional, Sequence

from topforge import schema
from topforge.cooking import outcomes
from topforge.environments import prefix_discovery
from topforge.items import EnvironmentSpec, Item, Needs
from topforge.paths import absolute
from topforge.planning import config_files, file_kinds, item_names, jobs, planned_items, presets
from topforge.planning.planned_items import Planned
from topforge.trainers import registry
from topforge.trainers.base import Adapter
from topforge.verbs import cook

HELP = "train one config on one capture"
_DEFAULT_ADAPTER = "topforge"
_LONG = """On the CPU 2 x %d iterations take long; with a GPU: --gpus 1. Shorter: --preset draft, --iter, --time_budget.
Ctrl-C saves; the same command continues."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's own arguments; the trainer's options follow in `add_options`."""
    parser.usage = "%(prog)s [CONFIG.json] [--dataset PATH] --out RUN [flags]"  # not each of sixty options
    parser.add_argument("config", type=Path, nargs="?", metavar="CONFIG.json", help="options of the trainer")
    parser.add_argument(
        "--dataset", type=Path, metavar="PATH", help="the capture's folder, or a mesh; default: the config's ref_mesh"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="run folder; the same one continues")
    parser.add_argument("--adapter", default=_DEFAULT_ADAPTER, choices=registry.names(), help="which trainer")
    parser.add_argument("--preset", metavar="NAME", help="`topforge presets` lists them; the config and flags win")
    parser.add_argument(
        "--environment", "--env", metavar="PREFIX", help="venv or conda environment to run in: its root, or its name"
    )
    parser.add_argument("--gpus", type=int, default=0, metavar="N", help="devices to lease")
    cook.add_shared_arguments(parser)


def add_options(parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Declares the options of the trainer that `--adapter` names: `--key value` for each."""
    finder = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    finder.add_argument("--adapter", default=_DEFAULT_ADAPTER)
    name = finder.parse_known_args(list(words))[0].adapter
    schema.add_to_parser(parser, registry.get(name).options)


def run(arguments: argparse.Namespace) -> int:
    """Makes the item and cooks it."""
    planned = _planned(arguments)
    if arguments.dry_run:
        return cook.list_plan([planned])
    if _is_long_on_a_cpu(planned.item) and (arguments.force or not outcomes.if_done_before(planned)):
        print(_LONG % planned.item.config["iter"], file=sys.stderr)
    return cook.run_plan([planned], 1, arguments.force, planned.folder / cook.TABLE_FILE)


def _is_long_on_a_cpu(item: Item) -> bool:
    """Whether the built-in trainer would do as many iterations as by default, meant for a GPU, without one."""
    if item.adapter != _DEFAULT_ADAPTER or item.needs.gpus:
        return False
    default: Any = registry.get(item.adapter).options()
    return bool(item.config["iter"] >= default.iter and not item.config["time_budget"])


def _planned(arguments: argparse.Namespace) -> Planned:
    adapter = registry.get(arguments.adapter)
    config = configuration(adapter, arguments)
    job = jobs.Job(
        adapter=adapter.name,
        dataset=_absolute(arguments.dataset),
        environment=EnvironmentSpec(prefix=_prefix(arguments.environment)),
        needs=schema.updated(Needs(), {"gpus": arguments.gpus}, "command line"),
    )
    job = planned_items.with_dataset(job, adapter, config, "command line", "Add --dataset PATH.")
    folder = absolute(arguments.out)
    item = planned_items.make_item(adapter, item_names.safe(folder.name), config, job, planned_items.content_of(job))
    return Planned(item, folder)


def configuration(adapter: Adapter, arguments: argparse.Namespace) -> Any:
    """The options: the defaults, then the preset's, then the file's, then the flags'."""
    base = _base(adapter, arguments.config, arguments.preset)
    return config_files.with_paths(adapter, schema.from_arguments(base, arguments), Path.cwd())


def _base(adapter: Adapter, path: Optional[Path], preset: Optional[str]) -> Any:
    start = {} if preset is None else presets.values(adapter, preset)
    if path is None:
        return schema.from_json(adapter.options, start, "preset %s" % preset)
    file_kinds.require(absolute(path), file_kinds.CONFIG, adapter.options)
    return config_files.read_config(adapter, absolute(path), start)


def _prefix(named: Optional[str]) -> Optional[str]:
    return None if named is None else _absolute(prefix_discovery.locate(named, os.environ))


def _absolute(path: Optional[Path]) -> Optional[str]:
    return None if path is None else str(absolute(path))
