"""Hand-drawn masks and varying exposure are noticed, named, and told from clean ones."""

import imageio.v3 as imageio
import numpy as np

from topforge_capture import checks
from topforge_capture.findings import Severity
from topforge_capture.survey import survey


def found(scene):
    """The first finding of each code that is not fine, and the material."""
    material = checks.Material(survey(scene.folder, lambda done, message: None), checks.Options())
    results = checks.run(checks.CHECKS, material, lambda done, message: None)
    return {f.code: f for _, fs in results for f in fs if f.severity is not Severity.FINE}, material


def set_alpha(scene, index, change):
    """Replaces a view's alpha [H, W] bool by what `change` makes of it."""

    def changed(pixels):
        alpha = change(pixels[..., 3] > 127)
        return np.concatenate([pixels[..., :3], 255 * alpha[..., None].astype(np.uint8)], axis=2)

    scene.edit(index, changed)


def shifted(columns, rows):
    return lambda alpha: np.roll(np.roll(alpha, columns, axis=1), rows, axis=0)


def test_masks_that_are_off_carve_each_other_away(scene, clean_scene):
    generator = np.random.default_rng(0)
    for index in range(24):
        set_alpha(scene, index, shifted(*generator.integers(-2, 3, 2)))
    findings, material = found(scene)
    assert all(finding.severity is Severity.WARNING for finding in findings.values())  # it can be trained on
    assert findings["masks-disagree"].severity is Severity.WARNING
    assert material.posture.carved > 0.05
    found_size, true_size = (np.ptp(m.posture.hull.bounds(), axis=0) for m in (material, found(clean_scene)[1]))
    np.testing.assert_allclose(found_size, true_size, rtol=0.08)


def test_a_torn_mask_is_named(scene):
    def torn(alpha):
        columns = np.nonzero(alpha.any(axis=0))[0]
        alpha[:, : int(columns.mean())] = False
        return alpha

    set_alpha(scene, 7, torn)
    findings, _ = found(scene)
    assert findings["mask-part-missing"].files == ("train/r_07.png",)


def test_varying_exposure_is_told_from_brighter_sides(scene):
    generator = np.random.default_rng(1)
    for index in range(24):
        pixels = imageio.imread(scene.image(index))
        encoded = (pixels[..., :3] / 255.0) ** 2.2 * 2.0 ** generator.uniform(-0.7, 0.1)
        pixels[..., :3] = np.round(255 * encoded ** (1 / 2.2))
        imageio.imwrite(scene.image(index), pixels)
    findings, _ = found(scene)
    assert set(findings) == {"exposure-varies"}


def test_clean_ones_are_in_order(clean_scene):
    findings, material = found(clean_scene)
    assert findings == {}
    assert material.posture.carved < 0.01
