"""The command line's display: what it says, and how rarely."""

from __future__ import annotations

import io
import re

import pytest

from topforge.cooking import cook_table, display
from topforge.cooking.display import Display, Running
from topforge.cooking.outcomes import Outcome
from topforge.items import Item
from topforge.planning.planned_items import Planned
from topforge.states import State, Status

METRICS = {"loss": 0.00681, "psnr": 27.312}


@pytest.fixture
def one(tmp_path):
    return Planned(Item("one", "command", {}, "key"), tmp_path / "one")


def running(planned, share, stage="train", left=None):
    message = "%s, step %d of 100" % (stage, 100 * share)
    return Running(planned, State(Status.RUNNING, message, stage, share, left, METRICS))


def lines_of(rows, monkeypatch, seconds=5.0):
    """What plain lines say of one item, looked at every so many seconds."""
    stream, clock = io.StringIO(), [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: clock[0])
    shown = Display(stream)
    for row in rows:
        clock[0] += seconds
        shown.show([row])
    return stream.getvalue().splitlines()


def test_plain_lines_say_how_far_how_long_still_and_how_good(one, monkeypatch):
    waiting = Running(one, State(Status.WAITING, "waiting for 1 GPU of 1 suitable: GPU 0 is leased"))
    rows = [Running(one, None), waiting, running(one, 0.4, left=77.0)]
    assert lines_of(rows, monkeypatch) == [
        "one: starting",
        "one: waiting for 1 GPU of 1 suitable: GPU 0 is leased",
        "one: 40 %, 1 min 20 s left, train, step 40 of 100, loss 0.00681, PSNR 27.31 dB",
    ]


def test_plain_lines_are_few(one, monkeypatch):
    """One for each twentieth of the way, and one for each stage, however long it takes."""
    rows = [running(one, step / 1000) for step in range(1000)]
    lines = lines_of([*rows, running(one, 0.999, "export")], monkeypatch, seconds=5.0)
    assert 20 <= len(lines) <= 22 + 1000 * 5 / 60
    lines = lines_of([*rows, running(one, 0.999, "export")], monkeypatch, seconds=0.1)
    assert 20 <= len(lines) <= 22
    assert "export" in lines[-1]


def test_a_slow_item_gives_a_sign_of_life_and_a_stuck_one_none(one, monkeypatch):
    slow = [running(one, step / 100_000) for step in range(100)]
    assert 7 <= len(lines_of(slow, monkeypatch)) <= 10
    assert len(lines_of([running(one, 0.5)] * 100, monkeypatch)) == 1


def test_what_looks_wrong_with_a_result_is_told_and_stands_below_the_table(one):
    stream = io.StringIO()
    ended = Outcome(one, "done", 3.4, {"psnr": 11.0}, remarks=("size lowered from 64 to 32", "PSNR is low"))
    shown = Display(stream)
    shown.begin(2)
    shown.ended(ended)
    assert stream.getvalue() == ("[1/2] one: done, 3.4 s, PSNR 11.00 dB. size lowered from 64 to 32; PSNR is low\n")
    assert cook_table.text([ended]).splitlines()[2:] == [
        "",
        "one: Size lowered from 64 to 32.",
        "",
        "one: PSNR is low.",
        "",
        "1 done.",
    ]


def test_plain_lines_about_ends_have_no_control_characters(one):
    stream = io.StringIO()
    shown = Display(stream)
    shown.begin(3)
    shown.ended(Outcome(one, "done", 3.4, {"psnr": 27.0}))
    shown.ended(Outcome(one, "done", 3.4))
    shown.ended(Outcome(one, "failed", 3.4, reason="It broke\nbadly."))
    assert stream.getvalue().splitlines() == [
        "[1/3] one: done, 3.4 s, PSNR 27.00 dB.",
        "[2/3] one: done, 3.4 s.",
        "[3/3] one: failed, 3.4 s. It broke badly.",
    ]


def test_of_many_that_succeed_quickly_few_are_told_and_of_a_single_item_only_a_failure(one):
    stream = io.StringIO()
    shown = Display(stream)
    shown.begin(100)
    for _ in range(100):
        shown.ended(Outcome(one, "done", 3.4))
    assert len(stream.getvalue().splitlines()) < 10
    stream = io.StringIO()
    shown = Display(stream)
    shown.begin(1)
    shown.ended(Outcome(one, "done", 3.4))
    assert stream.getvalue() == ""
    shown.ended(Outcome(one, "failed", 3.4, reason="It broke."))
    assert "It broke." in stream.getvalue()


def test_durations_read_like_speech():
    assert [display.duration(seconds) for seconds in (0.42, 59.6, 125, 3599.9, 4320)] == [
        "0.4 s",
        "1 min 00 s",
        "2 min 05 s",
        "1 h 00 min",
        "1 h 12 min",
    ]


def test_estimates_have_no_false_precision():
    assert [display.time_left(seconds) for seconds in (3.2, 33.0, 58.0, 77.0, 421.0, 1234.0, 4321.0)] == [
        "a few seconds left",
        "35 s left",
        "1 min left",
        "1 min 20 s left",
        "7 min left",
        "21 min left",
        "1 h 12 min left",
    ]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_one_block_is_redrawn_and_removed_at_the_end(one, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    shown = display.make(stream)
    assert isinstance(shown, display.RichDisplay)
    shown.begin(2)
    for share in (0.1, 0.2, 0.3):
        shown.show([running(one, share, left=33.0)])
    shown.ended(Outcome(one, "done", 3.4, {"psnr": 27.0}))
    shown.end()
    text = stream.getvalue()
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)
    assert "30 %" in plain
    assert "35 s left" in plain
    assert "[1/2] one: done, 3.4 s, PSNR 27.00 dB." in plain
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor comes back
    assert max(len(line.rstrip("\r")) for line in plain.split("\n")) <= 100


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_an_item_has_one_row_however_narrow_the_terminal(one, monkeypatch, columns):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = Terminal()
    shown = display.make(stream)
    shown.begin(2)
    shown.show([running(one, 0.3, left=77.0)])
    shown.end()
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue()).split("\n")
    row = next(index for index, line in enumerate(lines) if "30 %" in line)
    assert "0 of 2 ended" in lines[row + 1]
    assert ("\u2501" in lines[row]) == (columns == 120)  # the bar
    assert "PSNR" in lines[row]


def test_without_rich_a_terminal_gets_plain_lines(monkeypatch):
    monkeypatch.setattr(display, "_rich", lambda: None)
    assert type(display.make(Terminal())) is Display
