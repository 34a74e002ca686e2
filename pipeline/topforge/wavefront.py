"""Which files a Wavefront mesh (.obj, .mtl) is made of, and what its materials say. Reads text, decodes no picture.

Two dialects of .mtl are understood. nvdiffrec's: `Ks` and `map_Ks` are (occlusion, roughness, metalness), linear, and
`bump` is a tangent-space normal map. And the common one, where `Ks` is a specular colour: there roughness and
metalness are `Pr`, `Pm`, `map_Pr`, `map_Pm`, or roughness follows from the exponent `Ns`.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Dict, FrozenSet, List, Mapping, Optional, Tuple

from topforge.errors import TopForgeError

MESH, MATERIALS = ".obj", ".mtl"
_LIBRARY = re.compile(rb"^[ \t]*mtllib[ \t]+([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_COLORS = ("kd", "ks")
_NUMBERS = ("pr", "pm", "ns")
_MAPS = {
    "map_kd": "map_kd",
    "map_ks": "map_ks",
    "map_pr": "map_pr",
    "map_pm": "map_pm",
    "bump": "normal",
    "map_bump": "normal",
    "norm": "normal",
}
_WITHOUT_EFFECT = frozenset({"ka", "illum", "ni", "map_ka", "map_ns", "aniso", "anisor"})
_PLAIN = frozenset({"illum", "ns", "ni", "pr", "pm", "map_pr", "map_pm", "map_ns"})
"""Words that nvdiffrec's dialect has no use for: where one of them stands, `Ks` is a colour."""
_OPTION_WORDS: Mapping[str, Tuple[int, int]] = {
    **{name: (1, 1) for name in ("blendu", "blendv", "boost", "texres", "clamp", "bm", "imfchan", "type", "cc")},
    "mm": (2, 2),
    **{name: (1, 3) for name in ("o", "s", "t")},
}
"""Least and greatest number of words after an option of a map statement; of up to three, those that are numbers."""


class MeshFileError(TopForgeError):
    """A mesh or material file, or a file it names, cannot be used as it is."""

    def __init__(self, path: Path, problem: str, fix: str) -> None:
        super().__init__("%s: %s." % (path, problem), fix)


@dataclasses.dataclass(frozen=True)
class Material:
    """One `newmtl` as it is written; what is missing is None or empty."""

    name: str
    nvdiffrec: bool = True
    """Whether `Ks` and `map_Ks` are (occlusion, roughness, metalness)."""
    kd: Optional[Tuple[float, float, float]] = None
    """Base colour, sRGB-encoded as nvdiffrec takes it."""
    ks: Optional[Tuple[float, float, float]] = None
    pr: Optional[float] = None
    """Roughness, perceptual."""
    pm: Optional[float] = None
    """Metalness."""
    ns: Optional[float] = None
    """Exponent of Phong's highlight."""
    maps: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    """Pictures by "map_kd", "map_ks", "map_pr", "map_pm", "normal"."""
    ignored: Tuple[str, ...] = ()
    """What the file says beyond that and no use is made of, in words."""

    def used_maps(self) -> Dict[str, Path]:
        """The pictures that decide how the material looks."""
        unused = {"map_pr", "map_pm"} if self.nvdiffrec else {"map_ks"}
        return {key: path for key, path in self.maps.items() if key not in unused}


def is_mesh(path: Optional[str]) -> bool:
    """Whether a dataset is a mesh file rather than a folder of photographs; by its name alone."""
    return path is not None and Path(path).suffix.lower() == MESH


def libraries(mesh: Path) -> Tuple[Path, ...]:
    """The material files that a mesh names, there or not, in order.

    Raises:
        MeshFileError: The mesh cannot be read.
    """
    found: List[Path] = []
    for match in _LIBRARY.finditer(_bytes(mesh)):
        text = match.group(1).decode("utf-8", "replace")
        whole = named(mesh.parent, text)
        found += [whole] if whole.is_file() or text.count(MATERIALS) <= 1 else _several(mesh.parent, text)
    return tuple(dict.fromkeys(found))


def _several(folder: Path, text: str) -> List[Path]:
    """Several names in one statement; each may hold spaces, each ends in `.mtl`."""
    return [named(folder, part.strip()) for part in re.findall(r".+?\.mtl(?=\s|$)", text, re.IGNORECASE)]


def named(folder: Path, text: str) -> Path:
    """The file that a mesh or material file in `folder` means by `text`; Windows' separators are understood."""
    return folder / text.strip().strip('"').replace("\\", "/")


def materials_of(mesh: Path, override: Optional[Path] = None) -> Tuple[Material, ...]:
    """The materials of a mesh, or those of the file that replaces them.

    Raises:
        MeshFileError: A material file is not there or cannot be read.
    """
    files = libraries(mesh) if override is None else (override,)
    for file in files:
        if not file.is_file():
            fix = "Put it there, correct the `mtllib` line, or name another file in mtl_override."
            raise MeshFileError(mesh, "its material file %s is not there" % file, fix)
    return tuple(material for file in files for material in read_materials(file))


def read_materials(path: Path) -> Tuple[Material, ...]:
    """All materials of a .mtl file, in order. Comments, empty lines and statements before the first are passed over.

    Raises:
        MeshFileError: It cannot be read, or a number is none; names the line.
    """
    found: List[Tuple[str, List[Tuple[int, str, str]]]] = []
    for number, line in enumerate(_bytes(path).decode("utf-8-sig", "replace").splitlines(), 1):
        key, _, rest = line.strip().replace("\t", " ").partition(" ")
        if key.lower() == "newmtl":
            found.append((rest.strip(), []))
        elif found and key and not key.startswith("#"):
            found[-1][1].append((number, key, rest.strip()))
    return tuple(_material(path, name, statements) for name, statements in found)


def _material(path: Path, name: str, statements: List[Tuple[int, str, str]]) -> Material:
    keys = frozenset(key.lower() for _, key, _ in statements)
    values: Dict[str, object] = {}
    maps: Dict[str, Path] = {}
    ignored: List[str] = []
    for line, written, rest in statements:
        key = written.lower()
        if key in _COLORS:
            three = _floats(path, line, written, rest)
            values[key] = (three * 3)[:3] if len(three) < 3 else three[:3]
        elif key in _NUMBERS:
            values[key] = _floats(path, line, written, rest)[0]
        elif key in _MAPS:
            file, options = split_options(rest)
            maps[_MAPS[key]] = named(path.parent, file)
            ignored += ["%s -%s" % (written, option) for option in options]
        elif not _is_without_effect(key, rest):
            ignored.append(" ".join([written, rest]))
    return Material(name, _is_nvdiffrec(keys), maps=maps, ignored=tuple(ignored), **values)  # type: ignore[arg-type]


def _is_without_effect(key: str, rest: str) -> bool:
    """Statements that say what is the case anyway, or what nobody would miss."""
    return key in _WITHOUT_EFFECT or (key, rest.lower()) in (("bsdf", "pbr"), ("d", "1"), ("d", "1.0"), ("tr", "0"))


def _is_nvdiffrec(keys: FrozenSet[str]) -> bool:
    return "bsdf" in keys or not keys & _PLAIN


def split_options(text: str) -> Tuple[str, Tuple[str, ...]]:
    """File name, which may hold spaces, and the options (`bm 0.5`) that stand before it in a map statement."""
    words, options = text.split(" "), []
    while words and words[0][:1] == "-" and words[0][1:].lower() in _OPTION_WORDS:
        least, most = _OPTION_WORDS[words[0][1:].lower()]
        count = 1 + least
        while count <= most and count < len(words) - 1 and _is_number(words[count]):
            count += 1
        options.append(" ".join(words[:count])[1:])
        words = words[count:]
    return " ".join(words).strip(), tuple(options)


def _is_number(word: str) -> bool:
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word) is not None


def _floats(path: Path, line: int, key: str, rest: str) -> Tuple[float, ...]:
    words = rest.split("#")[0].split()
    if not words or not all(_is_number(word) for word in words):
        problem = 'line %d: "%s %s" is no number' % (line, key, rest)
        raise MeshFileError(path, problem, "Write one to three plain numbers.")
    return tuple(float(word) for word in words)


def companions(path: Path) -> Tuple[Path, ...]:
    """The files beside a .obj or .mtl that decide what it shows and are there: material files and their pictures.

    Raises:
        MeshFileError: One of them cannot be read.
    """
    files = [path] if path.suffix.lower() == MATERIALS else list(libraries(path)) if is_mesh(str(path)) else []
    files = [file for file in files if file.is_file()]
    found = [file for file in files if file != path]
    for file in files:
        found += [map_file for material in read_materials(file) for map_file in material.used_maps().values()]
    return tuple(file for file in dict.fromkeys(found) if file.is_file())


def refuse_missing(mesh: Path, override: Optional[Path] = None) -> None:
    """Looks for every file that a mesh reference needs.

    Raises:
        MeshFileError: The mesh, its material file or a picture is not there; names the file that asks for it.
    """
    if not mesh.is_file():
        raise MeshFileError(mesh, "there is no such file", "Correct the path of the mesh.")
    for material in materials_of(mesh, override):
        for key, file in material.used_maps().items():
            if not file.is_file():
                problem = 'material "%s" names %s for %s, which is not there' % (material.name, file, key)
                raise MeshFileError(mesh, problem, "Put the picture there, or correct the material file.")


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MeshFileError(path, "cannot be read (%s)" % (error.strerror or error), "Correct the path.") from error
