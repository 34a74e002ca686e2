"""COLMAP through pycolmap: features, matches, cameras, and images as an ideal lens would have taken them.

pycolmap brings COLMAP as a library in its wheel (BSD-3): no COLMAP needs to be installed, and none is started.
"""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import numpy as np

from topforge_capture.lens import focal_of
from topforge_frames.failures import NoModelError, NoPackageError
from topforge_frames.material import Material

EXHAUSTIVE_LIMIT = 250
"""Images up to which every pair is matched by default: their number grows with the square."""
_MATCHES = 15
"""Matches that agree with one motion of the camera, from which on COLMAP takes two images for a pair."""
_JPEG_QUALITY = 97
_POINTS = 5000
"""So many points are enough for a median."""
_EVERY = 7
"""Every how many-th feature of an image is enough to tell where they lie."""
_LEFTOVERS = ("stereo", "run-colmap-geometric.sh", "run-colmap-photometric.sh")
"""What COLMAP's undistortion leaves for its own dense reconstruction."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How to look for cameras; the adapter's options of the same names say more."""

    camera_model: str = "SIMPLE_RADIAL"
    camera: str = "auto"
    matching: str = "auto"
    overlap: int = 10
    maximum_size: int = 2000
    maximum_features: int = 8192
    robust_features: bool = False
    use_masks: bool = True
    focal_length: float = 0.0
    minimum_registered: float = 0.5
    maximum_error: float = 2.0
    threads: int = 0
    seed: int = 0


def library() -> Any:
    """The pycolmap module.

    Raises:
        NoPackageError: It is not here.
    """
    try:
        import pycolmap
    except ImportError as error:
        raise NoPackageError("pycolmap", "finding cameras") from error
    return pycolmap


def match(material: Material, database: Path, settings: Settings) -> str:
    """Finds features in all images and matches them; the kind of matching that was used."""
    pycolmap = library()
    if database.exists():
        database.unlink()
    reader = pycolmap.ImageReaderOptions(camera_model=settings.camera_model)
    if material.masked and settings.use_masks:
        reader.mask_path = str(material.masks)
    threads = settings.threads or -1
    extraction = pycolmap.FeatureExtractionOptions(max_image_size=settings.maximum_size, num_threads=threads)
    extraction.sift.max_num_features = settings.maximum_features
    extraction.sift.estimate_affine_shape = extraction.sift.domain_size_pooling = settings.robust_features
    one = settings.camera == "single" or (settings.camera == "auto" and material.one_lens)
    mode = pycolmap.CameraMode.SINGLE if one else pycolmap.CameraMode.AUTO
    mode = pycolmap.CameraMode.PER_IMAGE if settings.camera == "per_image" else mode
    pycolmap.set_random_seed(settings.seed)
    pycolmap.extract_features(
        database, material.images, camera_mode=mode, reader_options=reader, extraction_options=extraction
    )
    if settings.focal_length:
        _give_focal_length(database, settings.focal_length)
    matching = pycolmap.FeatureMatchingOptions(num_threads=threads)
    verification = pycolmap.TwoViewGeometryOptions()
    verification.ransac.random_seed = settings.seed
    kind = matching_kind(settings.matching, len(material.names))
    common = {"matching_options": matching, "verification_options": verification}
    if kind == "sequential":
        pairing = pycolmap.SequentialPairingOptions(overlap=settings.overlap)
        pycolmap.match_sequential(database, pairing_options=pairing, **common)
    else:
        pycolmap.match_exhaustive(database, **common)
    return kind


def _give_focal_length(database: Path, millimetres: float) -> None:
    """Tells COLMAP the focal length of every lens, from that on 35 mm film."""
    with library().Database.open(database) as opened:
        for camera in opened.read_all_cameras():
            values = camera.params
            values[list(camera.focal_length_idxs())] = focal_of(millimetres, camera.width, camera.height)
            camera.params, camera.has_prior_focal_length = values, True
            opened.update_camera(camera)


def matching_kind(wanted: str, count: int) -> str:
    """Which pairs are compared, "exhaustive" or "sequential": by the number of images where nothing is asked for."""
    if wanted != "auto":
        return wanted
    return "exhaustive" if count <= EXHAUSTIVE_LIMIT else "sequential"


def reconstruct(
    material: Material, database: Path, work: Path, settings: Settings, on_image: Callable[[], None]
) -> List[Any]:
    """Cameras and points: COLMAP's models, the one with most images first.

    Args:
        material: The images.
        database: With matches.
        work: Scratch.
        settings: How.
        on_image: Called whenever a camera was found.

    Raises:
        NoModelError: There is no model.
    """
    pycolmap = library()
    models = work / "models"
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir(parents=True)
    options = pycolmap.IncrementalPipelineOptions(num_threads=settings.threads or -1, random_seed=settings.seed)
    options.ba_refine_focal_length = not settings.focal_length
    options.min_model_size = max(3, min(10, len(material.names) // 2))
    found: Dict[int, Any] = pycolmap.incremental_mapping(
        database, material.images, models, options, next_image_callback=on_image
    )
    if not found:
        raise NoModelError(len(material.names), *features_and_pairs(database))
    return sorted(found.values(), key=lambda model: (-model.num_reg_images(), -model.num_points3D()))


def features_and_pairs(database: Path) -> Tuple[float, int]:
    """Mean number of features of an image, and number of pairs that show the same surface."""
    pycolmap = library()
    with pycolmap.Database.open(database) as opened:
        images = max(1, opened.num_images())
        _, geometries = opened.read_two_view_geometries()
        pairs = sum(len(geometry.inlier_matches) >= _MATCHES for geometry in geometries)
        return opened.num_keypoints() / images, pairs


def triangulation_angle(model: Any) -> float:
    """Degrees: the largest angle between the rays to a point, the median over points."""
    centres = {number: model.image(number).projection_center() for number in model.reg_image_ids()}
    points = list(model.points3D.values())
    angles = []
    for point in points[:: max(1, len(points) // _POINTS)]:
        rays = point.xyz - np.array([centres[element.image_id] for element in point.track.elements])
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        angles.append(np.degrees(np.arccos(np.clip((rays @ rays.T).min(), -1.0, 1.0))))
    return float(np.median(angles))


def feature_reach(model: Any) -> float:
    """How far from the middle of the images features lie, as a share of half their shorter side, at most 1.

    Those of all kinds, not only those that became points: these always lie where the lens does not turn back.
    """
    distances = [np.zeros(1)]
    for number in model.reg_image_ids():
        image = model.image(number)
        camera = model.camera(image.camera_id)
        places = np.array([feature.xy for feature in image.points2D[::_EVERY]]).reshape(-1, 2)
        middle = (camera.principal_point_x, camera.principal_point_y)
        distances.append(np.linalg.norm(places - middle, axis=1) / (0.5 * min(camera.width, camera.height)))
    return min(1.0, float(np.quantile(np.concatenate(distances), 0.99)))


def save(model: Any, work: Path) -> Path:
    """Writes a model into the scratch folder; where."""
    chosen = work / "chosen"
    shutil.rmtree(chosen, ignore_errors=True)
    chosen.mkdir(parents=True)
    model.write(chosen)
    return chosen


def undistort(model: Any, chosen: Path, material: Material, out: Path) -> None:
    """Writes `images/`, `sparse/0/` and `masks/` as a lens without distortion would have given them.

    Args:
        model: The cameras.
        chosen: The same, as `save` wrote it.
        material: The images.
        out: Folder of the result.
    """
    pycolmap = library()
    pycolmap.undistort_images(out, chosen, material.images, jpeg_quality=_JPEG_QUALITY)
    for name in _LEFTOVERS:
        path = out / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    (out / "sparse").rename(out / "sparse-0")
    (out / "sparse").mkdir()
    (out / "sparse-0").rename(out / "sparse" / "0")
    if material.masked:
        _undistort_masks(model, material, out / "masks")


def _undistort_masks(model: Any, material: Material, folder: Path) -> None:
    """The masks of registered images, through the same lens as these."""
    pycolmap = library()
    folder.mkdir()
    options = pycolmap.UndistortCameraOptions()
    registered = {model.image(number).name: model.image(number).camera_id for number in model.reg_image_ids()}
    for name in material.masked:
        if name in registered:
            mask = pycolmap.Bitmap.read(material.masks / (name + ".png"), False)
            straight, _ = pycolmap.undistort_image(options, mask, model.camera(registered[name]))
            straight.write(folder / (name + ".png"))
