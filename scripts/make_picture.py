#!/usr/bin/env python3
"""Draws the README's picture from the quickstart's result: photograph, reconstruction, another light, maps.

python3 scripts/quickstart.py && python3 scripts/make_picture.py
"""

import argparse
import os
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge.environments import private_environment  # noqa: E402

CAPTURE = REPOSITORY / "hip" / "sample_capture"
PICTURE = REPOSITORY / "docs" / "images" / "sample.png"
SIDE, SHOWN = 512, 420  # pixels rendered and shown for each tile
VIEW = 6  # of the test split: shows body, handle, spout and gilding


def draw(result: Path) -> None:
    """Renders the tiles with the trainer's own renderer and sets them side by side with captions."""
    import torch
    from PIL import Image, ImageDraw, ImageFont

    from topforge_capture import radiance
    from topforge_train.backend import load
    from topforge_train.evaluation.result import scene_of
    from topforge_train.export import read_tree
    from topforge_train.rendering import scene
    from topforge_train.rendering.cubemap import from_latlong
    from topforge_train.views.data import load_images

    backend, asset = load(), read_tree(result / "mesh")
    images = load_images(CAPTURE, "test", (0.1, 1000.0), levels=1)
    index = torch.tensor([VIEW])
    evening = torch.from_numpy(radiance.read(CAPTURE / "ground_truth" / "light_relight.hdr"))
    lights = {"own": torch.from_numpy(asset.probe), "evening": from_latlong(evening, 128)}
    drawn = {
        name: scene.draw(backend, scene_of(asset, light), images.cameras[index], (SIDE, SIDE), 3)
        for name, light in lights.items()
    }
    base_color, _, normals = scene.layers(drawn["own"], 3)
    tiles = {
        "photograph": scene.displayed(images.targets(index), 1.0),
        "reconstruction": scene.displayed(drawn["own"].image, 1.0),
        "under another light": scene.displayed(drawn["evening"].image, 1.0),
        "base colour": base_color,
        "normals": normals,
    }
    sheet = Image.new("RGB", (SHOWN * len(tiles), SHOWN + 36), "white")
    font = ImageFont.load_default(size=20)
    for column, (caption, pixels) in enumerate(tiles.items()):
        picture = Image.fromarray((pixels[0].clamp(0, 1) * 255 + 0.5).to(torch.uint8).numpy())
        sheet.paste(picture.resize((SHOWN, SHOWN), Image.Resampling.LANCZOS), (column * SHOWN, 0))
        middle = column * SHOWN + SHOWN // 2
        ImageDraw.Draw(sheet).text((middle, SHOWN + 8), caption, fill="#444444", font=font, anchor="ma")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(PICTURE, optimize=True)
    print(PICTURE)


def main() -> int:
    """Finds the result; starts itself again in the private environment when torch is missing here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("result", nargs="?", type=Path, help="a result folder; by default the quickstart's")
    arguments = parser.parse_args()
    python = private_environment.ensure(REPOSITORY, ["train"])
    if Path(sys.prefix).resolve() != private_environment.folder(REPOSITORY).resolve():
        os.execv(str(python), [str(python), *sys.argv])
    found = (
        [arguments.result] if arguments.result else sorted((REPOSITORY / "runs").glob("quickstart/quickstart-*/result"))
    )
    if not found:
        parser.error("no result yet: run scripts/quickstart.py first, or name a result folder")
    draw(found[-1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
