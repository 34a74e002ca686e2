"""Rasterise, interpolate, texture, antialias, hash-grid encode: one interface, several implementations.

`interface` says what there is, `select` which of them a run gets: `warp_backend` (Warp kernels, for CPU and GPU, in
the modules warp_*) or `nvdiffrast_backend` with `tinycudann_grid`. Kernels that are no operator of a renderer
(losses, shading, smoothness, limits) are called straight from their module, whatever the backend. `reference` and its
neighbours are plain torch twins, the tests' oracles. `warp_runtime` launches kernels, `parallel` shares work among a
CPU's threads, `padding` is about lists whose length only the GPU knows.
"""

from topforge_train.backend.interface import Backend, Fragments, HashGridSpec
from topforge_train.backend.select import load

__all__ = ["Backend", "Fragments", "HashGridSpec", "load"]
