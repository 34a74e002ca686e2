"""TopForge's own trainer: shape, physically based material and light from images. The only place that imports torch."""

import os

# GNU OpenMP, which torch brings, lets idle threads spin for milliseconds. They then hold the core that another thread,
# a Warp kernel or another program needs: on two shared cores a step took 1.3 to 4 s instead of 0.11 s. It reads this
# once, when torch is first imported, so it has to stand here.
os.environ.setdefault("GOMP_SPINCOUNT", "0")

import time

BEGAN = time.monotonic()
"""When this process began to train: before the seconds that importing torch takes, which count as well."""
