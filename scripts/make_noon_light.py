#!/usr/bin/env python3
"""A clear sky at noon as a latitude-longitude panorama: the hard light of scripts/benchmark_gpu.py.

    python3 scripts/make_noon_light.py noon.hdr

Blue sky brighter towards the horizon, grey ground, and a sun 60 degrees up whose direct light on level ground is five
times the sky's. The sun's disc of 0.53 degrees is widened to at least two texels across, at the same irradiance.
Row 0 is up; the middle column looks along -Z, as in nvdiffrec's probes. The seed turns the sun about the vertical.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pipeline"))

from topforge_train.export.images import write_radiance

SUN_DIAMETER = np.radians(0.53)
SUN_ELEVATION = np.radians(60.0)
SUN_TO_SKY = 5.0
"""Irradiance of level ground by the sun over that by the sky."""
LEVEL_IRRADIANCE = 0.5 * np.pi
"""Of sun and sky together: white paper on the ground has radiance 0.5, which `env_scale` 2 lifts to 1."""
ZENITH, HORIZON = np.array([0.25, 0.45, 0.95]), np.array([0.80, 0.90, 1.00])
SUN_COLOUR = np.array([1.00, 0.95, 0.86])
GROUND_ALBEDO = np.array([0.22, 0.20, 0.17])


def directions(height):
    """Unit vectors [height, 2 height, 3] of the texels' centres, and their solid angles [height, 1]."""
    theta = (np.arange(height) + 0.5) / height * np.pi
    phi = (np.arange(2 * height) + 0.5) / height * np.pi - np.pi
    sine = np.sin(theta)[:, None]
    vectors = np.stack(np.broadcast_arrays(sine * np.sin(phi), np.cos(theta)[:, None], -sine * np.cos(phi)), axis=-1)
    return vectors, sine * (np.pi / height) ** 2


def panorama(height, seed):
    """Linear radiance [height, 2 height, 3] float32."""
    vectors, solid_angle = directions(height)
    up = vectors[..., 1:2]
    cosine = np.clip(up, 0.0, None) * solid_angle[..., None]
    sky = np.where(up > 0, HORIZON + (ZENITH - HORIZON) * np.sqrt(np.clip(up, 0.0, None)), 0.0)
    sky *= LEVEL_IRRADIANCE / (1 + SUN_TO_SKY) / (sky * cosine).sum((0, 1)).mean()
    azimuth = np.random.default_rng(seed).uniform(-np.pi, np.pi)
    level = np.cos(SUN_ELEVATION)
    towards = np.array([level * np.sin(azimuth), np.sin(SUN_ELEVATION), -level * np.cos(azimuth)])
    radius = max(SUN_DIAMETER, 2 * np.pi / height) / 2
    sun = disc(vectors, towards, radius, np.pi / height)[..., None] * SUN_COLOUR
    sun *= LEVEL_IRRADIANCE * SUN_TO_SKY / (1 + SUN_TO_SKY) / (sun * cosine).sum((0, 1)).mean()
    ground = np.where(up > 0, 0.0, GROUND_ALBEDO * LEVEL_IRRADIANCE / np.pi)
    return (sky + sun + ground).astype(np.float32)


def disc(vectors, towards, radius, texel):
    """Coverage in [0, 1] of the texels by a disc, its edge one texel wide."""
    angle = np.arccos(np.clip(vectors @ towards, -1.0, 1.0))
    return np.clip((radius - angle) / texel + 0.5, 0.0, 1.0)


def main():
    """Writes the panorama."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="Radiance file to write (.hdr)")
    parser.add_argument("--height", type=int, default=512, help="rows; twice as many columns")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_radiance(arguments.file, panorama(arguments.height, arguments.seed))


if __name__ == "__main__":
    main()
