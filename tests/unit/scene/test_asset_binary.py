"""Collapsed assets: the bytes, the way there and back, and that damage is noticed."""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topforge_scene import asset_binary, asset_dialect, asset_files, asset_index, mime, options
from topforge_scene.errors import SceneError

sys.path.insert(0, str(Path(__file__).resolve().parent))

import sample_asset
from sample_asset import PATH

FILES = asset_files.files(sample_asset.library())
COLLAPSED = asset_binary.collapse(FILES)


MODIFIED = struct.pack(">I", asset_files.MODIFIED)
TIMES = [place for place in range(len(COLLAPSED)) if COLLAPSED.startswith(MODIFIED, place)]
GZIP = COLLAPSED.index(b"\x1f\x8b\x08")
PACKED = struct.unpack(">I", COLLAPSED[COLLAPSED.index(b"Contents.gz") + 15 :][:4])[0]
UNKEPT = {place + byte for place in TIMES for byte in range(4)} | set(range(GZIP, GZIP + PACKED))


def test_expanded_collapsed_expanded() -> None:
    assert asset_binary.expand(COLLAPSED) == FILES
    assert asset_binary.collapse(FILES) == COLLAPSED


def test_the_head_is_as_houdini_writes_it() -> None:
    assert COLLAPSED[:16] == b"INDX" + struct.pack(">III", 0, 0, 3)
    assert COLLAPSED[16:33] == struct.pack(">I", 13) + b"INDEX_SECTION"
    offset, size, modified = struct.unpack_from(">III", COLLAPSED, 33)
    assert (offset, modified) == (0, asset_files.MODIFIED)
    index = asset_index.to_binary(asset_index.from_text(FILES["INDEX__SECTION"], ""))
    assert size == len(index)
    assert index in COLLAPSED
    assert index.startswith(struct.pack(">III", 1, 4, 22) + b"acme::lens_sorter::1.0")


def test_a_record_of_two_outputs_is_of_version_5() -> None:
    record = asset_index.from_text(FILES["INDEX__SECTION"], "")[0]
    two = asset_index.Record(**{**record.__dict__, "outputs": 2})
    data = asset_index.to_binary([two])
    assert data[4:8] == struct.pack(">I", 5)
    assert data[-4:] == struct.pack(">I", 2)
    assert asset_index.from_binary(data, "") == (two,)


def outside() -> dict[str, bytes]:
    """The sample as Houdini keeps it in version control: times and versions in files of their own."""
    network = mime.decode(FILES[PATH + "/Contents.dir/Contents.mime"])
    network = {name: content.replace(b"1700000000", b"-1") for name, content in network.items()}
    network["hdaroot/run.userdata"] = options.to_binary({"___Version___": "___EXTERNAL___"})
    changed = {"/Contents.mime": mime.encode(network, {".OPdummydefs": ".OPdummydefs"})}
    times = ",".join('"%s":1700000000' % name for name in network if name.endswith(".def"))
    changed["/Contents.createtimes"] = changed["/Contents.modtimes"] = b"{%s}" % times.encode()
    changed["/Contents.houdini_versions"] = b'{"values":["2","1"],"indexes":{"hdaroot/run.userdata":1}}'
    return {**FILES, **{PATH + "/Contents.dir" + name: content for name, content in changed.items()}}


def test_times_and_versions_kept_elsewhere_are_put_in() -> None:
    assert outside() != FILES
    assert asset_binary.collapse(outside()) == COLLAPSED


def test_definitions_of_other_assets_stay_files_of_their_own() -> None:
    files = {**outside(), PATH + "/Contents.dir/.OPdummydefs": b"INDX\0\0"}
    expanded = asset_binary.expand(asset_binary.collapse(files))
    assert expanded[PATH + "/Contents.dir/.OPdummydefs"] == b"INDX\0\0"
    assert mime.references(expanded[PATH + "/Contents.dir/Contents.mime"]) == {".OPdummydefs": ".OPdummydefs"}
    assert asset_binary.expand(asset_binary.collapse(expanded)) == expanded


WRONG = {
    "/Contents.createtimes": (b"[]", b"{", b'{"hdaroot/gone.def":1}', b'{"hdaroot.def":"1"}'),
    "/Contents.houdini_versions": (b"{}", b'{"values":[],"indexes":{"hdaroot/run.userdata":0}}'),
}


@pytest.mark.parametrize(("name", "content"), [(name, content) for name in WRONG for content in WRONG[name]])
def test_times_and_versions_of_nothing_are_refused(name: str, content: bytes) -> None:
    with pytest.raises(SceneError, match=name[1:]):
        asset_binary.collapse({**outside(), PATH + "/Contents.dir" + name: content})


def test_a_network_without_its_text_is_refused() -> None:
    with pytest.raises(SceneError, match=r"Contents.mime: is missing"):
        asset_dialect.to_entries({}, "Contents.dir")


@pytest.mark.parametrize("name", ["Sections.list", "INDEX__SECTION", PATH + "/Sections.list", PATH + "/DialogScript"])
def test_what_is_listed_must_be_there(name: str) -> None:
    with pytest.raises(SceneError, match="is missing"):
        asset_binary.collapse({path: data for path, data in FILES.items() if path != name})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(COLLAPSED) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_refused_or_shows_in_the_files(position: int, bit: int) -> None:
    """But for times of sections, which the expanded form lacks, and for another packing of the same archive.

    (gzip can say one thing in many ways; its checksum has proved the archive then.)
    """
    damaged = bytearray(COLLAPSED)
    damaged[position] ^= 1 << bit
    try:
        files = asset_binary.expand(bytes(damaged))
    except SceneError:
        return
    assert files != FILES or position in UNKEPT


@pytest.mark.parametrize("size", [0, 3, 15, 40, len(COLLAPSED) - 1])
def test_a_cut_off_file_is_refused(size: int) -> None:
    with pytest.raises(SceneError):
        asset_binary.expand(COLLAPSED[:size])


def test_an_archive_longer_than_it_says_is_not_unpacked() -> None:
    with pytest.raises(SceneError, match=r"as long as it says|damaged"):
        asset_binary._decompressed(asset_binary._GZIP_HEAD + _deflated(b"\x01\0\0\0" + b"a" * 10**6), "x")


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush() + struct.pack("<II", zlib.crc32(data), len(data))
