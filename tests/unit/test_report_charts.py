"""Charts, scales and series of the reports against naive computations."""

from __future__ import annotations

import math
import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topforge.report import curves, series, wording
from topforge.report.charts import Axes, Line, chart
from topforge.report.markup import Html, element, text
from topforge.report.scales import fitted, wants_logarithm
from topforge.report.series import Table, read_table

AXES = Axes("iteration", "PSNR, dB", "dB")
FINITE = st.floats(-1e9, 1e9, allow_nan=False)


@given(st.lists(FINITE, min_size=1, max_size=30))
def test_every_value_lies_on_its_axis_and_ticks_are_few_and_round(values):
    scale = fitted(values, 0.0, 100.0)
    places = [scale.place(value) for value in values]
    assert all(-1e-6 <= place <= 100 + 1e-6 for place in places)
    ticks = scale.ticks(5)
    assert len(ticks) <= 9
    slack = 1e-6 * max(abs(scale.low), abs(scale.high))
    assert all(scale.low - slack <= tick <= scale.high + slack for tick in ticks)


@given(st.lists(st.floats(1e-8, 1e8), min_size=1, max_size=30))
def test_a_logarithmic_axis_holds_its_values_and_has_ticks(values):
    scale = fitted(values, 100.0, 0.0, logarithmic=True)
    assert all(-1e-6 <= scale.place(value) <= 100 + 1e-6 for value in values)
    if max(values) / min(values) > 20:
        assert 1 <= len(scale.ticks(5)) <= 8


def test_a_logarithm_is_for_positive_values_that_span_much():
    assert wants_logarithm([0.01, 1.0])
    assert not wants_logarithm([20.0, 30.0])
    assert not wants_logarithm([0.0, 1.0])
    assert not wants_logarithm([])


def test_a_gap_parts_the_curve_and_is_marked():
    points = [(0.0, 1.0), (1.0, 2.0), (2.0, math.nan), (3.0, 2.0), (4.0, math.inf), (5.0, 1.0), (6.0, 1.5)]
    drawn = chart("d", [Line("Loss", points)], AXES)
    assert drawn.count("<polyline") == 2
    assert drawn.count('class="missing"') == 2
    assert "Loss: nan at 2" in drawn
    assert "nan" not in re.sub("<title>.*?</title>", "", drawn)


@pytest.mark.parametrize("points", [[(0.0, 0.0)], [(5.0, 3.0)], [(5.0, 3.0), (9.0, 3.0)], [(1e9, 1e-9)]])
def test_few_and_equal_values_can_be_drawn(points):
    drawn = chart("d", [Line("Loss", points)], AXES)
    assert "<circle" in drawn
    assert "nan" not in drawn


def test_nothing_to_draw_is_no_chart():
    assert chart("d", [Line("Loss", [])], AXES) is None
    assert chart("d", [Line("Loss", [(0.0, math.nan)])], AXES) is None


@given(st.lists(FINITE, min_size=3, max_size=3000))
def test_thinning_keeps_ends_and_extremes(values):
    points = [(float(index), value) for index, value in enumerate(values)]
    thin = series.thinned(points, 100)
    assert len(thin) <= 104
    assert thin[0] == points[0]
    assert thin[-1] == points[-1]
    assert max(b for _, b in thin) == max(values)
    assert min(b for _, b in thin) == min(values)
    assert set(thin) <= set(points)
    assert thin == sorted(thin)


def test_a_hundred_thousand_rows_make_a_small_chart_quickly(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = ["%d,100000,train,%r,1,%d" % (i, math.exp(-i / 2e4) + (i * 7919 % 100) / 1e4, i) for i in range(100_000)]
    path.write_text("step,total,stage,loss,attempt,seconds\n" + "\n".join(rows) + "\n")
    began = time.perf_counter()
    points = read_table(path, []).points("loss")
    drawn = chart("d", [Line("Loss", points, faint=True), Line("Loss", curves.running_mean(points))], AXES)
    assert time.perf_counter() - began < 5
    assert len(points) == 100_000
    assert len(drawn) < 60_000


def test_the_running_mean_is_the_mean_of_a_window_that_shrinks_at_the_ends():
    points = [(float(i), float(i * i % 17)) for i in range(400)]
    found = curves.running_mean(points)
    for index, (position, mean) in enumerate(found):
        near = min(5, index, 399 - index)
        window = [value for _, value in points[index - near : index + near + 1]]
        assert position == index
        assert mean == pytest.approx(sum(window) / len(window))


def test_the_running_mean_does_not_cross_a_gap():
    points = [(0.0, 1.0), (1.0, 1.0), (2.0, math.nan), (3.0, 9.0), (4.0, 9.0)]
    assert [mean for _, mean in curves.running_mean(points) if math.isfinite(mean)] == [1.0, 1.0, 9.0, 9.0]


def test_a_resumed_run_counts_what_it_did_again_only_once():
    steps, losses = [0.0, 10.0, 20.0, 30.0, 20.0, 30.0, 40.0], [9.0, 8.0, 7.0, 6.0, 7.5, 6.5, 5.0]
    table = Table({"step": steps, "loss": losses}, ())
    assert table.points("loss") == [(0.0, 9.0), (10.0, 8.0), (20.0, 7.5), (30.0, 6.5), (40.0, 5.0)]


def test_speed_does_not_count_the_pause_between_attempts():
    steps, seconds, attempts = [0.0, 10.0, 20.0, 20.0, 30.0], [0.0, 1.0, 2.0, 50.0, 51.0], [1.0, 1.0, 1.0, 2.0, 2.0]
    table = Table({"step": steps, "seconds": seconds, "attempt": attempts}, ())
    assert curves.speed(table) == [(10.0, 10.0), (20.0, 10.0), (30.0, 10.0)]


@given(st.text(), st.text())
def test_text_and_attributes_never_leave_their_place(words, value):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, attributes))

        def handle_data(self, data):
            found.append(data)

    reader = Reader()
    reader.feed(element("p", words, title=value))
    reader.close()
    assert [entry[0] for entry in found if isinstance(entry, tuple)] == ["p"]
    assert len(found[0][1]) == 1
    assert all(a in ("\ufffd", b) for a, b in zip("".join(found[1:]), words))
    assert len("".join(found[1:])) == len(words)


def test_markup_is_kept_and_text_is_escaped():
    assert text(["<", Html("<b>"), None, [">"]]) == "&lt;<b>&gt;"
    assert element("br", class_="x") == '<br class="x">'
    assert element("a", href=None, hidden=True, data_x=1.23456) == '<a hidden data-x="1.23"></a>'


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (0.00681234, "0.006812"),
        (12034.4, "12 034"),
        (2000.0, "2 000"),
        (31.3036, "31.3"),
        (math.nan, "nan"),
    ],
)
def test_numbers(value, shown):
    assert wording.number(value).replace("\u2009", " ") == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (999_600, "1.0 MB"), (2_097_202, "2.1 MB"), (3e10, "30 GB")],
)
def test_sizes(count, shown):
    assert wording.size(count).replace("\u2009", " ") == shown
