"""Times in words."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """A time as people say it: `4.2 s`, `31 s`, `2 min 05 s`, `1 h 12 min`."""
    if seconds < 9.95:
        return "%.1f s" % max(0.0, seconds)
    whole = round(seconds)
    if whole < 60:
        return "%d s" % whole
    if whole < 3600:
        return "%d min %02d s" % divmod(whole, 60)
    return "%d h %02d min" % divmod(round(whole / 60), 60)


def estimate(seconds: float) -> str:
    """The same for an estimate, which is no better than a tenth of itself: `a few seconds`, `35 s`, `2 min 10 s`."""
    if seconds < 10:
        return "a few seconds"
    step = 5 if seconds < 60 else 10 if seconds < 600 else 60
    words = duration(step * round(seconds / step))
    return words[: -len(" 00 s")] if words.endswith("min 00 s") else words


def time_left(seconds: float) -> str:
    """An estimate of what is to come: `35 s left`."""
    return "%s left" % estimate(seconds)
