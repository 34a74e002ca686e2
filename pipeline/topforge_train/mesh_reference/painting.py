"""Materials of a mesh file as textures that can be looked up: each picture keeps its own size and mip chain."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import numpy as np
import torch
from torch import Tensor

from topforge.wavefront import Material, MeshFileError
from topforge_capture.capture import CaptureError
from topforge_capture.images import load_pixels, to_linear, to_unit
from topforge_train.backend.interface import Backend
from topforge_train.rendering.colour import srgb_to_linear

GREY, ROUGHNESS = 0.5, 0.5
"""What a material has that says nothing of its colour (sRGB-encoded) or its gloss."""
SMALLEST = 4
"""Side of the coarsest mip level in texels."""


@dataclasses.dataclass(frozen=True)
class Paint:
    """One quantity over a surface: a constant, or a picture with its mip chain."""

    levels: Tuple[Tensor, ...]  # [h, w, C], finest first; a constant is one texel

    @property
    def texels(self) -> int:
        """Height times width of the picture; 1 = a constant."""
        return self.levels[0].shape[0] * self.levels[0].shape[1]

    def to(self, device: torch.device) -> Paint:
        """The same on a device."""
        return Paint(tuple(level.to(device) for level in self.levels))

    def at(self, backend: Backend, uv: Tensor, level: Tensor, texels: int) -> Tensor:
        """Values [P, C] at texture coordinates [P, 2] in [0, 1], v downwards, and mip levels [P].

        The levels are those of a texture of so many `texels` (`texture_level`), not fewer than this picture has.
        """
        if self.texels == 1:
            return self.levels[0].reshape(1, -1).expand(len(uv), -1)
        own = level - 0.5 * math.log2(texels / self.texels)
        return backend.texture(self.levels, uv, own.clamp(0, len(self.levels) - 1))


@dataclasses.dataclass(frozen=True)
class PaintedMaterial:
    """What a `newmtl` says, ready to be looked up."""

    base_color: Paint  # linear RGB
    roughness: Paint  # perceptual
    metallic: Paint
    normal: Optional[Paint]  # tangent space, in [-1, 1]; None = flat
    opacity: Optional[Paint] = None  # None = opaque

    def paints(self) -> List[Paint]:
        """All of them."""
        every = (self.base_color, self.roughness, self.metallic, self.normal, self.opacity)
        return [each for each in every if each is not None]

    @property
    def is_textured(self) -> bool:
        """Whether texture coordinates are needed."""
        return any(paint.texels > 1 for paint in self.paints())

    def to(self, device: torch.device) -> PaintedMaterial:
        """The same on a device."""
        every = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return PaintedMaterial(**{name: each and each.to(device) for name, each in every.items()})

    def channels(self, backend: Backend, uv: Tensor, level: Tensor, texels: int) -> Tensor:
        """Nine channels [P, 9] in the order of `rendering.material`; occlusion is zero, as nvdiffrec makes it.

        Args:
            backend: Operators.
            uv: [P, 2] in [0, 1], v downwards.
            level: [P] mip levels of a texture of so many `texels`.
            texels: Those of the largest of all pictures.
        """
        base, rough, metal = (
            paint.at(backend, uv, level, texels) for paint in (self.base_color, self.roughness, self.metallic)
        )
        normal = base.new_tensor([[0.0, 0.0, 1.0]]).expand(len(uv), 3)
        if self.normal:
            normal = self.normal.at(backend, uv, level, texels)
        return torch.cat([base, torch.zeros_like(rough), rough, metal, normal], dim=-1)

    def opacity_at(self, backend: Backend, uv: Tensor, level: Tensor, texels: int) -> Tensor:
        """How much of what lies behind is hidden [P, 1]; arguments as for `channels`."""
        if self.opacity is None:
            return uv.new_ones(len(uv), 1)
        return self.opacity.at(backend, uv, level, texels)


def paint(material: Material) -> Tuple[PaintedMaterial, Tuple[str, ...]]:
    """Loads a material's pictures.

    Returns:
        The material, and in sentences what of it is not honoured.

    Raises:
        MeshFileError: A picture is not there or cannot be decoded.
    """
    remarks = ['Material "%s": "%s" has no effect.' % (material.name, text) for text in material.ignored]
    maps = material.used_maps()
    color, opacity = _constant(srgb_to_linear(torch.tensor(material.kd or (GREY,) * 3))), None
    if "map_kd" in maps:
        pixels = _pixels(maps["map_kd"])
        color, opacity = _picture(to_linear(pixels)[..., :3]), _opacity(pixels)
    roughness, metallic = _gloss(material, remarks)
    normal = _normal(material, maps["normal"], remarks) if "normal" in maps else None
    return PaintedMaterial(color, roughness, metallic, normal, opacity), tuple(remarks)


def plain(name: str) -> Tuple[PaintedMaterial, Tuple[str, ...]]:
    """Grey, for triangles whose material no file describes, or that name none ("")."""
    what = 'No file describes the material "%s": it is' % name if name else "Triangles without a material are"
    remark = what + " grey, half rough, no metal."
    color = _constant(srgb_to_linear(torch.full((3,), GREY)))
    return PaintedMaterial(color, _constant([ROUGHNESS]), _constant([0.0]), None), (remark,)


def _opacity(pixels: np.ndarray) -> Optional[Paint]:
    """The alpha of a base colour's picture, as nvdiffrec takes it; None where it hides everything."""
    alpha = to_unit(pixels[..., 3:4])
    return _picture(alpha) if alpha.size and float(alpha.min()) < 1.0 else None


def _gloss(material: Material, remarks: List[str]) -> Tuple[Paint, Paint]:
    """Roughness and metalness in the dialect of the material."""
    maps = material.used_maps()
    if material.nvdiffrec and "map_ks" in maps:
        ks = to_unit(_pixels(maps["map_ks"]))
        return _picture(ks[..., 1:2]), _picture(ks[..., 2:3])
    if material.nvdiffrec and material.ks:
        return _constant(material.ks[1:2]), _constant(material.ks[2:3])
    roughness, metallic = ROUGHNESS, material.pm or 0.0
    if material.pr is not None:
        roughness = material.pr
    elif material.ns is not None:  # equal widths of the lobes: alpha^2 = 2 / (n + 2) (Walter et al. 2007, section 5.1)
        roughness = float((2.0 / (material.ns + 2.0)) ** 0.25)
    elif "map_pr" not in maps:
        remarks.append('Material "%s" does not say how rough it is: %g is taken.' % (material.name, ROUGHNESS))
    rough = _picture(to_unit(_pixels(maps["map_pr"]))[..., :1]) if "map_pr" in maps else _constant([roughness])
    metal = _picture(to_unit(_pixels(maps["map_pm"]))[..., :1]) if "map_pm" in maps else _constant([metallic])
    return rough, metal


def _normal(material: Material, path: Path, remarks: List[str]) -> Optional[Paint]:
    """A tangent-space normal map; a grey picture is a height map, which is left out."""
    pixels = to_unit(_pixels(path))[..., :3]
    if np.ptp(pixels, axis=-1).max() == 0.0:
        remarks.append('Material "%s": %s is grey, a height map and no normal map; left out.' % (material.name, path))
        return None
    return _picture(pixels * 2.0 - 1.0)


def _pixels(path: Path) -> np.ndarray:
    try:
        return load_pixels(path)
    except CaptureError as error:
        raise MeshFileError(path, error.reason.rstrip("."), error.fix) from error


def _constant(value: Sequence[float] | Tensor) -> Paint:
    return Paint((torch.as_tensor(value, dtype=torch.float32).reshape(1, 1, -1),))


def _picture(pixels: np.ndarray) -> Paint:
    """A mip chain by 2 x 2 averages; a row or column left over at an odd size goes to none."""
    levels = [torch.from_numpy(np.ascontiguousarray(pixels, np.float32))]
    while min(levels[-1].shape[:2]) >= 2 * SMALLEST:
        finer = levels[-1].permute(2, 0, 1)[None]
        levels.append(torch.nn.functional.avg_pool2d(finer, 2)[0].permute(1, 2, 0).contiguous())
    return Paint(tuple(levels))
