"""One item of a plan: what it works on, what its key covers, and the run folder that it belongs in."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from topforge import items, schema
from topforge.errors import TopForgeError
from topforge.items import Item, Needs
from topforge.planning import fingerprint
from topforge.planning.jobs import Job, JobError
from topforge.trainers import registry
from topforge.trainers.base import Adapter

COMPANIONS = ("check", "report")
"""Items that a job adds by itself: their names, and those of their adapters."""


@dataclasses.dataclass(frozen=True)
class Planned:
    """An item and the run folder it belongs in."""

    item: Item
    folder: Path


class GpuNumberError(TopForgeError):
    """More or fewer devices than a trainer can use."""

    def __init__(self, adapter: Adapter, asked: int) -> None:
        fewest, most = adapter.gpus
        uses = "needs a GPU" if asked < fewest else "uses no more than %s" % most
        super().__init__(
            "needs.gpus is %d, but %s %s." % (asked, adapter.title, uses),
            'Ask for %d: "needs": {"gpus": %d} in a job, --gpus %d on the command line.' % ((max(fewest, 1),) * 3),
        )


def with_dataset(job: Job, adapter: Adapter, config: Any, where: str, fix: str) -> Job:
    """The job with the dataset that a config is trained on: the job's own, else the one that the config names.

    Args:
        job: What is asked for.
        adapter: What runs the config.
        config: Instance of the adapter's options, paths absolute.
        where: The job file or node, for messages.
        fix: What to do when neither names one and the adapter needs one.

    Raises:
        JobError: Neither does.
        TopForgeError: The config's is not there, and the adapter knows the cause: a checkout that is not there, say.
    """
    dataset = job.dataset or adapter.dataset_of(config)
    if adapter.needs_dataset and dataset is None:
        raise JobError(where, 'adapter "%s" needs a dataset' % adapter.name, fix)
    if job.dataset is None and dataset is not None and not Path(dataset).exists():
        adapter.validate(config, dataset)
    return dataclasses.replace(job, dataset=dataset)


def content_of(job: Job) -> str:
    """Fingerprint of a job's dataset, "" without one.

    Raises:
        DatasetError: It is not there, or cannot be read.
    """
    return fingerprint.of_dataset(Path(job.dataset)) if job.dataset else ""


def make_item(
    adapter: Adapter,
    name: str,
    config: Any,
    job: Job,
    content: str,
    gates: Tuple[str, ...] = (),
    labels: Tuple[Tuple[str, str], ...] = (),
) -> Item:
    """One training item.

    Args:
        adapter: What runs it.
        name: Unique within the job.
        config: Instance of the adapter's options.
        job: Gives dataset, environment and needs.
        content: Fingerprint of the dataset, "" without one.
        gates: Run folders of items that must succeed first but do not decide this one's result; so not in the key.
        labels: Wedged option and value, as text.
    """
    _require_gpus(adapter, job.needs)
    adapter.validate(config, job.dataset)
    return Item(
        name=name,
        adapter=adapter.name,
        config=schema.to_json(config),
        key=items.compute_key(adapter.name, adapter.version, _deciding(adapter, config), content, ()),
        dataset=job.dataset,
        content=content,
        depends=gates,
        environment=job.environment,
        needs=job.needs,
        labels=labels,
    )


def _require_gpus(adapter: Adapter, needs: Needs) -> None:
    fewest, most = adapter.gpus
    if needs.gpus < fewest or (most is not None and needs.gpus > most):
        raise GpuNumberError(adapter, needs.gpus)


def _deciding(adapter: Adapter, config: Any) -> Dict[str, Any]:
    """What decides the result; files that options name count by their content, wherever they lie."""
    deciding = dict(adapter.deciding(config))
    for key in schema.path_options(adapter.options):
        named = deciding.get(key)
        if named is not None:
            paths = [named] if isinstance(named, str) else named
            deciding[key] = [fingerprint.of_option(key, Path(path)) for path in paths]
    return deciding


def planned(item: Item, output: Path) -> Planned:
    """The item in its run folder below `output`, which its name and its key name."""
    return Planned(item, output / (item.name + ending(item)))


def ending(item: Item) -> str:
    """What the name of its run folder ends in, whatever the item is called."""
    return "-" + item.key[:8]


def companion(
    adapter_name: str,
    options: Mapping[str, Any],
    job: Job,
    content: str,
    after: Tuple[Planned, ...],
    output: Path,
    name: Optional[str] = None,
    gates: Tuple[str, ...] = (),
) -> Planned:
    """The `check` or `report` item: it needs no GPU, and its key covers the items it comes after, failed or not.

    Args:
        adapter_name: "check" or "report".
        options: JSON values of the adapter's options.
        job: Gives dataset and environment.
        content: Fingerprint of the dataset, "" without one.
        after: What it comes after.
        output: Folder of run folders.
        name: Of the item; None = the adapter's.
        gates: Run folders of items that must succeed first: they make the dataset.
    """
    adapter = registry.get(adapter_name)
    config: Any = schema.from_json(adapter.options, dict(options), adapter_name)
    adapter.validate(config, job.dataset)
    keys = tuple(each.item.key for each in after)
    item = Item(
        name=name or adapter_name,
        adapter=adapter_name,
        config=schema.to_json(config),
        key=items.compute_key(adapter_name, adapter.version, adapter.deciding(config), content, keys),
        dataset=job.dataset,
        content=content,
        depends=gates,
        after=tuple(str(each.folder) for each in after),
        environment=job.environment,
    )
    return planned(item, output)


def refuse_same_work(plan: Sequence[Planned], where: str) -> None:
    """Refuses two items of one plan that would give the same result.

    Args:
        plan: Items with names of their own.
        where: The job file or node, for messages.

    Raises:
        JobError: Names both.
    """
    seen: Dict[str, str] = {}
    for each in plan:
        first = seen.setdefault(each.item.key, each.item.name)
        if first != each.item.name:
            pair = 'items "%s" and "%s" would give the same result' % (first, each.item.name)
            raise JobError(where, pair, "Remove one, or wedge an option that decides the result.")
