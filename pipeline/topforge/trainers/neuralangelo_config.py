"""What Neuralangelo is given: a YAML file of our own making, and a capture that was looked at before any GPU second."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from topforge import strict_json
from topforge.errors import TopForgeError
from topforge.trainers.neuralangelo_keys import KEYS
from topforge.trainers.neuralangelo_memory import table_of
from topforge.trainers.neuralangelo_options import NeuralangeloOptions

PARENT = "projects/neuralangelo/configs/base.yaml"
"""The file that ours builds on, relative to the checkout, which is the working folder."""
TRANSFORMS = "transforms.json"
SCHEDULE_LENGTH = 500000
"""The iterations that upstream's absolute schedule is meant for."""
_NUMBERS = ("fl_x", "fl_y", "cx", "cy", "w", "h", "sphere_radius")
_VALIDATION_SIDE = 300
_SHOWN = 3


class UnusableCaptureError(TopForgeError):
    """The folder is not a capture as Neuralangelo reads one."""

    def __init__(self, path: Path, problem: str, fix: str = "") -> None:
        super().__init__(
            "%s: %s." % (path, problem),
            fix or "Convert the capture: `topforge convert IN OUT --to neuralangelo`.",
        )


class UnseenSphereError(TopForgeError):
    """The bounding sphere is behind every camera: nothing could be reconstructed in it."""

    def __init__(self, capture: Capture) -> None:
        super().__init__(
            "%s: the bounding sphere (sphere_center %s, sphere_radius %g) lies behind all %d cameras."
            % (capture.folder / TRANSFORMS, list(capture.center), capture.radius, len(capture.images)),
            "Correct sphere_center, or the cameras' axes: they look along their -z, as in OpenGL.",
        )


@dataclasses.dataclass(frozen=True)
class Capture:
    """What transforms.json says, as far as anything here needs it."""

    folder: Path
    width: int
    height: int
    images: Tuple[str, ...]
    radius: float
    """Of the bounding sphere, world units."""
    center: Tuple[float, float, float]
    facing: int
    """Cameras that have some of the sphere in front of them."""


def read_capture(folder: Path) -> Capture:
    """The capture in a folder, its transforms.json checked and its images there.

    Raises:
        UnusableCaptureError: Names the file, the key and what to do.
        TopForgeError: The file is no JSON.
    """
    path = folder / TRANSFORMS
    if not path.is_file():
        raise UnusableCaptureError(path, "there is no such file, in which Neuralangelo expects the cameras")
    raw = strict_json.read(path)
    frames = raw.get("frames") if isinstance(raw, dict) else None
    if not isinstance(frames, list) or not frames:
        raise UnusableCaptureError(path, "it lists no frames")
    for key in _NUMBERS:
        if not _is_number(raw.get(key)) or raw[key] <= 0:
            raise UnusableCaptureError(path, '"%s" = %s is no positive number' % (key, json.dumps(raw.get(key))))
    center = raw.get("sphere_center")
    if not isinstance(center, list) or len(center) != 3 or not all(map(_is_number, center)):
        raise UnusableCaptureError(path, '"sphere_center" = %s is not three numbers' % json.dumps(center))
    images = tuple(_image_of(path, index, frame) for index, frame in enumerate(frames))
    _refuse_missing_images(path, images)
    x, y, z = map(float, center)
    radius = float(raw["sphere_radius"])
    facing = sum(_depth(frame["transform_matrix"], (x, y, z)) > -radius for frame in frames)
    return Capture(folder, round(raw["w"]), round(raw["h"]), images, radius, (x, y, z), facing)


def _depth(matrix: Sequence[Sequence[float]], point: Sequence[float]) -> float:
    """How far in front of a camera (camera to world, OpenGL axes) a point lies."""
    return float(sum(-row[2] * (place - row[3]) for row, place in zip(matrix, point)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _image_of(path: Path, index: int, frame: Any) -> str:
    name = frame.get("file_path") if isinstance(frame, dict) else None
    matrix = frame.get("transform_matrix") if isinstance(frame, dict) else None
    if not isinstance(name, str) or not name:
        raise UnusableCaptureError(path, "frames[%d] names no image (file_path)" % index)
    rows = matrix if isinstance(matrix, list) else []
    if len(rows) not in (3, 4) or not all(isinstance(row, list) and len(row) == 4 for row in rows):
        raise UnusableCaptureError(path, "frames[%d].transform_matrix is not a 4 x 4 matrix" % index)
    if not all(_is_number(value) for row in rows for value in row):
        raise UnusableCaptureError(path, "frames[%d].transform_matrix holds values that are no finite numbers" % index)
    return name


def _refuse_missing_images(path: Path, images: Sequence[str]) -> None:
    missing = [name for name in images if not (path.parent / name).is_file()]
    if missing:
        listed = ", ".join(missing[:_SHOWN]) + (", ..." if len(missing) > _SHOWN else "")
        problem = "%d of its %d images are not there: %s" % (len(missing), len(images), listed)
        raise UnusableCaptureError(path, problem, "Copy them there; file_path is relative to the file's folder.")


def validate(config: NeuralangeloOptions, capture: Optional[Capture]) -> Optional[Tuple[str, Any, str]]:
    """The first combination that upstream would stumble over or silently ignore: option, value and reason."""
    if config.save_iter is not None and config.max_iter % config.save_iter:
        return "save_iter", config.save_iter, "the last iterations would be in no checkpoint; let it divide max_iter"
    if config.min_logres >= config.max_logres:
        return "min_logres", config.min_logres, "it is not below max_logres"
    if config.grid_range[0] >= config.grid_range[1]:
        return "grid_range", list(config.grid_range), "its first entry is not below the second"
    if config.init_active_level > config.levels:
        return "init_active_level", config.init_active_level, "there are %d levels" % config.levels
    if config.two_steps[0] >= config.two_steps[1]:
        return "two_steps", list(config.two_steps), "the second step is not after the first"
    if not config.background and config.samples_background:
        return "samples_background", config.samples_background, "background is false: set it to 0"
    return None if capture is None else _against(config, len(capture.images))


def _against(config: NeuralangeloOptions, photographs: int) -> Optional[Tuple[str, Any, str]]:
    """What does not go together with the number of photographs."""
    why = "the capture has %d photographs" % photographs
    if config.appear_embed and config.num_images is not None and config.num_images < photographs:
        return "num_images", config.num_images, why
    if config.train_subset is not None and config.train_subset > photographs:
        return "train_subset", config.train_subset, why
    return None


def values(config: NeuralangeloOptions, capture: Capture) -> Dict[str, Any]:
    """The whole configuration by upstream's dotted keys; what only upstream knows (null) is left out."""
    found = {key: getattr(config, name) for name, key in KEYS.items()}
    size, dim = table_of(config)
    width, height = capture.width, capture.height
    shrink = min(1.0, _VALIDATION_SIDE / min(width, height))
    settled: Dict[str, Any] = {
        "dict_size": size,
        "dim": dim,
        "save_iter": config.save_iter or config.max_iter,
        "warm_up_end": scaled(config, config.warm_up_end),
        "two_steps": [scaled(config, step) for step in config.two_steps],
        "coarse2fine_step": scaled(config, config.coarse2fine_step),
        "data_root": str(capture.folder),
        "num_images": config.num_images or (len(capture.images) if config.appear_embed else None),
        "train_image_size": config.train_image_size or (height, width),
        "val_image_size": config.val_image_size or (round(height * shrink), round(width * shrink)),
        "save_latest_iter": min(config.save_latest_iter, config.max_iter),
    }
    found.update({KEYS[name]: value for name, value in settled.items()})
    return {key: value for key, value in found.items() if value is not None}


def scaled(config: NeuralangeloOptions, iterations: int) -> int:
    """An absolute number of iterations, shortened with the training where that is wanted."""
    if not config.scale_schedule or config.max_iter >= SCHEDULE_LENGTH:
        return iterations
    return max(1, round(iterations * config.max_iter / SCHEDULE_LENGTH))


def yaml_text(flat: Mapping[str, Any], parent: str = PARENT) -> str:
    """A YAML file that nests the dotted keys below `_parent_`, the file it builds on."""
    tree: Dict[str, Any] = {}
    for key, value in flat.items():
        *above, name = key.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = value
    return "".join("%s\n" % line for line in ["_parent_: %s" % scalar(parent), *_lines(tree, 0)])


def _lines(tree: Mapping[str, Any], depth: int) -> List[str]:
    lines: List[str] = []
    for name, value in tree.items():
        if isinstance(value, dict):
            lines += ["%s%s:" % ("    " * depth, name), *_lines(value, depth + 1)]
        else:
            lines.append("%s%s: %s" % ("    " * depth, name, scalar(value)))
    return lines


def scalar(value: Any) -> str:
    """A value as YAML 1.1 and JSON both read it.

    YAML's old rules, which PyYAML follows, take `1e-05` for text: a number with an exponent needs a point.
    """
    if isinstance(value, (list, tuple)):
        return "[%s]" % ", ".join(scalar(entry) for entry in value)
    if isinstance(value, float):
        mantissa, e, exponent = repr(value).partition("e")
        return mantissa + ("" if not e else ("" if "." in mantissa else ".0") + e + exponent)
    return json.dumps(value)
