"""Whether what an upstream trainer left is a result: there, whole, from this run, and readable.

Exit code 0 is not success. An attempt begins with an empty working folder, so most files are new by their being there;
what a trainer writes elsewhere is compared with the time when the attempt began.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Iterable, Optional, Sequence, Tuple

from topforge.errors import FailureClass, TopForgeError
from topforge.paths import RunPaths

NOT_SAVED = "FAILED to save image"
"""Upstream code catches errors of writing pictures, prints this, and ends with exit code 0."""


class UnsoundOutputError(TopForgeError):
    """The trainer ended without an error, but what it left is not a result."""

    failure_class = FailureClass.TRAINER

    def __init__(self, problem: str, fix: str = "Read the attempt's log; the same settings end the same way.") -> None:
        super().__init__("The trainer ended without an error, but %s." % problem, fix)


@dataclasses.dataclass(frozen=True)
class MeshCount:
    """How much a mesh file holds."""

    vertices: int
    faces: int


def require_files(folder: Path, names: Iterable[str], since: Optional[float] = None) -> None:
    """Refuses missing, empty and old files.

    Args:
        folder: Where they must be.
        names: Relative, with `/`.
        since: Unix time before which they would be another run's; None = whenever.

    Raises:
        UnsoundOutputError: Names the first such file.
    """
    for name in names:
        path = folder / name
        if not path.is_file():
            raise UnsoundOutputError("%s is missing" % path)
        status = path.stat()
        if status.st_size == 0:
            raise UnsoundOutputError("%s is empty" % path)
        if since is not None and status.st_mtime < since:
            raise UnsoundOutputError("%s is older than this run: it was not written" % path)


def began(paths: RunPaths) -> float:
    """When the running attempt began, in Unix time: what its working folder's first file says.

    File systems round times; a second is taken off.
    """
    return paths.config.stat().st_mtime - 1.0


def require_saved(lines: Sequence[str]) -> None:
    """Refuses a run that could not save a picture, although it went on.

    Raises:
        UnsoundOutputError: Names the picture.
    """
    for line in lines:
        if NOT_SAVED in line:
            picture = line.partition(NOT_SAVED)[2].strip() or "a picture"
            hdr = picture.lower().endswith(".hdr")
            fix = "Install imageio's FreeImage plugin: `imageio_download_bin freeimage`, or imageio-freeimage by pip."
            other = "Look whether the disk is full; else at imageio's version in the environment."
            raise UnsoundOutputError("it could not save %s" % picture, fix if hdr else other)


def require_mesh(path: Path) -> MeshCount:
    """Reads an OBJ file through: vertices that are finite numbers, at least one face, no index beyond the vertices.

    Raises:
        UnsoundOutputError: Names the line.
    """
    vertices = faces = greatest = 0
    with path.open("r", encoding="utf-8", errors="replace") as stream:
        for number, line in enumerate(stream, 1):
            kind, _, rest = line.partition(" ")
            if kind == "v":
                vertices += 1
                if not _finite(rest.split()[:3]):
                    raise UnsoundOutputError("line %d of %s is no point: %s" % (number, path, line.strip()))
            elif kind == "f":
                faces += 1
                greatest = max(greatest, _greatest(rest, number, path))
    if not faces or not vertices:
        raise UnsoundOutputError(
            "the mesh in %s is empty" % path,
            "Nothing was reconstructed: look at masks, cameras and the size of the training box.",
        )
    if greatest > vertices:
        raise UnsoundOutputError("%s names vertex %d of %d: it is not whole" % (path, greatest, vertices))
    return MeshCount(vertices, faces)


def _finite(words: Sequence[str]) -> bool:
    try:
        return len(words) == 3 and all(math.isfinite(float(word)) for word in words)
    except ValueError:
        return False


def _greatest(rest: str, number: int, path: Path) -> int:
    try:
        return max(int(corner.partition("/")[0]) for corner in rest.split())
    except ValueError:
        raise UnsoundOutputError("line %d of %s is no face: f %s" % (number, path, rest.strip())) from None


def log_of(paths: RunPaths) -> Tuple[str, ...]:
    """The lines that the running attempt has printed so far."""
    numbers = [path.stem.partition("-")[2] for path in paths.run.glob("attempt-*.log")]
    newest = max((int(number) for number in numbers if number.isdigit()), default=0)
    if not newest:
        return ()
    return tuple(paths.attempt_log(newest).read_text(encoding="utf-8", errors="replace").splitlines())
