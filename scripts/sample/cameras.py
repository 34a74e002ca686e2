"""Where the photographs are taken: one spiral of viewpoints around the object, dealt out to the three splits."""

from __future__ import annotations

import numpy as np

FIELD_OF_VIEW = np.radians(38.0)  # horizontal and vertical: the pictures are square
DISTANCE = 3.1  # from the origin, world units
LOWEST, HIGHEST = -0.42, 0.95  # z of the directions towards the cameras
DEAL = {2: "test", 6: "val", 9: "test", 14: "val", 16: "test"}  # of each 19 viewpoints in turn; the others train
COUNT = 4 * 19


def look_at_origin(eye: np.ndarray) -> np.ndarray:
    """Camera to world [4, 4] in OpenGL's form (x right, y up, looks along -z), z-up world."""
    back = eye / np.linalg.norm(eye)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3] = np.stack([right, np.cross(back, right), back, eye], axis=1)
    return pose


def views() -> dict[str, list[np.ndarray]]:
    """Camera-to-world matrices of each split: every point of one Fibonacci spiral is used once."""
    turn = np.pi * (3 - np.sqrt(5))
    splits: dict[str, list[np.ndarray]] = {"train": [], "val": [], "test": []}
    for k in range(COUNT):
        z = LOWEST + (HIGHEST - LOWEST) * (k + 0.5) / COUNT
        flat = np.sqrt(1 - z * z)
        eye = DISTANCE * np.array([flat * np.cos(k * turn), flat * np.sin(k * turn), z])
        splits[DEAL.get(k % 19, "train")].append(np.round(look_at_origin(eye), 9))
    return splits


def transforms(poses: list[np.ndarray], folder: str) -> dict:
    """The NeRF-synthetic description of one split; pictures are `<folder>/r_<number>.png`."""
    frames = [{"file_path": f"./{folder}/r_{k:03d}", "transform_matrix": pose.tolist()} for k, pose in enumerate(poses)]
    return {"camera_angle_x": float(FIELD_OF_VIEW), "frames": frames}
