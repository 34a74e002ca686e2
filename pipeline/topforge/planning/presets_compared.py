"""A trainer's presets beside the example configs of a checkout: the same settings, and the files they name there?"""

from __future__ import annotations

import dataclasses
import enum
import json
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import presets
from topforge.schema import ConfigError
from topforge.schema.fields import shape
from topforge.trainers.base import Adapter
from topforge.trainers.upstream.examples import Example, Examples


class Verdict(str, enum.Enum):
    """How a preset stands to the checkout."""

    SAME = "same"
    """It has the settings of the example config of its name, and every file it names is there."""
    OURS = "ours"
    """The checkout has no example config of that name."""
    DOWNLOAD = "download"
    """As SAME or OURS, but a file that it names, and that people download or bring themselves, is not there yet."""
    DIFFERENT = "different"
    """Settings differ, a key is not ours, or a file that every clone holds is missing."""
    NO_PRESET = "no preset"
    """An example config that has no preset."""


WRONG = (Verdict.DIFFERENT, Verdict.NO_PRESET)
"""What somebody should look into."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is to be said of one preset, or of an example config without one."""

    name: str
    verdict: Verdict
    file: str = ""
    """The example config, relative to the checkout; "" = there is none."""
    remarks: Tuple[str, ...] = ()


class NoCheckoutsError(TopForgeError):
    """A trainer that is not run from a checkout."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(
            "%s comes with TopForge and has no checkout to compare with." % adapter.title, "Leave --checkout out."
        )


def compare(adapter: Adapter, folder: str) -> Tuple[Examples, Tuple[Finding, ...]]:
    """Every preset, in its order, then the example configs that have none.

    Raises:
        TopForgeError: The folder is no checkout of that trainer, or a file in it cannot be read.
    """
    examples = adapter.examples(folder)
    if examples is None:
        raise NoCheckoutsError(adapter)
    by_name = {example.name: example for example in examples.files}
    found = [_judge(adapter, name, by_name.get(name), examples) for name in adapter.presets]
    for example in examples.files:
        if example.name not in adapter.presets:
            remark = "runs as it is: topforge train --adapter %s %s" % (adapter.name, examples.checkout / example.file)
            remarks = (remark, *_refusals(adapter, example))
            found.append(Finding(example.name, Verdict.NO_PRESET, example.file, remarks))
    return examples, tuple(found)


def _judge(adapter: Adapter, name: str, example: Optional[Example], examples: Examples) -> Finding:
    wanted = presets.values(adapter, name)
    wrong, left = ([], []) if example is None else _differences(adapter, wanted, example, examples)
    later: List[str] = []
    for option, path in _absent(adapter, wanted, examples.checkout):
        if option in examples.own:
            later.append("%s is not there: yours to bring, or name another file in %s" % (path, option))
        elif any(Path(each) in Path(path).parents for each in examples.downloads):
            later.append("%s is a download that is not there" % path)
        else:
            wrong.append("%s is not in the checkout" % path)
    verdict = Verdict.OURS if example is None else Verdict.SAME
    if wrong or later:
        verdict = Verdict.DIFFERENT if wrong else Verdict.DOWNLOAD
    return Finding(name, verdict, example.file if example else "", (*wrong, *later, *left))


def _differences(
    adapter: Adapter, wanted: Mapping[str, Any], example: Example, examples: Examples
) -> Tuple[List[str], List[str]]:
    """What is otherwise, and which options are left to the person or the capture."""
    wrong = _refusals(adapter, example)
    if wrong:
        return wrong, []
    named = [name for name in shape(adapter.options) if name in wanted or name in example.values]
    below = {name: value for name, value in examples.defaults.items() if name in wanted}
    mine = _settled(adapter, wanted, named)
    theirs = _settled(adapter, {**below, **example.values}, named)
    left = []
    for name in named:
        both = (name, json.dumps(theirs[name]), json.dumps(mine[name]))
        if name not in wanted and mine[name] is None and theirs[name] is not None:
            left.append("%s = %s there; left open here" % both[:2])
        elif mine[name] != theirs[name]:
            where = left if name in examples.own else wrong
            where.append("%s = %s there, %s in the preset" % both + (": yours to choose" if where is left else ""))
    return wrong, left


def _settled(adapter: Adapter, values: Mapping[str, Any], names: Sequence[str]) -> Dict[str, Any]:
    """Values as the options have them, those without effect left out: 3000 and 3000.0 are the same."""
    config: Any = schema.from_json(adapter.options, dict(values), adapter.name)
    ignored = [name for name, (_, limits, _) in shape(adapter.options).items() if limits.ignored]
    found = schema.to_json(config)
    return {name: None if name in ignored else found[name] for name in names}


def _refusals(adapter: Adapter, example: Example) -> List[str]:
    """Why our options cannot hold an example config."""
    wrong = ["%s is no option of ours" % key for key in example.unknown]
    try:
        schema.from_json(adapter.options, dict(example.values), example.file)
    except ConfigError as error:
        wrong += [str(problem) for problem in error.problems]
    return wrong


def _absent(adapter: Adapter, values: Mapping[str, Any], folder: Path) -> Iterator[Tuple[str, str]]:
    """Options of a preset that name a file or folder which the checkout does not have, with its path."""
    for name in schema.path_options(adapter.options):
        path = values.get(name)
        if isinstance(path, str) and not (folder / path).exists():
            yield name, path
