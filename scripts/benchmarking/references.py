"""Whether both trainers are given the same task: their reference pictures of the validation orbit, side by side."""

from pathlib import Path
from typing import Any, Dict

from benchmarking.process import BenchmarkError

SATURATED = 0.98
"""Display value from which a pixel says nothing of its radiance."""
VIEWS = range(0, 50, 8)


def compare(ours: Path, upstream: Path) -> Dict[str, Any]:
    """Mean PSNR of our references against upstream's, as they are and after one factor for each colour channel.

    Args:
        ours: Folder with our `val_%06d_ref.png`.
        upstream: Upstream's; of its views those that are there count.

    Returns:
        psnr, psnr_scaled in dB; factors: upstream's radiance over ours, median of the pixels of all views.

    Raises:
        BenchmarkError: They differ in size.
    """
    import imageio.v3 as imageio
    import numpy as np

    names = ["val_%06d_ref.png" % view for view in VIEWS]
    pairs = [
        tuple(imageio.imread(folder / name)[..., :3].astype(np.float64) / 255.0 for folder in (ours, upstream))
        for name in names
        if (upstream / name).is_file()
    ]
    if any(first.shape != second.shape for first, second in pairs):
        raise BenchmarkError(
            "The reference pictures in %s and %s differ in size; leave train_res alone." % (ours, upstream)
        )
    mine, theirs = (np.stack(pictures) for pictures in zip(*pairs))
    inside = (mine.min(-1) < SATURATED) & (theirs.min(-1) < SATURATED)
    factors = []
    for channel in range(3):
        known = inside & (mine[..., channel] > 0.1) & (mine[..., channel] < SATURATED)
        known &= theirs[..., channel] < SATURATED
        factors.append(float(np.median(linear(theirs[..., channel][known]) / linear(mine[..., channel][known]))))
    scaled = display(np.where(inside[..., None], linear(mine) * factors, linear(mine)))
    return {"psnr": decibel(mine, theirs), "psnr_scaled": decibel(scaled, theirs), "factors": factors}


def decibel(pictures: Any, others: Any) -> float:
    """Mean PSNR over views [N, H, W, 3] of display values."""
    import numpy as np

    return float((-10.0 * np.log10(((pictures - others) ** 2).mean((1, 2, 3)))).mean())


def linear(values: Any) -> Any:
    """Display values in [0, 1] as radiance (IEC 61966-2-1)."""
    import numpy as np

    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def display(values: Any) -> Any:
    """The inverse of `linear`, clamped."""
    import numpy as np

    values = np.clip(values, 0.0, 1.0)
    return np.where(values <= 0.0031308, 12.92 * values, 1.055 * values ** (1 / 2.4) - 0.055)
