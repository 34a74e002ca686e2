"""Are the poses rigid, in the right convention, and aimed at one object?"""

from __future__ import annotations

from typing import Iterator, Sequence, Tuple

import numpy as np

from topforge_capture.checks.registry import Material, check
from topforge_capture.findings import Finding, Severity, counted, fine
from topforge_capture.photo import Photo
from topforge_capture.posture import AGREES, CERTAIN, DOUBTFUL, best_other_reading

FEW = 0.1
"""Share of the views that may be wrong in part without spoiling the training."""
LEAST_AGREEMENT = 0.6
"""Above it, single views are at fault; below, the convention of all is suspected."""


@check("rotation", "Rotations")
def rotation(material: Material) -> Iterator[Finding]:
    """The left 3 x 3 part of each pose is a rotation."""
    photos = material.survey.photos
    if not photos:
        return
    parts = np.array([photo.view.camera_to_world[:3, :3] for photo in photos])
    lengths = np.linalg.norm(parts, axis=1)
    skewed = np.abs(parts.transpose(0, 2, 1) @ parts - np.eye(3)).max(axis=(1, 2)) > 1e-3
    mirrored = (np.linalg.det(parts) < 0) & ~skewed
    if skewed.any():
        low, high = lengths[skewed].min(), lengths[skewed].max()
        subject = counted(int(skewed.sum()), "One pose is no rigid motion", "%d poses are no rigid motions")
        sentence = subject + ": axes are %.3g to %.3g long, or not at right angles." % (low, high)
        fix = "Write rotations: divide each of the first three columns by its length, and scale only the positions."
        yield Finding(Severity.ERROR, "not-a-rotation", sentence, fix, _files(material, photos, skewed))
    if mirrored.any():
        subject = counted(int(mirrored.sum()), "One pose is", "%d poses are")
        sentence = subject + " mirrored (determinant -1): one axis has the wrong sign."
        fix = "Negate one column: x points right, y up, z backward, which is right-handed."
        yield Finding(Severity.ERROR, "mirrored", sentence, fix, _files(material, photos, mirrored))
    if not skewed.any() and not mirrored.any():
        yield fine("rotation", "All poses are rigid and right-handed.")


@check("convention", "Axes and direction of poses", needs=("rotation",))
def convention(material: Material) -> Iterator[Finding]:
    """Cameras and masks leave a common hull when read as written."""
    if len(material.posed) < 2:
        return
    posture = material.posture
    in_doubt = material.options.other_readings and posture.certainty < CERTAIN
    other = best_other_reading(material.posed, material.world) if in_doubt else None
    if other is not None and other.certainty > posture.certainty:
        sentence = (
            "Read as written, only %.0f %% of the masks agree with a common hull; %.0f %% do when the poses are %s."
            % (100 * posture.certainty, 100 * other.certainty, other.reading.name)
        )
        yield Finding(Severity.ERROR, "wrong-convention", sentence, other.reading.fix)
        return
    if posture.agreement >= LEAST_AGREEMENT:
        sentence = "Cameras and masks agree in %.0f %% of the views, read as OpenGL camera to world."
        yield fine("convention", sentence % (100 * posture.agreement))
        return
    away = int(posture.astray.sum())
    sentence = (
        "Cameras and masks agree in %.0f %% of the views only (%d cameras do not even look at the common region)%s."
        % (100 * posture.agreement, away, ", and no other reading of the poses does better" if in_doubt else "")
    )
    fix = "Compare the field of view, the order of the images, and whether images are flipped or cropped."
    yield Finding(Severity.ERROR, "no-common-region", sentence, fix)


@check("aim", "Aim", needs=("rotation", "convention"))
def aim(material: Material) -> Iterator[Finding]:
    """Every camera sees the object where its mask says."""
    if len(material.posed) < 2:
        return
    posture = material.posture
    if posture.astray.any():
        subject = counted(int(posture.astray.sum()), "One camera does", "%d cameras do")
        sentence = subject + " not look at the region that the others look at."
        fix = "Correct or remove these poses."
        yield Finding(
            Severity.ERROR, "looks-elsewhere", sentence, fix, _files(material, material.posed, posture.astray)
        )
    wrong = posture.disagreeing & (posture.unexplained > AGREES)
    if wrong.mean() <= FEW or posture.carved > DOUBTFUL:
        wrong &= posture.unexplained > 3 * AGREES  # in part only: the other views outvote it
    for severity, chosen in ((Severity.ERROR, wrong), (Severity.WARNING, posture.disagreeing & ~wrong)):
        if chosen.any():
            worst = 100 * float(posture.unexplained[chosen].max())
            subject = counted(int(chosen.sum()), "The mask of one view does", "The masks of %d views do")
            sentence = subject + " not fit the hull of the others (up to %.0f %% of a mask lies outside)." % worst
            fix = "Look whether pose or image of these views belongs to another one, or whether their masks are wrong."
            files = _files(material, material.posed, chosen)
            yield Finding(severity, "mask-pose-mismatch", sentence, fix, files)
    if not posture.astray.any() and not posture.disagreeing.any():
        sentence = "All cameras look at one region; their axes pass it at %.1f %% of their distance."
        yield fine("aim", sentence % (100 * posture.spread))


@check("same-pose", "Repeated poses", needs=("rotation",))
def same_pose(material: Material) -> Iterator[Finding]:
    """No two training views that differ in their pixels share a pose."""
    photos = material.photos
    if len(photos) < 2:
        return
    same = same_poses(photos, photos)
    np.fill_diagonal(same, False)
    for first, second in np.argwhere(same):
        same[first, second] = photos[first].digest != photos[second].digest
    twice = np.asarray(same.any(axis=1))
    if twice.any():
        sentence = "%d training views share a pose with a different image." % twice.sum()
        fix = "Find out which image the pose belongs to; remove the other."
        yield Finding(Severity.WARNING, "duplicate-pose", sentence, fix, _files(material, photos, twice))
    else:
        yield fine("same-pose", "No pose occurs twice.")


def same_poses(first: Sequence[Photo], second: Sequence[Photo]) -> np.ndarray:
    """[N, M] bool: same position (within 1e-4 of the cameras' spread) and same rotation (within about 0.1 degree)."""
    poses = [np.array([photo.view.camera_to_world for photo in photos]) for photos in (first, second)]
    size = max(float(np.ptp(np.concatenate(poses)[:, :3, 3], axis=0).max()), 1e-9)
    moved = np.linalg.norm(poses[0][:, None, :3, 3] - poses[1][None, :, :3, 3], axis=-1)
    turned = np.abs(poses[0][:, None, :3, :3] - poses[1][None, :, :3, :3]).max(axis=(2, 3))
    return (moved < 1e-4 * size) & (turned < 2e-3)


def _files(material: Material, photos: Sequence[Photo], chosen: np.ndarray) -> Tuple[str, ...]:
    return material.files([photo for photo, is_chosen in zip(photos, chosen) if is_chosen])
