"""Pictures of the work as it stands, and the PSNR of held-out views on the way."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.backend.interface import Backend
from topforge_train.evaluation import display
from topforge_train.evaluation.metrics import psnr
from topforge_train.rendering.render import Rendered
from topforge_train.rendering.scene import Scene, displayed, draw, layers
from topforge_train.training.progress import TRAINING_SHARE
from topforge_train.training.session import Session
from topforge_train.views.data import ImageSet

PREFIX = ("img_dmtet_pass1_", "img_mesh_pass_")
"""nvdiffrec's names for the previews of its two passes, whatever the isosurface."""
BACKGROUND = {"white": 1.0, "black": 0.0, "checker": 0.5, "reference": 1.0}


def compare(
    backend: Backend, scene: Scene, images: ImageSet, index: Tensor, background: float
) -> Tuple[Tensor, Tensor, Rendered]:
    """Rendered and photographed views [B, H, W, 3] as clamped sRGB over a grey background, and the rendering."""
    rendered = draw(backend, scene, images.cameras[index], images.resolution)
    return displayed(rendered.image, background), displayed(images.targets(index), background), rendered


def strip(
    backend: Backend,
    scene: Scene,
    images: ImageSet,
    view: int,
    background: float,
    wanted: Optional[List[Dict[str, Any]]] = None,
) -> Tuple[Tensor, float]:
    """Pictures of a view side by side [H, n W, 3], and its PSNR.

    They are result | reference | difference | base colour | ks | normals, or with nvdiffrec's `display` as `wanted`
    its result | reference | layers.
    """
    index = torch.tensor([view])
    result, reference, rendered = compare(backend, scene, images, index, background)
    if wanted is None:
        error = (result - reference).abs().mean(-1, keepdim=True).expand(-1, -1, -1, 3)
        scale = rendered.fragments.height // images.resolution[0]
        tiles = [1.0 - error.mul(4.0).clamp(max=1.0), *layers(rendered, scale)]
    else:
        cameras = images.cameras[index]
        found = display.tiles(backend, scene, cameras, rendered, images.resolution, background, wanted)
        tiles = list(found.values())
    return torch.cat([tile[0] for tile in (result, reference, *tiles)], dim=1), float(psnr(result, reference)[0])


def write(session: Session, training_pass: int, number: int, scene: Scene) -> None:
    """Writes the next preview picture and prints the running PSNR over a few held-out views."""
    background = BACKGROUND[session.options.background]
    images = session.validation
    view, wanted = number % len(images), session.options.display
    picture, _ = strip(session.backend, scene, images, view, background, wanted)
    session.previews.mkdir(parents=True, exist_ok=True)
    session.pictures.write(session.previews / ("%s%06d.png" % (PREFIX[training_pass], number)), picture)
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
