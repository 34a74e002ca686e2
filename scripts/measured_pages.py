"""Where measurements stand in the documentation: between two marks that name the script; and what they were made on."""

import platform
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent / "docs"
BENCHMARKS = DOCS / "benchmarks.md"


def replace(page: Path, name: str, script: str, text: str) -> None:
    """Puts `text` between `<!-- NAME: scripts/SCRIPT --write -->` and `<!-- end of NAME -->`, which stay."""
    begin, end = "<!-- %s: scripts/%s --write -->" % (name, script), "<!-- end of %s -->" % name
    before, rest = page.read_text(encoding="utf-8").split(begin)
    page.write_text(before + begin + "\n" + text + "\n" + end + rest.split(end)[1], encoding="utf-8")


def processor() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
