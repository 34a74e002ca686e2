"""From a video or a folder of photographs to a capture with cameras: `frames` picks pictures, `poses` finds cameras.

    python -m topforge_frames frames SOURCE OUT ...     images/, frames.json
    python -m topforge_frames poses IMAGES OUT ...      images/ without distortion, sparse/0/, masks/, poses.json

Runs where numpy, imageio and pillow are, with imageio-ffmpeg for videos and pycolmap for cameras; no GPU is needed.
"""
