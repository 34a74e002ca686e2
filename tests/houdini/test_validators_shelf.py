"""The validators of shelves and packages: valid ones have no finding, and each damage has the one that names it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validators import Context, validate_package, validate_shelf
from validators.samples import ALL, PACKAGE, SHELF, context, replaced


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return context(tmp_path_factory.mktemp("surroundings"))


def test_a_valid_shelf_has_no_finding(tmp_path: Path, surroundings: Context) -> None:
    (tmp_path / "acme.shelf").write_text(SHELF)
    assert validate_shelf(tmp_path / "acme.shelf", surroundings) == []


SHELVES = {
    "line ends of Windows": ("S-CRLF", "\n", "\r\n", ALL),
    "not XML": ("S-XML", "</tool>", ""),
    "two roots": ("S-XML", "</shelfDocument>", "</shelfDocument><shelfDocument/>"),
    "doctype": ("S-XML", "<shelfDocument>", "<!DOCTYPE a [<!ENTITY b 'c'>]><shelfDocument>"),
    "another root": ("S-ELEMENT", "shelfDocument>", "shelfDokument>", ALL),
    "unknown element": ("S-ELEMENT", "<toolshelf name", "<toolshelv name='a' label='b'/><toolshelf name"),
    "unknown element of a tool": ("S-ELEMENT", "<toolSubmenu>Acme</toolSubmenu>", "<toolMenu>Acme</toolMenu>"),
    "two tools of one name": ("S-DUP", 'name="acme::open_again" label', 'name="acme::open_demo" label'),
    "tool on no shelf": ("S-MEMBER", '    <memberTool name="acme::open_again"/>\n', ""),
    "tool twice on a shelf": ("S-MEMBER", 'memberTool name="acme::open_again"', 'memberTool name="acme::open_demo"'),
    "member that is not there": ("S-MEMBER", 'memberTool name="acme::open_again"', 'memberTool name="acme::open"'),
    "no label": ("S-ATTRIBUTE", 'label="Open Demo" ', ""),
    "no icon": ("S-ATTRIBUTE", 'icon="TOP_wedge"', 'icon=""'),
    "name with a blank": ("S-ATTRIBUTE", '"acme::open_demo"', '"acme::open demo"', ALL),
    "keywords before the script": (
        "S-ORDER",
        "<toolSubmenu>Acme</toolSubmenu>",
        "<keywordList/><toolSubmenu>A</toolSubmenu>",
    ),
    "no help": ("S-HELP", "<helpText><![CDATA[Opens it again.]]></helpText>", ""),
    "unknown network": ("S-CONTEXT", "<contextNetType>TOP<", "<contextNetType>TPO<"),
    "unknown context": ("S-CONTEXT", 'toolMenuContext name="network"', 'toolMenuContext name="netwerk"'),
    "script that does not compile": ("S-SCRIPT", "callbacks.open_demo(kwargs)", "callbacks.open_demo(kwargs"),
    "script in hscript": ("S-SCRIPT", 'scriptType="python"', 'scriptType="hscript"'),
    "no script": ("S-SCRIPT", "from acme_tools import callbacks\ncallbacks.open_demo(kwargs)\n", ""),
    "module that does not exist": ("PY-IMPORT", "from acme_tools import callbacks", "from acme_tool import callbacks"),
    "function that does not exist": ("PY-NAME", "callbacks.open_demo(", "callbacks.open_demon("),
    "imported function missing": ("PY-IMPORT", "callbacks import open_demo", "callbacks import open_demon"),
    "argument that does not exist": ("PY-ARITY", "quiet=True", "silent=True"),
    "argument too few": ("PY-ARITY", "callbacks.open_demo(kwargs)", "callbacks.open_demo()"),
}


@pytest.mark.parametrize("reason", SHELVES)
def test_a_damaged_shelf_is_found(tmp_path: Path, surroundings: Context, reason: str) -> None:
    code, before, after, *which = SHELVES[reason]
    path = tmp_path / "acme.shelf"
    path.write_bytes(replaced(SHELF.encode(), before, after, *which))
    assert code in {finding.code for finding in validate_shelf(path, surroundings)}


def test_a_valid_package_has_no_finding(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(PACKAGE)
    assert validate_package(tmp_path / "package.json") == []


PACKAGES = {
    "line ends of Windows": ("P-CRLF", "\n", "\r\n", ALL),
    "trailing comma": ("P-JSON", '"replace" } }\n    ]', '"replace" } },\n    ]'),
    "comment": ("P-JSON", "{\n", "{ // ours\n"),
    "not a number": ("P-JSON", '"show": true', '"show": NaN'),
    "key twice": ("P-JSON", '"show": true', '"name": "again"'),
    "not an object": ("P-JSON", PACKAGE, "[]"),
    "unknown key": ("P-KEY", '"hpath"', '"hpaht"'),
    "text for truth": ("P-TYPE", '"load_package_once": true', '"load_package_once": "true"'),
    "no guard": ("P-GUARD", "\"enable\": \"houdini_version >= '20.5' and houdini_version < '23.0'\",\n", ""),
    "guard that is always on": ("P-GUARD", "\"houdini_version >= '20.5' and houdini_version < '23.0'\"", "true"),
    "guard that lets in too old ones": ("P-GUARD", "'20.5'", "'19.5'"),
    "guard that lets in all new ones": ("P-GUARD", " and houdini_version < '23.0'", ""),
    "guard that leaves out 22": ("P-GUARD", "'23.0'", "'22.0'"),
    "guard that calls": ("P-GUARD", "houdini_version >= '20.5'", "os.system('ls')"),
    "PYTHONPATH": ("P-FORBIDDEN", '"ACME_DEMO": {', '"PYTHONPATH": {'),
    "library path": ("P-FORBIDDEN", '"ACME_DEMO": {', '"LD_LIBRARY_PATH": {'),
    "variable without a method": ("P-METHOD", '{ "value": "$ACME/demo", "method": "replace" }', '"$ACME/demo"'),
    "unknown method": ("P-METHOD", '"replace"', '"overwrite"'),
    "path of one machine": ("P-PATH", "$HOUDINI_PACKAGE_PATH/acme", "/opt/acme"),
    "drive of one machine": ("P-PATH", "$HOUDINI_PACKAGE_PATH/acme", "C:/acme"),
    "home of one user": ("P-PATH", "$HOUDINI_PACKAGE_PATH/acme", "~/acme"),
    "variable that nothing sets": ("P-PATH", "$ACME/demo", "$ACMEE/demo"),
    "env that is one object": ("P-ENV", '"env": [', '"env": {}, "requires": ['),
    "two variables in one object": ("P-ENV", '"replace" } },', '"replace" }, "B": 1 },'),
    "hpath of one machine": ("P-HPATH", '"hpath": "$ACME"', '"hpath": "/opt/acme"'),
    "hpath missing": ("P-HPATH", '    "hpath": "$ACME",\n', ""),
    "hpath that nothing sets": ("P-PATH", '"hpath": "$ACME"', '"hpath": "$ACM"'),
    "nothing relative to the file": ("P-HPATH", "$HOUDINI_PACKAGE_PATH/acme", "acme"),
}


@pytest.mark.parametrize("reason", PACKAGES)
def test_a_damaged_package_is_found(tmp_path: Path, reason: str) -> None:
    code, before, after, *which = PACKAGES[reason]
    path = tmp_path / "package.json"
    path.write_bytes(replaced(PACKAGE.encode(), before, after, *which))
    assert code in {finding.code for finding in validate_package(path)}


def test_a_package_houdini_does_not_read_is_found(tmp_path: Path) -> None:
    (tmp_path / "package.jsn").write_text(PACKAGE)
    assert {finding.code for finding in validate_package(tmp_path / "package.jsn")} == {"P-EXT"}
