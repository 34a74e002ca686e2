"""`topforge::poses`: the cameras of a folder of images, by COLMAP as pycolmap brings it."""

from __future__ import annotations

from topforge_houdini.nodes import preparation
from topforge_houdini.nodes.common import folder

_OVERVIEW = """
Finds where each picture was taken from, with COLMAP as pycolmap brings it: features, matches between pictures, cameras.
It needs no GPU and no COLMAP of your own. The pictures of the result are as a lens without distortion would have taken
them, with their masks; they and the cameras are a COLMAP capture.

The item fails, before a GPU hour is spent, when cameras are found for too few pictures, or do not fit them.
"""

NODE = preparation.entry(
    preparation.Words(
        name="poses",
        label="TopForge Poses",
        summary="Finds the cameras of photographs or frames.",
        overview=_OVERVIEW,
        keywords=("COLMAP", "pycolmap", "structure from motion", "SfM", "camera", "photogrammetry", "match move"),
        dataset="Folder of the COLMAP capture; a node below takes it.",
        input_label="Photographs",
        tasks=(
            (
                "find cameras where it fails",
                (
                    "Look into the run folder: `poses.json` and the log name the pictures without cameras.",
                    "Take more frames on [frames|Node:top/topforge::frames::1.0], or set __Matching__ to exhaustive.",
                    "If the object is plain, switch __Use Masks__ off: the table under it has more texture.",
                ),
            ),
        ),
        tips=("It needs pycolmap: `python3 scripts/make_env.py train poses` installs it.",),
        related=("top/topforge::frames::1.0", "top/topforge::convert::1.0", "top/topforge::checkdataset::1.0"),
    ),
    folder(
        "dataset",
        "Photographs",
        "Folder with the pictures (in it or in `images/`, masks in `masks/`). Empty: the attribute `dataset` of each "
        "item above, which is what a frames node made.",
    ),
)
