"""The OBJ and MTL files that nvdiffrec and nvdiffmodeling can read, checked line by line before a GPU is used.

Their readers are small: what they do not know, they meet with an IndexError or a ValueError that names no line, or take
for something else in silence.
"""

from __future__ import annotations

import dataclasses
import math
import re
from pathlib import Path
from typing import Dict, FrozenSet, Iterator, List, Optional, Sequence, Set, Tuple

from topforge.errors import TopForgeError

_CORNER = re.compile(r"\d+/\d+/\d+")
_NOT_NUMBERS = ("bsdf", "map_kd", "map_ks", "bump")
"""Statements of a material whose words are no numbers; all others are read as numbers."""


class MeshRuleError(TopForgeError):
    """A line of a mesh or material file that the trainer cannot read."""

    def __init__(self, path: Path, line: int, problem: str, fix: str) -> None:
        super().__init__("%s, line %d: %s." % (path, line, problem) if line else "%s: %s." % (path, problem), fix)


class OutsideBoxError(TopForgeError):
    """The mesh reference does not fit into the training box."""

    def __init__(self, path: Path, extent: float, mesh_scale: float) -> None:
        super().__init__(
            '"mesh_scale" is %g, a box from %g to %g, but %s reaches %g: what lies outside cannot be reconstructed.'
            % (mesh_scale, -mesh_scale / 2, mesh_scale / 2, path, extent),
            "Set mesh_scale to %.3g, or scale and move the mesh to the origin." % (2.05 * extent),
        )


@dataclasses.dataclass(frozen=True)
class MeshFacts:
    """What the check learnt about a mesh."""

    faces: int
    materials: Tuple[str, ...]
    """Names in use, in order."""
    libraries: Tuple[str, ...]
    """Material files it names, as written."""
    extent: float
    """Greatest absolute coordinate."""


def check(mesh: Path, override: Optional[Path] = None, needs_pbr: bool = False) -> MeshFacts:
    """Checks a mesh and its materials.

    Args:
        mesh: The OBJ file.
        override: A material file that replaces the mesh's own.
        needs_pbr: Each material must say `bsdf pbr`: nvdiffmodeling's default is one it does not know.

    Raises:
        MeshRuleError: Names file, line, problem and fix.
    """
    if mesh.suffix != ".obj":
        raise MeshRuleError(mesh, 0, "the name does not end in .obj in small letters", "Rename it.")
    facts = _check_mesh(mesh)
    if override is None and not facts.libraries:
        raise MeshRuleError(mesh, 0, "it names no material file", "Add `mtllib NAME.mtl` at its top, and the file.")
    if override is not None:
        check_materials(override, needs_pbr)
        return facts
    known: Set[str] = set()
    for name in facts.libraries:
        known |= check_materials(mesh.parent / name, needs_pbr)
    for name in facts.materials:
        if name not in known:
            problem = 'no material file has a material "%s"; it would be grey' % name
            raise MeshRuleError(mesh, 0, problem, "Correct the `usemtl` line, or add the material.")
    return facts


def require_inside(mesh: Path, facts: MeshFacts, mesh_scale: float) -> None:
    """Refuses a mesh that is not wholly inside the training box, a cube around the origin.

    Raises:
        OutsideBoxError: With the size that would do.
    """
    if facts.extent > mesh_scale / 2:
        raise OutsideBoxError(mesh, facts.extent, mesh_scale)


def _lines(path: Path) -> Iterator[Tuple[int, str]]:
    try:
        with path.open("r", encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                yield number, line.strip()
    except OSError as error:
        problem = "it cannot be read (%s)" % (error.strerror or error)
        raise MeshRuleError(path, 0, problem, "Correct the path, or put the file there.") from error


def _check_mesh(path: Path) -> MeshFacts:
    faces, extent = 0, 0.0
    materials: Dict[str, None] = {}
    libraries: List[str] = []
    for number, line in _lines(path):
        kind, _, rest = line.partition(" ")
        if kind == "v":
            extent = max(extent, *map(abs, _point(path, number, rest)))
        elif kind == "f":
            faces += 1
            _check_face(path, number, rest)
            if not materials:
                raise MeshRuleError(path, number, "a face before the first `usemtl`", "Write `usemtl NAME` above it.")
        elif kind == "usemtl":
            materials[rest.strip()] = None
        elif kind == "mtllib":
            libraries.append(rest.strip())
    if not faces:
        raise MeshRuleError(path, 0, "it has no faces", "Export the mesh again.")
    return MeshFacts(faces, tuple(materials), tuple(libraries), extent)


def _point(path: Path, number: int, rest: str) -> Sequence[float]:
    words = rest.split()
    if len(words) == 6:
        raise MeshRuleError(
            path, number, "a point with vertex colors", "Export without them; the trainer cannot read it."
        )
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != 3 or not all(map(math.isfinite, values)):
        raise MeshRuleError(path, number, "a point needs three finite numbers: v %s" % rest, "Export the mesh again.")
    return values


def _check_face(path: Path, number: int, rest: str) -> None:
    corners = rest.split()
    if len(corners) >= 3 and all(_CORNER.fullmatch(corner) for corner in corners):
        return
    wrong = next((corner for corner in corners if not _CORNER.fullmatch(corner)), rest)
    if "-" in wrong:
        problem, fix = 'corner "%s" counts from the end' % wrong, "Export with positive indices."
    elif wrong.count("/") == 2 and "//" in wrong:
        problem, fix = 'corner "%s" has no texture coordinate' % wrong, "Give the mesh UVs (UV Unwrap) and export it."
    else:
        problem = 'corner "%s" is not of the form position/texture/normal' % wrong
        fix = "Export P, uv and N: in Houdini a UV Unwrap and a Normal SOP (on vertices or points) before the ROP."
    raise MeshRuleError(path, number, problem, fix)


def check_materials(path: Path, needs_pbr: bool = False) -> FrozenSet[str]:
    """Checks a material file; the names of its materials.

    Raises:
        MeshRuleError: Names line, problem and fix.
    """
    found: Dict[str, Dict[str, str]] = {}
    material: Optional[Dict[str, str]] = None
    begins: Dict[str, int] = {}
    for number, line in _lines(path):
        key, _, rest = line.replace("\t", " ").partition(" ")
        key, rest = key.lower(), rest.strip()
        if key == "newmtl":
            material, begins[rest] = found.setdefault(rest, {}), number
        elif material is not None and line:
            _check_statement(path, number, key, rest)
            material[key] = rest
    if not found:
        raise MeshRuleError(path, 0, "it has no `newmtl`", "Write the materials that the mesh uses.")
    for name, statements in found.items():
        _check_material(path, begins[name], name, statements, needs_pbr)
    return frozenset(found)


def _check_statement(path: Path, number: int, key: str, rest: str) -> None:
    if key.startswith("#"):
        raise MeshRuleError(path, number, "a comment inside a material", "Remove it; the trainer takes it for numbers.")
    if key == "map_bump":
        raise MeshRuleError(path, number, "`map_bump` is ignored", "Write `bump FILE.png`.")
    if key in _NOT_NUMBERS:
        if key != "bsdf":
            _check_picture(path, number, key, rest)
        return
    try:
        numbers = [float(word) for word in rest.split()]
    except ValueError:
        numbers = []
    if not numbers:
        problem = "`%s %s` is read as numbers, which it is not" % (key, rest)
        raise MeshRuleError(path, number, problem, "Remove the line; newmtl, bsdf, map_Kd, map_Ks and bump are enough.")


def _check_picture(path: Path, number: int, key: str, rest: str) -> None:
    words = rest.split()
    if not words or words[0].startswith("-"):
        raise MeshRuleError(path, number, "`%s` with options" % key, "Write `%s FILE.png` without them." % key)
    if len(words) > 1:
        problem = 'the file name "%s" has spaces: only "%s" would be read' % (rest, words[0])
        raise MeshRuleError(path, number, problem, "Rename the file.")
    if not (path.parent / words[0]).is_file():
        raise MeshRuleError(path, number, "%s is not there" % (path.parent / words[0]), "Put the picture there.")


def _check_material(path: Path, number: int, name: str, statements: Dict[str, str], needs_pbr: bool) -> None:
    for key, meaning in (("kd", "base color"), ("ks", "occlusion, roughness, metalness")):
        if key not in statements and "map_" + key not in statements:
            problem = 'material "%s" has neither %s nor map_%s (%s)' % (name, key.title(), key.title(), meaning)
            raise MeshRuleError(path, number, problem, "Add one of them.")
    if needs_pbr and statements.get("bsdf") != "pbr":
        problem = 'material "%s" does not say `bsdf pbr`' % name
        raise MeshRuleError(path, number, problem, "Add that line; the trainer's default is one it does not know.")
