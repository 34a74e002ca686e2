"""`topforge::convert`: a capture in the format that a trainer reads."""

from __future__ import annotations

from topforge_houdini.nodes import preparation
from topforge_houdini.nodes.common import folder

_OVERVIEW = """
Writes a capture in the format that a trainer reads: cameras, pictures and masks, and where the object is. It reads
COLMAP, NeRF-synthetic, LLFF, Neuralangelo, nerfstudio, Metashape, RealityScan, USD and Houdini cameras, and says what
the format cannot hold.
"""

NODE = preparation.entry(
    preparation.Words(
        name="convert",
        label="TopForge Convert",
        summary="Writes a capture in the format that a trainer reads.",
        overview=_OVERVIEW,
        keywords=("capture", "COLMAP", "transforms.json", "nerfstudio", "Metashape", "RealityCapture", "cameras"),
        dataset="Folder of the converted capture; a node below takes it.",
        input_label="Captures",
        tasks=(
            (
                "prepare a video for Neuralangelo",
                ("Set __Format__ to neuralangelo. Masks are not needed; the sphere comes from the sparse points.",),
            ),
            (
                "prepare masked photographs for TopForge's trainer or nvdiffrec",
                (
                    "Leave __Format__ at nerf-synthetic, and set __Hold Out__ to 8.",
                    "Switch __Find Box__ on and set __Fit into Side__ to 2.1: COLMAP chooses place and size of its "
                    "world at will.",
                ),
            ),
        ),
        tips=("`conversion.json` in the result says what was lost.",),
        related=("top/topforge::poses::1.0", "top/topforge::train::1.0", "top/topforge::checkdataset::1.0"),
    ),
    folder(
        "dataset",
        "Capture",
        "Folder of the capture to convert. Empty: the attribute `dataset` of each item above.",
    ),
)
