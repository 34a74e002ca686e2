"""The page that compares runs: best first, what differs, one common view of each, curves over each other."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

from topforge.durations import duration
from topforge.report import compared_settings, compared_views, document, logs, summary, titles, wording
from topforge.report.definitions import metric
from topforge.report.document import Section, code, note, table
from topforge.report.markup import Content, Html, element
from topforge.report.record import Record

COLOURS = 8
"""Curves that get a colour of their own."""
_METRICS = ("psnr", "ssim", "triangles", "peak_memory_mib")
_MOST_METRICS = 5


@dataclasses.dataclass(frozen=True)
class Contender:
    """A run with its place."""

    record: Record
    kind: str
    """Ending of the CSS classes that give its colour: "1" to "8", or "rest"."""

    @property
    def name(self) -> str:
        """The run's name."""
        return self.record.name

    @property
    def seconds(self) -> float:
        """Working time of all its attempts."""
        return logs.seconds_of(self.record.attempts)


def render(records: Sequence[Record], links_from: Path, title: str) -> Html:
    """The whole page.

    Args:
        records: The runs, in any order.
        links_from: Folder the page will be opened from.
        title: Heading; "" = what the runs have in common.
    """
    done = [record for record in records if record.result is not None]
    done.sort(key=lambda record: (-(record.metric("psnr") or float("-inf")), record.name))
    kinds = [str(place) if place <= COLOURS else "rest" for place in range(1, len(done) + 1)]
    contenders = [Contender(record, kind) for record, kind in zip(done, kinds)]
    others = [record for record in records if record.result is None]
    heading = title or _common_title(records)
    sections = (
        _ranking(contenders, links_from),
        compared_views.section([(one.record, one.kind) for one in contenders], links_from),
        compared_views.curves([(one.record, one.kind) for one in contenders]),
        compared_settings.section(records),
        _unfinished(others, links_from),
        _provenance(contenders),
        _licences(done),
    )
    return document.page("%s \u00b7 TopForge comparison" % heading, _header(heading, records, contenders), sections)


def _common_title(records: Sequence[Record]) -> str:
    folders = {record.paths.run.parent.name for record in records}
    return folders.pop() if len(folders) == 1 else "Comparison"


def _header(heading: str, records: Sequence[Record], contenders: Sequence[Contender]) -> Content:
    adapters = ", ".join(sorted({titles.of_adapter(record.adapter) for record in records}))
    count = "%d of %d runs finished" % (len(contenders), len(records))
    kind = "good" if len(contenders) == len(records) else "open"
    pill = element("span", count, class_="pill " + kind)
    words = None
    best = contenders[0] if contenders and contenders[0].record.metric("psnr") is not None else None
    if best is not None:
        words = [" Best by PSNR: ", element("b", best.name), _settings_in_words(best.record), "."]
    tiles = summary.tiles(_numbers(contenders)) if best is not None else None
    eyebrow = element("p", "Comparison \u00b7 " + adapters, class_="eyebrow")
    return [part for part in (eyebrow, element("h1", heading), element("p", pill, words, class_="standing"), tiles)]


def _settings_in_words(record: Record) -> str:
    return ", with " + ", ".join("%s %s" % pair for pair in record.labels) if record.labels else ""


def _numbers(contenders: Sequence[Contender]) -> List[Tuple[str, str, str]]:
    values = [one.record.metric("psnr") for one in contenders]
    known = [value for value in values if value is not None]
    quickest = min(contenders, key=lambda one: one.seconds)
    return [
        ("Best PSNR", metric("psnr").with_unit(max(known)), contenders[0].name),
        ("Spread", metric("psnr").with_unit(max(known) - min(known)), "from best to worst PSNR"),
        ("Quickest", duration(quickest.seconds), quickest.name),
        ("Whole time", duration(sum(one.seconds for one in contenders)), "sum over all runs"),
    ]


def _ranking(contenders: Sequence[Contender], links_from: Path) -> Optional[Section]:
    if not contenders:
        return None
    columns = compared_settings.columns([one.record for one in contenders])
    measured = _measured(contenders)
    headings = ["Run", *columns, *(_heading(name) for name in measured), "Time"]
    best = {name: _best(contenders, name) for name in measured}
    quickest = min(one.seconds for one in contenders)
    rows = []
    for one in contenders:
        settings = [code(compared_settings.shown(one.record, column)) for column in columns]
        values = [_value(one.record, name, best[name]) for name in measured]
        rows.append(
            [_name(one, links_from), *settings, *values, _marked(duration(one.seconds), one.seconds == quickest)]
        )
    numbers = range(1 + len(columns), len(headings))
    order = "Best PSNR first." if "psnr" in measured else "By name."
    words = order + " The best value of a column is marked \u2605."
    return Section("ranking", "Runs", [note(words), table(headings, rows, "ranking", numbers)])


def _measured(contenders: Sequence[Contender]) -> List[str]:
    """Metrics that get a column: those people ask for first, then what else there is."""
    known: Dict[str, None] = {}
    for one in contenders:
        known.update(dict.fromkeys(one.record.result.metrics if one.record.result else ()))
    wanted = [name for name in _METRICS if name in known]
    wanted += [name for name in known if name not in _METRICS and name not in ("seconds", "vertices")]
    return wanted[:_MOST_METRICS]


def _heading(name: str) -> str:
    about = metric(name)
    return about.title + (", " + about.unit if about.unit not in ("", "s") else "")


def _best(contenders: Sequence[Contender], name: str) -> Optional[float]:
    values = [one.record.metric(name) for one in contenders]
    known = [value for value in values if value is not None]
    better = metric(name).better
    if not better or len(set(known)) < 2:
        return None
    return max(known) if better > 0 else min(known)


def _value(record: Record, name: str, best: Optional[float]) -> Content:
    value = record.metric(name)
    return "\u2013" if value is None else _marked(metric(name).shown(value), value == best)


def _marked(words: str, is_best: bool) -> Content:
    return element("b", "\u2605 ", words) if is_best else words


def _name(one: Contender, links_from: Path) -> Content:
    target = one.record.paths.report
    name = wording.link(target if target.exists() else one.record.paths.run, links_from, one.name)
    return element("span", element("i", class_="fill-" + one.kind), name)


def _unfinished(records: Sequence[Record], links_from: Path) -> Optional[Section]:
    """Runs without a result, with reason and fix."""
    rows = []
    for record in records:
        stands = summary.standing(record)
        state = record.state
        reason = state.reason if state and state.reason else stands.sentence
        words: List[Content] = [
            element("span", line) for line in (reason, (state.fix if state else None) or "") if line
        ]
        pill = element("span", stands.word, class_="pill " + stands.kind)
        rows.append((wording.link(record.paths.run, links_from, record.name), pill, words))
    if not rows:
        return None
    return Section("unfinished", "Runs without a result", table(("Run", "Stands", "Why"), rows, "unfinished"))


def _provenance(contenders: Sequence[Contender]) -> Optional[Section]:
    rows = []
    for one in contenders:
        trainer = one.record.provenance.get("trainer")
        versions = trainer if isinstance(trainer, dict) else {}
        words = ["%s %s" % (name, versions[name]) for name in ("torch", "backend", "device") if name in versions]
        when = wording.moment(one.record.result.finished) if one.record.result else ""
        rows.append((one.name, code(str(one.record.item.get("key", ""))[:16]), when, ", ".join(words)))
    if not rows:
        return None
    headings = ("Run", "Key, first digits", "Finished", "Made with")
    return Section("provenance", "Provenance", table(headings, rows, "provenance"))


def _licences(records: Sequence[Record]) -> Optional[Section]:
    lines = dict.fromkeys(line for record in records if record.result for line in record.result.licences)
    items = [element("li", line) for line in lines]
    return Section("licences", "Licences", element("ul", items)) if items else None
