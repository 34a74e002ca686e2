"""Sampling operators of the Warp backend: mip-mapped texture, cube map, hash grid (see `interface.Backend`)."""

from topforge_train.backend.warp_cube import texture_cube
from topforge_train.backend.warp_hash_grid import hash_grid, lattice
from topforge_train.backend.warp_texture import texture

__all__ = ["hash_grid", "lattice", "texture", "texture_cube"]
