"""Static validators of Houdini's files: what is wrong with an asset, a scene, a shelf or a package, without Houdini.

For files that we write ourselves there is one right way, so they are strict: whatever no file of ours needs is a
finding. The checks and their codes follow those that were calibrated on SideFX Labs. Nothing here knows pytest.
"""

from .context import Context, repository
from .findings import Finding
from .library import validate_library
from .package import validate_package
from .scene import validate_scene
from .shelf import validate_shelf

__all__ = [
    "Context",
    "Finding",
    "repository",
    "validate_library",
    "validate_package",
    "validate_scene",
    "validate_shelf",
]
