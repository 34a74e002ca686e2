"""A tiny synthetic capture: three coloured balls, rendered exactly, in NeRF-synthetic form."""

import functools
import json

import imageio.v3 as imageio
import numpy as np
import pytest

BALLS = ((0.0, 0.0, 0.0, 0.7), (0.75, 0.1, 0.2, 0.35), (-0.2, 0.5, 0.6, 0.3))
"""x, y, z, radius in the file's z-up world."""
ANGLE = 0.7
DISTANCE = 4.5


class Scene:
    """Writes a capture; tests change `frames` and files before or after."""

    def __init__(self, folder, size=48):
        self.folder, self.size = folder, size
        self.root = {"camera_angle_x": ANGLE}
        self.frames = {}

    def add(self, split, poses, scale=1.0):
        (self.folder / split).mkdir(parents=True, exist_ok=True)
        self.frames[split] = []
        for index, pose in enumerate(poses):
            pixels = render(pose.tobytes(), self.size)
            imageio.imwrite(self.folder / split / ("r_%02d.png" % index), pixels)
            moved = pose.copy()
            moved[:3, 3] *= scale
            self.frames[split].append({"file_path": "./%s/r_%02d" % (split, index), "transform_matrix": moved.tolist()})
        self.save()

    def save(self):
        for split, frames in self.frames.items():
            file = self.folder / ("transforms_%s.json" % split)
            file.write_text(json.dumps({**self.root, "frames": frames}))

    def image(self, index, split="train"):
        return self.folder / split / ("r_%02d.png" % index)

    def pose(self, index, split="train"):
        return np.array(self.frames[split][index]["transform_matrix"])

    def set_pose(self, index, matrix, split="train"):
        self.frames[split][index]["transform_matrix"] = np.asarray(matrix).tolist()

    def change_poses(self, change):
        for split, frames in self.frames.items():
            for index in range(len(frames)):
                self.set_pose(index, change(self.pose(index, split)), split)
        self.save()

    def edit(self, index, change, split="train"):
        pixels = imageio.imread(self.image(index, split))
        imageio.imwrite(self.image(index, split), change(pixels))


def look_at_origin(position):
    """Camera to world, OpenGL axes, z up."""
    back = np.asarray(position, float) / np.linalg.norm(position)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, position], axis=1)
    return pose


def ring(count, offset=0.0):
    """Poses on a sphere, above and below."""
    azimuth = offset + np.arange(count) * 2.399963
    elevation = np.linspace(-0.4, 1.1, count)
    around = np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)], 1)
    return [look_at_origin(DISTANCE * direction) for direction in around]


@functools.lru_cache(maxsize=None)
def render(pose_bytes, size, samples=4):
    """[size, size, 4] uint8 sRGB with straight alpha: the balls, with a wavy pattern, ray traced."""
    pose = np.frombuffer(pose_bytes).reshape(4, 4)
    fine = size * samples
    focal = 0.5 * fine / np.tan(0.5 * ANGLE)
    row, column = np.mgrid[:fine, :fine] + 0.5 - 0.5 * fine
    directions = np.stack([column / focal, -row / focal, -np.ones_like(row)], -1) @ pose[:3, :3].T
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    nearest, colour = np.full(row.shape, np.inf), np.zeros((*row.shape, 3))
    for x, y, z, radius in BALLS:
        offset = pose[:3, 3] - (x, y, z)
        half = directions @ offset
        inside = half**2 - (offset @ offset - radius**2)
        depth = np.where(inside > 0, -half - np.sqrt(np.maximum(inside, 0)), np.inf)
        closer = depth < nearest
        nearest = np.where(closer, depth, nearest)
        point = pose[:3, 3] + directions * np.where(closer, depth, 0)[..., None]
        colour = np.where(closer[..., None], 0.6 + 0.3 * np.sin(9 * point + (0, 1, 2)), colour)
    alpha = np.isfinite(nearest).astype(float)
    small = np.concatenate([colour * alpha[..., None], alpha[..., None]], -1)
    small = small.reshape(size, samples, size, samples, 4).mean((1, 3))
    small[..., :3] /= np.maximum(small[..., 3:], 1e-9)
    return np.round(255 * small).astype(np.uint8)


def make_clean(folder):
    """A clean capture of 24 training, 3 validation and 3 test views."""
    made = Scene(folder)
    made.add("train", ring(24))
    made.add("val", ring(3, offset=0.5))
    made.add("test", ring(3, offset=0.9))
    return made


@pytest.fixture
def scene(tmp_path):
    """A clean capture to break."""
    return make_clean(tmp_path / "capture")


@pytest.fixture(scope="session")
def clean_scene(tmp_path_factory):
    """A clean capture that all tests share."""
    return make_clean(tmp_path_factory.mktemp("clean") / "capture")
