"""Job files, and their expansion into work items.

    {
      "dataset": "capture",                        the folder with the photographs, or a mesh to take them of (.obj)
      "prepare": [{"adapter": "frames"}, {"adapter": "poses"}],    items that make the capture out of it first
      "configs": ["bob.json", "more/*.json", {"name": "quick", "iter": 200}],
      "wedge": {"learning_rate": [0.03, 0.01],     values, or a range with both ends included
                "iter": {"from": 100, "to": 1600, "count": 5, "scale": "log"}},
      "combine": "product",                        or "zip"
      "adapter": "topforge", "environment": {"prefix": "../venv"}, "needs": {"gpus": 1},
      "parallel": 2, "check": true, "report": true, "output": "out"
    }

Relative paths start at the job file's folder; those in a config file as `read_config` says. docs/jobs.md explains
every key; `Job` below is what is accepted.
"""

from __future__ import annotations

import dataclasses
import glob
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from topforge import items, schema, strict_json
from topforge.errors import TopForgeError
from topforge.items import EnvironmentSpec, Item, Needs
from topforge.paths import RunPaths, absolute
from topforge.planning import fingerprint, item_names, preparations, wedges
from topforge.schema import ConfigError, Problem, option
from topforge.trainers import registry
from topforge.trainers.base import Adapter

FORMAT = 1
"""Version of job files. A reader refuses a newer one."""
COMPANIONS = ("check", "report")
"""Items that a job adds by itself: their names, and those of their adapters."""
CONFIG_FOLDER = "configs"
"""Where nvdiffrec keeps its config files."""


@dataclasses.dataclass(frozen=True)
class Job:
    """What a job file may say."""

    format: int = option(FORMAT, choices=(FORMAT,))
    """Version of the job file's format."""
    name: Optional[str] = None
    """Heading of the report; null = the job file's name."""
    adapter: str = "topforge"
    """Which trainer runs the configs; `topforge train --help` names them."""
    dataset: Optional[str] = option(None, path=True)
    """The capture folder, or mesh file, that all configs are trained on; null = what each config names (`ref_mesh`)."""
    prepare: Tuple[Dict[str, Any], ...] = option(())
    """Items that make the capture out of `dataset`, in order, each from the result of the one before: an `adapter`
    ("frames", "poses", ...) with its options, perhaps a `name`, an `environment`, and as `result` the file of its
    result that is the dataset of what follows ("mesh.obj")."""
    configs: Tuple[Union[str, Dict[str, Any]], ...] = ({},)
    """Config files, patterns of such (`*`, `?`, `**`), and configs written here. One of these may have a `name`."""
    wedge: Dict[str, Any] = option({})
    """Values by dotted option name: a list, or {"from", "to", "count", "scale": "linear" or "log"}."""
    combine: str = option("product", choices=("product", "zip"))
    """How several wedged options go together: all combinations, or first with first, second with second."""
    environment: EnvironmentSpec = EnvironmentSpec()
    """Where the children's Python and libraries come from."""
    needs: Needs = Needs()
    """What each training item asks of its machine."""
    parallel: int = option(1, minimum=1, maximum=1024)
    """Most items at work at the same time."""
    check: bool = True
    """Check the dataset first; nothing trains on one that fails."""
    report: bool = True
    """Write one report over all items at the end; each item has its own in any case."""
    output: str = option("out", path=True)
    """Folder that holds one run folder for each item."""


class GpuNumberError(TopForgeError):
    """More or fewer devices than a trainer can use."""

    def __init__(self, adapter: Adapter, asked: int) -> None:
        fewest, most = adapter.gpus
        uses = "needs a GPU" if asked < fewest else "uses no more than %s" % most
        super().__init__(
            "needs.gpus is %d, but %s %s." % (asked, adapter.title, uses),
            'Ask for %d: "needs": {"gpus": %d} in a job, --gpus %d on the command line.' % ((max(fewest, 1),) * 3),
        )


@dataclasses.dataclass(frozen=True)
class Planned:
    """An item and the run folder it belongs in."""

    item: Item
    folder: Path


@dataclasses.dataclass(frozen=True)
class _Prepared:
    """An item that makes a dataset, and that dataset."""

    planned: Planned
    dataset: str
    content: str


class JobError(TopForgeError):
    """A job that cannot be expanded although each of its options is fine by itself."""

    def __init__(self, where: str, problem: str, fix: str) -> None:
        super().__init__("%s: %s." % (where, problem), fix)


def read(path: Path) -> Job:
    """The job in the file `path`, its own paths made absolute.

    Raises:
        TopForgeError: Missing file, bad JSON, or wrong options (all of them listed).
    """
    job = schema.from_json(Job, strict_json.read(path), str(path))
    return schema.with_absolute_paths(job, absolute(path.parent))


def expand(job: Job, path: Path) -> List[Planned]:
    """The items of a job: what prepares it, `check`, one for each config and wedge value, `report`. Always the same.

    Args:
        job: As `read` returns it.
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
    for name, config, labels in _configs(job, adapter, path):
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
    return Planned(item, output / ("%s-%s" % (item.name, item.key[:8])))


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


def _configs(job: Job, adapter: Adapter, path: Path) -> Iterator[Tuple[str, Any, Tuple[Tuple[str, str], ...]]]:
    """Name, options and labels of every combination of config and wedge values."""
    problems: List[Problem] = []
    combinations = list(wedges.expand(adapter.options, job.wedge, job.combine, str(path)))
    for name, base in _bases(job, adapter, path):
        for values in combinations:
            if not values:
                yield name, base, ()
                continue
            try:
                config = with_paths(adapter, schema.updated(base, values, str(path)), path.parent)
            except ConfigError as error:
                problems.extend(error.problems)
                continue
            labels = tuple((key, item_names.label(value)) for key, value in values.items())
            yield item_names.wedged(name, labels), config, labels
    if problems:
        raise ConfigError("%s: wedge" % path, dict.fromkeys(problems))


def _bases(job: Job, adapter: Adapter, path: Path) -> Iterator[Tuple[str, Any]]:
    """Name and options of each config, in the order written; files of a pattern by name."""
    for index, entry in enumerate(job.configs):
        if isinstance(entry, str):
            for file in matches(entry, path.parent, str(path), path):
                yield item_names.safe(file.stem), read_config(adapter, file)
        else:
            values = dict(entry)
            name = values.pop("name", "config-%d" % (index + 1) if len(job.configs) > 1 else "config")
            where = "%s: configs[%d]" % (path, index)
            if not isinstance(name, str):
                raise ConfigError(where, [Problem("name", "must be text")])
            config: Any = schema.from_json(adapter.options, values, where)
            yield item_names.safe(name), with_paths(adapter, config, path.parent)


def read_config(adapter: Adapter, path: Path, start: Optional[Mapping[str, Any]] = None) -> Any:
    """The adapter's options from a config file, paths made absolute.

    A relative path starts at the file's folder. Where nothing is there, it starts at the folder above if the file lies
    in a `configs`, else at the working folder: nvdiffrec's config files, whose paths start at its checkout, then run
    from anywhere, and copies of them where their data is.

    Args:
        adapter: Whose options.
        path: The file.
        start: Values of options that the file does not mention, a preset's; None = the defaults.

    Raises:
        TopForgeError: As for `read`.
    """
    written = strict_json.read(path)
    merged = {**(start or {}), **written} if isinstance(written, dict) else written
    config: Any = schema.from_json(adapter.options, merged, str(path))
    others = [path.parent.parent] if path.parent.name == CONFIG_FOLDER else []
    places = (path.parent, *others, Path.cwd())
    return adapter.located(with_paths(adapter, config, *places), lambda text: schema.located(places, text))


def with_paths(adapter: Adapter, config: Any, folder: Path, *others: Path) -> Any:
    """`schema.with_absolute_paths`, with the adapter's own `places` after the others."""
    found = schema.with_absolute_paths(config, folder, *others)
    places = adapter.places(found)
    return schema.with_absolute_paths(config, folder, *others, *places) if places else found


def matches(pattern: str, folder: Path, where: str, itself: Optional[Path] = None) -> List[Path]:
    """The config files that a pattern means, by name; one without `*` and `?` means that file.

    Args:
        pattern: Relative to `folder`, or absolute; `**` is any number of folders.
        folder: Absolute.
        where: The job file or node, for messages.
        itself: The job file, which a plain `*.json` would catch; never among the matches.

    Raises:
        JobError: There is none.
    """
    full = folder / pattern
    if not glob.has_magic(pattern):
        if not full.exists():
            raise JobError(
                where, "there is no config file %s" % full, "Correct the path; a relative one starts at %s." % folder
            )
        return [full]
    found = [Path(name) for name in sorted(glob.glob(str(full), recursive=True))]  # noqa: PTH207 -- pattern may be absolute
    found = [file for file in found if itself is None or file.name != itself.name or not file.samefile(itself)]
    if not found:
        raise JobError(where, 'no file matches "%s"' % pattern, "Correct the pattern.")
    return found


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
