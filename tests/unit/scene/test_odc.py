"""The archive of a .hip."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topforge_scene import odc
from topforge_scene.errors import SceneError

NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=20)
HEADER = b"070707" + b"000001" + b"000000" + b"000666" + b"000000" * 2 + b"000001" + b"000000"


def test_one_entry_byte_for_byte():
    made = odc.encode({".cwd": b"opcf /\n"}, 0o14524770600)
    assert made == (
        HEADER + b"14524770600" + b"000005" + b"00000000007" + b".cwd\0opcf /\n"
        + HEADER + b"14524770600" + b"000013" + b"00000000000" + b"TRAILER!!!\0"
    )  # fmt: skip


@given(st.dictionaries(NAMES.filter(lambda name: name != "TRAILER!!!"), st.binary(max_size=300), max_size=6))
def test_round_trip_keeps_names_contents_and_order(entries):
    again, mtime = odc.read(odc.encode(entries, 1700000000))
    assert (list(again.items()), mtime) == (list(entries.items()), 1700000000)


@given(st.data())
def test_every_truncation_is_found(data):
    whole = odc.encode({"a": b"12345", "b/c": b""}, 1)
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(SceneError):
        odc.decode(whole[:cut])


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "no cpio header"),
        (odc.encode({"a": b"1"}, 1) + b"x", "1 bytes after the end"),
        (odc.encode({"a": b"1"}, 1)[: -(76 + 11)] + odc.encode({"a": b"2"}, 1), '"a" occurs twice'),
        (odc.encode({"a": b"1"}, 1).replace(b"a\0", b"ab"), "does not end where its header says"),
        (odc.encode({"a": b"1"}, 1).replace(b"a\0", b"\xff\0"), "not UTF-8"),
        (odc.encode({"a": b"1"}, 1).replace(b"000001a", b"900001a"), "no cpio header"),
    ],
)
def test_what_is_malformed_is_refused_by_name(data, problem):
    with pytest.raises(SceneError) as caught:
        odc.decode(data, "x.hip")
    assert problem in str(caught.value)
    assert "x.hip" in str(caught.value)


@pytest.mark.skipif(shutil.which("cpio") is None, reason="no cpio on this machine")
def test_cpio_reads_it():
    made = odc.encode({"tasks/topnet1.def": b"x" * 600, "end": b""}, 1700000000)
    listed = subprocess.run(["cpio", "-it"], input=made, capture_output=True, check=True, timeout=20)
    assert listed.stdout.decode().split() == ["tasks/topnet1.def", "end"]
