"""DialogScript: what is read, what is refused, and that everything written comes back."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topforge_scene import dialog_text
from topforge_scene.dialog_script import Bound, DialogScript, Folder, Menu, Multiparm, Parameter, Statement, parameters
from topforge_scene.errors import SceneError

FULL = r"""# Dialog script for acme::lens_sorter::1.0 automatically generated
/* a comment
   of two lines */
{
    name	acme::lens_sorter::1.0
    script	lens_sorter
    label	"Lens Sorter"

    help {
	""
    }
    inputlabel	1	Images
    inputlabel	3	"More images"
    outputlabel	1	""
    parmtag { inputisref3 1 }
    bindhandle tx xform "Transformer" tx "ownerop('box1')"
    signature	"Default Inputs"	default	{ float int }

    parm {
        name    "renderdialog"
        baseparm
        label   "Controls..."
        nolabel
        export  none
    }
    group {
        name    "main"
        label   "Main"
        hidewhentab "{ mode == 0 }"
        grouptag { "group_type" "tabs" }

        parm {
            name    "frames"
            label   "Frames"
            type    integer
            size    3
            default { [ "$FSTART" hscript-expr ] [ "hou.frame()" python ] "1" }
            range   { 1! 500 }
            disablewhen "{ mode == 0 } { mode == 1 }"
            parmtag { "script_callback_language" "python" }
        }
        parm {
            name    "mode"
            label   "Mode"
            type    ordinal
            joinnext
            default { "0" }
            menu usetokenvalue {
                "0"     "Zero"
                "1"     "One"
            }
        }
    }
    multiparm {
        name    "entries"
        label    "Entries"
        default 2
        parmtag { "multistartoffset" "0" }

        parm {
            name    "key#"
            label   "Key \"#\""
            type    string
            default { "a\nb\\c" }
            menureplace {
                [ "import os" ]
                [ "return []" ]
                language python
            }
        }
    }
}
"""


def test_everything_of_a_file_is_in_the_model() -> None:
    script = dialog_text.read(FULL)
    assert (script.name, script.script, script.label) == ("acme::lens_sorter::1.0", "lens_sorter", "Lens Sorter")
    assert script.input_labels == ("Images", "", "More images")
    assert script.output_labels == ("",)
    assert [statement.keyword for statement in script.statements] == ["parmtag", "bindhandle", "signature"]
    assert script.statements[2] == Statement("signature", ("Default Inputs", "default"), ("float", "int"))
    base, frames, mode, entries, key = parameters(script.items)
    assert isinstance(base, Parameter)
    assert base == Parameter("renderdialog", "Controls...", "", default=(), base=True, no_label=True, export="none")
    assert isinstance(frames, Parameter)
    assert frames.default == ("$FSTART", "hou.frame()", "1")
    assert [frames.language(component) for component in range(3)] == ["hscript-expr", "python", None]
    assert frames.range == (Bound(1.0, locked=True), Bound(500.0))
    assert isinstance(mode, Parameter)
    assert mode.menu == Menu((("0", "Zero"), ("1", "One")), use_token_value=True)
    assert isinstance(entries, Multiparm)
    assert (entries.default, entries.tags) == (2, (("multistartoffset", "0"),))
    assert isinstance(key, Parameter)
    assert key.default == ("a\nb\\c",)
    assert key.label == 'Key "#"'
    assert key.menu == Menu((), ("import os", "return []"), "python", "menureplace")
    folder = script.items[1]
    assert isinstance(folder, Folder)
    assert folder.hide_when_tab == "{ mode == 0 }"


def test_a_file_written_reads_the_same() -> None:
    script = dialog_text.read(FULL)
    text = dialog_text.write(script)
    assert dialog_text.read(text) == script
    assert dialog_text.write(dialog_text.read(text)) == text


def test_items_alone() -> None:
    items = dialog_text.read(FULL).items
    assert dialog_text.read_items(dialog_text.write_items(items)) == items


HEAD = '{ name a script a label "A" help { "" } '
REFUSED = {
    "nothing": ("", "{ expected"),
    "no label": ("{ name a script a }", "label is missing"),
    "label twice": (HEAD + "label b }", "label is said twice"),
    "open brace": (HEAD, "not known here|expected"),
    "text behind": (HEAD + "} parm", "expected"),
    "open quote": ('{ name "a', "never closed"),
    "open comment": ("{ /* name a", "never closed"),
    "unknown escape": (r'{ name "a\qb" }', "unknown escape"),
    "unknown key": (HEAD + 'parm { name "b" type toggle colour "red" } }', "colour is not known here"),
    "key of a folder in a parm": (HEAD + 'parm { name "b" type toggle tabbreak } }', "tabbreak is not known here"),
    "parm without type": (HEAD + 'parm { name "b" } }', "without a name or a type"),
    "folder without name": (HEAD + "group { } }", "without a name"),
    "default twice": (HEAD + 'parm { name "b" type toggle default { "0" } default { "0" } } }', "said twice"),
    "empty default": (HEAD + 'parm { name "b" type toggle default { } } }', "without a value"),
    "default without braces": (HEAD + 'parm { name "b" type toggle default "0" } }', "{ expected"),
    "default language": (HEAD + 'parm { name "b" type toggle default { [ "0" perl ] } } }', "not perl"),
    "range of one": (HEAD + 'parm { name "b" type float range { 0 } } }', "expected"),
    "range of words": (HEAD + 'parm { name "b" type float range { low high } } }', "a number expected"),
    "size of a word": (HEAD + 'parm { name "b" type float size three } }', "an integer expected"),
    "odd menu": (HEAD + 'parm { name "b" type string menu { "a" "A" "b" } } }', "expected"),
    "menu language": (HEAD + 'parm { name "b" type string menu { [ "x" ] language lua } } }', "language python"),
    "menu flag": (HEAD + 'parm { name "b" type string menu usetokens { "a" "A" } } }', "{ expected"),
    "bare tag": (HEAD + 'parm { name "b" type string parmtag { editor 1 } } }', "string expected"),
    "label number": (HEAD + "inputlabel 1 a inputlabel 1 b }", "label number 1"),
    "hash in a bare word": (HEAD + "multiparm { name b parm { name c# type toggle } } }", "expected"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_the_grammar_does_not_have_is_refused(reason: str) -> None:
    text, message = REFUSED[reason]
    with pytest.raises(SceneError, match=message):
        dialog_text.read(text)


def test_an_error_names_the_file_and_the_line() -> None:
    with pytest.raises(SceneError) as caught:
        dialog_text.read("{\n name a\n script a\n label a\n nonsense\n}", "acme/DialogScript")
    assert (caught.value.where, caught.value.line) == ("acme/DialogScript", 5)


WORDS = st.text('aZ0_:#{}[]"\\/*.! \n\tä', max_size=6)
NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,6}#?", fullmatch=True)
FLAGS = st.booleans()
TAGS = st.lists(st.tuples(WORDS, WORDS), max_size=2).map(tuple)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
BOUNDS = st.tuples(st.builds(Bound, NUMBERS, FLAGS), st.builds(Bound, NUMBERS, FLAGS))
KINDS = st.sampled_from(("menu", "menureplace", "menutoggle", "menumini", "menujoin"))
CHOICES = st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple)
SCRIPTS = st.lists(WORDS, min_size=1, max_size=3).map(tuple)
MENUS = st.one_of(
    st.builds(Menu, items=CHOICES, kind=KINDS, use_token_value=FLAGS),
    st.builds(Menu, script=SCRIPTS, language=st.sampled_from(("python", "hscript")), kind=KINDS),
)
PARAMETERS = st.builds(
    Parameter,
    NAMES,
    WORDS,
    st.sampled_from(("string", "toggle", "float", "ordinal")),
    size=st.integers(1, 4),
    default=st.lists(WORDS, min_size=1, max_size=3).map(tuple),
    default_language=st.sampled_from((None, "hscript-expr", "python")),
    range=st.none() | BOUNDS,
    menu=st.none() | MENUS,
    help=WORDS,
    hide_when=WORDS,
    disable_when=WORDS,
    tags=TAGS,
    join_next=FLAGS,
    no_label=FLAGS,
    invisible=FLAGS,
    base=FLAGS,
)
ENTRIES = st.recursive(
    PARAMETERS,
    lambda inner: st.one_of(
        st.builds(Folder, NAMES, WORDS, st.lists(inner, max_size=2).map(tuple), tags=TAGS, hide_when_tab=WORDS),
        st.builds(Multiparm, NAMES, WORDS, st.lists(inner, max_size=2).map(tuple), st.none() | st.integers(0, 9)),
    ),
    max_leaves=4,
)
INTERFACES = st.builds(
    DialogScript,
    st.just("acme::lens::1.0"),
    WORDS,
    st.lists(ENTRIES, max_size=3).map(tuple),
    script=st.sampled_from(("", "lens")),
    help=st.lists(WORDS, max_size=2).map(tuple),
    input_labels=st.lists(WORDS, max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(INTERFACES)
def test_any_interface_comes_back(script: DialogScript) -> None:
    assert dialog_text.read(dialog_text.write(script)) == script


def test_a_written_default_may_be_left_out() -> None:
    without = dataclasses.replace(PLAIN, default=())
    text = dialog_text.write_items((without,))
    assert "default" not in text
    assert dialog_text.read_items(text) == (without,)


PLAIN = Parameter("count", "Count", "integer", default=("3",))
