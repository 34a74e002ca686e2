"""The reader of .obj files, against a slow one that reads line by line."""

from __future__ import annotations

import random

import numpy as np
import pytest

from topforge.wavefront import MeshFileError
from topforge_capture.obj_reader import read_obj


def slow_reader(text):
    """Triangles as tuples of corners (position, uv or None, normal or None, material), straight from the standard."""
    lists = {"v": [], "vt": [], "vn": []}
    material, triangles = None, []
    for line in text.replace("\\\n", " ").split("\n"):
        word, *rest = line.split("#")[0].split() or [""]
        if word in lists:
            lists[word].append(tuple(np.float32(x) for x in rest[: 2 if word == "vt" else 3]))
        elif word == "usemtl":
            material = " ".join(rest)
        elif word == "f":
            corners = []
            for token in rest:
                parts = [int(part) if part else 0 for part in token.split("/")] + [0, 0]
                found = [lists[k][i if i < 0 else i - 1] if i else None for k, i in zip(("v", "vt", "vn"), parts)]
                corners.append((*found, material))
            triangles += [(corners[0], corners[i], corners[i + 1]) for i in range(1, len(corners) - 1)]
    return triangles


def as_corners(mesh):
    def value(rows, index):
        return tuple(rows[index]) if index >= 0 else None

    return [
        tuple(
            (
                value(mesh.positions, mesh.triangles[f, k]),
                value(mesh.uv, mesh.uv_triangles[f, k]),
                value(mesh.normals, mesh.normal_triangles[f, k]),
                mesh.material_names[mesh.material[f]] if mesh.material[f] >= 0 else None,
            )
            for k in range(3)
        )
        for f in range(len(mesh.triangles))
    ]


def random_text(seed):
    """Statements in random order and form: faces between vertices, every kind of corner, negative indices."""
    rng = random.Random(seed)
    counts, lines = {"v": 0, "vt": 0, "vn": 0}, ["# made up", "mtllib a.mtl"]
    for _ in range(60):
        for word, width in (("v", rng.choice((3, 4, 6))), ("vt", rng.choice((2, 3))), ("vn", 3)):
            if rng.random() < 0.7 or not counts[word]:
                gap = rng.choice((" ", "  ", "\t"))
                lines.append(word + gap + gap.join("%.5g" % rng.uniform(-9, 9) for _ in range(width)))
                counts[word] += 1
        lines.append(rng.choice(("", "# note", "s 1", "o thing", "usemtl m%d" % rng.randrange(3), "g a b")))
        corners = []
        for _ in range(rng.choice((3, 3, 4, 5))):
            v, vt, vn = (rng.choice((rng.randint(1, counts[k]), -rng.randint(1, counts[k]))) for k in ("v", "vt", "vn"))
            corners.append(rng.choice(("%d" % v, "%d/%d" % (v, vt), "%d//%d" % (v, vn), "%d/%d/%d" % (v, vt, vn))))
        lines.append("f " + rng.choice((" ", "  ")).join(corners) + rng.choice(("", " ", " # c")))
    return "\n".join(lines)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_form_of_face_reads_as_the_slow_reader_reads_it(tmp_path, seed, newline):
    text = random_text(seed)
    (tmp_path / "m.obj").write_bytes(text.replace("\n", newline).encode())
    assert as_corners(read_obj(tmp_path / "m.obj")) == slow_reader(text)


def test_statements_may_be_indented_and_continued(tmp_path):
    (tmp_path / "m.obj").write_text("  v 0 0 0\n\tv 1 0 0\nv 0 \\\n1 0\n f 1 2 \\\n 3\n")
    mesh = read_obj(tmp_path / "m.obj")
    assert mesh.positions.tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert mesh.triangles.tolist() == [[0, 1, 2]]
    assert len(mesh.uv) == len(mesh.normals) == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", r'line 4: "f 1 2 4" points to something that is not in the file'),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 -4\n", r'line 4: "f 1 2 -4" points to something'),
        ("v 0 0 0\nv 1 0 x\nv 0 1 0\nf 1 2 3\n", r'line 2: "v 1 0 x" has "x" for a number'),
        ("v 0 0 0\nv 1 0 nan\nv 0 1 0\nf 1 2 3\n", r"line 2: .* not finite"),
        ("v 0 0 0\nv 1 0\nv 0 1 0\nf 1 2 3\n", r"line 2: .* fewer than 3 numbers"),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3.5\n", r'line 4: .* has "3.5" for a number'),
        ("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 0\n", r"line 4: .* has a corner without a vertex"),
        ("v 0 0 0\nl 1 1\n", "it has no faces"),
        ("", "it has no faces"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, text, sentence):
    (tmp_path / "m.obj").write_text(text)
    with pytest.raises(MeshFileError, match=sentence):
        read_obj(tmp_path / "m.obj")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MeshFileError, match=r"none\.obj: cannot be read"):
        read_obj(tmp_path / "none.obj")
