"""The ewer's paint: base colour, roughness and metalness as functions of the place on the surface.

Colours are sRGB-encoded in [0, 1], as they are stored. The body is painted in (turn, z): turn in [0, 1) once around the
axis from the spout (+x) towards +y. Handle and spout are painted in (place along, turn around) of their tubes.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from sample import shape

IVORY, COBALT, TEAL, LEAF = (0.93, 0.88, 0.76), (0.10, 0.17, 0.50), (0.05, 0.47, 0.50), (0.24, 0.50, 0.20)
CORAL, OCHRE, PLUM, SKY = (0.84, 0.26, 0.17), (0.92, 0.63, 0.13), (0.47, 0.13, 0.36), (0.40, 0.68, 0.84)
CLAY, UMBER, GOLD = (0.70, 0.40, 0.27), (0.28, 0.14, 0.09), (0.91, 0.71, 0.37)
GLAZE, SATIN, MATTE, GILT = 0.22, 0.45, 0.72, 0.33  # roughness (GGX alpha is its square)
TILT = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])  # a rotation: keeps noise off the axes
EDGE = 0.006  # width over which a brush edge fades, world units


@dataclasses.dataclass
class Coat:
    """Layers of paint on N places, laid one over the other.

    Attributes:
        colour: [N, 3] sRGB-encoded.
        roughness: [N] perceptual roughness.
        metallic: [N].
    """

    colour: np.ndarray
    roughness: np.ndarray
    metallic: np.ndarray

    @classmethod
    def bare(cls, count: int) -> Coat:
        """Bare clay."""
        return cls(np.tile(CLAY, (count, 1)), np.full(count, MATTE), np.zeros(count))

    def lay(self, mask: np.ndarray, colour: object, roughness: float | None = None, metallic: float = 0.0) -> None:
        """Lays one layer: `mask` [N] in [0, 1], a colour [3] or [N, 3]; without a roughness the one below stays."""
        self.colour += mask[:, None] * (np.asarray(colour) - self.colour)
        self.metallic += mask * (metallic - self.metallic)
        if roughness is not None:
            self.roughness += mask * (roughness - self.roughness)

    def gild(self, mask: np.ndarray) -> None:
        """Lays gold leaf."""
        self.lay(mask, GOLD, GILT, 1.0)


def below(value: np.ndarray, edge: object = 0.0, fade: float = EDGE) -> np.ndarray:
    """1 where value < edge, 0 where it is above, with a soft step between."""
    t = np.clip((np.asarray(edge) - value) / fade + 0.5, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def between(value: np.ndarray, low: object, high: object, fade: float = EDGE) -> np.ndarray:
    """1 where low < value < high."""
    return below(value, high, fade) * (1 - below(value, low, fade))


def noise(points: np.ndarray, frequency: float, seed: int) -> np.ndarray:
    """Value noise [N] in [-1, 1]: smooth interpolation of hashed lattice values."""
    scaled = points * frequency + 1000.0
    cell = np.floor(scaled).astype(np.int64)
    t = scaled - cell
    t = t * t * (3 - 2 * t)
    total = np.zeros(len(points))
    for corner in np.ndindex(2, 2, 2):
        x, y, z = (cell + np.array(corner)).T
        h = (x * 73856093 ^ y * 19349663 ^ z * 83492791 ^ seed * 2654435761) & 0xFFFFFFFF
        h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
        h = ((h ^ (h >> 12)) * 0x297A2D39) & 0xFFFFFFFF
        weight = np.prod(np.where(corner, t, 1 - t), axis=1)
        total += weight * ((h ^ (h >> 15)) / 2147483648.0 - 1.0)
    return total


def wrap(value: np.ndarray) -> np.ndarray:
    """Value modulo 1 in [-0.5, 0.5)."""
    return value - np.floor(value + 0.5)


def leaf(x: np.ndarray, y: np.ndarray, angle: float, length: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """A pointed leaf from the origin: a distance-like value (negative inside), and the distance to its midrib."""
    along = (x * np.cos(angle) + y * np.sin(angle)) / length
    across = np.abs(-x * np.sin(angle) + y * np.cos(angle))
    profile = np.sin(np.pi * np.clip(along, 0, 1)) ** 0.8 * (1.1 - 0.35 * np.clip(along, 0, 1))
    outside = np.maximum(np.maximum(-along, along - 1), 0) * length
    return across - width * profile + outside, across + np.maximum(-along, along - 0.8).clip(0) * length


def flower(coat: Coat, x: np.ndarray, y: np.ndarray, radius: float, colour: np.ndarray) -> None:
    """A flower of six petals with a dark outline and a dotted heart, centred at x = y = 0 (world units)."""
    angle, distance = np.arctan2(y, x), np.hypot(x, y)
    rim = radius * (0.78 + 0.22 * np.cos(6 * angle))
    coat.lay(below(distance, rim + 0.010), UMBER, GLAZE)
    coat.lay(below(distance, rim), colour, GLAZE)
    streak = below(np.abs(np.sin(6 * angle)) * distance, 0.010) * between(distance, 0.35 * radius, 0.75 * radius)
    coat.lay(0.55 * streak, IVORY)
    coat.lay(below(distance, 0.34 * radius), OCHRE, SATIN)
    coat.lay(below(np.hypot(distance - 0.2 * radius, 0.2 * radius * np.sin(3.5 * angle)), 0.006), UMBER)


def paint_foot(coat: Coat, points: np.ndarray, turn: np.ndarray, z: np.ndarray) -> None:
    """Speckled bare clay, and the wavy edge where the glaze above it stops."""
    for seed, colour, cut in ((3, UMBER, 0.62), (4, IVORY, 0.70)):
        grain = noise(points @ TILT, 34, seed) + 0.5 * noise(points @ TILT.T, 71, seed)
        coat.lay(0.5 * below(-grain, -cut, 0.25), colour)
    angle = 2 * np.pi * turn
    edge = -0.645 + 0.016 * np.sin(7 * angle) + 0.009 * np.sin(16 * angle + 1) + 0.006 * np.sin(29 * angle + 2)
    coat.lay(1 - below(z, edge), COBALT, GLAZE)
    coat.lay(0.8 * between(z, edge - 0.004, edge + 0.012, 0.012), SKY)


def paint_petals(coat: Coat, turn: np.ndarray, z: np.ndarray, radius: np.ndarray) -> None:
    """A calyx of lotus petals in two rows on the lower belly."""
    for row, (count, tip, colour) in enumerate([(18, -0.385, SKY), (18, -0.415, TEAL)]):
        x = wrap(turn * count + 0.5 * row) * 2 * np.pi * radius / count
        height = np.clip((z + 0.61) / (tip + 0.61), 0, 1)
        half = 0.46 * 2 * np.pi * radius / count * np.sqrt(np.clip(1 - height**2.4, 0, 1))
        inside = between(z, -0.61, tip)
        coat.lay(inside * below(np.abs(x), half), IVORY, GLAZE)
        coat.lay(inside * below(np.abs(x), half - 0.011) * below(z, tip - 0.012), colour, GLAZE)
        coat.lay(inside * below(np.abs(x), 0.45 * half - 0.006) * below(z, tip - 0.05), COBALT if row else TEAL)
        coat.lay(below(np.hypot(x, z - tip + 0.075), 0.010), OCHRE)


def paint_garden(coat: Coat, turn: np.ndarray, z: np.ndarray, radius: np.ndarray) -> None:
    """The main band: a vine around the belly with leaves, flowers and berries on ivory."""
    coat.lay(between(z, -0.35, 0.125), IVORY, GLAZE)
    count, middle = 7, -0.112
    pitch = 2 * np.pi * radius / count
    phase = 2 * np.pi * turn * count
    vine = middle + 0.085 * np.sin(phase)
    slope = 0.085 * np.cos(phase) * 2 * np.pi / pitch
    coat.lay(below(np.abs(z - vine) / np.hypot(1, slope), 0.0085 + 0.002 * np.sin(5 * phase)), LEAF, GLAZE)
    leaves = [
        (0.02, 0.02, 1.75, 0.150, 0.034), (0.10, 0.06, 1.10, 0.110, 0.027), (0.40, 0.05, 0.75, 0.135, 0.031),
        (0.47, 0.015, 1.75, 0.115, 0.026), (0.52, -0.02, -1.65, 0.150, 0.034), (0.60, -0.06, -1.10, 0.110, 0.027),
        (0.90, -0.05, -0.75, 0.135, 0.031), (0.97, -0.015, -1.75, 0.115, 0.026),
    ]  # fmt: skip
    for place, (start, rise, angle, length, width) in enumerate(leaves):
        x, y = wrap(turn * count - start) * pitch, z - middle - rise
        blade, rib = leaf(x, y, angle, length, width)
        coat.lay(below(blade), (LEAF, TEAL, LEAF, COBALT)[place % 4], GLAZE)
        coat.lay(0.8 * below(rib, 0.0035), (0.72, 0.82, 0.42))
    paint_flowers(coat, turn, z - middle, pitch, count)


def paint_flowers(coat: Coat, turn: np.ndarray, y: np.ndarray, pitch: np.ndarray, count: int) -> None:
    """Flowers in the bays of the vine, their colours in turn, and sprays of berries beside them."""
    colours = np.array([CORAL, OCHRE, PLUM, COBALT, CORAL, SKY, PLUM])
    for start, height, shift in [(0.25, -0.075, 0), (0.75, 0.075, 3)]:
        bay = np.floor(turn * count - start + 0.5).astype(int)
        x = wrap(turn * count - start) * pitch
        flower(coat, x, y - height, 0.080, colours[(bay + shift) % len(colours)])
        for k in range(7):
            angle = np.sign(height) * (0.35 + 0.4 * k)
            distance = np.hypot(x - 0.128 * np.cos(angle), y - height * 1.05 - 0.112 * np.sin(angle))
            coat.lay(below(distance, 0.0125 if k % 2 else 0.009), CORAL if k % 2 else COBALT, GLAZE)


def paint_shoulder(coat: Coat, turn: np.ndarray, z: np.ndarray, radius: np.ndarray) -> None:
    """Matte coral with ivory scallops and dots, between gilded lines."""
    coat.lay(between(z, 0.125, 0.335), CORAL, 0.58)
    count = 28
    x = wrap(turn * count) * 2 * np.pi * radius / count
    distance = np.hypot(x, z - 0.155)
    coat.lay(between(distance, 0.034, 0.044) * below(-z, -0.15), IVORY, SATIN)
    coat.lay(below(distance, 0.016), OCHRE, SATIN)
    for row, (height, size) in enumerate([(0.222, 0.013), (0.252, 0.010), (0.279, 0.008)]):
        x = wrap(turn * count + 0.5 * (row + 1)) * 2 * np.pi * radius / count
        coat.lay(below(np.hypot(x, z - height), size), IVORY, SATIN)
    for height in (-0.352, 0.125, 0.312):
        coat.gild(between(z, height - 0.013, height + 0.013))


def paint_neck(coat: Coat, turn: np.ndarray, z: np.ndarray, radius: np.ndarray) -> None:
    """A fine diamond lattice in ivory on cobalt, and a ticked lip."""
    coat.lay(between(z, 0.325, 0.555), COBALT, GLAZE)
    count, period = 22, 0.0755
    pitch = 2 * np.pi * radius / count
    row = (z - 0.333) / period
    for sign in (1, -1):
        offset = np.abs(wrap(turn * count + sign * row)) * pitch / np.hypot(1, pitch / period)
        coat.lay(below(offset, 0.0045) * between(z, 0.333, 0.535), IVORY)
    distance = np.hypot(wrap(turn * count + 0.5) * pitch, wrap(row) * period)
    second = np.hypot(wrap(turn * count) * pitch, wrap(row + 0.5) * period)
    coat.lay(below(np.minimum(distance, second), 0.0085) * between(z, 0.34, 0.53), OCHRE)
    coat.lay(between(z, 0.548, 0.700), IVORY, GLAZE)
    ticks = np.abs(wrap(turn * 36)) * 2 * np.pi * radius / 36
    coat.lay(below(ticks, 0.011) * between(z, 0.572, 0.616), TEAL)
    coat.gild(between(z, 0.537, 0.556))


def paint_lid(coat: Coat, turn: np.ndarray, z: np.ndarray, radius: np.ndarray) -> None:
    """Radiating petals on teal, and a gilded knob."""
    lid = below(radius, 0.298) * (1 - below(z, 0.60))
    coat.lay(lid, TEAL, GLAZE)
    count = 12
    x = wrap(turn * count) * 2 * np.pi * radius / count
    half = 0.42 * 2 * np.pi * radius / count * np.sin(np.pi * np.clip((0.292 - radius) / 0.20, 0, 1)) ** 0.7
    coat.lay(lid * below(np.abs(x), half), IVORY)
    coat.lay(lid * below(np.abs(x), half - 0.012), CORAL)
    coat.lay(lid * below(np.abs(x), 0.4 * half - 0.006), OCHRE)
    dots = np.hypot(wrap(turn * count + 0.5) * 2 * np.pi * radius / count, radius - 0.258)
    coat.lay(lid * below(dots, 0.013), IVORY)
    coat.gild(1 - below(z, 0.748))


def paint_handle(coat: Coat, points: np.ndarray, along: np.ndarray, mask: np.ndarray) -> None:
    """Cobalt glaze with an ivory spiral and ochre dots, gilded rings at both ends."""
    turn = tube_turn(points, along, shape.HANDLE)
    wave = wrap(along * 13 + turn)
    coat.lay(mask, COBALT, GLAZE)
    coat.lay(mask * below(np.abs(wave), 0.075, 0.05), IVORY)
    coat.lay(mask * below(np.hypot(wrap(wave + 0.5) * 0.155, wrap(turn * 6) * 0.07), 0.0125), OCHRE)
    for place in (0.13, 0.92):
        coat.gild(mask * between(along, place - 0.011, place + 0.011, 0.004))


def paint_spout(coat: Coat, points: np.ndarray, along: np.ndarray, mask: np.ndarray) -> None:
    """Overlapping scales from a coral root up to a gilded tip."""
    turn = tube_turn(points, along, shape.SPOUT)
    coat.lay(mask, TEAL, GLAZE)
    rows = [(0.70, IVORY), (0.62, SKY), (0.54, COBALT), (0.46, SKY), (0.38, TEAL), (0.30, IVORY), (0.22, CORAL)]
    for row, (edge, colour) in enumerate(rows):
        scallop = edge + 0.065 * np.sqrt(np.clip(1 - (2 * wrap(turn * 7 + 0.5 * row)) ** 2, 0, 1))
        coat.lay(mask * below(along, scallop, 0.008), UMBER if colour == IVORY else IVORY, GLAZE)
        coat.lay(mask * below(along, scallop - 0.014, 0.008), colour, 0.58 if colour == CORAL else GLAZE)
        dot = np.hypot(wrap(turn * 7 + 0.5 * row) * 0.085, (along - edge - 0.018) * 0.9)
        coat.lay(mask * below(dot, 0.009), CORAL if colour == IVORY else OCHRE)
    coat.gild(mask * (1 - below(along, 0.89, 0.01)))
    coat.gild(mask * between(along, 0.785, 0.81, 0.006))


def tube_turn(points: np.ndarray, along: np.ndarray, tube: np.ndarray) -> np.ndarray:
    """Turn [N] around a tube in the plane y = 0, in [-0.5, 0.5]; 0 on its outer (convex or lower) side."""
    place = along * (len(tube) - 1)
    knots = np.arange(len(tube))
    centre = np.stack([np.interp(place, knots, tube[:, k]) for k in (0, 1)], axis=1)
    tangent = np.stack([np.interp(place, knots, np.gradient(tube[:, k])) for k in (0, 1)], axis=1)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    offset = points[:, [0, 2]] - centre
    return np.arctan2(points[:, 1], offset[:, 0] * tangent[:, 1] - offset[:, 1] * tangent[:, 0]) / (2 * np.pi)


def paint(points: np.ndarray) -> Coat:
    """All of the paint at points [N, 3] of the surface."""
    swing = 0.004 * np.stack([noise(points, 9, seed) for seed in (11, 12)], axis=1)  # the painter's hand
    radius = np.maximum(np.hypot(points[:, 0], points[:, 1]), 1e-3)
    turn = (
        np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) + swing[:, 0] / (2 * np.pi * np.maximum(radius, 0.1))
    ) % 1
    z = points[:, 2] + swing[:, 1] * (points[:, 2] < 0.74)
    coat = Coat.bare(len(points))
    paint_foot(coat, points, turn, z)
    for band in (paint_petals, paint_garden, paint_shoulder, paint_neck, paint_lid):
        band(coat, turn, z, radius)
    body = shape.body_distance(points)
    for tube, painter in ((shape.HANDLE, paint_handle), (shape.SPOUT, paint_spout)):
        distance, along = shape.tube_distance(points, tube)
        painter(coat, points, along, below(distance - body, 0.0, 0.012))
    weather(coat, points)
    return coat


def weather(coat: Coat, points: np.ndarray) -> None:
    """Uneven pigment and glaze: no two places are quite alike."""
    pigment = 0.6 * noise(points, 6, 21) + 0.4 * noise(points, 20, 22)
    coat.colour = np.clip(coat.colour * (1 + 0.07 * pigment[:, None]), 0, 1)
    coat.roughness = np.clip(coat.roughness + 0.05 * noise(points, 5, 31) + 0.02 * noise(points, 30, 32), 0.18, 0.85)
