"""Metrics with their definitions, files, provenance and licences."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterable, List, Mapping, Optional, Sequence, Tuple

from topforge.report import titles
from topforge.report.definitions import metric
from topforge.report.document import Section, code, facts, more, note, table
from topforge.report.markup import Content, element
from topforge.report.record import Record
from topforge.report.wording import link, size
from topforge.results import OutputFile

_FOLDED = ("intermediate", "validation")
"""Roles whose many files only some want to see."""
_SHORT_HASH = 16


def metrics(record: Record) -> Optional[Section]:
    """Final values and what they mean."""
    found = record.result.metrics if record.result else {}
    rows = [
        (metric(name).title, metric(name).with_unit(value), metric(name).definition) for name, value in found.items()
    ]
    if not rows:
        return None
    return Section("metrics", "Metrics", table(("Metric", "Value", "Definition"), rows, "metrics", numbers=(1,)))


def files(record: Record, links_from: Path) -> Optional[Section]:
    """All published files, those that only some want folded away."""
    if record.result is None or not record.result.outputs:
        return None
    folded = [output for output in record.result.outputs if output.role in _FOLDED]
    shown = [output for output in record.result.outputs if output.role not in _FOLDED]
    whole = sum(output.size for output in record.result.outputs)
    count = len(record.result.outputs)
    content: List[Content] = [
        note("%d files, %s, in " % (count, size(whole)), link(record.paths.result, links_from, "result"), "."),
        _table(record, shown, links_from) if shown else None,
    ]
    if folded:
        words = "%d intermediate and validation files, %s" % (len(folded), size(sum(output.size for output in folded)))
        content.append(more(words, _table(record, folded, links_from)))
    return Section("files", "Files", [part for part in content if part is not None])


def _table(record: Record, outputs: Sequence[OutputFile], links_from: Path) -> Content:
    rows = [
        (link(record.paths.result / o.path, links_from, o.path), o.role, size(o.size), code(o.sha256[:_SHORT_HASH]))
        for o in outputs
    ]
    return table(("File", "Role", "Size", "SHA-256, first digits"), rows, "files", numbers=(2,))


def provenance(record: Record) -> Section:
    """What decides the result, and the versions that made it."""
    content = str(record.item.get("content") or "")
    runner = record.provenance.get("runner_python")
    pairs: List[Tuple[str, Content]] = [
        ("Key of this work", code(str(record.item.get("key", "")))),
        ("Capture's content", code(content) if content else None),
        ("TopForge", str(record.provenance.get("topforge") or "")),
        ("Runner's Python", str(runner or "")),
        *_trainer(record.provenance.get("trainer")),
    ]
    words = "The key is a SHA-256 over trainer and version, settings and the capture's content: same key, same work."
    return Section("provenance", "Provenance", [facts(pairs), note(words)])


def _trainer(found: Any) -> Iterable[Tuple[str, Content]]:
    """What the trainer said of itself; whatever is no plain value is left to result.json."""
    for key, value in (found if isinstance(found, Mapping) else {}).items():
        if isinstance(value, (str, int, float)) and key not in ("topforge", "device", "backend", "threads", "seed"):
            title = str(key).replace("_", " ")
            yield title[:1].upper() + title[1:], code(value) if isinstance(value, str) and "/" in value else str(value)


def licences(record: Record) -> Optional[Section]:
    """Under what terms trainer and result may be used."""
    adapter = titles.adapter(record.adapter)
    lines = list(record.result.licences) if record.result else [adapter.licence] if adapter and adapter.licence else []
    if not lines:
        return None
    items = [element("li", line) for line in lines]
    words = "The capture keeps the licence of whoever made it."
    return Section("licences", "Licences", [element("ul", items), note(words)])
