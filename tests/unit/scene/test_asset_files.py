"""Expanded assets: what is in the folder, that it comes back, and what a reader refuses."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from topforge_scene import asset_files
from topforge_scene.asset import Library, Operator
from topforge_scene.errors import SceneError

sys.path.insert(0, str(Path(__file__).resolve().parent))

import sample_asset
from sample_asset import PATH

INDEX = """Operator:     acme::lens_sorter::1.0
Label:        Acme Lens Sorter
Path:         oplib:/acme::Top/lens_sorter::1.0?acme::Top/lens_sorter::1.0
Icon:         opdef:/acme::Top/lens_sorter::1.0?IconSVG
Table:        Top
License:      
Extra:        
User:         
Inputs:       0 to 1
Subnet:       true
Python:       false
Empty:        false
Modified:     Tue Nov 14 22:13:20 2023

"""  # noqa: W291
TOOL = """<?xml version="1.0" encoding="UTF-8"?>
<shelfDocument>
  <!-- This file contains definitions of shelves, toolbars, and tools.
 It should not be hand-edited when it is being used by the application.
 Note, that two definitions of the same element are not allowed in
 a single file. -->

  <tool name="$HDA_DEFAULT_TOOL" label="$HDA_LABEL" icon="$HDA_ICON">
    <helpText>Sorts pictures &amp; more.</helpText>
    <toolMenuContext name="viewer">
      <contextNetType>TOP</contextNetType>
    </toolMenuContext>
    <toolMenuContext name="network">
      <contextOpType>$HDA_TABLE_AND_NAME</contextOpType>
    </toolMenuContext>
    <toolSubmenu>Acme</toolSubmenu>
    <toolSubmenu>Acme/Training</toolSubmenu>
    <script scriptType="python"><![CDATA[import toptoolutils

toptoolutils.genericTool(kwargs, '$HDA_NAME')]]></script>
    <keywordList>
      <keyword>sort</keyword>
      <keyword>&lt;lens&gt;</keyword>
    </keywordList>
  </tool>
</shelfDocument>
"""
LISTED = """""
DialogScript	DialogScript
CreateScript	CreateScript
TypePropertiesOptions	TypePropertiesOptions
Help	Help
Tools.shelf	Tools.shelf
InternalFileOptions	InternalFileOptions
Contents.gz	Contents.gz
IconSVG	IconSVG
PythonModule	PythonModule
DescriptiveParmName	DescriptiveParmName
OnCreated	OnCreated
Version	Version
ExtraFileOptions	ExtraFileOptions
"""


@pytest.fixture
def content() -> dict[str, bytes]:
    return asset_files.files(sample_asset.library())


def test_the_index_and_the_list(content: dict[str, bytes]) -> None:
    assert content["INDEX__SECTION"].decode() == INDEX
    assert content["houdini.hdalibrary"] == b""
    assert content["Sections.list"].decode() == (
        '""\nINDEX__SECTION\tINDEX_SECTION\nhoudini.hdalibrary\thoudini.hdalibrary\n'
        "acme_8_8Top_1lens__sorter_8_81.0\tacme::Top/lens_sorter::1.0\n"
    )


def test_the_small_sections(content: dict[str, bytes]) -> None:
    assert content[PATH + "/Sections.list"].decode() == LISTED
    assert content[PATH + "/Tools.shelf"].decode() == TOOL
    assert content[PATH + "/Version"] == b"\0\0\0\x031.0"
    assert content[PATH + "/DescriptiveParmName"] == b"pattern"
    assert content[PATH + "/Contents.dir/Sections.list"] == b'""\nContents.mime\tContents.mime\n'
    assert len(content[PATH + "/InternalFileOptions"]) == 113
    assert b'"PythonModule/IsPython":{\n\t\t"type":"bool",\n\t\t"value":true' in content[PATH + "/ExtraFileOptions"]
    script = content[PATH + "/CreateScript"].decode().split("\n")
    assert script[3] == "#  Creation script for acme::lens_sorter::1.0 operator"
    assert script[11] == "# Node $arg1 (acme::Top/lens_sorter::1.0)"
    assert script[13:] == ["opuserdata -n '___Version___' -v '1.0' $arg1", ""]


def test_no_file_has_a_carriage_return_or_changes_from_run_to_run(content: dict[str, bytes]) -> None:
    assert not any(b"\r" in data for data in content.values())
    assert asset_files.files(sample_asset.library()) == content


def test_the_folder_comes_back(tmp_path: Path) -> None:
    folder = tmp_path / sample_asset.FOLDER
    asset_files.write(sample_asset.library(), folder)
    (folder / PATH / "leftover").write_text("of an earlier version")
    asset_files.write(sample_asset.library(), folder)
    read = asset_files.read(folder)
    assert asset_files.files(read) == asset_files.files(sample_asset.library())
    assert read.operators[0].interface == sample_asset.operator().interface
    assert dataclasses.replace(read.operators[0], contents=None) == dataclasses.replace(
        sample_asset.operator(), contents=None
    )


def test_a_folder_of_something_else_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SceneError, match="is no library"):
        asset_files.write(sample_asset.library(), tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_two_operators_one_of_them_bare() -> None:
    bare = Operator(
        "acme::bare",
        "Bare",
        "Sop",
        dataclasses.replace(sample_asset.operator().interface, name="acme::bare", items=()),
        None,
        outputs=2,
    )
    library = Library((sample_asset.operator(), bare))
    content = asset_files.files(library)
    assert b"Outputs:      2\nSubnet:       false" in content["INDEX__SECTION"]
    assert b"Icon:         SOP_subnet\n" in content["INDEX__SECTION"]
    assert "acme_8_8Sop_1bare/InternalFileOptions" not in content
    assert asset_files.files(asset_files.library(content)) == content


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(SceneError, match="no table of this name"):
        asset_files.files(Library((dataclasses.replace(sample_asset.operator(), table="Chop"),)))


DAMAGE = {
    "no index": ("INDEX__SECTION", b"Operator", b"Oper", "is missing|expected"),
    "another path": ("INDEX__SECTION", b"?acme::Top", b"?acmf::Top", "does not fit"),
    "another icon": ("INDEX__SECTION", b"?IconSVG", b"?IconImage", "does not fit"),
    "no time": ("INDEX__SECTION", b"Tue Nov", b"Wed Nov", "no time as in"),
    "index unpadded": ("INDEX__SECTION", b"Table:        ", b"Table: ", "padded"),
    "contents denied": ("INDEX__SECTION", b"Subnet:       true", b"Subnet:       false", "listed and present"),
    "list": ("Sections.list", b"INDEX__SECTION\t", b"INDEX_SECTION\t", "is not a file name, a tab"),
    "list of sections": (PATH + "/Sections.list", b"Help\tHelp\n", b"", "listed and present"),
    "section twice": (PATH + "/Sections.list", b"Help\tHelp\n", b"Help\tHelp\nHelp\tHelp\n", "once"),
    "create script": (PATH + "/CreateScript", b"hscript", b"python", "differs from what every asset has"),
    "version": (PATH + "/CreateScript", b"'1.0'", b"'1.1'", "not the version"),
    "properties": (PATH + "/TypePropertiesOptions", b"LockContents := 1", b"LockContents := 0", "the constant"),
    "options": (PATH + "/InternalFileOptions", b"false", b"true", "the constant"),
    "hscript": (PATH + "/ExtraFileOptions", b"true", b"false", "IsPython is False, expected True"),
    "tool": (PATH + "/Tools.shelf", b"genericTool", b"otherTool", "script"),
    "tool name": (PATH + "/Tools.shelf", b"$HDA_DEFAULT_TOOL", b"mine", "tool"),
    "tool XML": (PATH + "/Tools.shelf", b"</tool>", b"</tol>", "not XML"),
    "tool encoding": (PATH + "/Tools.shelf", b"UTF-8", b"UFT-8", "not XML"),
    "doctype": (PATH + "/Tools.shelf", b"<shelfDocument>", b"<!DOCTYPE a><shelfDocument>", "a DOCTYPE"),
    "text": (PATH + "/DialogScript", b"type    toggle", b"typ    toggle", "typ is not known"),
    "carriage return": (PATH + "/Help", b"\n", b"\r\n", "carriage return"),
    "network": (PATH + "/Contents.dir/Contents.mime", b"type = output\n", b"tpe = output\n", "type"),
    "node type": (PATH + "/Contents.dir/Contents.mime", b"\n\nTop\n", b"\n\nSop\n", "node_type is not Top"),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_a_damaged_library_is_refused(content: dict[str, bytes], reason: str) -> None:
    name, before, after, message = DAMAGE[reason]
    assert before in content[name]
    content[name] = content[name].replace(before, after, 1)
    with pytest.raises(SceneError, match=message):
        asset_files.library(content)


@pytest.mark.parametrize("name", list(asset_files.files(sample_asset.library())))
def test_a_missing_file_is_noticed(content: dict[str, bytes], name: str) -> None:
    del content[name]
    with pytest.raises(SceneError):
        asset_files.library(content)


@pytest.mark.parametrize("name", ["stray", PATH + "/stray", "Top_1stale/DialogScript"])
def test_a_file_too_many_is_noticed(content: dict[str, bytes], name: str) -> None:
    content[name] = b""
    with pytest.raises(SceneError, match=r"no list names|listed and present"):
        asset_files.library(content)
