#!/usr/bin/env python3
"""Makes a capture rough: photographs as people take them, from clean renderings, with the truth kept for measuring.

    python3 scripts/make_rough_capture.py OUTPUT                        the sample, LLFF form, masks off by 3 pixels
    python3 scripts/make_rough_capture.py OUTPUT --size 128 --form nerf
    python3 scripts/make_rough_capture.py OUTPUT --pixels 0 --stops 0.7 --bad 0 --degrees 0 --drop 0    exposure alone

What is done, each decided by --seed:
  * the object stands in a room: photographs have a background and no alpha (a mask each, beside them);
  * masks are grown or shrunk by up to --pixels, shifted by half of it, with a trembling contour, hard-edged; --bad of
    them have a part missing, and as many as half of that a piece of background taken in;
  * exposure varies within +- --stops from view to view, white balance by a quarter of it; highlights clip;
  * grain, and JPEG at quality 92;
  * --drop of the views of one side are left out;
  * poses are off by --degrees, in direction and, seen from the object, in place.

OUTPUT is the capture. OUTPUT/truth holds what a trainer must not see: the clean test views (transforms_test.json),
mesh.obj, and truth.json with what was done to each view. scripts/experiment_rough_captures.py measures with it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "pipeline"), str(REPOSITORY / "scripts")]

from rough import flaws  # noqa: E402

import topforge_capture  # noqa: E402
from topforge_capture import radiance  # noqa: E402
from topforge_capture.formats.base import Z_UP_TO_Y_UP  # noqa: E402
from topforge_capture.images import linear_to_srgb  # noqa: E402

SAMPLE = REPOSITORY / "hip" / "sample_capture"
QUALITY = 92


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--capture", type=Path, default=SAMPLE, help="clean capture with alpha and ground_truth/")
    parser.add_argument("--form", choices=("llff", "nerf"), default="llff")
    parser.add_argument("--size", type=int, default=256, help="pixels, a whole part of the photographs' height")
    parser.add_argument("--pixels", type=float, default=3.0, help="how far masks are off at most, in pixels of --size")
    parser.add_argument("--bad", type=int, default=3, help="masks with a part missing")
    parser.add_argument("--stops", type=float, default=0.5, help="exposure varies by plus and minus this")
    parser.add_argument("--degrees", type=float, default=0.2, help="how far poses are off")
    parser.add_argument("--drop", type=float, default=0.7, help="share of the views of one side that is left out")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def reduced(view: topforge_capture.View, size: int) -> np.ndarray:
    """Premultiplied linear colour and alpha [size, ., 4] of a clean view, averaged over areas."""
    pixels = topforge_capture.load_image(view).astype(np.float64)
    pixels[..., :3] *= pixels[..., 3:]
    factor = view.height // size
    if size * factor != view.height or view.width % factor:
        raise SystemExit("--size %d is no whole part of %d x %d" % (size, view.height, view.width))
    return pixels.reshape(size, factor, view.width // factor, factor, 4).mean(axis=(1, 3))


def chosen_views(views: list, generator: np.random.Generator, drop: float) -> list:
    """The views that are left when a share of one half of all directions is left out."""
    side = generator.standard_normal(3) * [1.0, 0.0, 1.0]
    away = np.array([view.position @ side / np.linalg.norm(view.position) for view in views])
    there = np.nonzero(away > 0.3 * np.linalg.norm(side))[0]
    gone = set(generator.choice(there, round(drop * len(there)), replace=False).tolist())
    return [view for index, view in enumerate(views) if index not in gone]


def llff_row(pose: np.ndarray, height: int, width: int, focal: float, distance: float) -> np.ndarray:
    """A row [17] of poses_bounds.npy from camera to world with OpenGL axes."""
    columns = [-pose[:3, 1], pose[:3, 0], pose[:3, 2], pose[:3, 3], [height, width, focal]]
    return np.append(np.stack(columns, axis=1).reshape(-1), [0.3 * distance, 3.0 * distance])


def write_json(path: Path, value: object) -> None:
    """Writes JSON that a person can read."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8", newline="\n")


def transforms(folder: str, names: list, poses: list, view: topforge_capture.View, masks: bool) -> dict:
    """The content of a transforms file: z up."""
    back = np.linalg.inv(Z_UP_TO_Y_UP)
    frames = []
    for name, pose in zip(names, poses):
        frame = {"file_path": "./%s/%s" % (folder, name), "transform_matrix": (back @ pose).tolist()}
        frames.append({**frame, "mask_path": "./masks/%s.png" % name} if masks else frame)
    angle = 2 * np.arctan(np.tan(0.5 * view.fov_y) * view.width / view.height)
    return {"camera_angle_x": float(angle), "frames": frames}


def write_truth(options: argparse.Namespace, record: list) -> None:
    """The clean test views, the mesh, and what was done."""
    folder = options.output / "truth"
    (folder / "test").mkdir(parents=True)
    views = topforge_capture.read(options.capture, "test").views
    for view in views:
        pixels = reduced(view, options.size)
        straight = pixels[..., :3] / np.maximum(pixels[..., 3:], 1e-6)
        picture = np.concatenate([linear_to_srgb(straight), pixels[..., 3:]], axis=-1)
        imageio.imwrite(folder / "test" / (view.name + ".png"), np.round(255 * picture).astype(np.uint8))
    test = transforms("test", [v.name for v in views], [v.camera_to_world for v in views], views[0], masks=False)
    write_json(folder / "transforms_test.json", test)
    shutil.copy(options.capture / "ground_truth" / "mesh.obj", folder / "mesh.obj")
    settings = {key: value for key, value in vars(options).items() if key not in ("output", "capture")}
    write_json(folder / "truth.json", {"options": settings, "views": record})


def main() -> int:
    """Reads, spoils, writes."""
    options = parse()
    if options.output.exists():
        raise SystemExit("%s exists" % options.output)
    generator = np.random.default_rng(options.seed)
    found = [v for split in ("train", "val") for v in topforge_capture.read(options.capture, split).views]
    views = chosen_views(found, generator, options.drop)
    gains = flaws.gains(generator, len(views), options.stops)
    spoilt = generator.permutation(len(views))
    missing, extra = spoilt[: options.bad], spoilt[options.bad : options.bad + options.bad // 2]
    light = radiance.read(options.capture / "ground_truth" / "light.hdr")
    for name in ("images", "masks"):
        (options.output / name).mkdir(parents=True)
    rows, names, poses, record = [], [], [], []
    for index, view in enumerate(views):
        clean, name = reduced(view, options.size), "v_%03d" % index
        behind = reduced_room(view, light, options)
        picture = clean[..., :3] + (1 - clean[..., 3:]) * behind
        mask, done = flaws.drawn_mask(generator, clean[..., 3], options.pixels)
        if index in missing or index in extra:
            mask = flaws.spoilt_mask(generator, mask, index in missing)
        pose = flaws.misplaced(generator, view.camera_to_world, options.degrees)
        photograph = flaws.developed(generator, picture, gains[index])
        imageio.imwrite(options.output / "images" / (name + ".jpg"), photograph, quality=QUALITY)
        imageio.imwrite(options.output / "masks" / (name + ".png"), mask.astype(np.uint8) * 255)
        size, distance = clean.shape[:2], float(np.linalg.norm(pose[:3, 3]))
        rows.append(llff_row(pose, *size, view.focal * size[0] / view.height, distance))
        names.append(name)
        poses.append(pose)
        flaw = "missing" if index in missing else "extra" if index in extra else None
        done.update(of=view.name, gain=gains[index].tolist(), flaw=flaw, true_pose=view.camera_to_world.tolist())
        record.append({"view": name, **done})
    if options.form == "llff":
        np.save(options.output / "poses_bounds.npy", np.array(rows))
    else:
        write_json(options.output / "transforms_train.json", transforms("images", names, poses, views[0], masks=True))
    write_truth(options, record)
    print("%s: %d of %d views, %d pixels, %s" % (options.output, len(views), len(found), options.size, options.form))
    return 0


def reduced_room(view: topforge_capture.View, light: np.ndarray, options: argparse.Namespace) -> np.ndarray:
    """The room behind a view [size, ., 3]; the same room for every view."""
    factor = view.height // options.size
    full = flaws.room(view, light, np.random.default_rng(options.seed + 1))
    return full.reshape(options.size, factor, view.width // factor, factor, 3).mean(axis=(1, 3))


if __name__ == "__main__":
    sys.exit(main())
