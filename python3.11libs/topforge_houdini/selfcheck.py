"""`scripts/selfcheck.py`: the first thing to run where there is a Houdini. Looks at everything, stops at nothing."""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import json
import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hou

from topforge import terminal_style
from topforge.doctor.text import redact
from topforge.terminal_style import Style
from topforge_houdini import version
from topforge_houdini.self_checks import cooks, imports, machine, node_types, questions, sample_scenes
from topforge_houdini.self_checks.model import Bench, Check, Finding, Status, run

_REPORT = "topforge-selfcheck-%s.md"
_NO_NAMES = ("root", "localhost", "houdini", "topforge")
"""Names of users and hosts that say nothing about anybody, and stand in sentences of ours."""
_UNFINISHED = "did not end: Houdini crashed here, or was stopped"
"""What the report says of a check while it runs."""
_PAINT = {Status.PASS: Style.good, Status.FAIL: Style.bad, Status.SKIP: Style.dim, Status.NOTE: Style.notice}


def parser() -> argparse.ArgumentParser:
    """The flags of selfcheck."""
    result = argparse.ArgumentParser("selfcheck", description="Checks TopForge in this Houdini.", allow_abbrev=False)
    result.add_argument(
        "--report", type=Path, metavar="FILE", help="where to write the report (%s)" % _REPORT % "X.Y.Z"
    )
    result.add_argument("--quick", action="store_true", help="train nothing: a minute instead of several")
    return result


def all_checks() -> list[Check]:
    """Everything that is looked at, in order: later ones use what earlier ones made."""
    return [
        *machine.CHECKS,
        *node_types.checks(),
        *sample_scenes.checks(),
        *cooks.CHECKS,
        *imports.CHECKS,
        *questions.CHECKS,
    ]


def main(words: Sequence[str]) -> int:
    """Runs one command line. 0 when nothing failed, else 1."""
    arguments = parser().parse_args(list(words))
    checks = all_checks()
    style = terminal_style.style_for(sys.stdout, os.environ)
    column = max(len(check.title) for check in checks)
    print("TopForge in Houdini %s: %d checks%s\n" % (version.text(), len(checks), _how_long(arguments.quick)))
    path = arguments.report or Path(_REPORT % version.text())
    findings: list[Finding] = []
    with tempfile.TemporaryDirectory(prefix="topforge-selfcheck-") as folder:
        bench = Bench(Path(folder).resolve(), arguments.quick)
        for check in checks:
            _write(path, [*findings, Finding(check.title, Status.FAIL, _UNFINISHED, 0.0)])
            findings.append(run(check, bench))
            print(line(findings[-1], column, style), flush=True)
        hou.hipFile.clear(suppress_save_prompt=True)  # nothing may hold files of the folder that goes
    _write(path, findings)
    print("\n%s\nThe report has the details and no names: %s. Please send it to us." % (summary(findings), path))
    return 1 if any(finding.status is Status.FAIL for finding in findings) else 0


def _write(path: Path, findings: Sequence[Finding]) -> None:
    path.write_text(private(report(findings)), encoding="utf-8")


def _how_long(quick: bool) -> str:
    return ", without training" if quick else ", several minutes (--quick trains nothing)"


def line(finding: Finding, column: int, style: Style) -> str:
    """One finding, readable by itself."""
    status = _PAINT[finding.status](style, finding.status.value)
    return "%s  %s  %s" % (status, finding.title.ljust(column), private(finding.message))


def summary(findings: Sequence[Finding]) -> str:
    """How many checks ended how."""
    words = {Status.PASS: "passed", Status.FAIL: "failed", Status.SKIP: "skipped", Status.NOTE: "answered"}
    counts = {status: sum(finding.status is status for finding in findings) for status in Status}
    return ", ".join("%d %s" % (counts[status], word) for status, word in words.items() if counts[status]) + "."


def report(findings: Sequence[Finding]) -> str:
    """The file to send: a table for people, then the same with all details as JSON."""
    rows = ["| %s | %s | %s |" % (f.status.value, f.title, f.message.replace("|", "\\|")) for f in findings]
    values = [_values(finding) for finding in findings]
    traces = ["\n## %s\n\n```text\n%s```" % (f.title, f.trace) for f in findings if f.trace]
    lines = [
        "# TopForge in Houdini %s" % version.text(),
        "",
        summary(findings),
        "",
        "| | check | found |",
        "|---|---|---|",
    ]
    data = json.dumps({"format": 1, "findings": values}, indent=1, default=str)
    return "\n".join([*lines, *rows, *traces, "\n## Details\n\n```json\n%s\n```\n" % data])


def _values(finding: Finding) -> dict[str, Any]:
    """As JSON; the trace stands above it."""
    values = {**dataclasses.asdict(finding), "status": finding.status.value, "seconds": round(finding.seconds, 2)}
    del values["trace"]
    return values


def private(text: str) -> str:
    """Without home folder, user name and host name."""
    text = redact(text, Path.home())
    hidden = {_user(): "USER", platform.node(): "HOST", socket.getfqdn(): "HOST"}
    for name in sorted(hidden, key=len, reverse=True):
        if len(name) > 2 and name not in _NO_NAMES:
            text = re.sub(r"(?<![A-Za-z0-9])%s(?![A-Za-z0-9])" % re.escape(name), hidden[name], text)
    return text


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no variable says, and this system has no list of users
        return ""
