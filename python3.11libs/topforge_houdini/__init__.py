"""TopForge inside Houdini. The only package that imports `hou`, `pdg` or Houdini's `pxr`.

Houdini 20.5 and 21 find it in `python3.11libs`; Houdini 22 through the shim in `python3.13libs`.
"""

from topforge_houdini import pipeline_path

pipeline_path.make_importable()
