"""Captures: read, check and preview datasets. Needs numpy and imageio, never torch."""

from topforge_capture.capture import Capture, CaptureError, View
from topforge_capture.images import load_image
from topforge_capture.reader import read, splits

__all__ = ["Capture", "CaptureError", "View", "load_image", "read", "splits"]
