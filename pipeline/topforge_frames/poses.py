"""`poses`: the cameras that took a folder of images, and the images freed of their lens's distortion."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List

from topforge import atomic
from topforge_capture import reader
from topforge_capture.findings import Finding
from topforge_frames import judging, material, reconstruction
from topforge_frames.material import Material
from topforge_frames.reconstruction import Settings

Say = Callable[[float, str], None]
PREPARED, MATCHED, FOUND, UNDISTORTED = 0.03, 0.5, 0.92, 0.97
"""Progress when images are laid out, when they are matched, when cameras are known, when images have lost their
distortion. COLMAP's own lines tell more."""


def run(source: Path, out: Path, work: Path, settings: Settings, say: Say) -> Dict[str, Any]:
    """Writes `images/`, `masks/`, `sparse/0/` and poses.json into `out`; returns what poses.json says.

    Raises:
        TopForgeError: Nothing usable is there, too few cameras were found, or ones that cannot be right.
    """
    reconstruction.library()  # before anything is copied
    out.mkdir(parents=True, exist_ok=True)
    say(0.0, "laying out images")
    given = material.prepare(source, work, settings.use_masks)
    database = work / "database.db"
    say(PREPARED, "finding features in %d images" % len(given.names))
    kind = reconstruction.match(given, database, settings)
    say(MATCHED, "finding cameras")
    models = reconstruction.reconstruct(given, database, work, settings, _Counter(len(given.names), say))
    made = _report(models, given, kind, reconstruction.features_and_pairs(database))
    atomic.write_json(work / "poses.json", made)
    chosen = reconstruction.save(models[0], work)
    views = reader.read_all(chosen, given.images).views
    judging.refuse(made, views, settings)
    say(FOUND, "undistorting %d images" % made["registered"])
    reconstruction.undistort(models[0], chosen, given, out)
    say(UNDISTORTED, "looking at the cameras")
    made["warnings"] = [_told(finding) for finding in judging.warnings(made, views, settings, out)]
    atomic.write_json(out / "poses.json", made)
    say(1.0, "%d of %d cameras, %.2f pixels off" % (made["registered"], made["images"], made["reprojection_error"]))
    return made


class _Counter:
    """Tells how many cameras are known; a second model starts to count anew."""

    def __init__(self, total: int, say: Say) -> None:
        self._total, self._say, self._known = total, say, 2

    def __call__(self) -> None:
        self._known += 1
        share = min(1.0, self._known / self._total)
        self._say(MATCHED + (FOUND - MATCHED) * share, "camera %d of %d" % (min(self._known, self._total), self._total))


def _report(models: List[Any], given: Material, kind: str, found: Any) -> Dict[str, Any]:
    """Everything worth knowing about the result."""
    best = models[0]
    registered = sorted(best.image(number).name for number in best.reg_image_ids())
    return {
        "images": len(given.names),
        "registered": len(registered),
        "unregistered": [name for name in given.names if name not in set(registered)],
        "masked": len(given.masked),
        "matching": kind,
        "features_per_image": round(found[0], 1),
        "verified_pairs": found[1],
        "model_sizes": [model.num_reg_images() for model in models],
        "points": best.num_points3D(),
        "track_length": best.compute_mean_track_length(),
        "triangulation_angle": reconstruction.triangulation_angle(best),
        "feature_reach": reconstruction.feature_reach(best),
        "reprojection_error": best.compute_mean_reprojection_error(),
        "lenses": [_lens(camera) for _, camera in sorted(best.cameras.items())],
    }


def _told(finding: Finding) -> Dict[str, str]:
    """A warning for poses.json, said in the log as well."""
    print("WARNING: %s %s" % (finding.sentence, finding.fix), flush=True)
    return {"code": finding.code, "sentence": finding.sentence, "fix": finding.fix}


def _lens(camera: Any) -> Dict[str, Any]:
    names = [name.strip() for name in camera.params_info.split(",")]
    values = dict(zip(names, map(float, camera.params)))
    return {"model": camera.model.name, "width": camera.width, "height": camera.height, **values}
