"""Every file of Houdini's in this repository passes its validator, and survives the way to its other form and back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from topforge_scene import asset_binary, asset_files, mime, odc, scene, scene_constants

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validators import validate_library, validate_package, validate_scene, validate_shelf

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = sorted((ROOT / "otls").iterdir())
ODC = sorted((ROOT / "hip").glob("*.hip"))
TEXT = sorted((ROOT / "hip" / "text").glob("*.hip"))
SHELVES = sorted((ROOT / "toolbar").iterdir())


def told(findings: list) -> str:
    return "\n".join(str(finding) for finding in findings)


def test_there_is_something_of_every_kind() -> None:
    assert len(LIBRARIES) >= 5
    assert [path.name for path in ODC] == [path.name for path in TEXT]
    assert len(ODC) >= 3
    assert [path.name for path in SHELVES] == ["topforge.shelf"]


@pytest.mark.parametrize("folder", LIBRARIES, ids=lambda path: path.name)
def test_assets(folder: Path) -> None:
    assert told(validate_library(folder)) == ""


@pytest.mark.parametrize("path", [*ODC, *TEXT], ids=lambda path: path.relative_to(ROOT).as_posix())
def test_scenes(path: Path) -> None:
    assert told(validate_scene(path)) == ""


@pytest.mark.parametrize("path", SHELVES, ids=lambda path: path.name)
def test_shelves(path: Path) -> None:
    assert told(validate_shelf(path)) == ""


def test_the_package() -> None:
    assert told(validate_package(ROOT / "package.json")) == ""


@pytest.mark.parametrize("folder", LIBRARIES, ids=lambda path: path.name)
def test_expanded_collapsed_expanded(folder: Path) -> None:
    files = asset_files.read_files(folder)
    collapsed = asset_binary.collapse(files)
    assert asset_binary.expand(collapsed) == files
    assert asset_binary.collapse(asset_binary.expand(collapsed)) == collapsed


@pytest.mark.parametrize("folder", LIBRARIES, ids=lambda path: path.name)
def test_what_is_read_is_what_was_written(folder: Path) -> None:
    assert asset_files.files(asset_files.read(folder)) == asset_files.read_files(folder)


@pytest.mark.parametrize(("binary", "text"), list(zip(ODC, TEXT)), ids=lambda path: path.parent.name)
def test_text_and_odc_hold_the_same(binary: Path, text: Path) -> None:
    entries = mime.decode(text.read_bytes())
    assert list(entries.items()) == list(odc.decode(binary.read_bytes()).items())
    assert odc.encode(entries, scene_constants.SAVED) == binary.read_bytes()
    assert mime.encode(odc.decode(binary.read_bytes())) == text.read_bytes()
    assert scene.to_bytes(scene.read(binary), "text") == text.read_bytes()


def test_cpio_reads_our_archives(tmp_path: Path) -> None:
    """Another program's reader, where there is one: the container is a plain cpio archive."""
    if not ODC:
        pytest.fail("there is no scene in hip/")
    try:
        listing = subprocess.run(["cpio", "-it", "--quiet"], stdin=ODC[0].open("rb"), capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("cpio is not installed here")
    assert listing.returncode == 0, listing.stderr
    assert listing.stdout.decode().split("\n")[:-1] == list(odc.decode(ODC[0].read_bytes()))


def test_git_leaves_line_ends_alone() -> None:
    patterns = dict(
        line.split(" ", 1) for line in (ROOT / ".gitattributes").read_text().splitlines() if line and line[0] != "#"
    )
    for pattern in ("otls/**", "hip/text/*.hip", "toolbar/*.shelf"):
        assert patterns[pattern] == "-text"
    assert patterns["hip/*.hip"] == "binary"
