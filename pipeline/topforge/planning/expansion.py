"""From a job to its work items, in the order in which they can run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, List, Optional

from topforge.items import Needs
from topforge.paths import RunPaths
from topforge.planning import config_files, item_names, preparations
from topforge.planning.jobs import Job
from topforge.planning.planned_items import (
    COMPANIONS,
    Planned,
    companion,
    content_of,
    make_item,
    planned,
    refuse_same_work,
    with_dataset,
)
from topforge.trainers import registry


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """An item that makes a dataset, and that dataset."""

    planned: Planned
    dataset: str
    content: str


def expand(job: Job, path: Path) -> List[Planned]:
    """The items of a job: what prepares it, `check`, one for each config and wedge value, `report`. Always the same.

    Args:
        job: As `jobs.read` returns it.
        path: The job file: its folder is where relative paths start, its name goes into messages.

    Raises:
        TopForgeError: Whatever would make an item fail that can be known now: missing dataset or config file, wrong
            options (all of them listed), two items that are the same work.
    """
    adapter, output = registry.get(job.adapter), Path(job.output)
    unique = item_names.Unique(*COMPANIONS)
    prepared = _prepared(job, path, unique)
    contents: Dict[Optional[str], str] = {}
    for last in prepared[-1:]:
        job = dataclasses.replace(job, dataset=last.dataset)
        contents[last.dataset] = last.content
    made = tuple(str(each.planned.folder) for each in prepared[-1:])
    checks: Dict[Optional[str], Planned] = {}
    trained: List[Planned] = []
    for name, config, labels in config_files.of_job(job, adapter, path):
        its = with_dataset(job, adapter, config, str(path), 'Add "dataset" to the job.')
        if its.dataset not in contents:
            contents[its.dataset] = content_of(its)
        content = contents[its.dataset]
        if its.dataset not in checks and job.check and its.dataset:
            check = unique("check") if checks else "check"
            checks[its.dataset] = companion("check", {"masks": adapter.masks}, its, content, (), output, check, made)
        gates = made + tuple(str(each.folder) for dataset, each in checks.items() if dataset == its.dataset)
        item = make_item(adapter, unique(name), config, its, content, gates, labels)
        trained.append(planned(item, output))
    refuse_same_work(trained, str(path))
    plan = [*(each.planned for each in prepared), *checks.values(), *trained]
    if job.report:
        title = {"title": job.name or path.stem}
        plan.append(companion("report", title, job, contents.get(job.dataset, ""), tuple(trained), output))
    return plan


def _prepared(job: Job, path: Path, unique: item_names.Unique) -> List[_Prepared]:
    """The items that make the dataset, each from the result of the one before."""
    made: List[_Prepared] = []
    for entry in preparations.read(job.prepare, path.parent, str(path)):
        its = dataclasses.replace(job, environment=entry.environment, needs=Needs())
        if made:
            its, content = dataclasses.replace(its, dataset=made[-1].dataset), made[-1].content
        else:
            its = with_dataset(its, entry.adapter, entry.config, str(path), 'Add "dataset" to the job.')
            content = content_of(its)
        gates = tuple(str(each.planned.folder) for each in made[-1:])
        item = make_item(entry.adapter, unique(entry.name), entry.config, its, content, gates)
        each = planned(item, Path(job.output))
        dataset = str(RunPaths(each.folder).result / entry.result)
        made.append(_Prepared(each, dataset, preparations.content_of_result(item.key, entry.result)))
    return made
