"""`topforge presets [TRAINER [PRESET]]`: where configs can start, one as a config file, and all beside a checkout."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Iterable, Iterator, Optional, Sequence

from topforge import terminal_style
from topforge.errors import TopForgeError
from topforge.paths import absolute
from topforge.planning import presets, presets_compared
from topforge.planning.presets_compared import WRONG, Finding, Verdict
from topforge.terminal_style import Style
from topforge.trainers import registry
from topforge.trainers.base import Adapter
from topforge.trainers.upstream.examples import Examples

HELP = "list presets, print one as a config, compare them with a checkout's own examples"


class NoTrainerNamedError(TopForgeError):
    """A checkout alone does not say whose it is."""

    def __init__(self, path: Path) -> None:
        named = ", ".join(adapter.name for adapter in registry.trainers() if hasattr(adapter.options, "checkout"))
        super().__init__(
            "--checkout %s: which trainer's presets to compare with it is not said." % path,
            "Name the trainer before it: %s." % named,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument("trainer", nargs="?", metavar="TRAINER", help="only its presets; default: those of all")
    parser.add_argument("preset", nargs="?", metavar="PRESET", help="print this one's settings, as `train` reads them")
    parser.add_argument(
        "--checkout",
        type=Path,
        metavar="PATH",
        help="compare with the example configs in the trainer's checkout; ends with 1 where something differs",
    )


def run(arguments: argparse.Namespace) -> int:
    """Shows what was asked for. 1 when a checkout has other settings or files than the presets, else 0."""
    if arguments.checkout is not None:
        if arguments.trainer is None:
            raise NoTrainerNamedError(arguments.checkout)
        return _compare(registry.get(arguments.trainer), absolute(arguments.checkout), arguments.preset)
    if arguments.preset is not None:
        return _print(registry.get(arguments.trainer), arguments.preset)
    adapters = [registry.get(arguments.trainer)] if arguments.trainer else _with_presets()
    style = terminal_style.style_for(sys.stdout, os.environ)
    for number, adapter in enumerate(adapters):
        if number:
            print()
        print("\n".join(_list(adapter, style)))
    return 0


def _print(adapter: Adapter, name: str) -> int:
    settings = presets.values(adapter, name)
    print(json.dumps(settings, indent=2))
    if not settings:
        print('"%s" sets nothing: it is the defaults of %s.' % (name, adapter.title), file=sys.stderr)
    return 0


def _with_presets() -> Sequence[Adapter]:
    return [adapter for adapter in registry.trainers() if adapter.presets]


def _list(adapter: Adapter, style: Style) -> Iterator[str]:
    yield "%s  %s" % (style.bold(adapter.name), adapter.title)
    if not adapter.presets:
        yield "  none"
    wide = _width(adapter.presets)
    for name in adapter.presets:
        line = "  %-*s  %s" % (wide, name, presets.summary(adapter, name))
        room = terminal_style.width() if sys.stdout.isatty() else len(line)
        yield line if len(line) <= room else line[: room - 3] + "..."


def _compare(adapter: Adapter, folder: Path, only: Optional[str]) -> int:
    if only is not None:
        presets.values(adapter, only)  # refuses a name that it does not have
    examples, findings = presets_compared.compare(adapter, str(folder))
    chosen = [finding for finding in findings if only in (None, finding.name)]
    print("\n".join(_comparison(adapter, examples, chosen, terminal_style.style_for(sys.stdout, os.environ))))
    return 1 if any(finding.verdict in WRONG for finding in chosen) else 0


def _comparison(adapter: Adapter, examples: Examples, findings: Sequence[Finding], style: Style) -> Iterator[str]:
    commit = "commit %s" % examples.commit[:7] if examples.commit else "not a git clone"
    yield style.bold("%s: presets and %s (%s)" % (adapter.name, examples.checkout, commit))
    colours = {Verdict.DOWNLOAD: style.notice, Verdict.DIFFERENT: style.bad, Verdict.NO_PRESET: style.bad}
    wide = _width(finding.name for finding in findings)
    for finding in findings:
        verdict = "%-9s" % finding.verdict.value
        mark = colours.get(finding.verdict, style.good)(verdict)
        yield ("  %s  %-*s  %s" % (mark, wide, finding.name, style.dim(finding.file))).rstrip()
        yield from ("  %s  %s  %s" % (" " * len(verdict), " " * wide, remark) for remark in finding.remarks)
    if examples.remark:
        yield "  " + examples.remark
    yield _total(findings)


def _total(findings: Sequence[Finding]) -> str:
    counts = [(verdict.value, sum(finding.verdict is verdict for finding in findings)) for verdict in Verdict]
    total = ", ".join("%d %s" % (count, name) for name, count in counts if count)
    compared = any(finding.file for finding in findings) and not any(finding.verdict in WRONG for finding in findings)
    return (total or "Nothing to compare.") + ("; every setting agrees" if compared else "")


def _width(names: Iterable[str]) -> int:
    return max(map(len, names), default=0)
