"""A mesh in place of photographs, as far as it is decided without torch: files, keys, refusals."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from topforge import schema, wavefront
from topforge.errors import TopForgeError
from topforge.planning import config_files, expansion, fingerprint, jobs
from topforge.trainers.builtin import ADAPTER


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def mesh(tmp_path):
    """A triangle with a material and a picture, in nvdiffrec's places."""
    folder = tmp_path / "checkout" / "data" / "thing"
    folder.mkdir(parents=True)
    (folder / "thing.obj").write_text("mtllib thing.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl one\nf 1 2 3\n")
    (folder / "thing.mtl").write_text("newmtl one\nbsdf pbr\nKs 0 0.25 0\nmap_Kd thing.png\n")
    (folder / "thing.png").write_bytes(b"picture")
    (folder.parent / "light.hdr").write_bytes(b"light")
    return folder / "thing.obj"


def material(tmp_path, text):
    path = tmp_path / "a.mtl"
    path.write_text(text)
    return wavefront.read_materials(path)


def test_nvdiffrec_materials_mean_occlusion_roughness_metalness(tmp_path):
    (one,) = material(tmp_path, "newmtl defaultMat\nbsdf   pbr\nkd 0.5 0.4 0.3\nKs 0 .25 1\nbump n.png\n")
    assert one.nvdiffrec
    assert (one.kd, one.ks) == ((0.5, 0.4, 0.3), (0.0, 0.25, 1.0))
    assert one.used_maps() == {"normal": tmp_path / "n.png"}
    assert one.ignored == ()


def test_a_specular_colour_is_no_roughness(tmp_path):
    (one,) = material(tmp_path, "newmtl a\nNs 50\nKs 0.5 0.5 0.5\nmap_Ks s.png\nmap_Pr r.png\nPm 1\nillum 2\n")
    assert not one.nvdiffrec
    assert (one.ns, one.pm) == (50.0, 1.0)
    assert one.used_maps() == {"map_pr": tmp_path / "r.png"}


@pytest.mark.parametrize(
    ("statement", "file"),
    [
        ("map_Kd base color.png", "base color.png"),
        ("map_Kd -s 1 1 1 -o 0.5 base.png", "base.png"),
        ("map_Kd -clamp on -mm 0 1 base color.png", "base color.png"),
        ("map_Kd\tsub\\base.png", "sub/base.png"),
        ("map_Kd -o 1 2.png", "2.png"),
    ],
)
def test_options_stand_before_file_names_that_may_hold_spaces(tmp_path, statement, file):
    (one,) = material(tmp_path, "newmtl a\n%s\n" % statement)
    assert one.maps == {"map_kd": tmp_path / file}


def test_what_has_no_effect_is_told_and_comments_are_not(tmp_path):
    (one,) = material(
        tmp_path, "# x\n\nnewmtl a b\n# y\n  Kd 1 1 1 # white\nd 0.5\nKe 1 1 1\nillum 2\nTr 0\nbump -bm 0.5 n.png"
    )
    assert one.name == "a b"
    assert one.ignored == ("d 0.5", "Ke 1 1 1", "bump -bm 0.5")


def test_a_number_that_is_none_is_named_with_its_line(tmp_path):
    with pytest.raises(TopForgeError, match=r'a\.mtl: line 3: "Kd red" is no number'):
        material(tmp_path, "newmtl a\nKs 0 0 0\nKd red\n")


def test_material_files_may_be_several_and_hold_spaces(tmp_path):
    (tmp_path / "a b.mtl").write_text("newmtl a\n")
    mesh = tmp_path / "m.obj"
    mesh.write_text("mtllib a b.mtl\r\nmtllib c.mtl d e.mtl\r\nv 0 0 0\n")
    assert [path.name for path in wavefront.libraries(mesh)] == ["a b.mtl", "c.mtl", "d e.mtl"]


@pytest.mark.parametrize("name", ["thing.mtl", "thing.png"])
def test_every_file_of_a_mesh_is_in_its_key(mesh, name):
    before = fingerprint.of_dataset(mesh)
    assert fingerprint.of_dataset(mesh) == before
    path = mesh.parent / name
    path.write_bytes(path.read_bytes() + b"\n")
    os.utime(path, ns=(1, 1))
    assert fingerprint.of_dataset(mesh) != before


def test_a_mesh_has_the_same_key_wherever_it_lies(mesh, tmp_path):
    before = fingerprint.of_dataset(mesh)
    moved = mesh.parent.rename(tmp_path / "elsewhere")
    assert fingerprint.of_dataset(moved / mesh.name) == before


def config(mesh, **changes):
    values = {"ref_mesh": str(mesh), "envmap": str(mesh.parents[1] / "light.hdr"), **changes}
    return schema.from_json(ADAPTER.options, values, "test")


def test_a_mesh_with_all_its_files_is_accepted(mesh):
    ADAPTER.validate(config(mesh), str(mesh))


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("thing.mtl", "its material file .*thing.mtl is not there"),
        ("thing.png", 'material "one" names .*thing.png for map_kd, which is not there'),
    ],
)
def test_a_missing_file_of_a_mesh_is_refused_by_name(mesh, name, sentence):
    (mesh.parent / name).unlink()
    with pytest.raises(TopForgeError, match=sentence):
        ADAPTER.validate(config(mesh), str(mesh))


def test_a_material_file_that_replaces_the_own_one_makes_that_unnecessary(mesh, tmp_path):
    (mesh.parent / "thing.mtl").unlink()
    other = tmp_path / "metal.mtl"
    other.write_text("newmtl any\nKs 0 0.2 1\n")
    ADAPTER.validate(config(mesh, mtl_override=str(other)), str(mesh))
    with pytest.raises(TopForgeError, match="the dataset is no mesh"):
        ADAPTER.validate(config(mesh, mtl_override=str(other)), str(tmp_path))


def test_a_mesh_without_light_is_refused(mesh):
    with pytest.raises(TopForgeError, match="is a mesh, and nothing lights it"):
        ADAPTER.validate(config(mesh, envmap=None), str(mesh))


@pytest.mark.parametrize("working_folder", [False, True])
def test_a_config_of_nvdiffrec_finds_its_files(mesh, tmp_path, monkeypatch, working_folder):
    """In `configs` of a checkout from anywhere; elsewhere with the checkout as working folder."""
    checkout = mesh.parents[2]
    folder = tmp_path / "my own" if working_folder else checkout / "configs"
    folder.mkdir()
    monkeypatch.chdir(checkout if working_folder else tmp_path)
    text = {"ref_mesh": "data/thing/thing.obj", "envmap": "data/light.hdr", "out_dir": "thing"}
    (folder / "thing.json").write_text(json.dumps(text))
    read = config_files.read_config(ADAPTER, folder / "thing.json")
    assert (Path(read.ref_mesh), Path(read.envmap)) == (mesh, mesh.parents[1] / "light.hdr")


def expand(folder, **changes):
    (folder / "job.json").write_text(json.dumps(changes))
    return expansion.expand(jobs.read(folder / "job.json"), folder / "job.json")


def test_a_job_without_dataset_trains_each_config_on_its_own_and_checks_each_once(mesh, tmp_path):
    second = mesh.parent / "second.obj"
    second.write_bytes(mesh.read_bytes() + b"\n")
    light = str(mesh.parents[1] / "light.hdr")
    configs = [
        {"name": name, "ref_mesh": str(path), "envmap": light, "iter": count}
        for name, path, count in (("a", mesh, 10), ("b", second, 10), ("c", mesh, 20))
    ]
    plan = expand(tmp_path, configs=configs)
    assert [each.item.name for each in plan] == ["check", "check-2", "a", "b", "c", "report"]
    first, other, a, b, c, _ = plan
    assert [Path(each.item.dataset) for each in plan[:5]] == [mesh, second, mesh, second, mesh]
    assert [each.item.depends for each in (a, b, c)] == [(str(p.folder),) for p in (first, other, first)]
    assert a.item.key != b.item.key


def test_a_job_whose_dataset_is_named_nowhere_is_refused(tmp_path):
    with pytest.raises(TopForgeError, match='adapter "topforge" needs a dataset'):
        expand(tmp_path, configs=[{"iter": 10}])
