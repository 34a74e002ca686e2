"""The validator of assets: a valid one has no finding, and each damage has the one that names it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validators import Context, validate_library
from validators.samples import ALL, ASSET, CONTENTS, OPERATOR, asset, context, replaced

DIALOG = OPERATOR + "/DialogScript"
INDEX = "INDEX__SECTION"


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return context(tmp_path_factory.mktemp("surroundings"))


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return asset(tmp_path)


def codes(folder: Path, surroundings: Context) -> set[str]:
    return {finding.code for finding in validate_library(folder, surroundings)}


def test_a_valid_library_has_no_finding(library: Path, surroundings: Context) -> None:
    assert validate_library(library, surroundings) == []


def test_a_finding_names_code_file_line_and_reason(library: Path, surroundings: Context) -> None:
    path = library / DIALOG
    path.write_text(path.read_text().replace("joinnext", "joinnxt", 1))
    (finding,) = validate_library(library, surroundings)
    assert finding.code == "DS-SYNTAX"
    assert finding.file == DIALOG
    assert finding.line == path.read_text().split("joinnxt")[0].count("\n") + 1
    assert str(finding) == "DS-SYNTAX %s:%d: joinnxt is not known here" % (DIALOG, finding.line)


# What is damaged: (code that names it, file, text, what is put there, which occurrence; the first one when not said).
DAMAGE = {
    # The folder, its lists and index
    "line ends of Windows": ("L-CRLF", DIALOG, "\n", "\r\n", ALL),
    "section not listed": ("L-UNLISTED", OPERATOR + "/Sections.list", "IconSVG\tIconSVG\n", ""),
    "section listed but missing": (
        "L-MISSING",
        OPERATOR + "/Sections.list",
        "Help\tHelp\n",
        "Help\tHelp\nMore\tMore\n",
    ),
    "section listed twice": ("L-SECT", OPERATOR + "/Sections.list", "Help\tHelp\n", "Help\tHelp\nHelp\tHelp\n"),
    "blank instead of tab": ("L-SECT", OPERATOR + "/Sections.list", "Help\tHelp", "Help Help"),
    "list without its head": ("L-SECT", "Sections.list", '""\n', ""),
    "wrong mangling": ("L-MANGLE", "Sections.list", "INDEX__SECTION\t", "INDEX_SECTION\t"),
    "operator not listed": ("L-NOOP", "Sections.list", OPERATOR + "\tacme::Top/lens_sorter::1.0\n", ""),
    "marker not empty": ("L-MARKER", "houdini.hdalibrary", "", " "),
    "contents list": ("L-SECT", OPERATOR + "/Contents.dir/Sections.list", "Contents.mime\tC", "Contents.mim\tC"),
    "index without a key": ("L-INDEX", INDEX, "License:      \n", ""),
    "index out of order": (
        "L-INDEX",
        INDEX,
        "Python:       false\nEmpty:        false",
        "Empty:        false\nPython:       false",
    ),
    "index unpadded": ("L-INDEX", INDEX, "Table:        Top", "Table: Top"),
    "index time": ("L-INDEX", INDEX, "22:13:20", "22:13:21"),
    "index with extra": ("L-INDEX", INDEX, "Extra:        ", "Extra:        pdgtype='node'"),
    "wrong Path": ("L-PATH", INDEX, "?acme::Top/", "?acme::Sop/"),
    "renamed operator": ("L-STALE", INDEX, "lens_sorter", "lens_sort"),
    "unknown table": ("L-INDEX", INDEX, "Table:        Top", "Table:        Tap"),
    # Sections that are the same everywhere
    "property changed": ("O-TPO", OPERATOR + "/TypePropertiesOptions", "LockContents := 1", "LockContents := 0"),
    "property missing": ("O-TPO", OPERATOR + "/TypePropertiesOptions", "UseDSParms := 1;\n", ""),
    "internal options": ("O-OPTS", OPERATOR + "/InternalFileOptions", "false", "true"),
    "callbacks taken for hscript": ("O-OPTS", OPERATOR + "/ExtraFileOptions", '"value":true', '"value":false'),
    "options that are no JSON": ("O-OPTS", OPERATOR + "/ExtraFileOptions", '"value":true', '"value":true,'),
    "options laid out anew": ("O-OPTS", OPERATOR + "/ExtraFileOptions", "\t\t", "  "),
    "create script": ("O-CREATE", OPERATOR + "/CreateScript", "\\set noalias", "set noalias"),
    "create script of another": ("O-CREATE", OPERATOR + "/CreateScript", "acme::Top", "acme::Sop"),
    "tool is no XML": ("O-XML", OPERATOR + "/Tools.shelf", "</shelfDocument>", ""),
    "tool of another module": ("O-XML", OPERATOR + "/Tools.shelf", "toptoolutils", "soptoolutils"),
    "keyword twice": ("O-XML", OPERATOR + "/Tools.shelf", "&lt;lens&gt;", "sort"),
    "tool laid out anew": ("O-XML", OPERATOR + "/Tools.shelf", "    <toolSubmenu>", "   <toolSubmenu>"),
    "icon is no XML": ("O-SVG", OPERATOR + "/IconSVG", "/>", ">"),
    "icon is no SVG": ("O-SVG", OPERATOR + "/IconSVG", "<svg", "<gvs"),
    "icon of Houdini": ("X-ICON", INDEX, "opdef:/acme::Top/lens_sorter::1.0?IconSVG", "TOP_wedge"),
    "help without a title": ("O-HELP", OPERATOR + "/Help", "= Acme Lens Sorter =", "Acme Lens Sorter"),
    "help without a summary": ("O-HELP", OPERATOR + "/Help", '"""', '"'),
    "help of another node": ("O-HELP", OPERATOR + "/Help", "#internal: acme::lens_sorter", "#internal: acme::lens"),
    "line feed behind a parameter's name": ("O-EDITNL", OPERATOR + "/DescriptiveParmName", "pattern", "pattern\n"),
    "shown parameter missing": ("O-DESC", OPERATOR + "/DescriptiveParmName", "pattern", "patterns"),
    "version": ("X-VERSION", OPERATOR + "/Version", "1.0", "1.1"),
    "Subnet without network": ("X-SUBNET", INDEX, "Subnet:       true", "Subnet:       false"),
    # The interface
    "key that does not exist": ("DS-SYNTAX", DIALOG, "nolabel", "nlabel"),
    "brace that stays open": ("DS-SYNTAX", DIALOG, "joinnext", "joinnext {"),
    "name of another operator": ("DS-NAME", DIALOG, "name\tacme::lens_sorter::1.0", "name\tacme::lens_sorter::2.0"),
    "script no node can have": ("DS-SCRIPT", DIALOG, "script\tacme_lens_sorter", "script\tacme::lens_sorter"),
    "another label": ("DS-LABEL", DIALOG, 'label\t"Acme Lens Sorter"', 'label\t"Acme"'),
    "input without a label": ("DS-INPUTS", DIALOG, 'inputlabel\t1\t"Pictures"', ""),
    "parameter twice": ("DS-DUP", DIALOG, 'name    "style"', 'name    "mode"'),
    "illegal name": ("DS-CHARS", DIALOG, 'name    "style"', 'name    "st-yle"'),
    "# outside of a list": ("DS-HASH", DIALOG, 'name    "style"', 'name    "style#"'),
    "no # inside of a list": ("DS-HASH", DIALOG, 'name    "key#"', 'name    "key"'),
    "two # in one list": ("DS-HASH", DIALOG, 'name    "key#"', 'name    "key#_#"'),
    "unknown type": ("DS-TYPE", DIALOG, "type    toggle", "type    togle"),
    "two defaults for one value": ("DS-SIZE", DIALOG, 'default { "24" }', 'default { "24" "1" }'),
    "size without defaults": ("DS-SIZE", DIALOG, "type    integer", "type    integer\n            size    2"),
    "default of a toggle": ("DS-DEFAULT", DIALOG, 'default { "on" }', 'default { "yes" }'),
    "default of a number": ("DS-DEFAULT", DIALOG, 'default { "24" }', 'default { "many" }'),
    "default out of range": ("DS-RANGE", DIALOG, 'default { "24" }', 'default { "0" }'),
    "range backwards": ("DS-RANGE", DIALOG, "{ 1! 500 }", "{ 500 1! }"),
    "menu default not a token": ("DS-MENUDEF", DIALOG, 'default { "name" }', 'default { "By Name" }'),
    "token twice": ("DS-MENUDUP", DIALOG, '"size"', '"name"'),
    "condition without an operator": ("DS-COND", DIALOG, "{ limited == 0 }", "{ limited 0 }"),
    "condition that is open": ("DS-COND", DIALOG, "{ limited == 0 }", "{ limited == 0"),
    "assignment as a condition": ("DS-COND", DIALOG, "{ limited == 0 }", "{ limited = 0 }"),
    "hidewhen naming no parameter": ("DS-CONDREF", DIALOG, '{ mode == \\"\\" }', "{ moode == name }"),
    "condition on a folder": ("DS-CONDREF", DIALOG, "{ limited == 0 }", "{ limits == 0 }"),
    "condition on no token": ("DS-CONDTOKEN", DIALOG, "{ mode == size }", "{ mode == sice }"),
    "condition on a toggle's words": ("DS-CONDTOKEN", DIALOG, "{ limited == 0 }", "{ limited == false }"),
    "parameter without help": ("DS-HELP", DIALOG, 'help    "How many pictures at most."', ""),
    "unknown tag": ("DS-TAG", DIALOG, '"script_callback" ', '"script_calback" '),
    "parameter without a label": ("DS-NOLABEL", DIALOG, 'label   "Limit"', 'label   ""'),
    "laid out anew": ("DS-LAYOUT", DIALOG, "        joinnext\n", "       joinnext\n"),
    "key of another parameter": (
        "DS-LAYOUT",
        DIALOG,
        '        type    button\n        default { "0" }\n',
        '        default { "0" }\n        type    button\n',
    ),
    # Python
    "callback that does not exist": ("X-CALLBACK", DIALOG, "hou.phm().launch(", "hou.phm().lunch("),
    "callback with too many arguments": ("X-ARITY", DIALOG, "hou.phm().launch(kwargs)", "hou.phm().launch(kwargs, 1)"),
    "callback that does not compile": ("PY-SYNTAX", DIALOG, "hou.phm().launch(kwargs)", "hou.phm().launch(kwargs"),
    "callback in hscript": ("X-CBLANG", DIALOG, 'parmtag { "script_callback_language" "python" }', ""),
    "button without a callback": ("X-CALLBACK", DIALOG, 'parmtag { "script_callback" "hou.phm().launch(kwargs)" }', ""),
    "menu script that does not compile": ("PY-SYNTAX", DIALOG, "return hou.phm().styles", "retrun hou.phm().styles"),
    "menu script in hscript": ("X-CBLANG", DIALOG, "language python", ""),
    "menu script calling nothing": ("X-CALLBACK", DIALOG, "hou.phm().styles(", "hou.phm().style("),
    "module that does not exist": ("PY-IMPORT", OPERATOR + "/PythonModule", "acme_tools", "acme_tool"),
    "function that does not exist": ("PY-IMPORT", OPERATOR + "/PythonModule", "launch, styles", "lunch, styles"),
    "module that does not compile": ("PY-SYNTAX", OPERATOR + "/PythonModule", "import", "imprt"),
    "module with code of its own": (
        "X-MODULE",
        OPERATOR + "/PythonModule",
        "\n",
        "\nimport json; json.loads('1')\nx = 1\n",
    ),
    "name that is not defined": ("PY-UNDEFINED", OPERATOR + "/OnCreated", "kwargs[", "kwarg["),
    "name that is not defined in a script": ("PY-UNDEFINED", CONTENTS, "asset.evalParm", "aset.evalParm"),
    "event that does not compile": ("PY-SYNTAX", OPERATOR + "/OnCreated", "kwargs[", "kwargs("),
    "script that does not compile": ("PY-SYNTAX", CONTENTS, "import json\n", "import json,\n"),
    "script that imports nothing": ("PY-IMPORT", CONTENTS, "import json\n", "import acme_gone\n"),
    "script that evaluates nothing": ("C-EVALPARM", CONTENTS, 'evalParm(\\"pattern\\")', 'evalParm(\\"patern\\")'),
    # The network
    "wrong boundary": ("C-MIME", CONTENTS, "0xD3ADD339", "0xD3ADD338"),
    "cut off": ("C-MIME", CONTENTS, "BOUNDARY--\n", "BOUNDARY--"),
    "entry twice": ("C-DUP", CONTENTS, 'filename="hdaroot/output0.parm"', 'filename="hdaroot/run.parm"'),
    "table": ("C-TABLE", CONTENTS, "\n\nTop\n", "\n\nSop\n"),
    "root of another type": ("C-ROOT", CONTENTS, "type = acme::lens_sorter::1.0", "type = acme::lens_sorter::1.1"),
    "root that follows itself": (
        "C-ROOT",
        CONTENTS,
        "lens_sorter::1.0\nmatchesdef = 0",
        "lens_sorter::1.0\nmatchesdef = 1",
    ),
    "flags of the network itself": ("C-ROOT", CONTENTS, "display off", "display on"),
    "unlocked": ("C-MATCHES", CONTENTS, "type = output\nmatchesdef = 0", "type = output\nmatchesdef = 1"),
    "unknown type of node": ("C-TYPE", CONTENTS, "type = genericgenerator", "type = genericgenerater"),
    "wrong .inp count": ("C-INP", CONTENTS, "\n\n1\n0 0 6 2 0", "\n\n2\n0 0 6 2 0"),
    "more inputs than the index": ("C-INP", INDEX, "Inputs:       0 to 1", "Inputs:       0 to 2"),
    ".order of other nodes": ("C-ORDER", CONTENTS, "3\nitems\nrun\noutput0\n", "3\nitems\nruns\noutput0\n"),
    ".order of too few": ("C-ORDER", CONTENTS, "3\nitems\nrun\noutput0\n", "2\nitems\nrun\n"),
    ".order turned round": ("C-ORDER", CONTENTS, "3\nitems\nrun\noutput0\n", "3\nrun\nitems\noutput0\n"),
    ".net that is none": ("C-SYNTAX", CONTENTS, "\n\n1\n\n--", "\n\n0\n\n--"),
    "unknown entry": ("C-ENTRY", CONTENTS, 'filename="hdaroot.net"', 'filename="hdaroot.nte"'),
    "wrong connector id": ("C-CONNID", CONTENTS, '0 \titems 1 1 "input1"', '0 \titems 0 1 "input1"'),
    "connector id of no output": ("C-CONNID", CONTENTS, '1 "output1"', '2 "output1"'),
    "wired to a node that is gone": ("C-CONN", CONTENTS, "\titems ", "\titem ", ALL),
    "wired to itself": ("C-CONN", CONTENTS, "\titems ", "\trun ", ALL),
    "input of the asset that is not there": ("C-SUBIN", CONTENTS, "(0)", "(1)", ALL),
    "two lists of inputs that disagree": ("C-INPUTS", CONTENTS, "0 \titems 0 1\n", "0 \toutput0 0 1\n"),
    "input numbered wrongly": ("C-INPUTS", CONTENTS, "0 \titems 0 1\n", "1 \titems 0 1\n"),
    "next id": ("C-NEXTID", CONTENTS, "connectornextid 2", "connectornextid 3"),
    "output's name": ("C-OUTPUTS", CONTENTS, '1 "output1"', '1 "out1"'),
    "flag missing": ("C-SYNTAX", CONTENTS, " bypass off", ""),
    "compressed": ("C-FLAGS", CONTENTS, "compress off", "compress on"),
    "time of this machine": ("C-SYNTAX", CONTENTS, "create 1700000000", "create 1700000001"),
    "display on no output": ("C-DISPLAY", CONTENTS, "display on", "display off"),
    "display on two nodes": ("C-DISPLAY", CONTENTS, "display off", "display on", 1),
    "wrong ___Version___": ("C-VERSION", CONTENTS, '"value":"1"', '"value":"2"'),
    "___Version___ of a node without": ("C-VERSION", CONTENTS, '"value":""', '"value":"20.5.445"'),
    "___Version___ of the asset": ("C-VERSION", CONTENTS, '"value":"1.0"', '"value":"0.9"'),
    "other user data": ("C-USERDATA", CONTENTS, "___Version___", "___Versjon___"),
    "unknown inner parameter": ("C-PARMNAME", CONTENTS, "pdg_command\t", "pdg_comand\t"),
    "parameter set twice": ("C-PARMDUP", CONTENTS, "itemcount\t[ 0", "pdg_command\t[ 0"),
    "bad token": ("C-TOKEN", CONTENTS, '\t"2"\t', '\t"7"\t'),
    "bad toggle": ("C-TOKEN", CONTENTS, '\t"off"\t', '\t"of"\t'),
    "unquoted toggle": ("C-QUOTE", CONTENTS, '\t"off"\t', "\toff\t"),
    "unquoted menu": ("C-QUOTE", CONTENTS, '\t"2"\t', "\t2\t"),
    "number that is none": ("C-NUMBER", CONTENTS, "[ itemcount\t24 ]", "[ itemcount\tmany ]"),
    "value too many": ("C-SIZE", CONTENTS, '\t"off"\t', '\t"off"\t"off"\t'),
    "channel without .chn": ("C-CHAN", CONTENTS, "[ itemcount\t24 ]", "[ itemcounts\t24 ]"),
    "channel that nobody follows": ("C-CHAN", CONTENTS, "[ itemcount\t24 ] ", "24"),
    "reference to nothing": ("C-CHREF", CONTENTS, "../limit", "../limits"),
    "reference one level too high": ("C-CHREF", CONTENTS, "../limit", "../../limit"),
    "unquoted expression with a blank": ("C-CHNSPACE", CONTENTS, 'ch(\\"../limit\\")', 'ch(\\"../limit\\") + 1'),
    "quote in an expression": ("C-SYNTAX", CONTENTS, 'ch(\\"../limit\\")', 'ch("../limit")'),
    "locked parameter": ("C-SYNTAX", CONTENTS, "locks=0", "locks=1"),
    "definitions elsewhere": (
        "C-MIME",
        CONTENTS,
        "Content-Type: text/plain",
        "Content-Type: application/external-reference",
    ),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_a_damaged_library_is_found(library: Path, surroundings: Context, reason: str) -> None:
    code, name, before, after, *which = DAMAGE[reason]
    path = library / name
    path.write_bytes(replaced(path.read_bytes(), before, after, *which))
    assert code in codes(library, surroundings)


@pytest.mark.parametrize("name", ["DialogScript", "CreateScript", "Help", "IconSVG", "ExtraFileOptions"])
def test_a_section_that_is_gone_is_found(library: Path, surroundings: Context, name: str) -> None:
    (library / OPERATOR / name).unlink()
    assert {"L-MISSING", "O-NEED"} <= codes(library, surroundings)


def test_a_section_nobody_knows_is_found(library: Path, surroundings: Context) -> None:
    (library / OPERATOR / "VHDA").write_text("{}")
    assert {"L-UNLISTED", "O-UNKNOWN"} <= codes(library, surroundings)


def test_a_stale_operator_folder_is_found(library: Path, surroundings: Context) -> None:
    shutil.copytree(library / OPERATOR, library / OPERATOR.replace("1.0", "0.9"))
    assert codes(library, surroundings) == {"L-STALE"}


def test_an_operator_without_its_folder_is_found(library: Path, surroundings: Context) -> None:
    shutil.rmtree(library / OPERATOR)
    assert codes(library, surroundings) == {"L-MISSING"}


def test_a_folder_houdini_does_not_load_is_found(library: Path, surroundings: Context) -> None:
    assert codes(library.rename(library.with_suffix(".folder")), surroundings) == {"L-EXT"}


def test_no_folder_at_all_is_found(tmp_path: Path, surroundings: Context) -> None:
    assert codes(tmp_path / ASSET, surroundings) == {"L-MISSING"}


def test_a_text_that_is_none_is_found(library: Path, surroundings: Context) -> None:
    path = library / OPERATOR / "OnCreated"
    path.write_bytes(path.read_bytes().replace(b"made", b"m\xe4de"))
    assert "L-UTF8" in codes(library, surroundings)


def test_entries_out_of_order_are_found(library: Path, surroundings: Context) -> None:
    path = library / CONTENTS
    start, *parts, end = path.read_text().split("\n--HOUDINIMIME")
    names = [part.split('filename="')[1].split('"')[0] for part in parts]
    one, other = names.index("hdaroot/items.init"), names.index("hdaroot/run.init")
    parts[one:other], parts[other : 2 * other - one] = parts[other : 2 * other - one], parts[one:other]
    path.write_text("\n--HOUDINIMIME".join([start, *parts, end]))
    assert codes(library, surroundings) & {"C-SEQ", "C-ORDER"}


def test_an_order_of_one_node_is_found(library: Path, surroundings: Context) -> None:
    path = library / CONTENTS
    head, order, tail = path.read_text().partition("3\nitems\nrun\noutput0\n")
    assert order
    path.write_text(head.replace('filename="hdaroot.order"', 'filename="hdaroot/run.order"') + "0\n" + tail)
    assert {"C-ORDER", "C-ENTRY"} & codes(library, surroundings)
