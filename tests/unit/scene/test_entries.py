"""Nodes as entries: byte for byte where the format is documented, and back for whatever a model can hold."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from topforge_scene import channel_text, definition_text, entries, options, parm_text
from topforge_scene.errors import SceneError
from topforge_scene.network import Channel, Connection, Node, Parm, StickyNote, Token

TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=40)
HARD = st.one_of(TEXTS, st.text("\"\\`\n\t\r ${}[]()#;@'é\u2028\0", max_size=12))
FINITE = st.floats(allow_nan=False, allow_infinity=False)
BARE = st.text("abcXYZ019_./$@:*+,=%`~!?&|<>^-", min_size=1, max_size=8)
PLAIN = st.one_of(HARD, st.integers(-(2**31), 2**31), FINITE, BARE.map(Token))
CHANNELS = st.builds(Channel, HARD, PLAIN, st.sampled_from(("hscript", "python")))
LANGUAGES = ("hscript", "python")

TRAIN = """comment ""
position 0 4
connectornextid 2
flags =  lock off model off template off footprint off xray off bypass off display off render on highlight off unload off savedata off compress off colordefault on exposed on
outputsNamed3
{
1 "output1"
}
inputsNamed3
{
0 \tmaker 1 1 "input1"
}
inputs
{
0 \tmaker 0 1
}
stat
{
  create 1700000000
  modify 1700000000
  author topforge@localhost
  access 0777
}
color UT_Color RGB 0.8 0.8 0.8 \n\
delscript ""
exprlanguage hscript
end
"""  # noqa: E501 -- as in the file
PARMS = """{
version 0.8
pdg_workitemgeneration\t[ 0\tlocks=0 ]\t(\t"2"\t)
limit\t[ 0\tlocks=0 ]\t(\t[ limit\t5 ] \t)
t\t[ 0\tlocks=0 ]\t(\t0\t0.5\t-2\t)
sepparm\t[ 0\tlocks=0 ]\t(\t)
command\t[ 0\tlocks=0 ]\t(\t"\\"`@A`b\\" c\\\\d\nnext"\t)
folder\t[ 0\tlocks=0 ]\t(\t$HIP/`@b`.$F4.exr\t)
empty\t[ 0\tlocks=0 ]\t(\t""\t)
}
"""
CHANNEL = """{
    channel limit {
      lefttype = extend
      righttype = extend
      flags = 0
      segment { length = 0 expr = ch(\\"../limit\\") }
    }
  }
"""


def sample():
    """A subnet with two wired nodes."""
    parms = (
        Parm("pdg_workitemgeneration", (Token("2"),)),
        Parm("limit", (Channel('ch("../limit")', 5),)),
        Parm("t", (0, 0.5, -2.0)),
        Parm("sepparm", ()),
        Parm("command", ('"`@A`b" c\\d\nnext',)),
        Parm("folder", ("$HIP/`@b`.$F4.exr",)),
        Parm("empty", ("",)),
    )
    maker = Node("maker", "pythonprocessor", inputs=(Connection("(0)"),), version="4")
    train = Node("train", "null", parms, (Connection("maker"),), position=(0.0, 4.0), render=True)
    note = StickyNote("__stickynote1", 'say "hi"\n', (-1.0, 2.5), (4.0, 2.0))
    return Node("hdaroot", "acme::x::1.0", children=(maker, train), notes=(note,), max_inputs=1, is_network=True)


def test_entries_byte_for_byte_and_in_the_order_of_a_file():
    made = entries.to_entries(sample())
    assert list(made) == [
        *("hdaroot.init", "hdaroot.def", "hdaroot.userdata", "hdaroot.inp"),
        *("hdaroot/__stickynote1.postitinit", "hdaroot/__stickynote1.postitdef"),
        *("hdaroot/maker.init", "hdaroot/maker.def", "hdaroot/maker.parm", "hdaroot/maker.userdata"),
        *("hdaroot/train.init", "hdaroot/train.def", "hdaroot/train.chn", "hdaroot/train.parm"),
        *("hdaroot/train.userdata", "hdaroot.order", "hdaroot.net"),
    ]
    assert made["hdaroot.init"] == b"type = acme::x::1.0\nmatchesdef = 0\n"
    assert made["hdaroot.inp"] == b'1\n0 0 6 2 0 __NO_OWNER_NETWORK_BOX__ "FROMOUTPUT"\n'
    assert made["hdaroot/train.def"].decode() == TRAIN
    assert made["hdaroot/train.parm"].decode() == PARMS
    assert made["hdaroot/train.chn"].decode() == CHANNEL
    assert made["hdaroot.order"] == b"2\nmaker\ntrain\n"
    assert made["hdaroot.net"] == b"1\n"
    assert made["hdaroot/maker.userdata"] == b"\0\0\0\1\0\x0d___Version___\0\0\0\3\0\x014"
    assert b'0 \t(0) "" 1 "input1"\n' in made["hdaroot/maker.def"]


@pytest.mark.parametrize(
    ("table", "start", "compress"), [("Sop", b"sopflags sopflags = \n", b"on"), ("Top", b"com", b"off")]
)
def test_tables_differ_in_their_definitions(table, start, compress):
    made = entries.to_entries(sample(), table=table)
    for name in ("hdaroot.def", "hdaroot/train.def"):
        assert made[name].startswith(start)
        assert b" compress %s " % compress in made[name]


def test_nodes_inside_a_geometry_node_are_sops_whatever_that_stands_in():
    geometry = Node("geo1", "geo", outputs=(), children=(Node("box1", "box"),))
    made = entries.to_entries(geometry, "obj/geo1", table="Object")
    assert made["obj/geo1.def"].startswith(b"objflags")
    assert made["obj/geo1/box1.def"].startswith(b"sopflags")
    assert "obj/geo1.order" not in made


def test_a_tree_comes_back():
    assert entries.from_entries(entries.to_entries(sample()), "hdaroot") == sample()


@given(st.lists(st.tuples(PLAIN, CHANNELS), max_size=4))
def test_any_value_comes_back(values):
    parms = [Parm("p%d" % index, pair) for index, pair in enumerate(values)]
    node = Node("a", "b", tuple(parms))
    again = entries.from_entries(entries.to_entries(node, "tasks/a"), "tasks/a")
    for before, after in zip(parms, again.parms):
        assert after.name == before.name
        for old, new in zip(before.values, after.values):
            if isinstance(old, Channel):
                assert (new.expression, new.language) == (old.expression, old.language)
                old, new = old.value, new.value
            assert same(old, new)


def same(old, new):
    """A string of digits may come back as the number that has it as text; everything else must be equal."""
    if isinstance(old, str) and isinstance(new, (int, float)):
        return parm_text.text(new) == old
    if isinstance(old, str) and isinstance(new, Token):
        return False
    return new == old


@given(HARD, HARD)
def test_any_note_and_comment_comes_back(text, comment):
    node = Node("a", "topnet", notes=(StickyNote("n", text),), comment=comment, is_network=True)
    assert entries.from_entries(entries.to_entries(node, "tasks/a"), "tasks/a") == node


@pytest.mark.parametrize(
    "text", ["0001", "1.10", "2.0", "1e5", "+1", "-0.0", "1_000", "nan", "inf", "007", "1.", ".5", "--1"]
)
def test_what_no_program_prints_as_a_number_stays_text(text):
    (parm,) = parm_text.read(parm_text.write([Parm("p", (text,))]), "p", {})
    assert parm.values == (text,)
    assert type(parm.values[0]) is str


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("-17", -17), ("0.5", 0.5), ("0.69999999999999996", 0.7), ("1e-05", 1e-5)]
)
def test_numbers_are_read_as_houdini_prints_them(text, number):
    data = b"{\nversion 0.8\np\t[ 0\tlocks=0\tautoscope=0\tautosel=4294967295 ]\t(\t%s\t)\n}\n" % text.encode()
    assert parm_text.read(data, "p", {}) == (Parm("p", (number,)),)


def test_a_toggle_must_be_a_token_and_a_number_finite():
    with pytest.raises(TypeError, match="Token"):
        parm_text.write([Parm("p", (True,))])
    with pytest.raises(SceneError, match="cannot be stored"):
        parm_text.write([Parm("p", (float("nan"),))])


@pytest.mark.parametrize("expression", ['ch("../a") != 1', "a\tb", 'x == "y"', "{ $F }", "# no", "", " ", '"q"', "a }"])
def test_expressions_with_blanks_or_anything_unusual_are_quoted(expression):
    written = channel_text.write([("c", Channel(expression, 0))])
    assert b'expr = "' in written
    assert channel_text.read(written, "c")["c"].text == expression


def test_what_real_files_add_is_tolerated():
    data = TRAIN.replace("exposed on\n", "exposed on selectable on outputforview 4294967295\n")
    data = data.replace("connectornextid 2", "connectornextid 17").replace("create 17", "create -17")
    data = data.replace("delscript", "creator knife\nexplicit 1\ndelscript").replace("RGB 0.8 0.8 0.8", "HSV 120 1 0.5")
    read = definition_text.read(data.encode(), "x.def")
    assert read.flags["selectable"]
    assert read.color == (0.0, 0.5, 0.0)
    assert read.inputs[0][1] == definition_text.Wire(Connection("maker"), 1)


def test_wires_through_dots_and_unwired_slots_are_followed():
    node = Node(
        "hdaroot", "x", children=(Node("a", "null"), Node("b", "merge", inputs=(Connection(""), Connection("a"))))
    )
    made = entries.to_entries(node)
    assert b'0 \t"" "" 1 "input1"\n1 \ta 1 1 "input2"\n' in made["hdaroot/b.def"]
    made["hdaroot/b.def"] = (
        made["hdaroot/b.def"].replace(b"\ta 1 1", b'\t(__dot2) "" 1').replace(b"\ta 0", b"\t(__dot2) 0")
    )
    made["hdaroot/__dot2.networkdotinit"] = b'{"input":"(__dot1) 0 1"}'
    made["hdaroot/__dot1.networkdotinit"] = b'{"input":"a 0 1"}'
    assert entries.from_entries(made, "hdaroot").child("b").inputs == (Connection(""), Connection("a"))
    made["hdaroot/__dot1.networkdotinit"] = b'{"input":"(__dot2) 0 1"}'
    with pytest.raises(SceneError, match="wired to itself"):
        entries.from_entries(made, "hdaroot")


def test_entries_that_the_model_has_no_place_for_are_passed_over():
    made = entries.to_entries(sample())
    made["hdaroot/train.netbox"] = b"__netbox1\n"
    made["hdaroot/__netbox1.netboxinit"] = b"anything"
    assert entries.from_entries(made, "hdaroot") == sample()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "a b"}, "no name for a node"),
        ({"inputs": (Connection("nobody"),)}, 'wired to output 0 of "nobody"'),
        ({"inputs": (Connection("maker", 1),)}, 'wired to output 1 of "maker"'),
        ({"name": "maker"}, "same name"),
        ({"matches_definition": True, "children": (Node("c", "null"),)}, "locked asset"),
    ],
)
def test_what_houdini_would_not_take_is_refused(change, problem):
    root = sample()
    changed = dataclasses.replace(root.children[1], **change)
    with pytest.raises(SceneError) as caught:
        entries.to_entries(dataclasses.replace(root, children=(root.children[0], changed)))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "old", "new", "line", "problem"),
    [
        ("hdaroot/train.def", b"position 0 4", b"position 0", 2, "expected `position`"),
        ("hdaroot/train.def", b"0 \tmaker 0 1", b"0 \tother 0 1", 17, "different sources"),
        ("hdaroot/train.def", b"\nend\n", b"\n", 25, "expected `delscript`"),
        ("hdaroot/train.def", b"\nend\n", b"\nend\nmore\n", 28, "more after the end"),
        ("hdaroot/train.parm", b"version 0.8", b"version 1", 1, "expected `{`"),
        ("hdaroot/train.parm", b"[ 0\tlocks=0 ]", b"[ locks=0 ]", 3, "expected a parameter"),
        ("hdaroot/train.parm", b'(\t"2"\t)', b'(\t"2)', 3, "expected a value"),
        ("hdaroot/train.chn", b" expr = ", b" ", 6, "expected `expr"),
        ("hdaroot/train.chn", b"    }\n", b"", 7, "expected a segment"),
        ("hdaroot/train.init", b"type", b"kind", 1, "expected `type"),
        ("hdaroot.order", b"2\n", b"3\n", 4, "expected a node's name"),
        ("hdaroot.inp", b"1\n", b"x\n", 1, "number of inputs"),
        ("hdaroot/__stickynote1.postitdef", b"size 4 2", b"size", 4, "expected `size`"),
    ],
)
def test_a_malformed_entry_is_refused_with_its_name_and_line(entry, old, new, line, problem):
    made = entries.to_entries(sample())
    assert old in made[entry]
    made[entry] = made[entry].replace(old, new, 1)
    with pytest.raises(SceneError) as caught:
        entries.from_entries(made, "hdaroot")
    assert "%s, line %d: " % (entry, line) in str(caught.value)
    assert problem in str(caught.value)


def test_a_missing_or_foreign_entry_is_refused():
    made = entries.to_entries(sample())
    with pytest.raises(SceneError, match=r"hdaroot/train\.def: the entry is missing"):
        entries.from_entries({name: data for name, data in made.items() if name != "hdaroot/train.def"}, "hdaroot")
    with pytest.raises(SceneError, match=r"hdaroot/train\.parm, line 1: not UTF-8"):
        entries.from_entries({**made, "hdaroot/train.parm": b"\xff"}, "hdaroot")


def test_nodes_nested_without_end_are_refused():
    made = entries.to_entries(Node("hdaroot", "x"))
    for depth in range(1, 150):
        inner = entries.to_entries(Node("a", "subnet"), "hdaroot" + "/a" * depth)
        made.update(inner)
    with pytest.raises(SceneError, match="nested more than"):
        entries.from_entries(made, "hdaroot")


@settings(max_examples=300)
@given(st.data())
def test_damage_to_an_entry_never_ends_otherwise_than_in_a_scene_error(data):
    made = entries.to_entries(sample())
    name = data.draw(st.sampled_from(sorted(made)))
    made[name] = damaged(made[name], data)
    assert name.split(".")[0] in refusal(made, otherwise=name)


def refusal(made, otherwise):
    """What `from_entries` says against these entries."""
    try:
        entries.from_entries(made, "hdaroot")
    except SceneError as error:
        return str(error)
    return otherwise


def damaged(content, data):
    """One place overwritten, removed, or filled with something else."""
    start = data.draw(st.integers(0, len(content)))
    end = data.draw(st.integers(start, min(len(content), start + 20)))
    return (
        content[:start]
        + data.draw(st.one_of(st.binary(max_size=6), st.just(b'"'), st.just(b"9" * 5000)))
        + content[end:]
    )


def test_the_options_that_a_node_carries_are_its_version():
    made = entries.to_entries(Node("a", "b", version="é1"), "tasks/a")
    assert options.from_binary(made["tasks/a.userdata"], "x") == {"___Version___": "é1"}
