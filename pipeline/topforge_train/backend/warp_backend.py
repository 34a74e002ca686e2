"""The backend made of NVIDIA Warp kernels: no compiler, permissive licence, CPU now and GPU from the same source."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import torch
from torch import Tensor

from topforge_train.backend import warp_interpolate, warp_raster, warp_sampling, warp_silhouette
from topforge_train.backend.interface import Fragments, HashGridSpec
from topforge_train.backend.warp_runtime import check_gpu, start


class WarpBackend:
    """Implements `interface.Backend`; each method's contract is there, each module says how.

    Raises:
        KernelCacheError: Compiled kernels have no writable folder.
        UnusableGpuError: The device is a GPU that Warp cannot use.
    """

    name = "warp"
    licence = ""
    capturable = True

    def __init__(self, device: str = "cpu") -> None:
        start()
        self.device = torch.device(device)
        if self.device.type == "cuda":
            check_gpu(self.device)

    def rasterize(
        self,
        clip: Tensor,
        triangles: Tensor,
        resolution: Tuple[int, int],
        capacity: Optional[int] = None,
        behind: Optional[Fragments] = None,
    ) -> Fragments:
        """Nearest triangle under each pixel centre, or the nearest behind others."""
        return warp_raster.rasterize(clip, triangles, resolution, capacity, behind)

    def interpolate(self, attributes: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Vertex attributes at the covered pixels."""
        return warp_interpolate.interpolate(attributes, triangles, fragments)

    def antialias(self, image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Smooth silhouettes that carry gradients to the positions."""
        return warp_silhouette.antialias(image, clip, triangles, fragments)

    def texture(self, levels: Sequence[Tensor], coordinates: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a mip chain."""
        return warp_sampling.texture(levels, coordinates, level)

    def texture_cube(self, levels: Sequence[Tensor], directions: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a chain of cube maps."""
        return warp_sampling.texture_cube(levels, directions, level)

    def hash_grid(self, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
        """Multiresolution hash encoding."""
        return warp_sampling.hash_grid(table, points, spec)
