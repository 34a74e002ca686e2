"""What training asks of a lens: a pinhole with square pixels."""

from __future__ import annotations

from topforge_capture.capture import CaptureError, View

FIX = "`topforge convert CAPTURE NEW --to nerf-synthetic --undistort` makes images of a pinhole with square pixels."


def require(view: View) -> None:
    """Lets a view pass that can be trained on.

    Raises:
        CaptureError: `bad-value`: lens distortion, or pixels that are not square.
    """
    if view.distortion.kind != "none":
        reason = "%s: lens distortion (%s) cannot be trained on." % (view.image, view.distortion)
        raise CaptureError("bad-value", reason, FIX, (view.image,))
    if not view.is_square:
        fx, fy, _, _ = view.intrinsics
        reason = "%s: focal lengths %g and %g with skew %g: pixels must be square." % (view.image, fx, fy, view.skew)
        raise CaptureError("bad-value", reason, FIX, (view.image,))
