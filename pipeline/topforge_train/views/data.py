"""The photographs as tensors: read once, kept in memory, delivered at any of a few resolutions."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

import topforge_capture
from topforge.errors import TopForgeError
from topforge_train.views.camera import CameraBatch, make_cameras


class UnequalPhotographsError(TopForgeError):
    """The photographs of a split differ in size; they are compared with the renderings in one batch."""

    def __init__(self, one: topforge_capture.View, other: topforge_capture.View) -> None:
        sizes = (one.image, one.width, one.height, other.image, other.width, other.height)
        super().__init__(
            "%s is %d x %d pixels, but %s is %d x %d." % sizes,
            "Export all photographs of a split at one size; `topforge check` lists those that differ.",
        )


class NotNumbersError(TopForgeError):
    """A photograph holds NaN or infinity: one such pixel spoils the whole reconstruction."""

    def __init__(self, view: topforge_capture.View, pixels: int) -> None:
        super().__init__(
            "%s: %d pixels are not finite numbers." % (view.image, pixels),
            "Export the image again without NaN and infinity, or leave the view out of the pose file.",
        )


class TrainingSizeError(TopForgeError):
    """`train_res` is no whole part of the photographs' size: other averages would move silhouettes."""

    def __init__(self, view: topforge_capture.View, size: Sequence[int]) -> None:
        whole = [n for n in (1, 2, 3, 4, 8) if view.height % n == 0 and view.width % n == 0]
        possible = " or ".join("[%d, %d]" % (view.height // n, view.width // n) for n in whole)
        super().__init__(
            '"train_res" is [%d, %d], which is no whole part of the height %d and the width %d of %s.'
            % (*size, view.height, view.width, view.image),
            "Set train_res to %s, or to null for the photographs' own size." % possible,
        )


@dataclasses.dataclass(frozen=True)
class ImageSet:
    """N photographs with their cameras; all of one size."""

    names: Tuple[str, ...]
    files: Tuple[str, ...]  # where the photographs lie, relative to the capture's folder, with `/`
    pyramid: Tuple[Tensor, ...]  # [N, H / 2^i, W / 2^i, 4] float16: linear RGB premultiplied by alpha, and alpha
    cameras: CameraBatch  # N cameras
    camera_to_world: Tensor  # [N, 4, 4] float64
    fov_y: Tensor  # [N] float64, radians
    centre: Tensor  # [N, 2] float64: where the optical axes meet the images, NDC, x right and y down
    trust: Tuple[Tensor, ...] = ()  # [N, H / 2^i, W / 2^i, 1] float16: how far pixels are believed; () = fully

    def __len__(self) -> int:
        return len(self.names)

    @property
    def resolution(self) -> Tuple[int, int]:
        """(height, width) of the finest level."""
        return int(self.pyramid[0].shape[1]), int(self.pyramid[0].shape[2])

    def to(self, device: torch.device) -> ImageSet:
        """Photographs and clip matrices on a device; poses and angles, which only set things up, stay on the CPU."""
        pyramid = tuple(level.to(device) for level in self.pyramid)
        trust = tuple(level.to(device) for level in self.trust)
        return dataclasses.replace(self, pyramid=pyramid, cameras=self.cameras.to(device), trust=trust)

    def targets(self, index: Tensor, level: int = 0) -> Tensor:
        """Views `index` at a pyramid level: [B, h, w, 4] float32, premultiplied linear RGB and alpha."""
        images = self.pyramid[level]
        index, height = index.to(images.device), images.shape[1]
        # By rows of pixels: a GPU copies a few long pieces ten times slower than many short ones.
        rows = (index[:, None] * height + torch.arange(height, device=index.device)).reshape(-1)
        return images.flatten(0, 1).index_select(0, rows).view(len(index), *images.shape[1:]).float()

    def believed(self, image: Tensor, target: Tensor, index: Tensor, level: int = 0) -> Tensor:
        """Rendered views [B, h, w, 4], moved towards their targets where these are not believed (`trust`)."""
        return torch.lerp(target, image, self.trust[level][index].float()) if self.trust else image


def build_pyramid(images: Tensor, levels: int) -> Tuple[Tensor, ...]:
    """Area-averaged half-size copies of premultiplied images [N, H, W, 4], as float16, finest first.

    Stops early at an odd size: averaging must keep pixel footprints exact, or silhouettes would move.
    """
    pyramid: List[Tensor] = [images]
    while len(pyramid) < levels and images.shape[1] % 2 == 0 and images.shape[2] % 2 == 0:
        images = torch.nn.functional.avg_pool2d(images.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        pyramid.append(images)
    brightest = torch.finfo(torch.float16).max
    return tuple(level.clamp(max=brightest).half().contiguous() for level in pyramid)


def load_photograph(view: topforge_capture.View, factor: int) -> Tensor:
    """Premultiplied linear RGB and alpha [H / factor, W / factor, 4] float32 of a view: averages over areas, finite."""
    pixels = torch.from_numpy(topforge_capture.load_image(view))
    spoilt = int((~torch.isfinite(pixels).all(dim=-1)).sum())
    if spoilt:
        raise NotNumbersError(view, spoilt)
    premultiplied = torch.cat([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], dim=-1)
    if factor == 1:
        return premultiplied
    return torch.nn.functional.avg_pool2d(premultiplied.permute(2, 0, 1), factor).permute(1, 2, 0)


def reduction(views: Sequence[topforge_capture.View], size: Optional[Sequence[int]]) -> int:
    """The whole factor from the photographs' size, one for all, to `size` (height, width); 1 when that is None."""
    first = views[0]
    for view in views:
        if (view.width, view.height) != (first.width, first.height):
            raise UnequalPhotographsError(view, first)
    if size is None:
        return 1
    factor = first.height // size[0]
    if (first.height, first.width) != (size[0] * factor, size[1] * factor):
        raise TrainingSizeError(first, size)
    return factor


def load_images(
    folder: Path, split: str, near_far: Sequence[float], levels: int = 3, size: Optional[Sequence[int]] = None
) -> ImageSet:
    """Reads one split of a capture.

    Args:
        folder: Capture folder in any form `topforge_capture` reads.
        split: "train", "val", "test", ...
        near_far: Camera clip distances in world units.
        levels: How many resolutions to keep, each half of the one before.
        size: Height and width of the finest one, a whole part of the photographs'; None = theirs.

    Raises:
        TopForgeError: From the reader, naming file, key and fix; photographs of different sizes or with NaN; a size
            that is no whole part of theirs.
    """
    views = topforge_capture.read(folder, split).views
    factor = reduction(views, size)
    premultiplied = torch.stack([load_photograph(view, factor) for view in views])
    poses = torch.from_numpy(np.stack([view.camera_to_world for view in views]))
    fov_y = torch.tensor([view.fov_y for view in views], dtype=torch.float64)
    aspect = torch.tensor([view.width / view.height for view in views], dtype=torch.float64)
    centre = [[2 * view.principal_offset[0] / view.width, 2 * view.principal_offset[1] / view.height] for view in views]
    centres = torch.tensor(centre, dtype=torch.float64)
    return ImageSet(
        names=tuple(view.name for view in views),
        files=tuple(Path(os.path.relpath(str(view.image), str(folder))).as_posix() for view in views),
        pyramid=build_pyramid(premultiplied, levels),
        cameras=make_cameras(poses, fov_y, aspect, centres, near_far[0], near_far[1]),
        camera_to_world=poses,
        fov_y=fov_y,
        centre=centres,
    )
