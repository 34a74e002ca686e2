"""What the doctor found, for people, for programs, and for a bug report."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import textwrap
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Sequence

import topforge
from topforge.doctor.model import Finding, Status
from topforge.doctor.subject import Subject
from topforge.environments.recipes import BUILT_IN
from topforge.terminal_style import Style

_LEFT = 11
"""Columns before the title: two spaces and the longest status."""

_PASTED = tuple("numpy torch warp-lang imageio xatlas nvdiffrast tinycudann xformers diffusers ninja".split())  # noqa: SIM905
"""Packages whose versions a bug report needs."""


_OWN = "\nThis is the environment that TopForge itself runs in; `topforge env create %s` makes one for the trainer."


def render(findings: Sequence[Finding], subject: Subject, style: Style, width: int) -> str:
    """The findings as an aligned table, the fix of each below it, and a closing sentence."""
    column = max(len(finding.title) for finding in findings) + 2
    by_status = {status: [f for f in findings if f.outcome.status is status] for status in Status}
    lines = ["%s for %s" % (style.bold("TopForge doctor"), style.bold(subject.target.name)), ""]
    for finding in by_status[Status.OK]:
        lines += _row(finding, column, style.good, width)
    lines += _skipped(by_status[Status.SKIPPED], style, width)
    for status, paint in ((Status.WARNING, style.notice), (Status.PROBLEM, style.bad)):
        for finding in by_status[status]:
            lines += ["", *_row(finding, column, paint, width)]
    return "\n".join([*lines, "", _conclusion(by_status, subject, style)]) + "\n"


def _row(finding: Finding, column: int, paint: Callable[[str], str], width: int) -> List[str]:
    """`  problem  NumPy     2.1.0, ...` wrapped under itself; the fix on one line, so that it can be copied."""
    outcome = finding.outcome
    message = _wrap(outcome.message, width - _LEFT - column)
    head = "  %s%s" % (paint(outcome.status.value.ljust(_LEFT - 2)), finding.title.ljust(column))
    rows = [head + message[0]] + [" " * (_LEFT + column) + line for line in message[1:]]
    return [*rows, " " * _LEFT + "fix".ljust(column) + outcome.fix] if outcome.fix else rows


def _skipped(findings: Sequence[Finding], style: Style, width: int) -> List[str]:
    """What was not looked at, one entry for each reason."""
    reasons = dict.fromkeys(finding.outcome.message for finding in findings)
    lines = [""] if findings else []
    for reason in reasons:
        titles = ", ".join(finding.title for finding in findings if finding.outcome.message == reason)
        wrapped = _wrap("%s: %s" % (titles, reason), width - _LEFT)
        lines.append(style.dim("  " + "skipped".ljust(_LEFT - 2) + wrapped[0]))
        lines += [style.dim(" " * _LEFT + line) for line in wrapped[1:]]
    return lines


def _wrap(text: str, width: int) -> List[str]:
    return textwrap.wrap(text, max(width, 40), break_long_words=False, break_on_hyphens=False) or [""]


def _conclusion(by_status: Mapping[Status, Sequence[Finding]], subject: Subject, style: Style) -> str:
    problems, warnings = len(by_status[Status.PROBLEM]), len(by_status[Status.WARNING])
    if problems:
        number = "one problem" if problems == 1 else "%d problems" % problems
        verdict = style.bad("%s will not run here: %s to fix." % (subject.target.name, number))
        return verdict + (_OWN % subject.target.name if subject.own and subject.target.name != BUILT_IN else "")
    caution = "; mind the warning" + "s"[warnings == 1 :] if warnings else ""
    return style.good("%s is ready to run here%s." % (subject.target.name, caution))


def as_json(findings: Sequence[Finding], subject: Subject) -> Dict[str, Any]:
    """The findings for programs: `checks` in order, and what they were about."""
    checks = [
        {"name": f.name, "title": f.title, **dataclasses.asdict(f.outcome), "status": f.outcome.status.value}
        for f in findings
    ]
    prefix = str(subject.prefix.path) if subject.prefix else None
    return {"topforge": topforge.__version__, "target": subject.target.name, "environment": prefix, "checks": checks}


def paste(findings: Sequence[Finding], subject: Subject) -> str:
    """A Markdown block for a bug report: versions and findings, the user's home folder and name taken out."""
    plain = [
        "topforge     %s, doctor for %s" % (topforge.__version__, subject.target.name),
        "system       %s, %s" % (platform.platform(), _distribution()),
        "processors   %d" % (os.cpu_count() or 0),
    ]
    for gpu in subject.inventory().gpus:
        capability = subject.capability(gpu.uuid)
        detail = (gpu.name, gpu.memory_mib or 0, capability.compute or "unknown", capability.driver or "unknown")
        plain.append("device       %s, %d MiB, compute capability %s, driver %s" % detail)
    if subject.environment and subject.prefix:
        plain.append("environment  %s, %s" % (subject.prefix.path, subject.environment.summary))
        packages = subject.prefix.packages
        plain.append("packages     " + ", ".join("%s %s" % (n, packages[n]) for n in _PASTED if n in packages))
    plain += ["%-12s %s: %s" % (f.outcome.status.value, f.title, f.outcome.message) for f in findings]
    return "```text\n%s\n```\n" % redact("\n".join(plain), subject.home())


def redact(text: str, home: Path) -> str:
    """Takes the user's home folder and name out of paths."""
    text = text.replace(str(home), "~") if str(home) != os.sep else text
    return re.sub(r"(/home/|/Users/|\\Users\\)[^/\\\s:,;)]+", r"\1USER", text)


def _distribution() -> str:
    """The Linux distribution's own name; empty elsewhere."""
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.is_file() else ""
    found = re.search(r'^PRETTY_NAME="?([^"\n]+)', text, re.MULTILINE)
    return found.group(1) if found else ""
