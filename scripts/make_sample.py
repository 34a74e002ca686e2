#!/usr/bin/env python3
"""Makes the sample capture in hip/sample_capture: geometry, paint, light, cameras, and the photographs by Mitsuba 3.

    python3 scripts/make_sample.py                 all of it, at the quality that ships
    python3 scripts/make_sample.py --no-pictures   geometry, textures, lights and JSON only
    python3 scripts/make_sample.py --samples 32 --output /tmp/draft

Needs numpy, imageio, xatlas and mitsuba. hip/README.md describes what it writes, and what was verified.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import imageio.v3 as imageio
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from sample import bake, cameras, light, shape

OUTPUT = Path(__file__).resolve().parent.parent / "hip" / "sample_capture"
TEXTURE_SIZE = 1024
LIGHT_HALVINGS = 1  # of the 1024 x 512 panoramas
RELIT = range(0, 12, 2)  # the test views photographed under the second light
SEEDS = {"train": 10_000, "val": 20_000, "test": 30_000, "relight": 40_000}


def write_obj(mesh: shape.Mesh, folder: Path) -> None:
    """Writes mesh.obj and mesh.mtl."""
    lines = ["# TopForge sample: right-handed, z-up, the world of transforms_*.json", "mtllib mesh.mtl", "usemtl ewer"]
    lines += [f"v {x:.5f} {y:.5f} {z:.5f}" for x, y, z in mesh.positions]
    lines += [f"vt {u:.5f} {v:.5f}" for u, v in mesh.texcoords]
    corners = np.stack([mesh.triangles, mesh.texcoord_triangles], axis=2).reshape(-1, 6) + 1
    lines += ["f {}/{} {}/{} {}/{}".format(*row) for row in corners.tolist()]
    (folder / "mesh.obj").write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")
    material = "newmtl ewer\nKd 1 1 1\nmap_Kd base_color.png\nmap_Pr roughness.png\nmap_Pm metallic.png\n"
    (folder / "mesh.mtl").write_text(material, encoding="ascii", newline="\n")


def write_json(path: Path, value: object) -> None:
    """Writes JSON with one line break per level that matters to a reader."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8", newline="\n")


def make_truth(folder: Path) -> tuple[shape.Mesh, tuple, dict]:
    """Makes and writes the mesh, its textures and the lights; returns what the renderer needs of them."""
    folder.mkdir(parents=True, exist_ok=True)
    mesh = shape.build(TEXTURE_SIZE)
    if shape.euler_characteristic(mesh.triangles) != 0:
        raise SystemExit("the sample's mesh does not have exactly one handle: change the knots in sample/shape.py")
    write_obj(mesh, folder)
    maps = bake.bake(mesh, TEXTURE_SIZE)
    for name, image in zip(("base_color", "roughness", "metallic"), maps):
        imageio.imwrite(folder / f"{name}.png", image, compress_level=9)
    lights = {}
    for name, panorama in (("light", light.studio()), ("light_relight", light.evening())):
        for _ in range(LIGHT_HALVINGS):
            panorama = light.halve(panorama)
        encoded = light.encode_rgbe(panorama)
        (folder / f"{name}.hdr").write_bytes(light.hdr_file(encoded))
        lights[name] = light.decode_rgbe(encoded)
    return mesh, maps, lights


def make_transforms(output: Path) -> dict[str, list[np.ndarray]]:
    """Writes transforms_*.json; returns the camera-to-world matrices of each split."""
    poses = cameras.views()
    poses["relight"] = [poses["test"][k] for k in RELIT]
    for split, matrices in poses.items():
        description = cameras.transforms(matrices, split)
        if split == "relight":
            for frame, k in zip(description["frames"], RELIT):
                frame["same_view_as"] = f"./test/r_{k:03d}"
        write_json(output / f"transforms_{split}.json", description)
    return poses


def make_pictures(output: Path, mesh: shape.Mesh, maps: tuple, lights: dict, poses: dict, options: object) -> None:
    """Photographs every view and writes the PNGs."""
    import mitsuba

    mitsuba.set_variant(options.variant)
    from sample import render

    surface = render.load_mesh(mesh, render.material(*maps))
    stages = {name: render.scene(surface, radiance) for name, radiance in lights.items()}
    start = time.monotonic()
    for split, matrices in poses.items():
        (output / split).mkdir(parents=True, exist_ok=True)
        stage = stages["light_relight" if split == "relight" else "light"]
        for k, pose in enumerate(matrices):
            picture = render.develop(render.photograph(stage, pose, options.samples, SEEDS[split] + k))
            imageio.imwrite(output / split / f"r_{k:03d}.png", picture, compress_level=9)
            print(f"{time.monotonic() - start:6.0f} s  {split} {k + 1}/{len(matrices)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--samples", type=int, default=256, help="paths per pixel")
    parser.add_argument("--no-pictures", action="store_true", help="skip the photographs")
    parser.add_argument("--variant", default="scalar_rgb", help="of Mitsuba; the shipped pictures: scalar_rgb")
    options = parser.parse_args()
    mesh, maps, lights = make_truth(options.output / "ground_truth")
    poses = make_transforms(options.output)
    if not options.no_pictures:
        make_pictures(options.output, mesh, maps, lights, poses, options)


if __name__ == "__main__":
    main()
