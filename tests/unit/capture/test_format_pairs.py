"""Every pair of formats: a point lands within 0.01 pixel of where the camera's own numbers put it.

Cameras are defined by numbers here. What a conversion wrote is read by formulas written out here from each format's
published description, not by TopForge's readers; USD by Pixar's library.
"""

import dataclasses
import functools
import json
import math
import struct
import xml.etree.ElementTree as ElementTree

import imageio.v3 as imageio
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from topforge_capture import convert, formats
from topforge_capture.capture import Capture, Dataset, View
from topforge_capture.lens import Distortion

SIZE = (320, 240)
TOLERANCE = 0.01
POINTS = np.random.default_rng(7).uniform(-0.4, 0.4, (40, 3))
"""In TopForge's world."""


@dataclasses.dataclass
class Camera:
    """Numbers; the pose is camera to world with OpenCV axes in a y-up world."""

    rotation: np.ndarray
    position: np.ndarray
    fx: float = 300.0
    fy: float = 300.0
    cx: float = 160.0
    cy: float = 120.0
    skew: float = 0.0
    k: tuple = (0.0,) * 4
    denominator: tuple = (0.0,) * 3
    p: tuple = (0.0, 0.0)
    fisheye: bool = False

    def pixels(self, points):
        x, y, z = ((points - self.position) @ self.rotation).T
        return pinhole(self, x / z, y / z)


def pinhole(c, x, y):
    """OpenCV's published formulas, Brown's k4 (r^8) added."""
    r2 = x * x + y * y
    if c.fisheye:
        r = np.sqrt(r2)
        a = np.arctan(r)
        bent = a * (1 + c.k[0] * a**2 + c.k[1] * a**4 + c.k[2] * a**6 + c.k[3] * a**8)
        x, y = x * bent / r, y * bent / r
    else:
        radial = 1 + c.k[0] * r2 + c.k[1] * r2**2 + c.k[2] * r2**3 + c.k[3] * r2**4
        radial = radial / (1 + c.denominator[0] * r2 + c.denominator[1] * r2**2 + c.denominator[2] * r2**3)
        p1, p2 = c.p
        x, y = (
            x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
            y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
        )
    return np.stack([c.fx * x + c.skew * y + c.cx, c.fy * y + c.cy], axis=1)


def aimed(position, target, roll):
    forward = np.subtract(target, position) / np.linalg.norm(np.subtract(target, position))
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    axes = np.stack([right, np.cross(forward, right), forward], axis=1)
    return axes @ Rotation.from_euler("z", roll).as_matrix()


PLACES = ((0.0, 0.0, 3.0), (2.5, 1.0, -1.5), (-2.0, 2.2, 0.5), (-1.5, -1.2, -2.4))
"""The first is level and upright, where angles are degenerate."""
VARIANTS = {
    "plain": {},
    "principal": {"cx": 171.5, "cy": 108.25},
    "stretch": {"fx": 330.0},
    "skew": {"skew": 4.5},
    "polynomial": {"k": (-0.12, 0.05, 0.01, 0.0), "p": (0.004, -0.006)},
    "polynomial-k4": {"k": (-0.12, 0.05, 0.01, 0.2), "p": (0.004, -0.006)},
    "rational": {"k": (0.3, 0.1, 0.05, 0.0), "denominator": (0.4, 0.02, -0.03), "p": (0.004, -0.006)},
    "fisheye": {"k": (0.05, -0.01, 0.004, 0.001), "fisheye": True},
    "lenses": {},
}


def cameras(variant):
    made = []
    for index, place in enumerate(PLACES):
        # Axes that pass each other: the point nearest to all of them is not where the world's origin was.
        target = (0.02 * index, 0.03, -0.01 * index)
        camera = Camera(aimed(place, target, 0.2 * index), np.array(place), **VARIANTS[variant])
        if variant == "lenses":
            camera.fx = camera.fy = 300.0 + 10 * index
        made.append(camera)
    return made


def dataset_of(made, folder):
    views = []
    for index, camera in enumerate(made):
        image = folder / ("photo_%d.png" % index)
        imageio.imwrite(image, np.full((SIZE[1], SIZE[0], 3), 40 * index, np.uint8))
        pose = np.eye(4)
        pose[:3, :3] = camera.rotation * (1, -1, -1)
        pose[:3, 3] = camera.position
        if camera.fisheye:
            bent = Distortion.of("fisheye", camera.k)
        elif any(camera.denominator):
            bent = Distortion.of("rational", (*camera.k[:3], *camera.denominator), camera.p)
        else:
            bent = Distortion.of("polynomial", camera.k, camera.p)
        views.append(
            View(
                name=image.stem,
                image=image,
                mask=None,
                camera_to_world=pose,
                fov_y=2 * math.atan(SIZE[1] / 2 / camera.fy),
                width=SIZE[0],
                height=SIZE[1],
                principal_offset=(camera.cx - SIZE[0] / 2, camera.cy - SIZE[1] / 2),
                stretch=camera.fx / camera.fy,
                skew=camera.skew,
                distortion=bent,
            )
        )
    return Dataset((Capture(folder, "train", "made", tuple(views), "", np.eye(4)),))


def silent(done, message):
    pass


def homogeneous(points):
    return np.concatenate([points, np.ones((len(points), 1))], axis=1)


# Readers by formula: for each image's number, a function from points in the file's world to pixels.


def by_json(file, entries, name, matrix_key, camera_of):
    root = json.loads(file.read_text())
    for entry in root[entries]:
        matrix = np.array(entry[matrix_key])
        camera = camera_of({**root, **entry})
        camera.rotation, camera.position = matrix[:3, :3] * (1, -1, -1), matrix[:3, 3]
        yield entry[name], camera.pixels


def blank(**values):
    return Camera(None, None, **values)


def nerf_synthetic(folder):
    def lens(values):
        focal = 0.5 * SIZE[0] / math.tan(0.5 * values["camera_angle_x"])
        return blank(fx=focal, fy=focal)

    return by_json(folder / "transforms_train.json", "frames", "file_path", "transform_matrix", lens)


def nerfstudio(folder):
    def lens(values):
        assert (values["w"], values["h"]) == SIZE
        main = {"fx": values["fl_x"], "fy": values["fl_y"], "cx": values["cx"], "cy": values["cy"]}
        k = tuple(values["k%d" % n] for n in (1, 2, 3, 4))
        if values["camera_model"] == "OPENCV_FISHEYE":
            return blank(**main, k=k, fisheye=True)
        return blank(**main, k=k, p=(values["p1"], values["p2"]))

    return by_json(folder / "transforms.json", "frames", "file_path", "transform_matrix", lens)


def neuralangelo(folder):
    def lens(values):
        assert (values["w"], values["h"], values["sk_y"]) == (*SIZE, 0)
        skew = values["sk_x"]
        return blank(fx=values["fl_x"], fy=values["fl_y"], cx=values["cx"], cy=values["cy"], skew=skew)

    return by_json(folder / "transforms.json", "frames", "file_path", "transform_matrix", lens)


def houdini(folder):
    def lens(values):
        assert (values["width"], values["height"]) == SIZE
        focal = 0.5 * SIZE[1] / math.tan(0.5 * values["fov_y"])
        x, y = values["principal_offset"]
        return blank(fx=focal, fy=focal, cx=SIZE[0] / 2 + x, cy=SIZE[1] / 2 + y)

    return by_json(folder / "cameras.json", "cameras", "image", "camera_to_world", lens)


def llff(folder):
    rows = np.load(folder / "poses_bounds.npy")
    names = sorted(path.name for path in (folder / "images").iterdir())
    assert len(rows) == len(names)
    for name, row in zip(names, rows):
        down, right, back, position, (height, width, focal) = row[:15].reshape(3, 5).T
        assert (width, height) == SIZE
        camera = blank(fx=focal, fy=focal)
        camera.rotation, camera.position = np.stack([right, down, -back], axis=1), position
        yield name, camera.pixels


def colmap_camera(model, numbers):
    fx, fy, cx, cy, *k = numbers
    main = {"fx": fx, "fy": fy, "cx": cx, "cy": cy}
    if model == "PINHOLE":
        return blank(**main)
    if model == "OPENCV":
        return blank(**main, k=(k[0], k[1], 0, 0), p=(k[2], k[3]))
    if model == "FULL_OPENCV":
        return blank(**main, k=(k[0], k[1], k[4], 0), p=(k[2], k[3]), denominator=tuple(k[5:]))
    assert model == "OPENCV_FISHEYE"
    return blank(**main, k=tuple(k), fisheye=True)


def colmap_view(lens, quaternion, translation):
    w, x, y, z = quaternion
    rotation = Rotation.from_quat([x, y, z, w]).as_matrix()
    camera = dataclasses.replace(lens)
    camera.rotation, camera.position = rotation.T, -rotation.T @ translation
    return camera.pixels


def colmap_text(folder):
    lenses = {}
    for line in (folder / "sparse/0/cameras.txt").read_text().splitlines():
        if not line.startswith("#"):
            number, model, width, height, *numbers = line.split()
            assert (int(width), int(height)) == SIZE
            lenses[number] = colmap_camera(model, [float(n) for n in numbers])
    lines = [line for line in (folder / "sparse/0/images.txt").read_text().split("\n") if not line.startswith("#")]
    for line in lines[::2]:
        if line:
            words = line.split()
            yield words[9], colmap_view(lenses[words[8]], np.array(words[1:5], float), np.array(words[5:8], float))


def colmap(folder):
    data, lenses, at = (folder / "sparse/0/cameras.bin").read_bytes(), {}, 8
    for _ in range(struct.unpack_from("<Q", data)[0]):
        number, kind, width, height = struct.unpack_from("<IiQQ", data, at)
        model, count = {1: ("PINHOLE", 4), 4: ("OPENCV", 8), 5: ("OPENCV_FISHEYE", 8), 6: ("FULL_OPENCV", 12)}[kind]
        assert (width, height) == SIZE
        lenses[number] = colmap_camera(model, struct.unpack_from("<%dd" % count, data, at + 24))
        at += 24 + 8 * count
    data, at = (folder / "sparse/0/images.bin").read_bytes(), 8
    for _ in range(struct.unpack_from("<Q", data)[0]):
        numbers = struct.unpack_from("<I7dI", data, at)
        end = data.index(b"\0", at + 64)
        yield data[at + 64 : end].decode(), colmap_view(lenses[numbers[8]], numbers[1:5], np.array(numbers[5:8]))
        at = end + 1 + 8 + 24 * struct.unpack_from("<Q", data, end + 1)[0]


def metashape(folder):
    """u = w/2 + cx + x' f + x' b1 + y' b2, v = h/2 + cy + y' f; p1 with x (manual, appendix "Camera models")."""
    chunk = ElementTree.parse(folder / "cameras.xml").getroot().find("chunk")
    lenses = {}
    for sensor in chunk.iter("sensor"):
        values = {element.tag: element.text for element in sensor.find("calibration")}
        v = {tag: float(text) for tag, text in values.items() if text}
        size = sensor.find("resolution")
        assert (int(size.get("width")), int(size.get("height"))) == SIZE
        lenses[sensor.get("id")] = blank(
            fx=v["f"] + v["b1"],
            fy=v["f"],
            cx=SIZE[0] / 2 + v["cx"],
            cy=SIZE[1] / 2 + v["cy"],
            skew=v["b2"],
            k=(v["k1"], v["k2"], v["k3"], v["k4"]),
            p=(v["p2"], v["p1"]),
            fisheye=sensor.get("type") == "fisheye",
        )
    for element in chunk.iter("camera"):
        matrix = np.array(element.find("transform").text.split(), float).reshape(4, 4)
        camera = dataclasses.replace(lenses[element.get("sensor_id")])
        camera.rotation, camera.position = matrix[:3, :3], matrix[:3, 3]
        yield element.get("label"), camera.pixels


def realityscan_lens(f35, px, py, k1, k2, k3, k4, t1, t2):
    scale = max(SIZE)
    focal = f35 / 36 * scale
    principal = {"cx": px * scale + SIZE[0] / 2, "cy": py * scale + SIZE[1] / 2}
    return blank(fx=focal, fy=focal, **principal, k=(k1, k2, k3, k4), p=(t2, t1))


def realityscan(folder):
    header, *lines = (folder / "cameras.csv").read_text().splitlines()
    assert header == "#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2"
    for line in lines:
        name, *words = line.split(",")
        x, y, z, heading, pitch, roll, *lens = map(float, words)
        camera = realityscan_lens(*lens)
        turn = Rotation.from_euler("ZXY", [-heading, pitch, roll], degrees=True).as_matrix()
        camera.rotation, camera.position = turn * (1, -1, -1), np.array([x, y, z])
        yield name, camera.pixels


def realityscan_xmp(folder):
    space = "{http://www.capturingreality.com/ns/xcr/1.1#}"
    for file in (folder / "images").glob("*.xmp"):
        node = next(e for e in ElementTree.parse(file).iter() if e.tag.endswith("Description"))
        numbers = {e.tag.replace(space, ""): np.array(e.text.split(), float) for e in node}
        head = [float(node.get(space + name)) for name in ("FocalLength35mm", "PrincipalPointU", "PrincipalPointV")]
        camera = realityscan_lens(*head, *numbers["DistortionCoeficients"])
        camera.rotation, camera.position = numbers["Rotation"].reshape(3, 3).T, numbers["Position"]
        yield file.name, camera.pixels


def usd(folder):
    pxr_usd, geom, gf = (pytest.importorskip("pxr." + name) for name in ("Usd", "UsdGeom", "Gf"))
    stage = pxr_usd.Stage.Open(str(folder / "cameras.usda"))

    def pixels(frustum, points):
        view = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
        ndc = np.array([view.Transform(gf.Vec3d(*map(float, point))) for point in points])
        return (ndc[:, :2] * (1, -1) + 1) / 2 * SIZE

    for prim in stage.Traverse():
        if prim.IsA(geom.Camera):
            frustum = geom.Camera(prim).GetCamera(0).frustum
            name = prim.GetAttribute("topforge:image").Get().path
            yield name, functools.partial(pixels, frustum)


READERS = {
    "nerf-synthetic": nerf_synthetic,
    "neuralangelo": neuralangelo,
    "nerfstudio": nerfstudio,
    "llff": llff,
    "colmap": colmap,
    "colmap-text": colmap_text,
    "houdini": houdini,
    "metashape": metashape,
    "realityscan": realityscan,
    "realityscan-xmp": realityscan_xmp,
    "usd": usd,
}


def holds(name, variant):
    them = formats.by_name(name).holds
    flat = {"plain": True, "principal": them.principal, "stretch": them.stretch, "skew": them.skew}
    return {**flat, "lenses": them.lenses}.get(variant, variant in them.distortion)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A capture of each variant, written in each format once: folder and matrix from TopForge's world to the file's."""
    folder, made = tmp_path_factory.mktemp("pairs"), {}

    def get(variant, name):
        if (variant, name) not in made:
            place = folder / variant
            place.mkdir(exist_ok=True)
            request = convert.Request(place, place / name, name, images="link")
            report = convert.write(dataset_of(cameras(variant), place), request, silent)
            assert report["lost"] == []
            made[variant, name] = (place / name, np.array(report["source_to_result"]))
        return made[variant, name]

    return get


def assert_lands(folder, name, matrix, variant):
    expected = {"photo_%d" % index: camera for index, camera in enumerate(cameras(variant))}
    moved = (homogeneous(POINTS) @ matrix.T)[:, :3]
    seen = 0
    for image, pixels in READERS[name](folder):
        stem = image.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        np.testing.assert_allclose(pixels(moved), expected[stem].pixels(POINTS), atol=TOLERANCE, rtol=0)
        seen += 1
    assert seen == len(PLACES)


def test_every_format_has_a_reader_here_and_a_name_in_the_command():
    from topforge.verbs import convert as verb

    assert tuple(READERS) == formats.NAMES == verb.FORMATS


@pytest.mark.parametrize(
    ("variant", "name"), [(variant, name) for variant in VARIANTS for name in formats.NAMES if holds(name, variant)]
)
def test_pairs(written, tmp_path, variant, name):
    folder, matrix = written(variant, name)
    assert_lands(folder, name, matrix, variant)
    for other in (form for form in formats.NAMES if holds(form, variant)):
        request = convert.Request(folder, tmp_path / other, other, images="link")
        report = convert.convert(request, silent)
        # A box that Neuralangelo's file says and this one cannot is the only thing that may get lost.
        assert {loss["what"] for loss in report["lost"]} <= {"bound"}
        assert_lands(tmp_path / other, other, np.array(report["source_to_result"]) @ matrix, variant)


def test_the_formulas_would_notice(written):
    folder, matrix = written("plain", "colmap")
    matrix = matrix.copy()
    matrix[0, 3] += 1e-3
    with pytest.raises(AssertionError):
        assert_lands(folder, "colmap", matrix, "plain")
