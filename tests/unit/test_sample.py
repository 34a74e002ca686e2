"""The sample capture that ships: complete, small, and its pictures agree with its mesh, cameras and light."""

import json
import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
imageio = pytest.importorskip("imageio.v3")

from topforge_capture import radiance  # noqa: E402  after the check that numpy is there

REPOSITORY = Path(__file__).resolve().parents[2]
CAPTURE = REPOSITORY / "hip" / "sample_capture"
TRUTH = CAPTURE / "ground_truth"
SIZE = 256
COUNTS = {"train": 56, "val": 8, "test": 12, "relight": 6}
TEXTURES = ("base_color", "roughness", "metallic")


def transforms(split):
    return json.loads((CAPTURE / ("transforms_%s.json" % split)).read_text(encoding="utf-8"))


def picture(frame):
    return imageio.imread(CAPTURE / (frame["file_path"] + ".png"))


@pytest.fixture(scope="module")
def mesh():
    """Positions [V, 3], texture coordinates [T, 2], and triangles [F, 3, 2] of indices into both."""
    rows = {"v": [], "vt": [], "f": []}
    for line in (TRUTH / "mesh.obj").read_text(encoding="ascii").splitlines():
        key, *values = line.split()
        if key in ("v", "vt"):
            rows[key].append([float(value) for value in values])
        elif key == "f":
            rows[key].append([[int(index) - 1 for index in value.split("/")] for value in values])
    return np.array(rows["v"]), np.array(rows["vt"]), np.array(rows["f"])


@pytest.fixture(scope="module")
def sample():
    """The folder of the script's modules on the import path."""
    sys.path.insert(0, str(REPOSITORY / "scripts"))
    yield
    sys.path.remove(str(REPOSITORY / "scripts"))


def project(points, frame, angle):
    """Pixel coordinates [N, 2] (x right, y down, centres at +0.5) and depths [N] of world points."""
    inverse = np.linalg.inv(np.array(frame["transform_matrix"]))
    camera = points @ inverse[:3, :3].T + inverse[:3, 3]
    scale = 0.5 * SIZE / np.tan(0.5 * angle)
    x, y = scale * camera[:, 0] / -camera[:, 2], scale * camera[:, 1] / camera[:, 2]
    return np.stack([x, y], axis=1) + 0.5 * SIZE, -camera[:, 2]


def silhouette(pixels, triangles):
    """Mask [SIZE, SIZE] of the pixel centres that any triangle covers: one triangle at a time, nothing clever."""
    mask = np.zeros((SIZE, SIZE), dtype=bool)
    for (ax, ay), (bx, by), (cx, cy) in pixels[triangles]:
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area >= 0:  # y runs down: a triangle that faces the camera turns the other way
            continue
        columns = np.arange(int(min(ax, bx, cx)), int(max(ax, bx, cx)) + 1) + 0.5
        rows = np.arange(int(min(ay, by, cy)), int(max(ay, by, cy)) + 1)[:, None] + 0.5
        u = ((columns - ax) * (cy - ay) - (cx - ax) * (rows - ay)) / area
        v = ((bx - ax) * (rows - ay) - (columns - ax) * (by - ay)) / area
        hit = (u >= 0) & (v >= 0) & (u + v <= 1)
        mask[int(rows[0, 0]) : int(rows[-1, 0]) + 1, int(columns[0]) : int(columns[-1]) + 1] |= hit
    return mask


def test_it_is_small():
    assert sum(path.stat().st_size for path in CAPTURE.rglob("*") if path.is_file()) <= 8_000_000
    assert (TRUTH / "mesh.obj").stat().st_size <= 1_500_000


@pytest.mark.parametrize("split", COUNTS)
def test_a_split_has_its_frames_and_no_stray_pictures(split):
    description = transforms(split)
    frames = description["frames"]
    assert 0 < description["camera_angle_x"] < np.pi
    assert len(frames) == COUNTS[split]
    assert sorted((CAPTURE / split).glob("*")) == sorted(CAPTURE / (frame["file_path"] + ".png") for frame in frames)
    for frame in frames:
        pose = np.array(frame["transform_matrix"])
        assert pose.shape == (4, 4)
        assert np.allclose(pose[:3, :3] @ pose[:3, :3].T, np.eye(3), atol=1e-7)
        assert np.linalg.det(pose[:3, :3]) > 0


@pytest.mark.parametrize("split", COUNTS)
def test_pictures_are_rgba_inside_the_frame_and_of_straight_alpha(split):
    for frame in transforms(split)["frames"]:
        image = picture(frame)
        assert image.shape == (SIZE, SIZE, 4)
        assert image.dtype == np.uint8
        alpha = image[..., 3]
        assert np.argwhere(alpha).min() > 0, "the object touches the left or upper border"
        assert np.argwhere(alpha).max() < SIZE - 1, "the object touches the right or lower border"
        assert 0.2 < (alpha > 127).mean() < 0.6
        assert not image[alpha == 0].any()
        # Premultiplied colours would fade with alpha; straight ones are as bright at a faint edge as at a full one.
        bright = image[..., :3].max(-1).astype(float)
        faint, full = (alpha > 8) & (alpha < 64), (alpha > 192) & (alpha < 255)
        assert bright[faint].mean() > 0.75 * bright[full].mean()
        assert (bright[alpha == 255] == 255).mean() < 0.02, "highlights are clipped"


def test_no_view_is_seen_twice():
    poses = [frame["transform_matrix"] for split in ("train", "val", "test") for frame in transforms(split)["frames"]]
    toward = np.array(poses)[:, :3, 2]
    cosine = toward @ toward.T - 2 * np.eye(len(toward))
    assert np.degrees(np.arccos(cosine.max())) > 5


def test_relit_views_are_test_views():
    test = {frame["file_path"]: frame for frame in transforms("test")["frames"]}
    for frame in transforms("relight")["frames"]:
        same = test[frame["same_view_as"]]
        assert same["transform_matrix"] == frame["transform_matrix"]
        first, second = picture(same).astype(int), picture(frame).astype(int)
        assert np.abs(first[..., 3] - second[..., 3]).max() <= 32  # two noisy estimates of one coverage
        assert np.abs(first - second)[first[..., 3] == 255].mean() > 8


def test_the_mesh_is_one_closed_surface_with_one_handle(mesh):
    positions, _, triangles = mesh
    corners = triangles[:, :, 0]
    directed = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    assert len(np.unique(directed, axis=0)) == len(directed), "an edge is used twice in one direction"
    assert {tuple(edge) for edge in directed.tolist()} == {tuple(edge[::-1]) for edge in directed.tolist()}
    edges = np.unique(np.sort(directed, axis=1), axis=0)
    assert len(np.unique(corners)) == len(positions)
    assert len(positions) - len(edges) + len(corners) == 0
    label = np.arange(len(positions))
    while True:  # every vertex takes the least label of its neighbours until nothing changes
        least = label.copy()
        np.minimum.at(least, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(least, edges[:, 1], label[edges[:, 0]])
        if (least == label).all():
            break
        label = least
    assert not label.any()
    a, b, c = positions[corners].transpose(1, 0, 2)
    assert (np.cross(a, b) * c).sum() / 6 > 0.5, "the triangles look inwards"
    assert np.abs(positions).max() <= 0.9


@pytest.mark.parametrize(("split", "number"), [("test", 0), ("test", 9)])
def test_the_mesh_projects_onto_the_mask(mesh, split, number):
    positions, _, triangles = mesh
    description = transforms(split)
    frame = description["frames"][number]
    pixels, depth = project(positions, frame, description["camera_angle_x"])
    assert depth.min() > 1
    mask = picture(frame)[..., 3] > 127
    drawn = silhouette(pixels, triangles[:, :, 0])
    assert (mask & drawn).sum() / (mask | drawn).sum() > 0.998
    mirrored = silhouette(pixels * [-1, 1] + [SIZE, 0], triangles[:, ::-1, 0])
    assert (mask & mirrored).sum() / (mask | mirrored).sum() < 0.98, "the test would not notice a mirrored camera"


def test_textures_fit_the_mesh(mesh):
    _, texcoords, triangles = mesh
    assert texcoords.min() >= 0
    assert texcoords.max() <= 1
    assert triangles[:, :, 1].max() < len(texcoords)
    colour, roughness, metallic = (imageio.imread(TRUTH / (name + ".png")) for name in TEXTURES)
    assert colour.shape == (*roughness.shape, 3)
    assert roughness.shape == metallic.shape
    covered = roughness[metallic < 128] / 255
    assert np.quantile(covered, 0.2) < 0.3
    assert np.quantile(covered, 0.95) > 0.6
    for name in TEXTURES:
        assert name + ".png" in (TRUTH / "mesh.mtl").read_text(encoding="ascii")


def test_the_script_makes_the_cameras_that_ship(sample):
    from sample import cameras

    for split, poses in cameras.views().items():
        shipped = [frame["transform_matrix"] for frame in transforms(split)["frames"]]
        assert np.allclose(shipped, poses, atol=1e-8)


@pytest.mark.parametrize(("name", "maker"), [("light", "studio"), ("light_relight", "evening")])
def test_the_script_makes_the_lights_that_ship(sample, name, maker):
    from sample import light

    shipped = radiance.read(TRUTH / (name + ".hdr"))
    made = light.halve(getattr(light, maker)())
    assert shipped.shape == (256, 512, 3)
    assert (np.abs(shipped - made).max(-1) <= made.max(-1) / 128).all()  # half a step of an 8-bit mantissa, and a bit


def test_the_lights_differ_and_face_as_stated(sample):
    from sample import light

    toward = light.directions(512, 256)
    assert np.allclose(toward[127, 255], [0, 1, 0], atol=0.02)  # the middle of the picture is +y
    assert np.allclose(toward[127, 383], [1, 0, 0], atol=0.02)  # a quarter to the right of it is +x
    assert np.allclose(toward[0, 0], [0, 0, 1], atol=0.02)
    area = np.sqrt(1 - toward[..., 2:] ** 2)
    means = []
    for name in ("light", "light_relight"):
        image = radiance.read(TRUTH / (name + ".hdr"))
        means.append((image.mean(-1, keepdims=True) * toward * area).sum((0, 1)))
    first, second = (mean[:2] / np.linalg.norm(mean[:2]) for mean in means)  # both are brighter above than below
    assert first @ second < 0.5, "both lights come from the same side"
