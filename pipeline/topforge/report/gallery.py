"""Pictures of runs that measured no views: what they published, or the last previews of one that did not finish."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from topforge.report import pictures
from topforge.report.document import Section, figure, note
from topforge.report.record import Record
from topforge.report.wording import link

_MOST = 6
_PICTURE_PIXELS = 1600
_ENDINGS = (".png", ".jpg", ".jpeg", ".gif")
_MAPS = "texture"


def section(record: Record, links_from: Path) -> Optional[Section]:
    """None for a run that has views or is a check, and for one without pictures."""
    if record.views or record.adapter == "check":
        return None
    title, words, paths = _choice(record)
    shown = []
    for path in paths:
        source = pictures.embed(path, _PICTURE_PIXELS)
        if source is not None:
            caption = link(path, links_from, path.name)
            shown.append(figure(source.image(path.name), caption, "map wide" if _is_wide(source) else "map"))
    return Section("pictures", title, [note(words), *shown]) if shown else None


def _is_wide(source: pictures.Source) -> bool:
    return source.width is not None and source.height is not None and source.width > 2 * source.height


def _choice(record: Record) -> Tuple[str, str, Sequence[Path]]:
    previews = _pictures_in(record.paths.previews)
    if previews:
        chosen = _spread(previews, 4)
        words = (
            "Written on the way: result, photograph, difference, base colour, occlusion-roughness-metalness, normals."
        )
        if record.adapter != "topforge":
            words = "Written on the way."
        return "Previews", words, chosen
    listed = record.result.outputs if record.result else ()
    files = [
        record.paths.result / output.path
        for output in listed
        if output.path.lower().endswith(_ENDINGS) and not output.role.startswith(_MAPS)
    ]
    more = ", the first %d of %d" % (_MOST, len(files)) if len(files) > _MOST else ""
    return "Pictures", "Among the outputs%s." % more, files[:_MOST]


def _pictures_in(folder: Path) -> List[Path]:
    """By the time they were written."""
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _ENDINGS]
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
    except OSError:
        return []


def _spread(paths: Sequence[Path], count: int) -> List[Path]:
    """First, last, and some in between."""
    if len(paths) <= count:
        return list(paths)
    return [paths[round(index * (len(paths) - 1) / (count - 1))] for index in range(count)]
