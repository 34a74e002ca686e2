"""Damage of any kind to a valid asset or scene: is it found?

A damage changes one byte or one line. It is *found* when the validator has a finding. What is not found must be one of:

- insignificant: the reader gives the model that was written (two sections that changed places in a list);
- another valid file, byte for byte what the writer makes of the model that is read: another label, another default, a
  parameter renamed that nothing else names. The file cannot tell that something else was meant. That what is committed
  is what was meant, `scripts/build_hdas.py --check` and `scripts/build_hips.py --check` tell by comparing all bytes.

Anything else fails: a file that the reader refuses without a finding, that reads as something else than its writer
would write so, or on which the validator itself breaks. And where a file says one thing twice (a name and what refers
to it, a count and what is counted, a token and its menu, an id and its wire), damage to either is always found.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from topforge_scene import asset_files, mime, odc, scene

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validators import Context
from validators.library import check_files
from validators.samples import CONTENTS, OPERATOR, context, sample_asset, scene_of
from validators.scene import check_scene

FILES = asset_files.files(sample_asset.library())
LIBRARY = asset_files.library(FILES)
TEXT = scene.to_bytes(scene_of(), "text")
ODC = scene.to_bytes(scene_of(), "odc")
SCENE = scene.from_entries(mime.decode(TEXT))
DIALOG = OPERATOR + "/DialogScript"
QUICK = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
BYTES = st.sampled_from([bytes([code]) for code in b" \t\r\n{}[]()\"'\\#$@`<>&;:=./,+-_019aeoxnT\x00\x80\xff"])
KINDS = st.sampled_from(("replace", "insert", "delete", "delete line", "double line", "swap lines"))


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return context(tmp_path_factory.mktemp("surroundings"))


def damaged(data: bytes, kind: str, place: float, byte: bytes) -> bytes:
    """One byte or one line changed; `place` from 0 to 1 says where."""
    if kind.endswith(("line", "lines")):
        lines = data.split(b"\n")
        number = min(int(place * len(lines)), len(lines) - 1)
        if kind == "delete line":
            del lines[number]
        elif kind == "double line":
            lines.insert(number, lines[number])
        else:
            lines[number - 1], lines[number] = lines[number], lines[number - 1]
        return b"\n".join(lines)
    position = min(int(place * len(data)), max(len(data) - 1, 0))
    kept = position if kind == "insert" else position + 1
    return data[:position] + (b"" if kind == "delete" else byte) + data[kept:]


# Half of all damage goes where most of the meaning is.
NAMES = st.sampled_from(list(FILES)) | st.sampled_from((CONTENTS, DIALOG))


@QUICK
@given(NAMES, KINDS, st.floats(0, 1), BYTES)
def test_damage_to_an_asset_is_found(surroundings: Context, name: str, kind: str, place: float, byte: bytes) -> None:
    files = {**FILES, name: damaged(FILES[name], kind, place, byte)}
    assume(files != FILES)
    if not check_files(files, surroundings):
        read = asset_files.library(files)
        assert read == LIBRARY or asset_files.files(read) == files


@QUICK
@given(KINDS, st.floats(0, 1), BYTES)
def test_damage_to_a_text_scene_is_found(surroundings: Context, kind: str, place: float, byte: bytes) -> None:
    data = damaged(TEXT, kind, place, byte)
    assume(data != TEXT)
    if not check_scene(data, "a.hip", surroundings):
        read = scene.from_entries(mime.decode(data))
        assert read == SCENE or scene.to_bytes(read, "text") == data


@QUICK
@given(st.sampled_from(("replace", "insert", "delete")), st.floats(0, 1), BYTES)
def test_damage_to_an_odc_scene_is_found(surroundings: Context, kind: str, place: float, byte: bytes) -> None:
    data = damaged(ODC, kind, place, byte)
    assume(data != ODC)
    if not check_scene(data, "a.hip", surroundings):
        entries, saved = odc.read(data)
        read = scene.from_entries(entries)
        assert read == SCENE or odc.encode(scene.to_entries(read), saved) == data


def sites(data: bytes, *patterns: str) -> list[tuple[int, int]]:
    """Where the groups of these patterns are: (first byte, behind the last one)."""
    text = data.decode("latin-1")
    return [
        match.span(group)
        for pattern in patterns
        for match in re.finditer(pattern, text, re.MULTILINE)
        for group in range(1, (match.re.groups or 0) + 1)
        if match.span(group)[0] >= 0
    ]


NETWORK = (
    r"^type = (\S+)$",
    r"^matchesdef = ([01])$",
    r"^connectornextid (\d+)$",
    r"^(\d+) \"(output\d)\"$",
    r"^(\d+) \t(\w+|\(\d\)) (\d+|\"\") 1 \"(input\d)\"$",
    r"^(\d+) \t(\w+|\(\d\)) (\d+) 1$",
    r"^(\w+)\t\[ 0\tlocks=0 \]",
    r"\[ (\w+)\t",
    r"^    channel (\w+) \{$",
    r"filename=\"([^\"]+)\"",
    r"^(items|run|output0|tokens|edit|sorter|all|localscheduler)$",
    r"\"(___Version___)\"",
    r"\t\"value\":\"([^\"]+)\"",
    r"^version 0\.(8)$",
    r"ch\(\\\"(\.\./[^\\]+)\\\"\)",
    r"^flags =  (.*)$",
)
REFERENCES = {
    CONTENTS: (*NETWORK, r"\t\"([27]|off|on)\"\t", r"^import (json)$", r"evalParm\(\\\"(\w+)\\\"\)", r"^(Top)$"),
    DIALOG: (
        *(r"^    name\t(\S+)$", r"^    label\t\"(.*)\"$", r"^    (inputlabel)\t(1)\t", r"type    (\w+)$"),
        *(r"(\w+) (?:==|!=)", r"== (0|size)\b", r"hou\.phm\(\)\.(\w+)\(", r"\"(script_callback\w*)\"", r"^ *(\w+)"),
    ),
    "INDEX__SECTION": (
        r"^(\w+):",
        r"^(?:Operator|Label|Path|Icon|Table|Inputs|Subnet|Python|Empty|Modified): *(.*)$",
    ),
    "Sections.list": (r"^(\S+)\t(\S+)$",),
    OPERATOR + "/Sections.list": (r"^(\S+)\t(\S+)$",),
    OPERATOR + "/PythonModule": (r"(\w+)",),
    OPERATOR + "/CreateScript": (r"(\w+)",),
    OPERATOR + "/TypePropertiesOptions": (r"(\w+)",),
    OPERATOR + "/InternalFileOptions": (r"(\w+)",),
    OPERATOR + "/ExtraFileOptions": (r"\"([^\"]+)\":\{", r"\"value\":(\w+)"),
    OPERATOR + "/Version": (r"(\d)",),
    OPERATOR + "/DescriptiveParmName": (r"(\w+)",),
}
SITES = [(name, *span) for name, patterns in REFERENCES.items() for span in sites(FILES[name], *patterns)]
SCENE_SITES = sites(
    TEXT, *NETWORK, r"^set -g (_HIP_SAVEVERSION) = '(.*)'", r"\(\t(localscheduler)\t\)", r"callbacks\.(\w+)\("
)
LETTERS = st.sampled_from("bqzQ_57")


def changed(data: bytes, start: int, end: int, place: float, letter: str) -> bytes:
    """One letter of the text between `start` and `end` is another one."""
    position = min(start + int(place * (end - start)), end - 1)
    return data[:position] + letter.encode() + data[position + 1 :]


def test_there_is_much_that_refers_to_something() -> None:
    assert len(SITES) > 300
    assert len(SCENE_SITES) > 250


@QUICK
@given(st.sampled_from(SITES), st.floats(0, 1), LETTERS)
def test_a_changed_name_in_an_asset_is_always_found(
    surroundings: Context, site: tuple[str, int, int], place: float, letter: str
) -> None:
    name, start, end = site
    files = {**FILES, name: changed(FILES[name], start, end, place, letter)}
    assume(files != FILES)
    assert check_files(files, surroundings)


@QUICK
@given(st.sampled_from(SCENE_SITES), st.floats(0, 1), LETTERS)
def test_a_changed_name_in_a_scene_is_always_found(
    surroundings: Context, site: tuple[int, int], place: float, letter: str
) -> None:
    data = changed(TEXT, *site, place, letter)
    assume(data != TEXT)
    assert check_scene(data, "a.hip", surroundings)
