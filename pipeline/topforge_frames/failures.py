"""What can go wrong on the way from a video to cameras, in the words of the person who filmed."""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Sequence

from topforge.errors import FailureClass, TopForgeError


class NoSourceError(TopForgeError):
    """There is neither a video nor a photograph."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__("%s: %s." % (path, problem), "Give a video file, or a folder with photographs.")


class UnreadableVideoError(TopForgeError):
    """Ffmpeg cannot read the video."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "%s cannot be read as a video: %s." % (path, problem), "Play it, or export it anew as MP4 (H.264)."
        )


class EmptyRangeError(TopForgeError):
    """No frame lies between start and end."""

    def __init__(self, path: Path, start: float, end: float, duration: float) -> None:
        super().__init__(
            "%s has no frame from %g s to %g s: it lasts %.1f s." % (path, start, end, duration),
            "Set start and end (0 is the video's own end) to times inside of it.",
        )


class UnreadablePhotoError(TopForgeError):
    """A photograph is damaged, or in a form that is not read."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            "%s cannot be read: %s." % (path, problem),
            "Remove it, or convert it to JPEG or PNG (raw files with the camera's own software).",
        )


class SameNameError(TopForgeError):
    """Two photographs would get the same name."""

    def __init__(self, first: Path, second: Path) -> None:
        super().__init__(
            "%s and %s have the same name without their endings." % (first, second),
            "Rename one: views are told apart by that name.",
        )


class MaskSizeError(TopForgeError):
    """A mask does not fit its photograph."""

    def __init__(self, mask: Path, size: Sequence[int], wanted: Sequence[int]) -> None:
        super().__init__(
            "%s is %d x %d, its photograph %d x %d." % (mask, size[0], size[1], wanted[0], wanted[1]),
            "Make the mask from the photograph as it is, in its full size.",
        )


class NoPackageError(TopForgeError):
    """A package that the work needs is not in this environment."""

    def __init__(self, package: str, what: str) -> None:
        super().__init__(
            'The environment has no Python package "%s", which %s needs.' % (package, what),
            "Complete TopForge's own environment: `python3 scripts/make_env.py train poses`.",
        )


class TooFewImagesError(TopForgeError):
    """Cameras cannot be found from one or two images."""

    def __init__(self, folder: Path, count: int) -> None:
        super().__init__(
            "%s holds %d images; cameras need three, a surface 50 or more." % (folder, count),
            "Take more photographs around the object, or pick more frames.",
        )


class NoModelError(TopForgeError):
    """COLMAP found no two images to start from."""

    failure_class = FailureClass.TRAINER

    def __init__(self, count: int, features: float, pairs: int) -> None:
        super().__init__(
            "No cameras were found: of %d images with %.0f features each, %d pairs show the same surface."
            % (count, features, pairs),
            "Move on by less between photographs (60 % overlap or more), light evenly, and put printed paper or other "
            "texture around a plain or shiny object. If neighbours do overlap, set matching to exhaustive.",
        )


class TooFewRegisteredError(TopForgeError):
    """Most images found no place in the model."""

    failure_class = FailureClass.TRAINER

    def __init__(
        self, registered: int, count: int, share: float, missing: Sequence[str], models: Sequence[int]
    ) -> None:
        super().__init__(
            "%s; at least %.0f %% are asked for." % (connected(registered, count, missing, models), 100 * share),
            "Add photographs between those that did not connect, drop blurred ones, set matching to exhaustive, or "
            "lower minimum_registered to go on with what there is.",
        )


class InaccurateError(TopForgeError):
    """The cameras do not agree with the images."""

    failure_class = FailureClass.TRAINER

    def __init__(self, error: float, limit: float) -> None:
        super().__init__(
            "The cameras miss their features by %.2f pixels in the mean, more than %g." % (error, limit),
            "Choose the camera_model of the lens (OPENCV for a wide one, OPENCV_FISHEYE for a fisheye), set camera to "
            "per_image if zoom or focus changed, or raise maximum_error.",
        )


class UnlikelyLensError(TopForgeError):
    """The lens that explains the images best is none that a camera has."""

    failure_class = FailureClass.TRAINER

    def __init__(self, doubted: Mapping[str, str]) -> None:
        """By the image's name, what speaks against its lens."""
        images, doubts = tuple(doubted), next(iter(doubted.values()))
        others = " and %d others" % (len(images) - 1) if len(images) > 1 else ""
        super().__init__(
            "The lens that was found for %s%s is none that photographs are taken with, so these cameras are wrong. %s"
            % (images[0], others, doubts),
            "Give focal_length where you know it, and choose the camera_model of the lens. If that does not help: "
            "photograph in more detail, in steps of 15 degrees at most, something that does not look the same from two "
            "sides; printed paper around it helps, and masks where it was turned.",
        )


def connected(registered: int, count: int, missing: Sequence[str], models: Sequence[int]) -> str:
    """How many images have a camera, which have none, and which found only each other; without an end."""
    some = ", ".join(missing[:4]) + (" and %d more" % (len(missing) - 4) if len(missing) > 4 else "")
    without = " (without: %s)" % some if missing else ""
    apart = "; models of %s images did not connect" % ", ".join(map(str, models)) if len(models) > 1 else ""
    return "Cameras were found for %d of %d images%s%s" % (registered, count, without, apart)
