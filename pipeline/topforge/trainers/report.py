"""Adapter "report": one page over all results of a job, `python -m topforge report`."""

from __future__ import annotations

import dataclasses
from typing import Sequence, Tuple

from topforge.errors import FailureClass, TopForgeError
from topforge.items import Item
from topforge.paths import RunPaths
from topforge.schema import option
from topforge.trainers.base import Adapter, Collected, Output, Step

PAGE = "report.html"


class NothingToReportError(TopForgeError):
    """A report item that comes after nothing."""

    def __init__(self, item: Item) -> None:
        super().__init__(
            'The report "%s" is about no run: it comes after none.' % item.name,
            "List run folders in its `after`, or use `topforge report RUN`.",
        )


class NoPageError(TopForgeError):
    """The report's process ended well without a page."""

    failure_class = FailureClass.INTERNAL

    def __init__(self, path: str) -> None:
        super().__init__("The report ended without an error, but %s is missing." % path, "Report this with its log.")


@dataclasses.dataclass(frozen=True)
class ReportOptions:
    """How the page looks."""

    title: str = option("", group="Report")
    """Heading of the page; empty = what the runs have in common."""


class ReportAdapter(Adapter):
    """A page about the one run it comes after, or one that compares all of them and lists those that failed."""

    name = "report"
    title = "Report"
    version = "1"
    licence = "TopForge report: Apache-2.0."
    options = ReportOptions

    def steps(self, item: Item, config: ReportOptions, paths: RunPaths) -> Sequence[Step]:
        """One child. It needs only the standard library, so any environment will do."""
        if not _runs(item):
            raise NothingToReportError(item)
        arguments = ["{python}", "-m", "topforge", "report", *_runs(item)]
        arguments += ["--output", str(paths.output / PAGE), "--links-from", str(paths.result)]
        return [Step("report", (*arguments, "--title", config.title))]

    def collect(self, item: Item, config: ReportOptions, paths: RunPaths) -> Collected:
        """The page is there."""
        page = paths.output / PAGE
        if not page.is_file() or page.stat().st_size == 0:
            raise NoPageError(str(page))
        return Collected((Output(PAGE, "document"),), {"runs": float(len(_runs(item)))})


def _runs(item: Item) -> Tuple[str, ...]:
    """What the page is about: in a job the items it comes after, which may have failed."""
    return (*item.depends, *item.after)


ADAPTER = ReportAdapter()
