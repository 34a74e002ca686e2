"""The backend made of nvdiffrast and tiny-cuda-nn, where they are installed; a GPU only.

Written from nvdiffrast's published documentation (https://nvlabs.github.io/nvdiffrast) and arXiv 2011.03277. Which
operators it borrows from the Warp backend, and why, is in docs/decisions/0010-gpu-backends.md.
"""

from __future__ import annotations

from typing import Any, Optional, Sequence, Tuple

import torch
from torch import Tensor

from topforge_train.backend import tinycudann_grid, warp_sampling, warp_silhouette
from topforge_train.backend.interface import Fragments, HashGridSpec
from topforge_train.backend.warp_listing import listed
from topforge_train.backend.warp_runtime import TensorMismatchError, check, check_gpu, check_triangles

MOST_TRIANGLES = 2**24 - 1
"""Triangles are numbered in a float32 image."""


class NvdiffrastBackend:
    """Implements `interface.Backend`; each method's contract is there.

    Raises:
        UnusableGpuError: The Warp operators that this backend borrows cannot use the GPU.
    """

    name = "nvdiffrast"
    licence = (
        "Made with nvdiffrast (NVIDIA Source Code License): research or evaluation only, never commercially, whatever "
        "the trainer's own licence allows. The backend warp has no such limit."
    )
    capturable = False

    def __init__(self, operators: Any, encodings: Any, device: str = "cuda") -> None:
        """The modules nvdiffrast.torch and tinycudann, which are not everywhere: `select` looks for them."""
        self.device = torch.device(device)
        check_gpu(self.device)
        self._operators, self._encodings = operators, encodings
        index = torch.cuda.current_device() if self.device.index is None else self.device.index
        self._context = operators.RasterizeCudaContext(device=torch.device("cuda", index))

    def rasterize(
        self,
        clip: Tensor,
        triangles: Tensor,
        resolution: Tuple[int, int],
        capacity: Optional[int] = None,
        behind: Optional[Fragments] = None,
    ) -> Fragments:
        """Nearest triangle under each pixel centre; vertices are rounded to a sixteenth of a pixel for that."""
        check("clip", clip, ("B", "V", 4), torch.float32, clip.device)
        triangles = check_triangles(triangles, clip.shape[1], clip.device)
        if len(triangles) > MOST_TRIANGLES:
            raise TensorMismatchError("triangles", "a list of at most %d triangles" % MOST_TRIANGLES, triangles)
        layer = 0 if behind is None else behind.layer + 1
        if len(triangles) and len(clip):
            drawn = self._drawn(clip.contiguous(), triangles, resolution, layer)
        else:
            drawn = clip.new_zeros(len(clip), *resolution, 4)
        ids = drawn.detach()[..., 3].to(torch.int32)
        pixel, count = listed(ids.reshape(-1), capacity)
        inside = pixel.clamp(max=ids.numel() - 1)
        found = drawn.reshape(-1, 4).index_select(0, inside)
        if count is not None:  # padding is one past the last pixel
            nothing = found.new_tensor([1 / 3, 1 / 3, 2.0, 1.0])
            found = torch.where((pixel < ids.numel())[:, None], found, nothing)
        triangle = found[:, 3].detach().to(torch.int32) - 1
        lists = (pixel, triangle, found[:, :2], found[:, 2].detach())
        return Fragments(len(clip), *resolution, ids, *lists, count, layer)

    def _drawn(self, clip: Tensor, triangles: Tensor, resolution: Tuple[int, int], layer: int) -> Tensor:
        """Weights, z / w and triangle + 1 of a layer [B, H, W, 4]; a depth peeler forgets, so it begins in front."""
        arguments = (self._context, clip, triangles, tuple(resolution))
        if layer == 0:
            return self._operators.rasterize(*arguments, grad_db=False)[0]
        with self._operators.DepthPeeler(*arguments, grad_db=False) as peeler:
            for _ in range(layer):
                peeler.rasterize_next_layer()
            return peeler.rasterize_next_layer()[0]

    def interpolate(self, attributes: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Vertex attributes at the covered pixels, which nvdiffrast sees as an image of one row."""
        check("attributes", attributes, ("V", "C"), torch.float32, attributes.device)
        triangles = check_triangles(triangles, len(attributes), attributes.device)
        if not len(fragments.pixel):
            return attributes[:0]
        rest = torch.stack([fragments.depth, (fragments.triangle + 1).to(attributes)], dim=1)
        row = torch.cat([fragments.barycentric, rest], dim=1)[None, None]
        values, _ = self._operators.interpolate(attributes.contiguous()[None], row, triangles)
        return values[0, 0]

    def antialias(self, image: Tensor, clip: Tensor, triangles: Tensor, fragments: Fragments) -> Tensor:
        """Smooth silhouettes that carry gradients to the positions; ours, because nvdiffrast's lose most of them."""
        return warp_silhouette.antialias(image, clip, triangles, fragments)

    def texture(self, levels: Sequence[Tensor], coordinates: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a mip chain."""
        if not len(coordinates):
            return levels[0].reshape(-1, levels[0].shape[-1])[:0]
        finest, *coarser = (image.contiguous()[None] for image in levels)
        places = coordinates.contiguous()[None, None]
        if coarser:
            mips = {"mip": coarser, "mip_level_bias": level.detach().contiguous()[None, None]}
            options = {"filter_mode": "linear-mipmap-linear", **mips}
        else:
            options = {"filter_mode": "linear"}
        return self._operators.texture(finest, places, boundary_mode="clamp", **options)[0, 0]

    def texture_cube(self, levels: Sequence[Tensor], directions: Tensor, level: Tensor) -> Tensor:
        """Trilinear lookup in a chain of cube maps; ours, because nvdiffrast's chains must halve from map to map."""
        return warp_sampling.texture_cube(levels, directions, level)

    def hash_grid(self, table: Tensor, points: Tensor, spec: HashGridSpec) -> Tensor:
        """Multiresolution hash encoding."""
        return tinycudann_grid.hash_grid(self._encodings, table, points, spec)
