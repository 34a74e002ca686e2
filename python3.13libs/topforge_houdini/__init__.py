"""Houdini 22 (Python 3.13) looks here; the modules are those of `python3.11libs` (docs/decisions/0008)."""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[2] / "python3.11libs" / "topforge_houdini")]

from . import pipeline_path  # found through the line above

pipeline_path.make_importable()
