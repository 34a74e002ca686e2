"""Captures: read, check, convert and preview datasets. Needs numpy and imageio, never torch."""

from topforge_capture.capture import Capture, CaptureError, Dataset, View
from topforge_capture.images import load_image
from topforge_capture.reader import read, read_all, splits

__all__ = ["Capture", "CaptureError", "Dataset", "View", "load_image", "read", "read_all", "splits"]
