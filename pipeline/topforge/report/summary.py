"""The head of a page about one run: what it is, how it stands, and its few most telling numbers."""

from __future__ import annotations

import time
from typing import Iterable, List, NamedTuple, Optional, Tuple

from topforge import results
from topforge.durations import duration
from topforge.report import logs, titles, wording
from topforge.report.definitions import metric
from topforge.report.markup import Content, Html, element
from topforge.report.record import Record
from topforge.states import Status

_SILENT_SECONDS = 60.0
"""A living runner writes state.json several times in this time."""
_FEW = 4
"""Fewer tiles than this do not stretch across the page."""
_TILES = ("psnr", "ssim", "triangles", "errors", "warnings", "train_views")


class Standing(NamedTuple):
    """How a run stands, for people."""

    word: str
    kind: str
    """"good", "bad" or "open"."""
    sentence: str


def standing(record: Record) -> Standing:
    """How the run stands; the result counts more than the state, which is written after the report."""
    if record.result is not None:
        when = "Finished %s." % wording.moment(record.result.finished)
        return Standing("Done", "good", " ".join([when, *_sentences(record, "lowered")]))
    state = record.state
    if state is None:
        return Standing("Not begun", "open", "No runner has touched this item yet.")
    when = wording.moment(state.updated)
    if state.status is Status.FAILED:
        return Standing("Failed", "bad", "Failed %s." % when)
    if state.status is Status.CANCELLED:
        return Standing("Cancelled", "open", "Stopped on request %s; running it again continues." % when)
    silent = time.time() - state.updated > _SILENT_SECONDS and state.status is not Status.QUEUED
    word = "No sign of life" if silent else state.status.value.capitalize()
    share = "" if state.progress is None else "%.0f\u2009%% done. " % (100 * state.progress)
    return Standing(word, "bad" if silent else "open", "%s%s Last heard of %s." % (share, state.message, when))


def _sentences(record: Record, key: str) -> List[str]:
    """What the provenance tells under a key, as sentences."""
    return [results.sentence(str(text)) for text in record.provenance.get(key) or ()]


def header(record: Record, title: str) -> Content:
    """Name, standing, failure with its fix, tiles."""
    stands = standing(record)
    words = " \u00b7 ".join(word for word in (title, titles.of_adapter(record.adapter)) if word)
    lines: List[Html] = [
        element("p", words, class_="eyebrow"),
        element("h1", record.name),
        element(
            "p", element("span", stands.word, class_="pill " + stands.kind), " ", stands.sentence, class_="standing"
        ),
    ]
    if record.labels:
        wedge = [element("li", key, " ", element("b", value)) for key, value in record.labels]
        lines.append(element("ul", wedge, class_="labels"))
    return [*lines, _failure(record), _problems(record), tiles(_numbers(record))]


def _failure(record: Record) -> Optional[Html]:
    state = record.state
    if record.result is not None or state is None or not state.reason:
        return None
    kind = state.failure_class.value if state.failure_class else "failure"
    paragraphs = [element("p", line) for line in state.reason.split("\n") if line.strip()]
    fix = element("p", element("b", "What to do: "), state.fix) if state.fix else None
    return element(
        "div", element("p", titles.FAILURES.get(kind, kind), class_="eyebrow"), paragraphs, fix, class_="alert"
    )


def _problems(record: Record) -> Optional[Html]:
    sentences = [*_sentences(record, "remarks"), *record.problems]
    if record.result is not None:
        missing = [output.path for output in record.result.outputs if not record.result.path(output).is_file()]
        if missing:
            some = ", ".join(missing[:5]) + (" and %d more" % (len(missing) - 5) if len(missing) > 5 else "")
            sentences.append("The result lists files that are no longer there: %s." % some)
    if not sentences:
        return None
    return element("div", [element("p", sentence) for sentence in sentences], class_="alert open")


def _numbers(record: Record) -> Iterable[Tuple[str, str, str]]:
    """Title, value and a remark of each tile."""
    for name in _TILES:
        value = record.metric(name)
        if value is not None:
            about = metric(name)
            yield about.title, about.with_unit(value), _remark(record, name)
    if record.result is None:
        yield from _on_the_way(record)
    seconds = logs.seconds_of(record.attempts)
    if seconds:
        count = len(record.attempts)
        yield "Time", duration(seconds), "%d attempts" % count if count > 1 else "whole run"
    memory = record.metric("peak_memory_mib")
    if memory is not None:
        yield "Peak memory", metric("peak_memory_mib").with_unit(memory), "trainer process"


def _on_the_way(record: Record) -> Iterable[Tuple[str, str, str]]:
    """How far a run came that has no result."""
    psnr, seconds = record.table.last("psnr"), record.table.last("seconds")
    step, total = record.table.last("step"), record.table.last("total")
    if step is not None and total:
        yield "Came to", "%.0f\u2009%%" % (100 * step / total), "%g of %g iterations" % (step, total)
    if psnr is not None:
        yield "Last PSNR", metric("psnr").with_unit(psnr), "of held-out views"
    if seconds is not None:
        yield "Time", duration(seconds), "until the last report"


def _remark(record: Record, name: str) -> str:
    if name in ("psnr", "ssim") and record.views:
        return "mean of %d held-out views" % len(record.views)
    if name == "triangles" and record.metric("vertices") is not None:
        return "%s vertices" % wording.number(record.metric("vertices") or 0.0)
    return ""


def tiles(numbers: Iterable[Tuple[str, str, str]]) -> Optional[Html]:
    """A row of large numbers."""
    shown = [
        element("div", element("dt", name), element("dd", value), element("p", remark) if remark else None)
        for name, value, remark in numbers
    ]
    return element("dl", shown, class_="tiles" if len(shown) >= _FEW else "tiles few") if shown else None
