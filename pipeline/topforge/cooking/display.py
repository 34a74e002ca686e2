"""The command line's one calm display of a cook: what is at work, how far, how long still, how good.

On a terminal with `rich` it is a small block that is redrawn; everywhere else plain lines, few and without control
characters. All it shows comes from the items' state.json. This is the only module that imports rich.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Dict, List, Optional, Sequence, TextIO

from topforge.cooking.outcomes import WAS_DONE, Outcome
from topforge.durations import duration, time_left
from topforge.planning.planned_items import Planned
from topforge.states import State, Status

MOST_ROWS = 12
"""Items at work that the redrawn block shows; the others are counted."""
_PLAIN_SECONDS, _PLAIN_SHARE, _PLAIN_SILENCE_SECONDS = 5.0, 0.05, 60.0
"""Plain lines about one item: at least so far apart in time, and in progress unless its stage changes or it is slow."""
_ENDED_SECONDS = 0.5
_RICH_SECONDS = 0.5
_WIDE = 100
"""Columns of a terminal from which on the block has a bar; in a narrower one only the numbers."""
_REASON_LENGTH = 160
"""Of a failure's reason, or of a result's remarks, in the line that tells it; the table at the end has all of it."""


@dataclasses.dataclass(frozen=True)
class Running:
    """An item at work and its newest state (None before its runner has written one)."""

    planned: Planned
    state: Optional[State]


def measures(metrics: Dict[str, float]) -> List[str]:
    """Loss and PSNR in words, as far as they are known."""
    words = ["loss %.4g" % metrics["loss"]] if "loss" in metrics else []
    return words + (["PSNR %.2f dB" % metrics["psnr"]] if "psnr" in metrics else [])


class Display:
    """Plain lines. Also the base of the other form, which replaces `show` and how a line is written."""

    period = _PLAIN_SECONDS
    """Seconds between two calls of `show`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream: Optional[TextIO] = stream
        self._total = self._ended = self._failed = 0
        self._began = self._shown = time.monotonic()
        self._told = 0.0
        self._last: Dict[str, _Line] = {}

    def begin(self, total: int) -> None:
        """A cook of so many items starts."""
        self._total = total

    def due(self) -> float:
        """Seconds until the next `show`; not positive when it is time."""
        return self._shown + self.period - time.monotonic()

    def show(self, running: Sequence[Running]) -> None:
        """What is at work now, as far as it is news."""
        self._shown = time.monotonic()
        for row in running:
            line, last = _line(row, self._shown), self._last.get(row.planned.item.name)
            if last is None or line.is_news_after(last):
                self._last[row.planned.item.name] = line
                self._write(line.text)

    def ended(self, outcome: Outcome) -> None:
        """An item has ended. Each failure is told; of many that succeed quickly, now and then one; not the only one."""
        self._ended += 1
        self._last.pop(outcome.planned.item.name, None)
        now, last = time.monotonic(), self._ended == self._total
        if not outcome.succeeded:
            self._failed += outcome.status == Status.FAILED.value
        elif self._total == 1 or (self._total > MOST_ROWS and now - self._told < _ENDED_SECONDS and not last):
            return
        self._told = now
        self._write("[%*d/%d] %s" % (len(str(self._total)), self._ended, self._total, _ending(outcome)))

    def say(self, text: str) -> None:
        """A sentence between the lines."""
        self._write(text)

    def end(self) -> None:
        """The cook is over."""

    def conclude(self, text: str) -> None:
        """Prints what is to stay, after the end; as it is, colours included."""
        Display._write(self, text)

    def _write(self, line: str) -> None:
        """A reader that went away (closed terminal, broken pipe) is no reason to stop cooking."""
        if self._stream is None:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


@dataclasses.dataclass(frozen=True)
class _Line:
    """A plain line about an item at work."""

    text: str
    topic: str
    """What it does: a stage, or what it waits for."""
    progress: float
    time: float

    def is_news_after(self, last: _Line) -> bool:
        moved, silent = self.progress - last.progress, self.time - last.time
        return self.topic != last.topic or moved >= _PLAIN_SHARE or (moved > 0 and silent >= _PLAIN_SILENCE_SECONDS)


def _line(row: Running, now: float) -> _Line:
    name, state = row.planned.item.name, row.state
    if state is None:
        return _Line("%s: starting" % name, "starting", 0.0, now)
    topic = state.message or state.status.value
    if state.status is not Status.RUNNING:
        return _Line("%s: %s" % (name, topic), topic, 0.0, now)
    words = ["%.0f %%" % (100 * state.progress)] if state.progress is not None else []
    words += [time_left(state.seconds_left)] if state.seconds_left is not None else []
    words += [topic, *measures(state.metrics or {})]
    return _Line("%s: %s" % (name, ", ".join(words)), state.stage or topic, state.progress or 0.0, now)


def _ending(outcome: Outcome) -> str:
    words = [outcome.status]
    words += [duration(outcome.seconds)] if outcome.seconds is not None and outcome.status != WAS_DONE else []
    words += measures(dict(outcome.metrics))
    reason = " ".join((outcome.reason or "; ".join(outcome.remarks)).split())
    reason = reason if len(reason) <= _REASON_LENGTH else reason[:_REASON_LENGTH] + "..."
    return ("%s: %s. %s" % (outcome.planned.item.name, ", ".join(words), reason)).rstrip()


class RichDisplay(Display):
    """A block at the bottom of the terminal, redrawn in place; lines scroll above it.

    It draws when told to and has no thread of its own: the cook forks.
    """

    period = _RICH_SECONDS

    def __init__(self, stream: TextIO, rich: Any) -> None:
        super().__init__(stream)
        self._rich = rich
        self._console = rich.console.Console(file=stream, highlight=False)
        self._live = rich.live.Live(console=self._console, auto_refresh=False, transient=True)

    def begin(self, total: int) -> None:
        """Starts drawing."""
        super().begin(total)
        self._live.start()

    def show(self, running: Sequence[Running]) -> None:
        """Redraws the block."""
        self._shown = time.monotonic()
        try:
            self._live.update(self._block(running), refresh=True)
        except OSError:  # the terminal went away; the cook goes on
            self._stream = None

    def end(self) -> None:
        """Removes the block and gives the cursor back."""
        try:
            self._live.stop()
        except OSError:
            self._stream = None

    def _write(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            self._console.print(line, markup=False, soft_wrap=True)
        except OSError:
            self._stream = None

    def _block(self, running: Sequence[Running]) -> Any:
        table = self._rich.table.Table.grid(padding=(0, 2))
        for row in running[:MOST_ROWS]:
            table.add_row(*self._cells(row))
        return self._rich.console.Group(table, self._rich.text.Text(self._standing(running), style="dim"))

    def _standing(self, running: Sequence[Running]) -> str:
        """The last line: how the whole cook stands; of a single item, what it does."""
        if self._total == 1:
            parts = [row.state.message for row in running if row.state and row.state.status is Status.RUNNING]
        else:
            parts = ["%d of %d ended" % (self._ended, self._total)]
            parts += ["%d failed" % self._failed] if self._failed else []
            hidden = len(running) - MOST_ROWS
            parts += ["%d more at work" % hidden] if hidden > 0 else []
        seconds = int(time.monotonic() - self._began)
        return " · ".join([*parts, "%d s" % seconds if seconds < 60 else duration(seconds)])

    def _cells(self, row: Running) -> List[Any]:
        text = self._rich.text.Text
        name = text(row.planned.item.name, style="bold", no_wrap=True, overflow="ellipsis")
        state = row.state
        if state is None or state.status is not Status.RUNNING:
            message = "starting" if state is None else state.message or state.status.value
            return [name, text(message, style="dim", overflow="ellipsis")]
        share = state.progress or 0.0
        left = "" if state.seconds_left is None else time_left(state.seconds_left)
        bar = self._rich.progress_bar.ProgressBar(total=1.0, completed=share, width=20)
        words = ["%3.0f %%" % (100 * share), left, *measures(state.metrics or {})]
        place = [state.stage or "", *([bar] if self._console.width >= _WIDE else [])]
        return [name, *place, *(text(each, no_wrap=True, overflow="ellipsis") for each in words)]


def make(stream: TextIO) -> Display:
    """The redrawn block where `stream` is a terminal and rich is installed, else plain lines."""
    rich = _rich() if stream.isatty() else None
    return Display(stream) if rich is None else RichDisplay(stream, rich)


def _rich() -> Any:
    """The package rich with the modules used here, None where it is not installed. Imported late: it takes a while."""
    try:
        import rich.console
        import rich.live
        import rich.progress_bar
        import rich.table
        import rich.text
    except ImportError:
        return None
    return rich
