"""What files are, as one hash: names and contents of all files in a capture folder, wherever the folder lies.

Reading a large capture takes a while, so each file's hash is remembered under its size and modification time, in the
user's cache folder; asking again only looks at the folder.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Dict, List, Tuple

from topforge import atomic, cache, wavefront
from topforge.errors import TopForgeError

_CHUNK = 1 << 20
_IGNORED = {".DS_Store", "Thumbs.db", "__pycache__"}


class DatasetError(TopForgeError):
    """A dataset that is not there or cannot be read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Give the folder that holds the capture, or a mesh (.obj).")


class OptionPathError(TopForgeError):
    """An option names a file that is not there."""

    def __init__(self, key: str, path: Path) -> None:
        super().__init__("%s = %s: there is no such file or folder." % (key, path), "Correct the path.")


def of_dataset(folder: Path) -> str:
    """Hex SHA-256 over the relative names and the contents of all files below `folder`, in the order of their names.

    Hidden files and those that file managers leave are passed over; links are followed. A single file is taken as a
    folder with nothing else in it; a mesh brings its material files and their pictures with it.

    Raises:
        DatasetError: No such file or folder, nothing in it, or an unreadable file.
    """
    if not folder.exists():
        raise DatasetError(folder, "there is no such file or folder")
    return _of_files(folder)


def of_option(key: str, path: Path) -> str:
    """The same for a file or folder that the option `key` names.

    Raises:
        OptionPathError: There is nothing.
        DatasetError: It cannot be read, or it is an empty folder.
    """
    if not path.exists():
        raise OptionPathError(key, path)
    return _of_files(path)


def _of_files(folder: Path) -> str:
    try:
        files = _files(folder)
        if not files:
            raise DatasetError(folder, "the folder is empty")
        known, hashes = _Cache(folder), []
        for name, path in files:
            hashes.append([name, known.hash_of(path, name)])
    except OSError as error:
        raise DatasetError(folder, "cannot be read (%s)" % error) from error
    known.save()
    return hashlib.sha256(json.dumps(hashes).encode("utf-8")).hexdigest()


def _files(folder: Path) -> List[Tuple[str, Path]]:
    """The `/`-separated relative name and the path of each file, ordered by name."""
    if folder.is_file():
        together = [(os.path.relpath(str(path), str(folder.parent)), path) for path in wavefront.companions(folder)]
        return [(folder.name, folder), *sorted((Path(name).as_posix(), path) for name, path in together)]
    found: List[Tuple[str, Path]] = []
    for root, folders, names in os.walk(str(folder), followlinks=True, onerror=_raise):
        folders[:] = [name for name in folders if not _ignored(name)]
        below = Path(root).relative_to(folder)
        found.extend(((below / name).as_posix(), Path(root) / name) for name in names if not _ignored(name))
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def _ignored(name: str) -> bool:
    return name.startswith(".") or name in _IGNORED


class _Cache:
    """Hashes of one folder's files by name, each valid while size and modification time (ns) are unchanged."""

    def __init__(self, folder: Path) -> None:
        place = hashlib.sha256(str(folder.resolve()).encode("utf-8")).hexdigest()[:32]
        self._path = cache.folder(os.environ) / "fingerprints" / (place + ".json")
        self._new: Dict[str, List[object]] = {}
        try:
            self._old: Dict[str, List[object]] = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            self._old = {}  # no cache, or a torn one: hash everything again

    def hash_of(self, path: Path, name: str) -> str:
        status = path.stat()
        entry = self._old.get(name)
        if entry is None or entry[:2] != [status.st_size, status.st_mtime_ns]:
            entry = [status.st_size, status.st_mtime_ns, _hash_file(path)]
        self._new[name] = entry
        return str(entry[2])

    def save(self) -> None:
        """Remembers for next time; a cache folder that cannot be written only costs time."""
        if self._new == self._old:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write_text(self._path, json.dumps(self._new), durable=False)
        except OSError:
            pass


def _hash_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()
