"""Huge surfaces: read and written in pieces, fused, sorted into parts, merged; against brute force where it can be."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from topforge_capture import ply, surface
from topforge_capture.ply import PlyWriter, UnreadablePlyError
from topforge_capture.surface import EmptySurfaceError, Surface

PIPELINE = Path(__file__).resolve().parents[3] / "pipeline"


def written(path, vertices, faces, colours=None):
    with PlyWriter(path, len(vertices), len(faces), colours is not None) as writer:
        writer.vertices(np.asarray(vertices, np.float32), colours)
        writer.faces(np.asarray(faces, np.int32))
    return path


def blocks_of(mesh, cells=3):
    """The mesh cut into groups of faces, each with vertices of its own, as block-wise extraction writes it."""
    group = (mesh.triangles_center[:, 0] * cells).round().astype(int)
    parts = [mesh.submesh([np.flatnonzero(group == value)], append=True) for value in np.unique(group)]
    offsets = np.cumsum([0] + [len(part.vertices) for part in parts])
    return (
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + offset for part, offset in zip(parts, offsets)]),
    )


def test_what_is_written_another_library_reads(tmp_path):
    ball = trimesh.creation.icosphere(2)
    colours = np.random.default_rng(0).integers(0, 256, (len(ball.vertices), 3)).astype(np.uint8)
    read = trimesh.load(written(tmp_path / "a.ply", ball.vertices, ball.faces, colours), process=False)
    assert np.allclose(read.vertices, ball.vertices, atol=1e-7)
    assert (read.faces == ball.faces).all()
    assert (read.visual.vertex_colors[:, :3] == colours).all()


@pytest.mark.parametrize("colours", [True, False])
def test_what_another_library_writes_is_read(colours, tmp_path):
    ball = trimesh.creation.icosphere(2)
    if colours:
        ball.visual.vertex_colors = np.tile(np.array([10, 200, 30, 255], np.uint8), (len(ball.vertices), 1))
    ball.export(tmp_path / "a.ply")
    mesh = ply.open_mesh(tmp_path / "a.ply")
    assert mesh.has_colours is colours
    assert np.allclose(mesh.positions(slice(0, None)), ball.vertices, atol=1e-7)
    assert (mesh.corners(slice(0, None)) == ball.faces).all()
    if colours:
        assert (mesh.colours(slice(3, 5)) == (10, 200, 30)).all()


def test_a_big_endian_file_of_doubles(tmp_path):
    header = "ply\nformat binary_big_endian 1.0\nelement vertex 3\nproperty double x\nproperty double y\n"
    header += "property double z\nelement face 1\nproperty list uchar uint vertex_index\nend_header\n"
    body = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 0]], ">f8").tobytes() + b"\x03" + np.array([0, 1, 2], ">u4").tobytes()
    (tmp_path / "a.ply").write_bytes(header.encode() + body)
    mesh = ply.open_mesh(tmp_path / "a.ply")
    assert mesh.positions(slice(0, 3))[2].tolist() == [0.0, 2.0, 0.0]
    assert mesh.corners(slice(0, 1)).tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: b"solid" + data, "no PLY file"),
        (lambda data: data.replace(b"binary_little_endian", b"ascii"), "not binary"),
        (lambda data: data.replace(b"element vertex 42", b"element vertex 0 "), "empty mesh"),
        (lambda data: data.replace(b"element vertex 42", b"element vertex many"), "an element"),
        (lambda data: data.replace(b"float x", b"quad x"), "type quad is unknown"),
        (lambda data: data.replace(b"float x", b"x"), "a property"),
        (lambda data: data.replace(b"vertex_indices", b"strips"), "list strips"),
        (lambda data: data.replace(b"end_header", b"comment"), "no whole header"),
        (lambda data: data[:-12] + b"\xff\xff\xff\x7f" + data[-8:], "a vertex that is not there"),
        (lambda data: data[:-13] + b"\x04" + data[-12:], "4 corners"),
    ],
)
def test_a_damaged_file_is_refused(damage, reason, tmp_path):
    ball = trimesh.creation.icosphere(1)
    path = written(tmp_path / "a.ply", ball.vertices, ball.faces)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UnreadablePlyError, match=reason):
        surface.load(ply.open_mesh(path), 1e-5, False, tmp_path / "scratch")


def test_blocks_become_one_closed_surface_again(tmp_path):
    ball = trimesh.creation.icosphere(4)
    vertices, faces = blocks_of(ball)
    assert len(vertices) > len(ball.vertices)
    vertices = vertices + np.random.default_rng(1).normal(0, 1e-7, vertices.shape)
    mesh = surface.load(ply.open_mesh(written(tmp_path / "a.ply", vertices, faces)), 1e-5, False, tmp_path)
    assert len(mesh.positions) == len(ball.vertices)
    assert trimesh.Trimesh(mesh.positions, mesh.triangles, process=False).is_watertight


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1e-5, 1e-4, 1e-3]))
def test_every_pair_within_the_tolerance_is_fused_wherever_it_lies(seed, tolerance):
    random = np.random.default_rng(seed)
    first = random.random((400, 3)) * 4 - 2
    extent = float((first.max(0) - first.min(0)).max())
    apart = [i for i in range(400) if (np.abs(first - first[i]).max(1) > 8 * 4 * tolerance * extent).sum() == 399]
    first = first[apart]
    second = first + (random.random(first.shape) * 2 - 1) * 0.99 * tolerance * extent
    points = np.concatenate([first, second]).astype(np.float32)
    label = surface.fused(points, tolerance)
    count = len(first)
    assert (label[:count] == label[count:]).all()
    assert len(np.unique(label)) == count, "and nothing else"


def test_nothing_is_fused_where_nothing_is_to_be():
    points = np.zeros((5, 3), np.float32)
    assert surface.fused(points, 0.0).tolist() == [0, 1, 2, 3, 4]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_parts_are_those_of_another_library(seed):
    random = np.random.default_rng(seed)
    triangles = random.integers(0, 300, (150, 3)).astype(np.int32)
    found = surface.components(triangles, 300)
    edges = np.concatenate([triangles[:, :2], triangles[:, 1:]])
    expected = trimesh.graph.connected_component_labels(edges, node_count=300)
    pairs = set(zip(found.tolist(), expected.tolist()))
    assert len(pairs) == len(set(found.tolist())) == len(set(expected.tolist()))


def test_the_largest_part_alone_is_kept(tmp_path):
    ball, speck = trimesh.creation.icosphere(3), trimesh.creation.icosphere(1, radius=0.01)
    speck.apply_translation([3, 0, 0])
    both = trimesh.util.concatenate([speck, ball])
    mesh = surface.load(ply.open_mesh(written(tmp_path / "a.ply", both.vertices, both.faces)), 1e-6, True, tmp_path)
    assert len(mesh.triangles) == len(ball.faces)
    assert mesh.positions.max() < 1.01


def test_a_merged_surface_stays_where_it_is(tmp_path):
    ball = trimesh.creation.icosphere(5)
    colours = np.full((len(ball.vertices), 3), 7, np.uint8)
    whole = Surface(ball.vertices.astype(np.float32), colours, ball.faces.astype(np.int32))
    small = surface.merged(whole, 1000)
    assert 500 < len(small.positions) <= 1000
    assert np.linalg.norm(small.positions, axis=1) == pytest.approx(1.0, abs=0.02)
    assert (small.colours == 7).all()
    found = trimesh.Trimesh(small.positions, small.triangles, process=False)
    assert found.volume == pytest.approx(ball.volume, rel=0.03)
    assert surface.merged(whole, 10**6) is whole


def test_a_surface_of_degenerate_triangles_is_empty(tmp_path):
    path = written(tmp_path / "a.ply", [[0, 0, 0], [0, 0, 0], [1, 0, 0]], [[0, 1, 2], [2, 2, 0]])
    with pytest.raises(EmptySurfaceError):
        surface.load(ply.open_mesh(path), 1e-5, False, tmp_path)


def grid_in_blocks(path, blocks, side=64):
    """A wavy sheet written block by block, every border twice, without ever being in memory as a whole."""
    rows, columns = np.mgrid[:side, :side]
    corner = (rows * (side + 1) + columns).ravel()
    faces = np.concatenate([corner, corner + 1]), np.concatenate([corner + side + 1] * 2)
    faces = np.stack([*faces, np.concatenate([corner + 1, corner + side + 2])], axis=1).astype(np.int32)
    per_block = (side + 1) ** 2
    with PlyWriter(path, blocks**2 * per_block, blocks**2 * len(faces), True) as writer:
        for i in range(blocks):
            for j in range(blocks):
                x, y = np.meshgrid(i * side + np.arange(side + 1), j * side + np.arange(side + 1), indexing="ij")
                place = np.stack([x, y, 5 * np.sin(x / 40) * np.cos(y / 30)], axis=-1).reshape(-1, 3)
                writer.vertices(place.astype(np.float32), np.full((per_block, 3), 90, np.uint8))
        for number in range(blocks**2):
            writer.faces(faces + number * per_block)


@pytest.mark.slow
def test_forty_million_vertices_pass_through_within_8_gb(tmp_path):
    deliver_grid(tmp_path, 97, ["--triangles", "500000"])


def test_a_few_million_triangles_pass_through_in_proportion(tmp_path):
    deliver_grid(tmp_path, 16, ["--triangles", "20000", "--largest-part"])


def deliver_grid(folder, blocks, options):
    """Through the step that runs after Neuralangelo, in a process whose memory is limited."""
    grid_in_blocks(folder / "mesh.ply", blocks)
    (folder / "transforms.json").write_text(
        '{"fl_x": 1, "fl_y": 1, "cx": 1, "cy": 1, "w": 2, "h": 2, "sphere_center": [0, 0, 0], "sphere_radius": 1,'
        ' "frames": []}'
    )
    command = [
        sys.executable,
        "-m",
        "topforge_train.normalising.neuralangelo",
        "--mesh",
        folder / "mesh.ply",
        "--output",
        folder / "out",
    ]
    command += ["--scratch", folder / "scratch", "--up", "z", "--capture", folder / "transforms.json", "--fuse", "1e-6"]
    command += ["--preview-triangles", "5000", *options]
    run = subprocess.run([str(word) for word in command], cwd=PIPELINE, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    delivered = ply.open_mesh(folder / "out" / "mesh" / "mesh.ply")
    assert 1000 < len(delivered.faces) <= int(options[1])
    assert len(ply.open_mesh(folder / "out" / "mesh_preview.ply").faces) <= 5000
    summary = (folder / "out" / "summary.json").read_text()
    assert '"vertices_after_fusing": %d' % (blocks * 64 + 1) ** 2 in summary
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # KiB, of the largest child so far
    assert peak < 8 << 20
