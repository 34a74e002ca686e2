"""Options of trainings that take seconds: what the trainer's tests have in common."""

SMALL = {
    "train_res": [48, 48],
    "texture_res": [64, 64],
    "dmtet_grid": 16,
    "mesh_scale": 3.0,
    "probe_res": 16,
    "hash_log2_size": 10,
    "threads": 1,
}
"""As small as anything works, and repeatable to the bit."""
LEARNING = {
    **SMALL,
    "batch": 1,
    "learning_rate": [[0.03, 0.01], [0.001, 0.01]],
    "isosurface": "flexicubes",
}
"""The same with settings that learn something in a few iterations."""
