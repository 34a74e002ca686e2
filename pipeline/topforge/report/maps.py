"""What was recovered: textures, their channels, and the light."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Tuple

from topforge.report import pictures, png
from topforge.report.document import Section, figure, note
from topforge.report.markup import Content, Html, element
from topforge.report.pictures import MAP_PIXELS
from topforge.report.record import Record
from topforge.report.wording import link, size
from topforge.results import OutputFile

_CHANNELS: Tuple[Tuple[int, str, str], ...] = (
    (1, "Roughness", "green of the ks map; black is a mirror, white is matt"),
    (2, "Metalness", "blue of the ks map; white is metal"),
    (0, "Occlusion", "red of the ks map; black is fully lit, as nvdiffrec writes it"),
)
"""Channel of the occlusion-roughness-metalness texture, its name, how to read it."""
_PROBE_PICTURE = "probe.png"


def section(record: Record, links_from: Path) -> Optional[Section]:
    """Maps and light; None when the result has none."""
    shown = [_texture(record, "base_color", "Base colour", "sRGB, without light and shadow", links_from)]
    shown += _channels(record)
    shown.append(_texture(record, "normal", "Normal", "tangent space, green is up", links_from))
    maps = [one for one in shown if one is not None]
    probe = _probe(record, links_from)
    if not maps and probe is None:
        return None
    content: List[Content] = [note("The textures of the delivered mesh, in its UV layout; each channel by itself.")]
    content.append(element("div", maps, class_="maps"))
    return Section("maps", "Materials and light", [part for part in (*content, probe) if part is not None])


def _texture(record: Record, role: str, name: str, words: str, links_from: Path) -> Optional[Html]:
    output = record.first("texture:" + role)
    path = record.file(output.path) if output else None
    source = pictures.embed(path, MAP_PIXELS)
    if source is None or output is None or path is None:
        return None
    return figure(source.image("%s texture" % name), _caption(name, words, record, output, links_from), "map")


def _caption(name: str, words: str, record: Record, output: OutputFile, links_from: Path) -> Content:
    path = record.paths.result / output.path
    file = link(path, links_from, path.name)
    return [element("b", name), " ", words, element("span", file, ", %s%s" % (_pixels(path), size(output.size)))]


def _pixels(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return "%d \u00d7 %d, " % png.size_of(stream.read(64))
    except (OSError, png.UnsupportedPngError):
        return ""


def _channels(record: Record) -> List[Optional[Html]]:
    """The channels of the packed texture as grey pictures; one that is the same everywhere only as a number."""
    output = record.first("texture:occlusion_roughness_metallic")
    packed = pictures.decoded(record.file(output.path) if output else None, MAP_PIXELS)
    if packed is None or packed.channels != 3:
        return []
    shown: List[Optional[Html]] = []
    for index, name, words in _CHANNELS:
        grey = packed.channel(index)
        least, most = min(grey.data), max(grey.data)
        if least == most:
            continue
        between = "%.2f to %.2f" % (least / 255, most / 255)
        image = pictures.of_picture(grey).image("%s texture, %s" % (name, between))
        shown.append(figure(image, [element("b", name), " ", words, element("span", between)], "map"))
    return shown


def _probe(record: Record, links_from: Path) -> Optional[Html]:
    source = pictures.embed(record.file(_PROBE_PICTURE), 2 * MAP_PIXELS)
    if source is None:
        return None
    output = record.first("probe")
    file: Content = None
    if output is not None:
        path = record.paths.result / output.path
        file = element("span", link(path, links_from, path.name), ", linear radiance, %s" % size(output.size))
    words = " the whole sphere by latitude and longitude, up at the top; exposed so that its mean is mid-grey"
    return figure(source.image("The recovered light"), [element("b", "Light"), words, file], "map wide")
