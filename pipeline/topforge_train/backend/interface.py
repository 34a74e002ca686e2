"""The small set of operators a trainer backend provides. Everything else is plain torch on top of these.

Conventions, the same for every backend (docs/conventions.md has the picture):
  * B views, V vertices, F triangles, P covered pixels, C channels; float32 unless said, int32 indices.
  * Clip space as OpenGL's; a pixel's centre is at +0.5; **row 0 is the top of the image and NDC y = -1**: the camera
    code negates y in the projection, backends do not know about it. No culling by orientation.
  * Pixels are handled as a compact list of the covered ones: empty pixels cost nothing after rasterisation.
  * Every function is differentiable in its floating-point tensor arguments unless said.
"""

from __future__ import annotations

import dataclasses
from typing import Optional, Protocol, Sequence, Tuple, Union

import torch
from torch import Tensor

from topforge_train.backend.padding import mean


@dataclasses.dataclass(frozen=True)
class Fragments:
    """The visible surface: one entry for each covered pixel of a batch of views.

    On a GPU the list may be longer than that (see `Backend.rasterize`). The entries after `count` are padding: their
    pixel is B * H * W, one past the last, their triangle 0; nothing that is computed from them reaches the image or
    `mean`.
    """

    views: int
    height: int
    width: int
    ids: Tensor  # [B, H, W] int32: triangle + 1, 0 where empty
    pixel: Tensor  # [P] int64: flat index (b * H + y) * W + x, ascending
    triangle: Tensor  # [P] int32
    barycentric: Tensor  # [P, 2] float32: perspective-correct weights of corners 0 and 1; differentiable in clip
    depth: Tensor  # [P] float32: z / w, in [-1, 1]
    count: Optional[Tensor] = None  # [1] int32: covered pixels, also when more than P; None = exactly P
    layer: int = 0
    """How many surfaces lie in front of this one at every pixel it covers."""

    @property
    def length(self) -> Union[int, Tensor]:
        """How many pixels are covered."""
        return len(self.pixel) if self.count is None else self.count

    @property
    def view(self) -> Tensor:
        """The view [P] int64 of each entry; the last one's for padding."""
        return torch.div(self.pixel, self.height * self.width, rounding_mode="floor").clamp(max=self.views - 1)

    def mean(self, values: Tensor) -> Tensor:
        """Mean of values [P, ...] over the covered pixels, padding left out."""
        return mean(values, self.count)

    def scatter(self, values: Tensor, background: Tensor) -> Tensor:
        """Values [P, C] written over a background image [B, H, W, C] (or one that broadcasts to it)."""
        channels = values.shape[-1]
        full = background.expand(self.views, self.height, self.width, channels).reshape(-1, channels)
        if self.count is None:
            return full.index_copy(0, self.pixel, values).reshape(self.views, self.height, self.width, channels)
        full = torch.cat([full, full[:1]]).index_copy(0, self.pixel, values)  # one more row, for what is padding
        return full[:-1].reshape(self.views, self.height, self.width, channels)


@dataclasses.dataclass(frozen=True)
class HashGridSpec:
    """Geometry of a multiresolution hash grid (arXiv 2201.05989, section 3)."""

    levels: int = 8
    features: int = 2
    log2_table: int = 15
    base_resolution: int = 16
    finest_resolution: int = 512


class Backend(Protocol):
    """What a backend must provide. `name` goes into provenance; `device` is where its tensors live."""

    name: str
    licence: str
    """A sentence for the result, if using this backend restricts what may be done with it; else empty."""
    capturable: bool
    """Whether a CUDA graph may hold its operators."""
    device: torch.device

    def rasterize(
        self,
        clip: Tensor,
        triangles: Tensor,
        resolution: Tuple[int, int],
        capacity: Optional[int] = None,
        behind: Optional[Fragments] = None,
    ) -> Fragments:
        """Finds the nearest triangle under each pixel centre, or the nearest one behind those found before.

        Args:
            clip: [B, V, 4] positions.
            triangles: [F, 3] int32.
            resolution: (height, width).
            capacity: Length of the result's lists; pixels beyond it are left out. None = as many as are covered, for
                which a GPU must be waited for.
            behind: What was found in the same call without `behind`, or with the layer before it: each triangle is
                seen once at each pixel, by depth and, where that is equal, in some fixed order.
        """

    def interpolate(self, attributes: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Attributes [V, C] (shared by the views) at each covered pixel: [P, C].

        `triangles` may index another vertex list than the one that was rasterised (texture coordinates).
        """

    def antialias(self, image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Makes an image [B, H, W, C] differentiable in the positions at its silhouettes; same shape out.

        What the forward does to pixels on silhouettes, and which estimator the backward uses, is the backend's
        documented choice (docs/decisions/).
        """

    def texture(self, levels: Sequence[Tensor], coordinates: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a mip chain, edges clamped.

        Args:
            levels: Images [h, w, C], finest first, each half the size of the one before.
            coordinates: [P, 2] in [0, 1]; (0, 0) is the corner of texel [0, 0], first component along the width.
            level: [P] fractional mip level; not differentiated.

        Returns:
            [P, C].
        """

    def texture_cube(self, levels: Sequence[Tensor], directions: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a chain of cube maps, seamless across faces.

        Args:
            levels: [6, n, n, C], faces +x -x +y -y +z -z in OpenGL's orientation; sizes need not halve.
            directions: [P, 3], need not be unit length; differentiable.
            level: [P] fractional level; differentiable.
        """

    def hash_grid(self, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
        """Multiresolution hash encoding.

        Args:
            table: [levels, 2**log2_table, features].
            points: [P, 3] in [0, 1]; differentiable.
            spec: Sizes of the grid's levels.

        Returns:
            [P, levels * features], level-major.
        """
