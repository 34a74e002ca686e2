"""Progress from reports: shares, times, tables, and what engines are told."""

from __future__ import annotations

import csv
import math
import re

import pytest

from topforge.running import progress
from topforge.running.metrics_table import MetricsTable
from topforge.running.progress import Tracker
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


def followed(found: Tracker, reports) -> list:
    """What `seconds_left` says after each (second, share)."""
    told = []
    for second, share in reports:
        found.update(Report(progress=share), second)
        told.append(found.seconds_left(second))
    return told


def test_time_left_follows_the_rate():
    told = followed(tracker(1.0), [(float(second), second / 100) for second in range(1, 51)])
    assert told[-1] == pytest.approx(50.0, rel=0.01)


def test_there_is_no_time_left_before_the_rate_is_known():
    """A slow first iteration, then ten a second: nothing is said about hours."""
    reports = [(0.0, 0.0), (30.0, 0.001), *((30.0 + index / 10, 0.001 * index) for index in range(2, 400))]
    told = followed(tracker(1.0), reports)
    assert told[:50] == [None] * 50
    spoken = [left for left in told if left is not None]
    assert max(spoken) < 700
    assert told[-1] == pytest.approx(60.1, rel=0.05)


def test_time_left_is_calm_when_single_iterations_are_not():
    """Every tenth iteration takes twenty times as long (a preview, a checkpoint)."""
    clock, reports = 0.0, []
    for step in range(1, 1000):
        clock += 2.0 if step % 10 == 0 else 0.1
        reports.append((clock, step / 1000))
    ends = [second + left for (second, _), left in zip(reports, followed(tracker(1.0), reports)) if left is not None]
    assert max(ends) < 1.15 * clock
    assert min(ends[20:]) > 0.85 * clock


def test_time_left_follows_a_change_of_pace_within_a_third_of_the_time():
    reports = [(float(second), second / 200) for second in range(100)]
    reports += [(100.0 + 4 * second, 0.5 + second / 200) for second in range(20)]
    told = followed(tracker(1.0), reports)
    assert told[-1] == pytest.approx(4 * (100 - 19), rel=0.02)


def test_time_left_grows_while_nothing_comes():
    found = tracker(1.0)
    followed(found, [(float(second), second / 100) for second in range(50)])
    assert found.seconds_left(109.0) > 2 * found.seconds_left(49.0)


def test_a_resumed_run_is_not_taken_for_a_fast_one():
    found = tracker(1.0)
    assert followed(found, [(5.0, 0.9)]) == [None]
    told = followed(found, [(5.0 + 10 * step, 0.9 + 0.01 * step) for step in range(1, 7)])
    assert told[0] is None
    assert told[-1] == pytest.approx(40.0)


def test_the_childs_own_word_counts_when_it_tells_no_progress():
    found = tracker(2.0, 1.0)
    found.begin(0, 100.0)
    found.update(Report(seconds_left=30.0), 130.0)
    assert found.seconds_left(130.0) == pytest.approx(30.0 + 60.0 / 2)
    found.update(Report(progress=0.5, seconds_left=30.0), 130.0)
    assert found.seconds_left(130.0) is None


def test_message_names_stage_and_position():
    found = tracker(1.0)
    assert found.message == "step-0"
    found.update(Report(step=400, total=1000, stage="train"), 1.0)
    assert found.message == "train, step 400 of 1000"
    found.update(Report(message="saving"), 2.0)
    assert found.message == "train, saving"
    found.update(Report(step=400, stage="train", metrics={"psnr": 30.0}), 3.0)
    assert found.message == "train, saving"
    found.update(Report(stage="export"), 4.0)
    assert found.message == "export"


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
