"""The validator of scenes, in both forms: a valid one has no finding, and each damage has the one that names it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from topforge_scene import mime, odc, scene
from topforge_scene.network import Node, Parm, Token

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validators import Context, validate_scene
from validators.samples import ALL, context, replaced, scene_of
from validators.scene import check_scene


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory: pytest.TempPathFactory) -> Context:
    return context(tmp_path_factory.mktemp("surroundings"))


def codes(path: Path, surroundings: Context) -> set[str]:
    return {finding.code for finding in validate_scene(path, surroundings)}


@pytest.mark.parametrize("form", scene.FORMS)
def test_a_valid_scene_has_no_finding(tmp_path: Path, surroundings: Context, form: str) -> None:
    scene.write(tmp_path / "a.hip", scene_of(), form)
    assert validate_scene(tmp_path / "a.hip", surroundings) == []


# What is damaged in the text form: (code that names it, text, what is put there, which occurrence).
DAMAGE = {
    "line ends of Windows": ("C-CRLF", "\n", "\r\n", ALL),
    "wrong boundary": ("C-MIME", "0xD3ADD339", "0xD3ADD338"),
    "entry twice": ("C-DUP", 'filename=".cwd"', 'filename=".styles"'),
    "entry missing": ("H-MISSING", 'filename=".contextoptions"', 'filename=".contextoption"'),
    "entry that no scene has": ("H-ENTRY", 'filename=".contextoptions"', 'filename=".contextoption"'),
    "start": ("H-CONSTANT", "fps 24", "fps 25"),
    "version of the save": ("H-VERSION", "_HIP_SAVEVERSION = '20.5.445'", "_HIP_SAVEVERSION = '20.0.445'"),
    "folder of this machine": ("H-VARIABLES", "set -g EYE = 'stereo'", "set -g HIP = '/home/me'"),
    "variables out of order": ("H-VARIABLES", "set -g E = ", "set -g ZZ = "),
    "variable missing": ("H-VARIABLES", "set -g status = '0'\n", ""),
    "version of a manager": ("C-VERSION", '"value":"20.5.445"', '"value":"20.5.44"'),
    "manager's .net": ("H-MISSING", 'filename="obj.net"', 'filename="obj.nte"'),
    "scheduler that is not there": ("C-SCHED", "\tlocalscheduler\t)", "\tfarm\t)"),
    "scheduler not named": ("C-SCHED", "topscheduler\t", "defaultlabel\t"),
    "nothing displayed": ("C-DISPLAY", "display on render off", "display off render off", 1),
    "no geometry shown": ("C-DISPLAY", "display on render on", "display off render on", 1),
    "our node unlocked": ("C-MATCHES", "matchesdef = 1", "matchesdef = 0"),
    "our node of another version": ("C-TYPE", "type = acme::lens_sorter::1.0", "type = acme::lens_sorter::2.0"),
    "our node's ___Version___": ("C-VERSION", '"value":"1.0"', '"value":"1.1"'),
    "our node's parameter": ("C-PARMNAME", "mode\t[ 0", "mood\t[ 0"),
    "our node's token": ("C-TOKEN", "\tsize\t)", "\tcolour\t)"),
    "our node's toggle": ("C-QUOTE", '(\t"off"\t)\nlimit', "(\toff\t)\nlimit"),
    "entries of a list": ("C-COUNT", "entries\t[ 0\tlocks=0 ]\t(\t1\t)", "entries\t[ 0\tlocks=0 ]\t(\t0\t)"),
    "entry behind the last one": ("C-COUNT", "stringname2", "stringname3"),
    "no entries": ("C-COUNT", "stringattribs\t[ 0\tlocks=0 ]\t(\t2\t)", "stringattribs\t[ 0\tlocks=0 ]\t(\t0\t)"),
    "fractional entries": ("C-NUMBER", "(\t2\t)", "(\t2.5\t)"),
    "bad token": (
        "C-TOKEN",
        'stringconflict1\t[ 0\tlocks=0 ]\t(\t"4"\t)',
        'stringconflict1\t[ 0\tlocks=0 ]\t(\t"5"\t)',
    ),
    "unquoted toggle": ("C-QUOTE", 'stringenable2\t[ 0\tlocks=0 ]\t(\t"off"', "stringenable2\t[ 0\tlocks=0 ]\t(\toff"),
    "open backtick": ("C-BACKTICK", "\t`@ROOT`\t", "\t`@ROOT\t"),
    "open quote": ("C-EXPRESSION", 'framevalue\\")', "framevalue)"),
    "open bracket": ("C-EXPRESSION", 'framevalue\\")', 'framevalue\\"'),
    "sticky note": ("C-SYNTAX", "size 4 2\n", ""),
    "unknown parameter": ("C-PARMNAME", "varname1", "varnom1"),
    "___Version___ of a built-in node": ("C-VERSION", '"value":"2"', '"value":"1"'),
    "wrong connector id": ("C-CONNID", '1 \tedit 1 1 "input2"', '1 \tedit 2 1 "input2"'),
    "output that is not there": ("C-CONNID", "1 \tedit 0 1", "1 \tedit 1 1"),
    "two connectors of one id": ("C-CONNID", '2 "output1"', '1 "output1"'),
    "one input too many": ("C-INPUTS", "type = waitforall", "type = rangegenerate"),
    "node without outputs": ("C-OUTPUTS", '{\n1 "output1"\n}', "{\n}"),
    "reference to nothing": ("C-CHREF", "../tokens/framevalue", "../tokens/framevalu"),
    "reference to no node": ("C-CHREF", "../tokens/framevalue", "../token/framevalue"),
    "unquoted expression with a blank": (
        "C-CHNSPACE",
        '"ch(\\"../tokens/framevalue\\") + 1"',
        'ch(\\"../tokens/framevalue\\") + 1',
    ),
    "code that does not compile": ("PY-SYNTAX", "callbacks.launch(hou.pwd())", "callbacks.launch(hou.pwd()"),
    "code that calls nothing": ("PY-NAME", "callbacks.launch(", "callbacks.lunch("),
    "code that calls wrongly": ("PY-ARITY", "callbacks.launch(hou.pwd())", "callbacks.launch()"),
    ".order of other nodes": ("C-ORDER", "\ntokens\nedit\n", "\nedit\ntokens\n"),
    ".order's count": ("C-ORDER", "\n5\nlocalscheduler\n", "\n6\nlocalscheduler\n"),
    "flags of a SOP": ("C-SYNTAX", "sopflags sopflags = \n", ""),
    "compressed": ("C-FLAGS", "compress on", "compress off"),
    "color": ("C-FLAGS", "RGB 0.478 0.478 0.478", "RGB 0.8 0.8 0.8"),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_a_damaged_scene_is_found(tmp_path: Path, surroundings: Context, reason: str) -> None:
    code, before, after, *which = DAMAGE[reason]
    path = tmp_path / "a.hip"
    path.write_bytes(replaced(scene.to_bytes(scene_of(), "text"), before, after, *which))
    assert code in codes(path, surroundings)


def test_the_same_damage_is_found_in_the_odc_form(tmp_path: Path, surroundings: Context) -> None:
    for reason in ("unquoted toggle", "wrong connector id", "version of the save", "entry behind the last one"):
        code, before, after = DAMAGE[reason]
        entries = mime.decode(replaced(scene.to_bytes(scene_of(), "text"), before, after))
        (tmp_path / "a.hip").write_bytes(odc.encode(entries, 1700000000))
        assert code in codes(tmp_path / "a.hip", surroundings)


ORDERS = {
    "head": ("H-ORDER", ".aliases", ".start"),
    "managers": ("H-ORDER", "out.def", "obj.def"),
    "nets": ("H-ORDER", "vex.net", "obj.net"),
    "own entries": ("C-SEQ", "tasks/topnet1/edit.parm", "tasks/topnet1/edit.def"),
    "parent behind its child": ("C-SEQ", "tasks/topnet1/edit.def", "tasks/topnet1.def"),
    ".net before a child": ("C-SEQ", "tasks/topnet1.net", "tasks/topnet1/all.init"),
}


@pytest.mark.parametrize("reason", ORDERS)
def test_an_entry_out_of_place_is_found(tmp_path: Path, surroundings: Context, reason: str) -> None:
    code, moved, before = ORDERS[reason]
    entries = scene.to_entries(scene_of())
    content = entries.pop(moved)
    names = list(entries)
    names.insert(names.index(before), moved)
    reordered = {name: content if name == moved else entries[name] for name in names}
    (tmp_path / "a.hip").write_bytes(odc.encode(reordered, 1700000000))
    assert code in codes(tmp_path / "a.hip", surroundings)


@pytest.mark.parametrize("size", [0, 10, 100, -1])
def test_a_cut_off_archive_is_found(tmp_path: Path, surroundings: Context, size: int) -> None:
    (tmp_path / "a.hip").write_bytes(scene.to_bytes(scene_of(), "odc")[:size])
    assert codes(tmp_path / "a.hip", surroundings) == {"H-FRAME"}


def with_spare(spare: str, links: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A scene whose generator has parameters of its own."""
    node = Node(
        "run",
        "genericgenerator",
        (Parm("own", (Token("on"),)),),
        version="1",
        display=True,
        spare_parms=spare,
        linked_multiparms=links,
    )
    parms = (Parm("defaultlabel", ("$OS",)), Parm("topscheduler", ("localscheduler",)))
    scheduler = Node("localscheduler", "localscheduler", outputs=(), version="1")
    children = (scheduler, node)
    topnet = Node("net", "topnet", parms, (), (), children, version=scene.VERSION, is_network=True)
    return scene.to_bytes(scene.Scene({"tasks": (topnet,)}), "text")


SPARE = 'parm {\n    name "own"\n    label "Own"\n    type toggle\n    default { "0" }\n}\n'


def test_parameters_of_the_node_itself(surroundings: Context) -> None:
    assert check_scene(with_spare(SPARE, (("a#", "../b#"),)), "a.hip", surroundings) == []


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("C-SPARE", "type toggle", "typ toggle"),
        ("C-PARMNAME", 'name "own"', 'name "won"'),
        ("C-QUOTE", '\t"on"\t', "\ton\t"),
        ("C-COUNT", "1\na# ../b#", "2\na# ../b#"),
        ("C-SYNTAX", "a# ../b#", "a ../b#"),
    ],
)
def test_damage_to_parameters_of_the_node_itself(surroundings: Context, code: str, before: str, after: str) -> None:
    data = replaced(with_spare(SPARE, (("a#", "../b#"),)), before, after)
    assert code in {finding.code for finding in check_scene(data, "a.hip", surroundings)}
