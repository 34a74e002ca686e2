"""Are validation and test views views that training does not see?"""

from __future__ import annotations

from typing import Iterator

import numpy as np

from topforge_capture.checks.cameras import same_poses
from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, counted, fine


@check("splits", "Held-out views", needs=("rotation",))
def splits(material: Material) -> Iterator[Finding]:
    """No validation or test view repeats a training view."""
    digests = {photo.digest for photo in material.photos}
    held_out = [photo for photo in material.survey.photos if photo.split != "train"]
    if not held_out or not material.photos:
        return
    posed_alike = np.asarray(same_poses(held_out, material.photos).any(axis=1))
    repeated = [p for p, alike in zip(held_out, posed_alike) if alike or (p.digest in digests and p.mask.any())]
    if repeated:
        subject = counted(len(repeated), "One validation or test view repeats", "%d validation or test views repeat")
        sentence = subject + " a training view: metrics will flatter."
        fix = "Hold out views that are not trained on."
        yield Finding(Severity.WARNING, "repeated-view", sentence, fix, material.files(repeated))
    else:
        yield fine("splits", "%d validation and test views, none of them a training view." % len(held_out))
