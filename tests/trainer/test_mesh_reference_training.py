"""Whole runs on a mesh reference, from the beginning and from a base mesh; extra pictures; LPIPS."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import types

import imageio.v3 as imageio
import numpy as np
import pytest
import torch

from topforge.errors import TopForgeError
from topforge.trainers import display_layers
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions
from topforge_capture.obj_reader import read_obj
from topforge_train.__main__ import main
from topforge_train.backend import load as load_backend
from topforge_train.evaluation import perceptual
from topforge_train.evaluation.metrics import psnr
from topforge_train.export.images import write_radiance
from topforge_train.export.tree import read_tree
from topforge_train.mesh_reference import base_mesh, painted_mesh, views
from topforge_train.mesh_reference.pool import draw_views
from topforge_train.rendering.light import EnvironmentLight
from topforge_train.rendering.material import MaterialLimits, TextureMaterial
from topforge_train.rendering.render import Shape
from topforge_train.rendering.scene import Scene, displayed, draw

BACKEND = load_backend("warp", "cpu")


@pytest.fixture
def ball(tmp_path):
    """A checkered ball of radius 0.7, unwrapped like a globe, every face with vertices of its own; and a light."""
    rows, columns, lines, faces = 12, 24, ["mtllib ball.mtl", "usemtl skin"], []
    for r in range(rows):
        for c in range(columns):
            for dr, dc in ((0, 0), (1, 0), (1, 1), (0, 1)):
                u, v = (c + dc) / columns, (r + dr) / rows
                theta, phi = math.pi * v, 2 * math.pi * u
                x, y, z = math.sin(theta) * math.sin(phi), math.cos(theta), math.sin(theta) * math.cos(phi)
                lines += ["v %.6f %.6f %.6f" % (0.7 * x, 0.7 * y, 0.7 * z), "vt %.6f %.6f" % (u, 1 - v)]
                lines.append("vn %.6f %.6f %.6f" % (x, y, z))
            faces.append("f -4/-4/-4 -3/-3/-3 -2/-2/-2 -1/-1/-1")
            lines.append(faces[-1])
    (tmp_path / "ball.obj").write_text("\n".join(lines) + "\n")
    (tmp_path / "ball.mtl").write_text("newmtl skin\nbsdf pbr\nKs 0 0.4 0\nmap_Kd kd.png\n")
    checker = np.indices((8, 16)).sum(0) % 2
    picture = np.where(checker[..., None], [220, 60, 40], [40, 120, 220]).astype(np.uint8)
    imageio.imwrite(tmp_path / "kd.png", picture.repeat(8, 0).repeat(8, 1))
    sky = np.linspace(1.5, 0.3, 16, dtype=np.float32)[:, None, None]
    write_radiance(tmp_path / "light.hdr", np.broadcast_to(sky, (16, 32, 3)).copy())
    return tmp_path / "ball.obj"


def options(ball, **changes):
    given = dict(base_mesh=str(ball), envmap=str(ball.parent / "light.hdr"), texture_res=(64, 64), probe_res=16)
    return dataclasses.replace(BuiltinOptions(), **{**given, **changes})


def train(ball, **changes):
    values = {
        "ref_mesh": str(ball),
        "envmap": str(ball.parent / "light.hdr"),
        "train_res": [32, 32],
        "reference_views": 12,
        "iter": 6,
        "save_interval": 3,
        "batch": 2,
        "texture_res": [32, 32],
        "dmtet_grid": 16,
        "probe_res": 16,
        "learning_rate": [0.03, 0.01],
        "hash_levels": 2,
        "hash_log2_size": 10,
        "device": "cpu",
        **changes,
    }
    folder = ball.parent
    (folder / "config.json").write_text(json.dumps(values))
    words = ["--config", "config.json", "--dataset", ball.name, "--output", "out", "--checkpoints", "states"]
    words = [str(folder / word) if number % 2 else word for number, word in enumerate(words)]
    assert main([*words, "--previews", str(folder / "previews")]) == 0
    return json.loads((folder / "out" / "summary.json").read_text())


def test_a_mesh_reference_trains_from_the_beginning(ball, capsys):
    summary = train(ball, display_res=[16, 24])
    assert len(summary["views"]) == 50
    assert set(summary["views"][0]) >= {"view", "mse", "psnr", "ssim"}
    assert imageio.imread(ball.parent / "out" / "validate" / "val_000000_ref.png").shape == (16, 24, 3)
    assert summary["provenance"]["lpips"].startswith(("not measured: ", "lpips, "))
    assert (ball.parent / "out" / "dmtet_mesh" / "mesh.obj").is_file()


def test_a_known_light_stays_as_it_is(ball):
    train(ball, learn_light=False, save_interval=0, validate=False)
    found = [read_tree(ball.parent / "out" / name, 16).probe for name in ("dmtet_mesh", "mesh")]
    given = EnvironmentLight.from_options(options(ball, base_mesh=None, learn_light=False)).base.detach().numpy()
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_allclose(found[1], given, rtol=0.1)  # RGBE, and a latitude-longitude picture in between


def test_a_base_mesh_runs_one_pass_with_the_first_rate(ball, capsys, monkeypatch):
    monkeypatch.setenv("TOPFORGE_REPORT_INTERVAL", "0")
    summary = train(ball, base_mesh=str(ball), learning_rate=[0.02, 0.9], lock_pos=True, lock_light=True)
    text = capsys.readouterr().out
    assert "Base mesh has 528 triangles and 266 vertices." in text
    assert "pass 1 of 1" in text
    reports = [ADAPTER.parse(line) for line in text.splitlines()]
    assert {report.total for report in reports if report and report.total} == {6}
    assert all(report.progress <= 1.0 for report in reports if report and report.progress is not None)
    rates = {report.metrics["rate"] for report in reports if report and "rate" in (report.metrics or {})}
    assert rates
    assert max(rates) <= 0.02
    assert summary["metrics"]["triangles"] == 528
    assert not (ball.parent / "out" / "dmtet_mesh").exists()
    assert len(list((ball.parent / "previews").glob("img_dmtet_pass1_*"))) == 0
    ours = read_obj(ball.parent / "out" / "mesh" / "mesh.obj")
    theirs = base_mesh.welded(read_obj(ball))[0].numpy()
    np.testing.assert_allclose(ours.positions, theirs, atol=1e-5)  # lock_pos


def test_vertices_at_one_place_become_one(ball):
    mesh = read_obj(ball)
    vertices, triangles, kept = base_mesh.welded(mesh)
    assert len(mesh.positions) == 12 * 24 * 4
    assert len(vertices) == 11 * 24 + 2
    np.testing.assert_array_equal(vertices[triangles.long()], mesh.positions[mesh.triangles[kept]])
    assert len(mesh.triangles) - len(kept) == 2 * 24  # at the poles


def start_scene(start):
    normals = base_mesh.vertex_normals(base_mesh.Mesh(start.vertices, start.triangles))
    surface = (start.triangles, start.uv, start.uv_triangles)
    frame = base_mesh.tangents(start.vertices, normals, *surface)
    frame = torch.cat([frame, base_mesh.orientation(start.uv, start.uv_triangles).unsqueeze(-1)], dim=-1)
    shape = Shape(start.vertices, start.triangles, normals, start.uv, start.uv_triangles, frame)
    material = TextureMaterial(start.texels, MaterialLimits(torch.full((9,), -1.0), torch.ones(9)))
    return Scene(shape, material, EnvironmentLight(start.light, trainable=False).prefilter())


@pytest.mark.parametrize("own", [True, False])
def test_the_start_looks_like_the_base_mesh(ball, own, monkeypatch):
    """With its own texture coordinates and unwrapped anew; flat normals in the file go into the normal map."""
    if not own:
        monkeypatch.setattr(base_mesh, "own_coordinates", lambda *_: None)
    start, _ = base_mesh.start_from_mesh(options(ball, learn_light=False, texture_res=(128, 128)), BACKEND)
    painted, _ = painted_mesh.load(ball)
    scene = start_scene(start)
    wanted = draw_views(BACKEND, painted, scene.light, views.turntable_poses(5), (48, 48), (0.1, 100.0), 4, 1, "view")
    image = draw(BACKEND, scene, wanted.cameras, (48, 48), 4).image
    values = psnr(displayed(image, 1.0), displayed(wanted.pyramid[0].float(), 1.0))
    assert float(values.min()) > 33.0


def test_hard_edges_of_the_file_are_kept_in_the_normal_map(ball):
    """A file without normals is smooth; with face normals, the start must look faceted."""
    text = ball.read_text().splitlines()
    mesh = read_obj(ball)
    corners = mesh.positions[mesh.triangles].reshape(-1, 2, 3, 3)[:, 0]
    face = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face = np.where(np.abs(face).sum(1, keepdims=True) > 1e-9, face, corners.mean(1))
    iterator = iter(np.repeat(face, 4, axis=0))
    faceted = [("vn %f %f %f" % tuple(next(iterator))) if line.startswith("vn") else line for line in text]
    (ball.parent / "faceted.obj").write_text("\n".join(faceted) + "\n")
    bent = []
    for name in ("ball.obj", "faceted.obj"):
        start, _ = base_mesh.start_from_mesh(options(ball.parent / name), BACKEND)
        bent.append(float(start.texels[..., 6:8].norm(dim=-1).mean()))
    assert bent[0] < 0.03
    assert bent[1] > 0.06


def test_random_textures_start_in_the_middle_of_their_limits_and_need_no_pictures(ball):
    (ball.parent / "kd.png").unlink()
    chosen = options(ball, random_textures=True, ks_min=(0.0, 0.3, 0.2), ks_max=(0.5, 0.6, 0.4), kd_max=(0.5,) * 4)
    start, _ = base_mesh.start_from_mesh(chosen, BACKEND)
    (texel,) = start.texels.reshape(-1, 9).unique(dim=0).tolist()
    assert texel == pytest.approx([0.25, 0.25, 0.25, 0.0, 0.45, 0.3, 0.0, 0.0, 1.0])


@pytest.mark.parametrize(("learn_light", "grey"), [(True, True), (False, False)])
def test_the_light_starts_grey_or_as_the_picture(ball, learn_light, grey):
    start, _ = base_mesh.start_from_mesh(options(ball, learn_light=learn_light), BACKEND)
    assert bool((start.light == 0.5).all()) == grey


def test_display_layers_are_tiles_and_files(ball):
    light = str(ball.parent / "light.hdr")
    layers = [{"latlong": True}, *({"bsdf": name} for name in display_layers.BSDF), {"relight": light}]
    train(ball, display=layers)
    previews = sorted((ball.parent / "previews").glob("*.png"))
    assert imageio.imread(previews[0]).shape == (32, 32 * (2 + 2 + 5 + 1), 3)
    files = {path.name for path in (ball.parent / "out" / "validate").glob("val_000003_*")}
    names = ("light_image", "diffuse", "tangent", "relight_light", "kd", "ks", "normal", "opt", "ref")
    assert {"val_000003_%s.png" % name for name in names} <= files
    relit = imageio.imread(ball.parent / "out" / "validate" / "val_000003_relight_light.png")
    assert relit[16, 16].tolist() != relit[0, 0].tolist()


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"bsdf": "gloss"}, "there is no such picture"),
        ({"depth": True}, "no layer has that form"),
        ({"relight": "light.hdr"}, "that is no absolute path"),
        ({"relight": "/nowhere/light.hdr"}, "there is no such file"),
        ("kd", "no layer has that form"),
    ],
)
def test_other_layers_are_refused(entry, sentence):
    with pytest.raises(TopForgeError, match=sentence):
        display_layers.validate([entry])


def test_lpips_is_not_asked_for_where_it_is_not(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert perceptual.find(torch.device("cpu")) == (None, "not measured: this environment has no Python package lpips")


@pytest.mark.parametrize("cached", ["alexnet-owt-1.pth", None])
def test_lpips_is_measured_where_package_and_weights_are(tmp_path, monkeypatch, cached):
    """Stand-ins for both packages: what is asked of them, and that nothing is asked without weights in the cache."""

    class Network(torch.nn.Module):
        def __init__(self, net, verbose):
            super().__init__()
            assert net == "alex"

        def forward(self, image, target):
            assert image.shape[1] == 3
            return (image - target).abs().mean()

    def weights(url):
        return types.SimpleNamespace(DEFAULT=types.SimpleNamespace(url=url))

    models = types.ModuleType("torchvision.models")
    models.VGG16_Weights, models.AlexNet_Weights = (
        weights("https://x/vgg16-1.pth"),
        weights("https://x/alexnet-owt-1.pth"),
    )
    lpips = types.ModuleType("lpips")
    lpips.LPIPS = Network
    monkeypatch.setitem(sys.modules, "torchvision.models", models)
    monkeypatch.setitem(sys.modules, "lpips", lpips)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    (tmp_path / "checkpoints").mkdir()
    if cached:
        (tmp_path / "checkpoints" / cached).write_bytes(b"weights")
    measure, what = perceptual.find(torch.device("cpu"))
    if cached:
        assert what == "lpips, alex"
        assert measure(torch.zeros(1, 8, 8, 3), torch.ones(1, 8, 8, 3)) == pytest.approx(2.0)  # [-1, 1] is its range
    else:
        assert (measure, what) == (None, "not measured: torch's cache has neither vgg16-1.pth nor alexnet-owt-1.pth")
