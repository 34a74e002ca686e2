"""Pictures of the work as it stands, and the PSNR of held-out views on the way."""

from __future__ import annotations

import dataclasses
from typing import List, Tuple

import imageio.v3 as imageio
import torch
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.camera import CameraBatch
from topforge_train.colour import linear_to_srgb
from topforge_train.data import ImageSet
from topforge_train.material import TextureMaterial, VolumeMaterial
from topforge_train.metrics import composite_srgb, psnr
from topforge_train.progress import TRAINING_SHARE
from topforge_train.render import Rendered, Shape, render
from topforge_train.session import Session
from topforge_train.shading import Light

PREFIX = ("img_dmtet_pass1_", "img_mesh_pass_")
"""nvdiffrec's names for the previews of its two passes, whatever the isosurface."""
BACKGROUND = {"white": 1.0, "black": 0.0, "checker": 0.5, "reference": 1.0}


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that can be looked at."""

    shape: Shape
    material: VolumeMaterial | TextureMaterial
    light: Light


def draw(
    backend: Backend, scene: Scene, cameras: CameraBatch, resolution: Tuple[int, int], supersampling: int = 2
) -> Rendered:
    """Draws views without gradients."""
    with torch.no_grad():
        return render(backend, cameras, scene.shape, scene.material, scene.light, resolution, supersampling)


def compare(
    backend: Backend, scene: Scene, images: ImageSet, index: Tensor, background: float
) -> Tuple[Tensor, Tensor, Rendered]:
    """Rendered and photographed views [B, H, W, 3] as clamped sRGB over a grey background, and the rendering."""
    rendered = draw(backend, scene, images.cameras[index], images.resolution)
    return displayed(rendered.image, background), displayed(images.targets(index), background), rendered


def displayed(premultiplied: Tensor, background: float) -> Tensor:
    """Linear premultiplied images [B, H, W, 4] over a grey background as clamped sRGB [B, H, W, 3]."""
    return composite_srgb(premultiplied[..., :3], premultiplied[..., 3:], background)


def layers(rendered: Rendered, scale: int) -> List[Tensor]:
    """Base colour, occlusion-roughness-metallic and normals of a supersampled rendering, to display [B, H, W, 3]."""
    white = rendered.normal.new_ones(1, 1, 1, 3)
    maps = [
        linear_to_srgb(rendered.channels[:, :3].clamp(0, 1)),
        rendered.channels[:, 3:6].clamp(0, 1),
        rendered.normal * 0.5 + 0.5,
    ]
    pictures = [rendered.fragments.scatter(values, white) for values in maps]
    return [
        torch.nn.functional.avg_pool2d(picture.permute(0, 3, 1, 2), scale).permute(0, 2, 3, 1) for picture in pictures
    ]


def strip(backend: Backend, scene: Scene, images: ImageSet, view: int, background: float) -> Tuple[Tensor, float]:
    """Result | reference | difference | base colour | ks | normals side by side [H, 6 W, 3], and the view's PSNR."""
    result, reference, rendered = compare(backend, scene, images, torch.tensor([view]), background)
    difference = 1.0 - (result - reference).abs().mean(-1, keepdim=True).expand(-1, -1, -1, 3).mul(4.0).clamp(max=1.0)
    scale = rendered.fragments.height // images.resolution[0]
    tiles = [result, reference, difference, *layers(rendered, scale)]
    return torch.cat([tile[0] for tile in tiles], dim=1), float(psnr(result, reference)[0])


def write(session: Session, training_pass: int, number: int, scene: Scene) -> None:
    """Writes the next preview picture and prints the running PSNR over a few held-out views."""
    background = BACKGROUND[session.options.background]
    images = session.validation
    picture, _ = strip(session.backend, scene, images, number % len(images), background)
    session.previews.mkdir(parents=True, exist_ok=True)
    write_png(session.previews / ("%s%06d.png" % (PREFIX[training_pass], number)), picture)
    count = min(session.options.validation_views, len(images))
    index = torch.linspace(0, len(images) - 1, count).round().long()
    result, reference, _ = compare(session.backend, scene, images, index, background)
    values = psnr(result, reference)
    done = min(number * session.options.save_interval, session.options.iter)
    step = session.order(training_pass) * session.options.iter + done
    share = TRAINING_SHARE * step / (session.passes * session.options.iter)
    session.reporter.stage("train", share, step=step, psnr=float(values.mean()))


def write_last(session: Session, scene: Scene) -> None:
    """The preview after the last iteration of pass 2."""
    interval = session.options.save_interval
    if interval:
        write(session, 1, -(-session.options.iter // interval), scene)


def write_png(path, image: Tensor) -> None:  # type: ignore[no-untyped-def]  # str or Path, as imageio takes
    """Writes display values [H, W, 3] in [0, 1] as 8-bit PNG."""
    imageio.imwrite(path, (image.clamp(0, 1) * 255.0 + 0.5).to(torch.uint8).cpu().numpy())
