"""`topforge::frames`: the pictures to work with, out of a video or a folder of photographs."""

from __future__ import annotations

from topforge_houdini.nodes import preparation
from topforge_scene.dialog_script import Parameter

_OVERVIEW = """
Of a video, takes the sharpest frame of each stretch, so that views stay evenly spread and blurred ones are left out.
Of a folder of photographs takes all, upright as the camera was held, with their masks. One work item for each video.

It is the first of the nodes that turn a walk around an object into a capture: frames, then
[poses|Node:top/topforge::poses::1.0], then [convert|Node:top/topforge::convert::1.0], then
[train|Node:top/topforge::train::1.0]. Each hands its result to the next by the attribute `dataset`, so that only the
first has to be told a path. What is done is not done again: another option of the trainer looks for no cameras.
"""

NODE = preparation.entry(
    preparation.Words(
        name="frames",
        label="TopForge Frames",
        summary="Takes the sharpest frames of a video, or a folder of photographs, to find cameras for.",
        overview=_OVERVIEW,
        keywords=("video", "movie", "ffmpeg", "photogrammetry", "capture", "images", "sharpness"),
        dataset="Folder of the pictures that were taken; a node below takes it.",
        input_label="Videos or photographs",
        tasks=(
            (
                "go from a video to a surface",
                (
                    "Set __Video or Photographs__ to the video.",
                    "Wire [poses|Node:top/topforge::poses::1.0], [convert|Node:top/topforge::convert::1.0] and "
                    "[train|Node:top/topforge::train::1.0] below, and leave their captures empty.",
                    "On convert, choose the __Format__ that the trainer reads, and cook the train node.",
                ),
            ),
        ),
        tips=(
            "`preview` is a sheet of all frames that were taken: look at it before cameras are looked for.",
            "Several videos: wire a [File Pattern|Node:top/filepattern] node in and leave the parameter empty.",
            "It needs imageio-ffmpeg for videos: `python3 scripts/make_env.py train poses` installs it.",
        ),
        related=("top/topforge::poses::1.0", "top/topforge::convert::1.0", "top/filepattern"),
        preview="A sheet of all frames.",
    ),
    Parameter(
        "dataset",
        "Video or Photographs",
        "file",
        default=("",),
        tags=(("filechooser_mode", "read"),),
        help="A video, or a folder with photographs (in it or in `images/`, masks in `masks/`). Empty: the attribute "
        "`dataset` of each item above, or its first output file.",
    ),
)
