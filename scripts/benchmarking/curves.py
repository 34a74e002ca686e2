"""Curves of PSNR against seconds, as a picture in SVG."""

import math
from typing import List, Sequence, Tuple

Curve = List[Tuple[float, float]]
"""Seconds since the start of the process, PSNR in dB."""

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 400, 56, 44, 34, 16
COLOURS = ("#c33", "#07a", "#e80", "#393")
SECONDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def seconds_until(curve: Curve, level: float) -> float:
    """When a curve first reaches a PSNR, between two points by interpolation; infinity if never."""
    for (before, low), (after, high) in zip(curve, curve[1:]):
        if high >= level:
            return after if high <= low or low >= level else before + (after - before) * (level - low) / (high - low)
    return math.inf


def picture(title: str, named: Sequence[Tuple[str, Curve, Curve]]) -> str:
    """An SVG file's text, seconds on a logarithmic axis.

    Args:
        title: What is shown.
        named: For each line its name, its points (at least one), and further points that are drawn as discs.
    """
    points = [point for _, *curves in named for curve in curves for point in curve]
    first, last = max(1.0, min(p[0] for p in points) * 0.9), max(p[0] for p in points) * 1.1
    least, most = min(p[1] for p in points), max(p[1] for p in points)
    step = 2 if most - least <= 20 else 5
    low, high = step * math.floor(least / step), step * math.ceil(most / step)

    def x(seconds: float) -> float:
        share = math.log(max(seconds, first) / first) / math.log(last / first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(decibel: float) -> float:
        return HEIGHT - BOTTOM - (decibel - low) / (high - low) * (HEIGHT - BOTTOM - TOP)

    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">'
        % (WIDTH, HEIGHT),
        '<rect width="100%" height="100%" fill="#fff"/>',
        '<text x="%d" y="20" font-size="14">%s</text>' % (LEFT, title),
        '<text x="%d" y="%d" text-anchor="end">seconds since the process began</text>' % (WIDTH - RIGHT, HEIGHT - 8),
        '<text x="12" y="%d">dB</text>' % (TOP - 8),
    ]
    for tick in [tick for tick in SECONDS if first <= tick <= last]:
        parts.append('<path d="M%.1f %d V%d" stroke="#ddd"/>' % (x(tick), TOP, HEIGHT - BOTTOM))
        parts.append('<text x="%.1f" y="%d" text-anchor="middle">%d</text>' % (x(tick), HEIGHT - BOTTOM + 16, tick))
    for tick in range(low, high + 1, step):
        parts.append('<path d="M%d %.1f H%d" stroke="#ddd"/>' % (LEFT, y(tick), WIDTH - RIGHT))
        parts.append('<text x="%d" y="%.1f" text-anchor="end">%d</text>' % (LEFT - 8, y(tick) + 4, tick))
    for number, (name, curve, discs) in enumerate(named):
        colour, path = COLOURS[number % len(COLOURS)], " ".join("%.1f,%.1f" % (x(s), y(d)) for s, d in curve)
        parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (path, colour))
        parts += ['<circle cx="%.1f" cy="%.1f" r="5" fill="%s"/>' % (x(s), y(d), colour) for s, d in discs]
        label = '<text x="%d" y="%d" text-anchor="end" fill="%s">%s</text>'  # where curves that rise leave room
        parts.append(label % (WIDTH - RIGHT - 12, HEIGHT - BOTTOM - 12 - 16 * number, colour, name))
    return "\n".join([*parts, "</svg>", ""])
