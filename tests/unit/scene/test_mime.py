"""The text form of containers, and option blocks in their two forms."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topforge_scene import mime, options
from topforge_scene.errors import SceneError

VERSION = options.to_binary({"___Version___": "20.5.445"})
LINE = b"--HOUDINIMIMEBOUNDARY0xD3ADD339-0x00000F49-0x56B122C9-0x00000001HOUDINIMIMEBOUNDARY"
TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=30)
OPTIONS = st.dictionaries(
    TEXTS,
    st.one_of(st.booleans(), TEXTS, st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4).map(tuple)),
    max_size=5,
)


def test_framing_byte_for_byte():
    made = mime.encode({"hdaroot/a.init": b"type = null\n", "hdaroot/a.userdata": VERSION})
    head = b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="%s"\n\n' % LINE[2:]
    assert made == (
        head + LINE + b'\nContent-Disposition: attachment; filename="hdaroot/a.init"\nContent-Type: text/plain\n\n'
        b"type = null\n\n" + LINE + b'\nContent-Disposition: attachment; filename="hdaroot/a.userdata"\n'
        b'Content-Type: text/plain\n\n{\n\t"___Version___":{\n\t\t"type":"string",\n\t\t"value":"20.5.445"\n\t}\n}\n\n'
        + LINE + b"--\n"
    )  # fmt: skip


def test_binary_is_encoded_by_128_bytes():
    content = bytes(range(256)) + b"end"
    made = mime.encode({".takes": content})
    body = made.split(b"Content-Transfer-Encoding: base64\n\n")[1].split(b"\n\n")[0]
    lines = body.split(b"\n")
    assert [len(base64.b64decode(line)) for line in lines] == [128, 128, 3]
    assert mime.decode(made) == {".takes": content}


@given(st.dictionaries(st.text("ab/._1", min_size=1, max_size=8), st.binary(max_size=400), max_size=5))
def test_any_content_comes_back(contents):
    entries = {name + ".x": content for name, content in contents.items()}
    assert list(mime.decode(mime.encode(entries)).items()) == list(entries.items())


def test_a_text_that_holds_the_boundary_comes_back():
    entries = {"a": b"x\n" + LINE + b"\ny", "b": LINE}
    assert mime.decode(mime.encode(entries)) == entries


def test_external_references_are_told_and_written_again():
    made = mime.encode({"node_type": b"Top\n"}, {".OPfallbacks": ".OPfallbacks"})
    assert mime.references(made) == {".OPfallbacks": ".OPfallbacks"}
    assert mime.decode(made) == {"node_type": b"Top\n"}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda data: data.replace(b"\n", b"\r\n"), "does not start"),
        (lambda data: data[:-3], "closing boundary"),
        (lambda data: data + b"x", "closing boundary"),
        (lambda data: data.replace(b"filename", b"name"), "line 4: a part's headers"),
        (lambda data: data.replace(b"text/plain", b"text/html"), "content type"),
        (lambda data: data.replace(b'"b.userdata"', b'"a.init"'), '"a.init" occurs twice'),
        (lambda data: data.replace(b'"string"', b'"float"'), "no bool, string or intarray"),
        (lambda data: data.replace(b'"value"', b'"valve"'), "no bool, string or intarray"),
        (lambda data: data.replace(b"}\n}", b"}}}"), "not JSON"),
    ],
)
def test_malformed_streams_are_refused(damage, problem):
    made = mime.encode({"a.init": b"type = null\n", "b.userdata": VERSION})
    with pytest.raises(SceneError) as caught:
        mime.decode(damage(made))
    assert problem in str(caught.value)


def test_bad_base64_names_the_line():
    made = mime.encode({"x": b"\0" * 128 + b"xyz"}).replace(b"eHl6", b"eH*6")
    with pytest.raises(SceneError, match="line 10: not base64"):
        mime.decode(made, "Contents.mime")


@given(OPTIONS)
def test_options_come_back_in_both_forms(made):
    assert options.from_binary(options.to_binary(made), "x") == made
    assert options.from_json(options.to_json(made), "x") == made


def test_no_options_are_two_lines_of_text():
    assert options.to_json({}) == b"{\n}\n"
    assert options.to_json({"A/Cursor": (1, 1), "B": True}) == (
        b'{\n\t"A/Cursor":{\n\t\t"type":"intarray",\n\t\t"value":[1,1]\n\t},\n'
        b'\t"B":{\n\t\t"type":"bool",\n\t\t"value":true\n\t}\n}\n'
    )


@given(OPTIONS, st.data())
def test_truncated_options_are_refused(made, data):
    whole = options.to_binary(made)
    with pytest.raises(SceneError):
        options.from_binary(whole[: data.draw(st.integers(0, len(whole) - 1))], "x")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":{"type":"string","value":"\\ud800"}}',
        b'{"\\udfff":{"type":"bool","value":true}}',
        b'{"a":{"type":"intarray","value":[9223372036854775808]}}',
        b"[" * 100000,
        b"[]",
    ],
)
def test_options_that_cannot_be_stored_are_refused(text):
    with pytest.raises(SceneError):
        options.from_json(text, "x")
