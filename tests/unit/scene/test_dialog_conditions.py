"""Conditions of parameters: what they are made of, and what is refused."""

from __future__ import annotations

import pytest

from topforge_scene import conditions
from topforge_scene.conditions import Comparison
from topforge_scene.errors import SceneError


def test_groups_and_comparisons() -> None:
    parsed = conditions.parse('{ mode == name limit >= 3 } { hasinput(0) == 0 }{name# =~ "a b*"}', "style")
    assert parsed == (
        (Comparison("mode", "==", "name"), Comparison("limit", ">=", "3")),
        (Comparison("hasinput(0)", "==", "0"),),
        (Comparison("name#", "=~", "a b*"),),
    )


@pytest.mark.parametrize("sign", ["==", "!=", "<", ">", "<=", ">=", "=~", "!~"])
def test_every_operator(sign: str) -> None:
    assert conditions.parse("{ a %s -1.5 }" % sign, "") == ((Comparison("a", sign, "-1.5"),),)


@pytest.mark.parametrize("empty", ['""', "''"])
def test_an_empty_text(empty: str) -> None:
    assert conditions.parse("{ a == %s }" % empty, "") == ((Comparison("a", "==", ""),),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{}",
        "{ a }",
        "{ a == }",
        "{ == b }",
        "{ a = b }",
        "{ a == b",
        "a == b",
        "{ a == b } c",
        "{ a == b c }",
        '{ a == "b }',
        "{ { a == b } }",
        "{ a == = b }",
    ],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(SceneError) as caught:
        conditions.parse(text, "style")
    assert caught.value.where == "style"
