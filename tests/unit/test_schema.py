from __future__ import annotations

import argparse
import dataclasses
import json
import math
import zipfile
from typing import Any, Dict, Optional, Tuple, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from topforge import schema, strict_json
from topforge.schema import ConfigError, option

LearningRate = Union[float, Tuple[Union[float, Tuple[float, float]], ...]]


@dataclasses.dataclass(frozen=True)
class Light:
    resolution: int = option(128, minimum=8, maximum=1024, unit="texels")
    """Side of a cube face."""
    learn: bool = True
    """Whether the probe is trained."""


@dataclasses.dataclass(frozen=True)
class Options:
    iterations: int = option(1000, unit="iterations", minimum=1, group="Optimisation")
    """Steps of each pass.

    More is better, at 100% of the price.
    """
    learning_rate: LearningRate = option(0.03, minimum=0.0, maximum=1.0, length=(1, 2))
    """Scalar, or [pass 1, pass 2], each maybe [geometry, material]."""
    train_res: Tuple[int, int] = option((512, 512), minimum=1)
    """[height, width]."""
    display_res: Optional[Tuple[int, int]] = None
    """As train_res; null = the same."""
    background: str = option("white", choices=("white", "black", "checker"))
    """Behind the object."""
    envmap: Optional[str] = None
    """A .hdr file."""
    time_limit: Optional[float] = option(None, minimum=0, unit="s", advanced=True)
    """Stop after this long."""
    display: Tuple[Dict[str, Any], ...] = ()
    """Layers of a preview."""
    light: Light = Light()
    """The environment."""


def problems(value: Any) -> Dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        schema.from_json(Options, value, "bob.json")
    assert "bob.json" in caught.value.reason
    return {problem.key: problem.text for problem in caught.value.problems}


def test_empty_object_is_the_defaults():
    assert schema.from_json(Options, {}, "x") == Options()


def test_values_arrive_with_their_types():
    read = schema.from_json(
        Options,
        {
            "learning_rate": [1, [0.5, 0]],
            "train_res": [256, 128],
            "display": [{"bsdf": "kd"}],
            "light": {"learn": False},
        },
        "x",
    )
    assert read.learning_rate == (1.0, (0.5, 0.0))
    assert read.train_res == (256, 128)
    assert read.display == ({"bsdf": "kd"},)
    assert read.light == Light(learn=False)
    assert isinstance(schema.from_json(Options, {"time_limit": 3}, "x").time_limit, float)


def test_every_problem_of_a_file_is_listed_with_key_value_and_what_is_allowed():
    found = problems({"iteratoins": 5, "iterations": 0, "background": "whit", "light": {"resolution": 4, "larn": 1}})
    assert found["iteratoins"] == 'is not an option (did you mean "iterations"?)'
    assert found["iterations"] == "= 0 is not allowed; give whole number, at least 1 (iterations)"
    assert 'did you mean "white"?' in found["background"]
    assert "white, black, checker" in found["background"]
    assert "8 to 1024" in found["light.resolution"]
    assert 'did you mean "light.learn"?' in found["light.larn"]
    assert len(found) == 5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("iterations", True),
        ("iterations", 1000.0),
        ("iterations", "1000"),
        ("iterations", None),
        ("learning_rate", True),
        ("learning_rate", math.nan),
        ("learning_rate", math.inf),
        ("learning_rate", 10**400),
        ("learning_rate", []),
        ("learning_rate", [0.1, 0.1, 0.1]),
        ("learning_rate", [[0.1]]),
        ("learning_rate", [0.1, [0.1, 2.0]]),
        ("train_res", 512),
        ("train_res", [512]),
        ("train_res", [512, 512, 512]),
        ("train_res", [512, 0]),
        ("train_res", "512"),
        ("display_res", [1, "a"]),
        ("background", 3),
        ("envmap", 3),
        ("display", {"bsdf": "kd"}),
        ("display", [{"x": math.nan}]),
        ("display", ["kd"]),
        ("light", 3),
        ("light", None),
    ],
)
def test_wrong_values_are_refused_under_their_key(key, value):
    assert all(name.startswith(key) for name in problems({key: value}))


def test_the_complaint_about_a_list_names_the_entry():
    assert list(problems({"learning_rate": [0.1, 7]})) == ["learning_rate[1]"]
    assert list(problems({"display_res": [1, "a"]})) == ["display_res[1]"]


def test_a_required_option_may_not_be_missing():
    @dataclasses.dataclass(frozen=True)
    class Required:
        name: str = option(dataclasses.MISSING)  # type: ignore[arg-type]
        """Of the thing."""

    with pytest.raises(ConfigError, match="name is missing; give text"):
        schema.from_json(Required, {}, "x")
    assert schema.describe(Required)[0].required


rates = st.floats(0, 1)
rate_entries = st.one_of(rates, st.tuples(rates, rates))


@given(
    st.builds(
        Options,
        iterations=st.integers(1, 10**6),
        learning_rate=st.one_of(rates, st.lists(rate_entries, min_size=1, max_size=2).map(tuple)),
        display_res=st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
        time_limit=st.none() | st.floats(0, 1e300),
        light=st.builds(Light, resolution=st.integers(8, 1024), learn=st.booleans()),
    )
)
def test_through_json_text_and_back_nothing_changes(options):
    text = json.dumps(schema.to_json(options), allow_nan=False)
    assert schema.from_json(Options, json.loads(text), "x") == options


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the suite may share its cores
@given(st.dictionaries(st.sampled_from([field.name for field in schema.describe(Options)]), anything))
def test_any_json_is_either_taken_or_refused_with_a_sentence(mapping):
    try:
        read = schema.from_json(Options, mapping, "x")
    except ConfigError as error:
        problem = error.problems[0]
        assert problem.key and problem.text  # noqa: PT018
    else:
        assert schema.from_json(Options, schema.to_json(read), "x") == read


def test_help_is_the_string_after_the_field():
    fields = {field.name: field for field in schema.describe(Options)}
    assert fields["iterations"].help.startswith("Steps of each pass.\n\nMore is better")
    assert fields["light"].help == "The environment."
    assert fields["learning_rate"].type == "number or [number or [number, number], ...]"
    assert fields["time_limit"].limits.advanced
    assert all(field.help for field in schema.leaves(Options))


def test_help_is_found_inside_a_zip_file(tmp_path, monkeypatch):
    source = 'import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass A:\n    x: int = 1\n    """An x."""\n'
    with zipfile.ZipFile(tmp_path / "lib.zip", "w") as archive:
        archive.writestr("zipped_options.py", source)
    monkeypatch.syspath_prepend(str(tmp_path / "lib.zip"))
    import zipped_options

    assert schema.describe(zipped_options.A)[0].help == "An x."


def parsed(*words: str) -> Options:
    parser = argparse.ArgumentParser()
    schema.add_to_parser(parser, Options)
    return schema.from_arguments(Options(iterations=7), parser.parse_args(words))


def test_flags_set_what_is_given_and_leave_the_rest():
    assert parsed() == Options(iterations=7)
    given = parsed("--train_res", "256,128", "--learning-rate", "[0.1, [0.2, 0.3]]", "--light.learn", "false")
    assert given == Options(7, learning_rate=(0.1, (0.2, 0.3)), train_res=(256, 128), light=Light(learn=False))
    assert parsed("--learning_rate", "0.5").learning_rate == 0.5
    assert parsed("--learning_rate", "0.5,0.25").learning_rate == (0.5, 0.25)
    assert parsed("--envmap", "3").envmap == "3"
    assert parsed("--envmap", "null").envmap is None
    assert parsed("--display", '[{"bsdf": "kd"}]').display == ({"bsdf": "kd"},)


def test_a_wrong_flag_is_refused_like_a_wrong_key():
    with pytest.raises(ConfigError, match=r"command line: iterations = \"many\" is not allowed; give whole number"):
        parsed("--iterations", "many")
    with pytest.raises(ConfigError, match=r"light\.resolution"):
        parsed("--light.resolution", "3")


def test_help_prints_although_a_docstring_has_a_percent_sign(capsys):
    parser = argparse.ArgumentParser()
    schema.add_to_parser(parser, Options)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    assert "at 100% of the price." in " ".join(capsys.readouterr().out.split())


def test_updated_takes_dotted_names_and_refuses_unknown_ones():
    assert schema.updated(Options(), {"light.resolution": 64}, "wedge").light.resolution == 64
    for wrong in ("light.rsolution", "ligt.resolution", "iterations.x"):
        with pytest.raises(ConfigError, match="is not an option"):
            schema.updated(Options(), {wrong: 64}, "wedge")


def test_table_has_a_row_for_every_option():
    table = schema.markdown_table(Options)
    assert "| `light.resolution` | whole number | 128 | 8 to 1024 (texels) | Side of a cube face. |" in table
    assert len(table.splitlines()) == 2 + 10


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ('{"a": 1,\n "b": 2,\n "a": 3}', 3, 'key "a" is there twice (first on line 1)'),
        ('{"a": {"x": 1}, "b": {"x": 1},\n "c": {"x": 1, "x": 2}}', 2, 'key "x" is there twice'),
        ('{"a":\n NaN}', 2, "NaN is not a JSON number"),
        ('{"a": "NaN",\n\n "b": -Infinity}', 3, "-Infinity is not a JSON number"),
        ('{"a": 1 // why\n}', 1, "no comments"),
        ('# top\n{"a": 1}', 1, "no comments"),
        ('{"a": 1,\n /* b */ "b": 2}', 2, "no comments"),
        ('{"a": 1,\n}', 1, "comma after the last entry"),
        ('{"a": [1,\n 2,\n]}', 2, "comma after the last entry"),
        ("{'a': 1}", 1, "single quotes"),
        ('{"a": 1\n "b": 2}', 2, "not valid JSON"),
        ("", 1, "not valid JSON"),
    ],
)
def test_bad_json_is_explained_with_its_line(text, line, problem):
    with pytest.raises(strict_json.JsonError) as caught:
        strict_json.parse(text, "job.json")
    assert "job.json, line %d: " % line in caught.value.reason
    assert problem in caught.value.reason


def test_files_that_cannot_be_read_are_named(tmp_path):
    for name, content in (("latin.json", b'{"a": "\xe9"}'), ("missing.json", None)):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(strict_json.JsonError, match=name):
            strict_json.read(tmp_path / name)
    (tmp_path / "bom.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert strict_json.read(tmp_path / "bom.json") == {"a": 1}
