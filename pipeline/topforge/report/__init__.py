"""Pages about runs: one self-contained HTML file about one run, or one that compares many.

A page needs no network and no script, prints on A4, and is written for whatever state a run is in: with a result,
failed, cancelled, or not yet begun.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Sequence

from topforge import atomic
from topforge.items import NoItemError
from topforge.paths import RunPaths
from topforge.report import comparison, page, record


class NoRunError(NoItemError):
    """A folder that no report can be made about."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "is no run folder and holds none")


def write(run_folder: Path, output: Optional[Path] = None, links_from: Optional[Path] = None, title: str = "") -> Path:
    """Writes the page about one run.

    Args:
        run_folder: Holds item.json.
        output: The file to write; None = report.html in the run folder.
        links_from: Folder the page will be opened from; None = the one it is written to.
        title: What the run is part of; "" = nothing to say.

    Returns:
        The file written.

    Raises:
        NoRunError: There is no item.json.
        OSError: It could not be written.
    """
    paths = RunPaths(run_folder.absolute())
    if not paths.item.exists():
        raise NoRunError(paths.run)
    file = paths.report if output is None else output.absolute()
    atomic.write_text(file, page.render(record.read(paths.run), links_from or file.parent, title), durable=False)
    return file


def write_comparison(
    run_folders: Sequence[Path], output: Path, links_from: Optional[Path] = None, title: str = ""
) -> Path:
    """Writes the page that compares runs.

    Args:
        run_folders: Each holds item.json.
        output: The file to write.
        links_from: As for `write`.
        title: Heading; "" = what the runs have in common.

    Raises:
        NoRunError: A folder has no item.json.
        OSError: It could not be written.
    """
    for folder in run_folders:
        if not RunPaths(folder).item.exists():
            raise NoRunError(folder)
    file = output.absolute()
    records = [record.read(folder.absolute()) for folder in run_folders]
    atomic.write_text(file, comparison.render(records, links_from or file.parent, title), durable=False)
    return file


def runs_in(folder: Path) -> Sequence[Path]:
    """The run folders that `folder` means: itself, or all directly below it, by name.

    Raises:
        NoRunError: It is none and holds none.
    """
    if RunPaths(folder).item.exists():
        return (folder,)
    found = sorted(path.parent for path in folder.glob("*/item.json"))
    if not found:
        raise NoRunError(folder)
    return found
