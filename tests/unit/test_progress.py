"""Progress from reports: shares, times, tables, and what engines are told."""

from __future__ import annotations

import csv
import math
import re

import pytest

from topforge import progress
from topforge.metrics_table import MetricsTable
from topforge.progress import Tracker
from topforge.trainers.base import Report, Step

NAN = float("nan")


def tracker(*weights: float) -> Tracker:
    return Tracker([Step("step-%d" % i, ("true",), weight) for i, weight in enumerate(weights)])


def test_progress_is_weighted_over_the_steps():
    found = tracker(3.0, 1.0)
    found.update(Report(progress=0.5), 1.0)
    assert found.progress == pytest.approx(0.375)
    found.begin(1, 2.0)
    assert found.progress == pytest.approx(0.75)
    found.update(Report(step=1, total=2), 3.0)
    assert found.progress == pytest.approx(0.875)


@pytest.mark.parametrize("value", [NAN, math.inf, -math.inf])
def test_what_is_not_finite_changes_nothing(value):
    found = tracker(1.0)
    found.update(Report(progress=0.4, metrics={"loss": 0.5}), 1.0)
    found.update(Report(progress=value, seconds_left=value, metrics={"loss": value}), 2.0)
    assert found.progress == pytest.approx(0.4)
    assert found.metrics == {"loss": 0.5}
    assert found.seconds_left(2.0) is None


def test_progress_stays_between_0_and_1_and_never_goes_back_in_a_step():
    found = tracker(1.0)
    for value, expected in ((-3.0, 0.0), (0.6, 0.6), (0.2, 0.6), (250.0, 1.0)):
        found.update(Report(progress=value), 1.0)
        assert found.progress == pytest.approx(expected)


def test_a_total_of_zero_is_no_division():
    found = tracker(1.0)
    found.update(Report(step=3, total=0), 1.0)
    assert found.progress == 0.0
    assert tracker(0.0, 0.0).progress == 0.0


def test_time_left_follows_the_rate():
    found = tracker(1.0)
    for second in range(1, 51):
        found.update(Report(progress=second / 100), float(second))
    assert found.seconds_left(50.0) == pytest.approx(50.0, rel=0.01)


def test_a_resumed_run_is_not_taken_for_a_fast_one():
    found = tracker(1.0)
    found.update(Report(progress=0.9), 5.0)
    assert found.seconds_left(5.0) is None
    found.update(Report(progress=0.91), 15.0)
    assert found.seconds_left(15.0) == pytest.approx(90.0)


def test_the_childs_own_word_wins_and_later_steps_are_added():
    found = tracker(2.0, 1.0)
    found.begin(0, 100.0)
    found.update(Report(progress=0.5, seconds_left=30.0), 130.0)
    assert found.seconds_left(130.0) == pytest.approx(30.0 + 60.0 / 2)


def test_message_names_stage_and_position():
    found = tracker(1.0)
    assert found.message == "step-0"
    found.update(Report(step=400, total=1000, stage="train"), 1.0)
    assert found.message == "train, step 400 of 1000"
    found.update(Report(message="saving"), 2.0)
    assert found.message == "train, saving"


def test_dialects_are_those_engines_read():
    lines = progress.dialects(0.4375, "train,\n step 7")
    assert lines == ["PROGRESS: 437/1000", "openjd_progress: 43.8", "openjd_status: train, step 7"]
    assert all(re.match(r"^(PROGRESS: \d+/\d+|openjd_\w+: .+)$", line) for line in lines)


def rows(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_table_grows_its_header_and_keeps_its_rows(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsTable(path, 1)
    table.add(Report(step=1, total=3, metrics={"loss": 0.5}), "train", 1.0)
    table.flush()
    table.add(Report(step=2, total=3, metrics={"psnr": 20.0, "loss": NAN}), "train", 2.0)
    table.add(Report(message="no step"), "train", 2.5)
    table.flush()
    assert path.read_text().splitlines()[0] == "step,total,stage,loss,psnr,attempt,seconds"
    first, second = rows(path)
    assert (first["loss"], first["psnr"], first["seconds"]) == ("0.5", "", "1.000")
    assert (second["loss"], second["psnr"], second["step"]) == ("nan", "20.0", "2")


def test_table_continues_after_a_kill_in_the_middle_of_a_row(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsTable(path, 1)
    table.add(Report(step=1, metrics={"loss": 0.5}), "train", 4.0)
    table.flush()
    with path.open("a") as stream:
        stream.write("2,,tra")
    table = MetricsTable(path, 2)
    table.add(Report(step=2, metrics={"loss": 0.25}), "train", 1.0)
    table.flush()
    assert [(row["step"], row["attempt"], row["seconds"]) for row in rows(path)] == [
        ("1", "1", "4.000"),
        ("2", "2", "5.000"),
    ]


def test_a_metric_named_like_a_column_does_not_break_the_table(tmp_path):
    path = tmp_path / "metrics.csv"
    table = MetricsTable(path, 1)
    table.add(Report(step=7, metrics={"step": 99.0, "a,b": 1.0}), "train", 1.0)
    table.flush()
    table = MetricsTable(path, 2)
    table.add(Report(step=8, metrics={"a,b": 2.0}), "train", 1.0)
    table.flush()
    assert rows(path)[1]["a,b"] == "2.0"
    assert rows(path)[0]["step"] == "7"
    assert rows(path)[0]["a,b"] == "1.0"
