"""Which Houdini this is, and whether TopForge supports it."""

from __future__ import annotations

import hou

SUPPORTED = ((20, 5), (23, 0))
"""From, and up to but not, as in package.json."""


def text() -> str:
    """As Houdini writes it: "21.0.631"."""
    return hou.applicationVersionString()


def numbers() -> tuple[int, int]:
    """Major and minor number."""
    major, minor, *_ = hou.applicationVersion()
    return major, minor


def is_supported() -> bool:
    """Whether TopForge's package is enabled in this version."""
    return SUPPORTED[0] <= numbers() < SUPPORTED[1]
