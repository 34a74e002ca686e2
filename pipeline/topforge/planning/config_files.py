"""The configs of a job: its files, patterns of such, and what is written in it, with the values of its wedge."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import Any, Iterator, List, Mapping, Optional, Tuple

from topforge import schema, strict_json
from topforge.planning import item_names, wedges
from topforge.planning.jobs import Job, JobError
from topforge.schema import ConfigError, Problem
from topforge.trainers.base import Adapter

CONFIG_FOLDER = "configs"
"""Where nvdiffrec keeps its config files."""


def of_job(job: Job, adapter: Adapter, path: Path) -> Iterator[Tuple[str, Any, Tuple[Tuple[str, str], ...]]]:
    """Name, options and labels of every combination of config and wedge values.

    Args:
        job: As `jobs.read` returns it.
        adapter: What runs them.
        path: The job file.

    Raises:
        TopForgeError: A file is missing, or options are wrong; those of wedge values all listed.
    """
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
        TopForgeError: It cannot be read, or options are wrong (all of them listed).
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
