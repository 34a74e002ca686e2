"""The report of a check as text for a terminal."""

from __future__ import annotations

import textwrap
from typing import Any, Dict, List

from topforge import terminal_style

MARKS = {"error": "ERROR", "warning": "warn", "note": "note", "fine": "ok"}
MOST_FILES = 6


def render(report: Dict[str, Any]) -> str:
    """Renders what `report.build` made: every check in one line, what is wrong in a few more, the verdict last.

    Of what could not be read at all it tells why, and does not list what was therefore not judged.
    """
    lines = ["Capture  %s" % report["capture"]]
    if report["kind"]:
        views = ", ".join("%d %s" % (count, split) for split, count in report["views"].items())
        lines.append("         %s%s" % (report["kind"], ": %s views" % views if views else ""))
    lines.append("")
    shown = [check for check in report["checks"] if check["findings"] or report["kind"]]
    titles = max(len(check["title"]) for check in shown)
    for check in shown:
        for finding in check["findings"]:
            lines += _finding(finding, check["title"].ljust(titles))
        if not check["findings"]:
            lines.append("  -      %s  not judged" % check["title"].ljust(titles))
    return "\n".join([*lines, "", verdict(report)])


def verdict(report: Dict[str, Any]) -> str:
    """One sentence about the whole."""
    counts = report["counts"]
    if counts["error"]:
        return "%s, %s. Not ready for training." % (_count(counts, "error"), _count(counts, "warning"))
    if counts["warning"]:
        return "%s. Ready for training, but the result could be better." % _count(counts, "warning")
    return "Ready for training."


def _count(counts: Dict[str, int], name: str) -> str:
    return "%d %s%s" % (counts[name], name, "" if counts[name] == 1 else "s")


def _finding(finding: Dict[str, Any], title: str) -> List[str]:
    width = terminal_style.width()
    first = "  %s%s  " % (MARKS[finding["severity"]].ljust(7), title)
    later = " " * len(first)
    lines = textwrap.wrap(finding["sentence"], width, initial_indent=first, subsequent_indent=later)
    if any(file not in finding["sentence"] for file in finding["files"]):
        shown = finding["files"][:MOST_FILES]
        more = len(finding["files"]) - len(shown)
        names = ", ".join(shown) + (" and %d more (all in the JSON report)" % more if more else "")
        lines += textwrap.wrap(names, width, initial_indent=later, subsequent_indent=later, break_on_hyphens=False)
    if finding["fix"]:
        lines += textwrap.wrap("-> " + finding["fix"], width, initial_indent=later, subsequent_indent=later + "   ")
    return lines
