"""What ran where: trainer, capture, commands, environment, machine, attempts and where the time went."""

from __future__ import annotations

from pathlib import Path
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from topforge import results
from topforge.durations import duration
from topforge.report import curves, logs, titles, wording
from topforge.report.document import Section, code, facts, table
from topforge.report.logs import AttemptLog
from topforge.report.markup import Content, Html, element
from topforge.report.record import Record, adapter_of

Share = Tuple[str, float]
"""Something that took time, and how long, in seconds."""
_LOOKED_AT, _TAIL_LINES, _ALWAYS = 200, 24, 3
"""Lines at the end of a log: searched for those worth showing, shown, and shown whatever they say."""


def section(record: Record, attempts: Sequence[AttemptLog], links_from: Path) -> Section:
    """Facts, then timings and attempts."""
    content: List[Content] = [facts(_facts(record, links_from))]
    shares = _shares(record)
    if len(shares) > 1:
        content += [element("h3", "Where the time went"), _bar(shares)]
    if attempts or record.attempts:
        content += [element("h3", "Attempts"), _attempts(record, attempts, links_from)]
    if attempts and attempts[-1].commands:
        content.append(element("h3", "Commands"))
        content += [_command(name, words) for name, words in attempts[-1].commands]
    return Section("ran", "What ran", [part for part in content if part is not None])


def log_section(record: Record, attempts: Sequence[AttemptLog]) -> Optional[Section]:
    """The end of the newest log, for a run without a result."""
    lines = logs.tail(attempts[-1].path, _LOOKED_AT) if attempts and record.result is None else []
    lines = _without_progress(lines, record.adapter)[-_TAIL_LINES:]
    if not any(line.strip() for line in lines):
        return None
    title = "The last lines of %s" % attempts[-1].path.name
    return Section("log", title, element("pre", "\n".join(lines)), menu="Log")


def _without_progress(lines: Sequence[str], adapter: str) -> List[str]:
    """Leaves out what only programs read, so that the last words of a failing program are not lost among it."""
    found = titles.adapter(adapter)
    if found is None:
        return list(lines)
    return [line for line in lines[:-_ALWAYS] if found.parse(line) is None] + list(lines[-_ALWAYS:])


def _facts(record: Record, links_from: Path) -> List[Tuple[str, Content]]:
    provenance, state = record.provenance, record.state
    trainer = _mapping(provenance.get("trainer"))
    dataset = record.item.get("dataset")
    version = provenance.get("adapter_version")
    name = titles.of_adapter(record.adapter) + (", version %s" % version if version else "")
    return [
        ("Trainer", name),
        ("Capture", code(str(dataset)) if dataset else None),
        ("Checked before", _checks(record, links_from)),
        ("Environment", _environment(record)),
        ("Machine", ", ".join(str(word) for word in (provenance.get("host"), provenance.get("system")) if word)),
        ("Machine", state.host if state and state.host and not provenance.get("host") else None),
        ("Device", _devices(provenance, trainer)),
        ("Backend", _words(trainer, "backend", "device")),
        ("Threads", _words(trainer, "threads")),
        ("Seed", _words(trainer, "seed")),
    ]


def _checks(record: Record, links_from: Path) -> Content:
    """What the check found that this run waited for."""
    words: List[Content] = []
    for folder in record.item.get("depends") or ():
        path = Path(str(folder))
        if adapter_of(path) == "check" and results.is_complete(path):
            found = results.read(path).metrics
            counts = "%d errors, %d warnings" % (found.get("errors", 0), found.get("warnings", 0))
            words.append(element("div", counts, ", ", wording.link(path, links_from, path.name)))
    return words


def _environment(record: Record) -> Content:
    used = _mapping(record.provenance.get("environment"))
    if used:
        return [code(str(used.get("prefix", ""))), element("br"), str(used.get("summary", ""))]
    wanted = _mapping(record.item.get("environment")).get("prefix")
    return code(str(wanted)) if wanted else None


def _devices(provenance: Mapping[str, Any], trainer: Mapping[str, Any]) -> str:
    devices = [_mapping(device) for device in provenance.get("devices") or ()]
    if devices:
        return ", ".join("%s (%s MiB)" % (d.get("name", "?"), d.get("memory_mib", "?")) for d in devices)
    return "CPU, no GPU was leased" if provenance else ""


def _words(source: Mapping[str, Any], *keys: str) -> str:
    return ", ".join(str(source[key]) for key in keys if key in source)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _command(name: str, words: str) -> Html:
    return element("pre", element("b", name), "\n", words, class_="command")


def _shares(record: Record) -> List[Share]:
    """Where the working time went: from what metrics.csv and the steps tell. Only for a run of one attempt."""
    if len(record.attempts) != 1:
        return []
    steps = [_mapping(step) for step in record.attempts[0].get("steps") or ()]
    if len(steps) > 1:
        return [(str(step.get("name")), float(step.get("seconds", 0))) for step in steps]
    stamps = [
        (step, seconds)
        for step, seconds in zip(record.table.columns.get("step", ()), record.table.columns.get("seconds", ()))
        if step is not None and seconds is not None
    ]
    if len(stamps) < 2:
        return []
    return _stages(stamps, record, logs.seconds_of(record.attempts))


def _stages(stamps: Sequence[Tuple[float, float]], record: Record, whole: float) -> List[Share]:
    first, last = stamps[0][1], stamps[-1][1]
    boundary = next((place for place, word in curves.marks(record) if word == "pass 2"), None)
    passes = [("Training", last - first)]
    if boundary is not None:
        begun = next((seconds for step, seconds in stamps if step >= boundary), last)
        passes = [("Pass 1", begun - first), ("Pass 2", last - begun)]
    ends = [("Start and preparation", first), *passes, ("Export and measuring", whole - last)]
    return [(name, seconds) for name, seconds in ends if seconds > 0]


def _bar(shares: Sequence[Share]) -> Html:
    """One bar, as long as the page, divided as the time was."""
    whole, start, parts, names = sum(seconds for _, seconds in shares), 0.0, [], []
    for index, (name, seconds) in enumerate(shares):
        width = 1000.0 * seconds / whole
        words = "%s: %s" % (name, duration(seconds))
        kind = "fill-%d" % (index % 6 + 1)
        parts.append(
            element(
                "rect", element("title", words), x=start, y=0, width=max(width - 2, 1.0), height=22, rx=3, class_=kind
            )
        )
        names.append(element("li", element("i", class_=kind), name, " ", element("b", duration(seconds))))
        start += width
    description = "Time: " + ", ".join("%s %s" % (name, duration(seconds)) for name, seconds in shares)
    bar = element(
        "svg",
        parts,
        viewBox="0 0 1000 22",
        role="img",
        aria_label=description,
        preserveAspectRatio="none",
        class_="bar",
    )
    return element("figure", bar, element("figcaption", element("ul", names, class_="legend")), class_="times")


def _attempts(record: Record, found: Sequence[AttemptLog], links_from: Path) -> Html:
    told = {attempt.get("number"): attempt for attempt in record.attempts}
    rows = []
    for number in sorted({log.number for log in found} | {n for n in told if isinstance(n, int)}):
        log = next((log for log in found if log.number == number), None)
        rows.append(_attempt(number, log, told.get(number), links_from))
    return table(("Attempt", "Began", "Time", "How it ended", "Log"), rows, "attempts")


def _attempt(
    number: int, log: Optional[AttemptLog], told: Optional[Mapping[str, Any]], links_from: Path
) -> Sequence[Content]:
    began = wording.moment(float(told["started"])) if told and "started" in told else ""
    took = duration(float(told["seconds"])) if told and "seconds" in told else ""
    outcome = str(told.get("outcome", "")) if told else (log.ending if log else None) or "no word of its end"
    lowered = [element("span", note, class_="tag") for note in log.notes if " lowered from " in note] if log else []
    file = [wording.link(log.path, links_from, log.path.name), " ", wording.size(log.size)] if log else None
    return str(number), began, took, [outcome, *lowered], file
