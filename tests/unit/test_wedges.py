from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import wedges
from topforge.schema import option


@dataclasses.dataclass(frozen=True)
class Inner:
    size: int = 4
    """A size."""


@dataclasses.dataclass(frozen=True)
class Options:
    rate: float = option(0.1, minimum=0.0)
    """A rate."""
    count: int = 3
    """A count."""
    inner: Inner = Inner()
    """Nested."""


def expand(wedge, combine="product"):
    return list(wedges.expand(Options, wedge, combine, "job.json"))


def test_no_wedge_is_one_plain_item():
    assert expand({}) == [{}]
    assert expand({}, "zip") == [{}]


def test_product_varies_the_last_option_fastest():
    rows = expand({"rate": [1, 2], "inner.size": [3, 4]})
    assert [tuple(row.values()) for row in rows] == [(1, 3), (1, 4), (2, 3), (2, 4)]


def test_zip_pairs_first_with_first():
    assert expand({"rate": [1, 2], "count": [3, 4]}, "zip") == [{"rate": 1, "count": 3}, {"rate": 2, "count": 4}]


def test_ranges_include_both_ends_exactly():
    linear = [row["rate"] for row in expand({"rate": {"from": 0, "to": 0.3, "count": 4}})]
    assert linear == [0.0, 0.1, 0.2, 0.3]
    log = [row["rate"] for row in expand({"rate": {"from": 0.001, "to": 0.1, "count": 3, "scale": "log"}})]
    assert log == [0.001, 0.01, 0.1]
    assert [row["rate"] for row in expand({"rate": {"from": 5, "to": 9, "count": 1}})] == [5.0]


def test_ranges_over_whole_numbers_are_whole():
    assert [row["count"] for row in expand({"count": {"from": 1, "to": 16, "count": 5, "scale": "log"}})] == [
        1,
        2,
        4,
        8,
        16,
    ]
    assert all(type(row["inner.size"]) is int for row in expand({"inner.size": {"from": 1, "to": 2}}))
    with pytest.raises(TopForgeError, match="some values repeat"):
        expand({"count": {"from": 1, "to": 3, "count": 9}})


@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 50), st.sampled_from(["linear", "log"]))
def test_any_range_is_evenly_spaced(start, to, count, scale):
    values = wedges.Range(start, to, count, scale).values()
    assert (values[0], values[-1], len(values)) == (start, to, count)
    mapped = [math.log(value) for value in values] if scale == "log" else values
    tolerance = 1e-9 * (abs(mapped[0]) + abs(mapped[-1]) + 1)
    gaps = [b - a for a, b in zip(mapped, mapped[1:])]
    assert max(gaps) - min(gaps) <= tolerance


@pytest.mark.parametrize(
    ("wedge", "combine", "expected"),
    [
        ({"rat": [1]}, "product", 'did you mean "rate"'),
        ({"inner.sise": [1]}, "product", 'did you mean "inner.size"'),
        ({"rate": []}, "product", "rate has no values"),
        ({"rate": 3}, "product", "must be a list of values"),
        ({"rate": [1], "count": [1, 2]}, "zip", "rate has 1, count has 2"),
        ({"rate": {"from": 0, "to": 1, "scale": "log"}}, "product", "above 0"),
        ({"rate": {"from": 0, "to": 1, "scale": "lgo"}}, "product", 'did you mean "log"'),
        ({"rate": {"to": 1}}, "product", "wedge.rate.from is missing"),
        ({"rate": {"from": "x", "to": 1}}, "product", 'wedge.rate.from = "x"'),
        ({"rate": {"from": 0, "to": 1, "cuont": 3}}, "product", 'did you mean "count"'),
        ({"rate": list(range(2000)), "count": list(range(2000))}, "product", "makes 4000000 items"),
    ],
)
def test_what_cannot_be_meant_is_refused(wedge, combine, expected):
    with pytest.raises(TopForgeError) as caught:
        expand(wedge, combine)
    assert expected in caught.value.reason
    assert "job.json" in caught.value.reason


def test_the_range_class_describes_itself():
    assert schema.describe(wedges.Range)[2].help == "How many values."
