"""TopForge's own trainer: shape, physically based material and light from images. The only place that imports torch.

`__main__` is the run, from a capture to an asset. Its two passes, `volume_pass` and `surface_pass`, say what is learnt
and what it is compared with; `deliver` writes the result. Below them:

- `views`: photographs, cameras, masks, and what they say about themselves before training
- `geometry`: isosurfaces, meshes, texture coordinates
- `rendering`: material, light, shading, and the way to an image; `mesh_reference` in place of photographs
- `training`: loop, iteration, CUDA graphs, checkpoints, several GPUs, and what happens when something goes wrong
- `evaluation`: pictures and scores
- `export`: files for other programs; `normalising` makes them of what upstream trainers wrote
- `backend`: the operators behind all of it, as kernels
"""

import os

# GNU OpenMP, which torch brings, lets idle threads spin for milliseconds. They then hold the core that another thread,
# a Warp kernel or another program needs: on two shared cores a step took 1.3 to 4 s instead of 0.11 s. It reads this
# once, when torch is first imported, so it has to stand here.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import time

BEGAN = time.monotonic()
"""When this process began to train: before the seconds that importing torch takes, which count as well."""
