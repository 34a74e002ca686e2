"""`topforge check` on a mesh: what it says of files, coordinates, orientation and size; its pictures."""

from __future__ import annotations

import json

import imageio.v3 as imageio
import numpy as np
import pytest

from topforge_capture.__main__ import main
from topforge_capture.checks import Options
from topforge_capture.mesh_check import IN_EVERY_VIEW, check

TETRAHEDRON = """mtllib t.mtl
v 0 0 0
v 0.5 0 0
v 0 0.5 0
v 0 0 0.5
vt 0 0
vt 1 0
vt 0 1
usemtl skin
f 1/1 3/2 2/3
f 1/1 2/2 4/3
f 1/1 4/2 3/3
f 2/1 3/2 4/3
"""


@pytest.fixture
def mesh(tmp_path):
    (tmp_path / "t.obj").write_text(TETRAHEDRON)
    (tmp_path / "t.mtl").write_text("newmtl skin\nbsdf pbr\nKs 0 0.5 0\nmap_Kd kd.png\n")
    imageio.imwrite(tmp_path / "kd.png", np.full((8, 8, 3), (250, 20, 20), np.uint8))
    return tmp_path / "t.obj"


def codes(path, mesh_scale=0.0):
    _, report = check(path, Options(mesh_scale=mesh_scale))
    found = [finding for each in report["checks"] for finding in each["findings"]]
    return {finding["code"]: finding["severity"] for finding in found if finding["severity"] != "fine"}


def test_a_sound_mesh_is_fine_and_its_box_is_known(mesh):
    assert codes(mesh, mesh_scale=1.1) == {}
    _, report = check(mesh, Options())
    assert report["box"]["bounds"] == [[0, 0, 0], [0.5, 0.5, 0.5]]
    assert report["box"]["mesh_scale"] == pytest.approx(1.05)


def edited(mesh, old, new):
    mesh.write_text(mesh.read_text().replace(old, new))
    return mesh


def test_missing_and_damaged_files_are_errors(mesh):
    (mesh.parent / "kd.png").write_bytes(b"no picture")
    assert codes(mesh) == {"unreadable-image": "error"}
    (mesh.parent / "kd.png").unlink()
    assert codes(mesh) == {"missing-file": "error"}
    assert codes(edited(mesh, "f 2/1 3/2 4/3", "f 2/1 3/2 9/3"))["unreadable-mesh"] == "error"


def test_pictures_without_coordinates_are_an_error_and_constants_are_not(mesh):
    edited(mesh, "f 2/1 3/2 4/3", "f 2 3 4")
    assert codes(mesh) == {"no-uv": "error"}
    (mesh.parent / "t.mtl").write_text("newmtl skin\nbsdf pbr\nKs 0 0.5 0\nKd 1 0 0\n")
    assert codes(mesh) == {"no-uv": "note"}


def test_a_surface_that_is_inside_out_is_a_warning(mesh):
    lines = mesh.read_text().splitlines()
    turned = [" ".join([w[0], w[2], w[1], w[3]]) if (w := line.split())[0] == "f" else line for line in lines]
    mesh.write_text("\n".join(turned) + "\n")
    assert codes(mesh) == {"inside-out": "warning"}


@pytest.mark.parametrize(
    ("size", "found"),
    [(0.05, {"small": "warning"}), (1.3, {"cut-off": "warning"}), (2.9, {"too-large": "error"}), (0.8, {})],
)
def test_sizes_that_views_do_not_suit(mesh, size, found):
    assert codes(edited(mesh, "0.5", str(size))) == found


def test_a_box_that_is_too_small_is_an_error(mesh):
    assert codes(mesh, mesh_scale=0.9) == {"box": "error"}


def test_a_ball_of_the_stated_radius_is_in_every_view():
    """Moved as far as the trainer moves it, its silhouette still lies within the field of view."""
    side, depth, half = 0.25, 3.0 - 0.25, np.radians(22.5)
    distance_to_edge = depth * np.sin(half) - side * np.cos(half)  # from the ball's centre to the nearest side plane
    assert pytest.approx(distance_to_edge) == IN_EVERY_VIEW


def test_the_command_writes_report_and_pictures(mesh, capsys):
    folder = mesh.parent / "pictures"
    assert main(["check", str(mesh), "--json", str(folder / "report.json"), "--pictures", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "Ready for training." in text
    assert json.loads((folder / "report.json").read_text())["kind"] == "mesh"
    sheet = imageio.imread(folder / "contact_sheet.png").astype(int)
    assert ((sheet[..., 0] > 120) & (sheet[..., 1] < 60)).sum() > 1000  # red triangles
    assert (folder / "cameras.png").is_file()
    (mesh.parent / "t.mtl").unlink()
    assert main(["check", str(mesh)]) == 1
    assert "Not ready for training" in capsys.readouterr().out
