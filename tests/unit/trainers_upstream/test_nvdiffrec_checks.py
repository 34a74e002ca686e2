"""What nvdiffrec would take in silence, or meet with a traceback, is refused before a GPU is used."""

from __future__ import annotations

import json
from pathlib import Path

import nvdiffrec as fake
import pytest
from upstream_runs import read_transforms, write_poses, write_transforms

from topforge import schema
from topforge.errors import TopForgeError
from topforge.planning import config_files, presets
from topforge.trainers.nvdiffrec import ADAPTER
from topforge.trainers.nvdiffrec_options import NvdiffrecUpstreamOptions, document


@pytest.fixture
def validate(nvdiffrec_checkout, light):
    """Validates a config with a light on a dataset, as expanding a job does."""

    def call(dataset, **config):
        values = {"checkout": str(nvdiffrec_checkout), "envmap": str(light), **config}
        ADAPTER.validate(schema.from_json(ADAPTER.options, values, "test"), None if dataset is None else str(dataset))

    return call


def refused(validate, dataset, words, **config):
    with pytest.raises(TopForgeError, match=words):
        validate(dataset, **config)


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_is_right_is_accepted(validate, mesh, nerf, llff):
    for dataset in (mesh, nerf, llff):
        validate(dataset)
    validate(nerf, train_res=[16, 24], restart_pass_2=True, learning_rate=[[0.03, 0.01], 0.01])


def test_the_generated_config_holds_every_key_upstream_knows():
    values = document(NvdiffrecUpstreamOptions(), "/mesh.obj", (512, 512), "result")
    assert set(values) == set(fake.DEFAULTS) - {"local_rank", "multi_gpu"}
    same = {key: value for key, value in fake.DEFAULTS.items() if key not in ("ref_mesh", "out_dir", "display_res")}
    assert {key: values[key] for key in same if key in values} == {k: v for k, v in same.items() if k in values}


@pytest.mark.parametrize("name", ADAPTER.presets)
def test_every_preset_is_valid_against_a_checkout(name, nvdiffrec_checkout, nerf, llff):
    """The downloaded datasets are stood in for by links."""
    values = {**presets.values(ADAPTER, name), "checkout": str(nvdiffrec_checkout)}
    if not values["ref_mesh"].endswith(".obj"):
        place = nvdiffrec_checkout / values["ref_mesh"]
        place.parent.mkdir(parents=True)
        place.symlink_to(nerf if "nerf_" in name else llff)
        values["train_res"] = [16, 24]
    config = config_files.with_paths(ADAPTER, schema.from_json(ADAPTER.options, values, name), Path("/nowhere"))
    ADAPTER.validate(config, config.ref_mesh)
    assert config.ref_mesh == str(nvdiffrec_checkout / values["ref_mesh"])


def test_unknown_and_misspelt_keys_are_refused(validate, mesh):
    refused(validate, mesh, "mesh_scal.*mesh_scale", mesh_scal=2.0)
    refused(validate, mesh, "train_res", train_res=512)


@pytest.mark.parametrize(
    ("words", "config"),
    [
        ("relight.*crashes", {"display": [{"latlong": True}, {"relight": "a.hdr"}]}),
        ("there is no such picture", {"display": [{"bsdf": "gloss"}]}),
        ("1000 is no power of two", {"texture_res": [1024, 1000]}),
        ("no .*48_tets.npz.*32, 64, 128", {"dmtet_grid": 48}),
        (r"kd_min.*above that of kd_max", {"kd_min": [0.9, 0, 0], "kd_max": [0.8, 1, 1]}),
        ("only .hdr files are read", {"envmap": "/light.exr"}),
        ("there is no such file", {"envmap": "/nowhere/light.hdr"}),
        ("a fixed light needs envmap", {"envmap": None, "learn_light": False}),
        ("nothing lights the mesh", {"envmap": None}),
        ("lock_light.*camera_space_light", {"lock_light": True, "camera_space_light": True}),
        ("restart_pass_2", {"restart_pass_2": True}),
        ("mesh_scale.*Set mesh_scale to 1.3,", {"mesh_scale": 1.0}),
        ("checkout = .* is no nvdiffrec checkout: there is no such folder", {"checkout": "/nowhere"}),
        ("display_interval", {"display_interval": 20}),
        ("learning_rate", {"learning_rate": [0.1, 0.1, 0.1]}),
    ],
)
def test_a_value_that_upstream_would_stumble_over(validate, mesh, words, config):
    refused(validate, mesh, words, **config)


def test_flexicubes_takes_any_grid(validate, mesh):
    validate(mesh, isosurface="flexicubes", dmtet_grid=48)


def test_mip_levels_are_refused_where_they_would_train_nothing(validate, mesh):
    validate(mesh, custom_mip=True)
    refused(validate, mesh, "textures never train", custom_mip=True, base_mesh=str(mesh))


def test_a_checkout_lacks_something(validate, mesh, nvdiffrec_checkout):
    (nvdiffrec_checkout / "data/irrmaps/bsdf_256_256.bin").unlink()
    refused(validate, mesh, "it has no data/irrmaps/bsdf_256_256.bin.*git clone")


def test_no_checkout_at_all(validate, mesh, monkeypatch):
    monkeypatch.delenv("TOPFORGE_NVDIFFREC", raising=False)
    refused(validate, mesh, "TOPFORGE_NVDIFFREC is not set", checkout=None)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("f 1/1/1 ", "f 1 ", 'line .*corner "1" is not of the form position/texture/normal.*UV Unwrap'),
        ("f 1/1/1 ", "f 1//1 ", 'line .*corner "1//1" has no texture coordinate'),
        ("f 1/1/1 ", "f -1/-1/-1 ", "counts from the end"),
        ("usemtl defaultMat\n", "", "line .*a face before the first `usemtl`"),
        ("usemtl defaultMat", "usemtl gold", 'no material "gold"|material "gold"; it would be grey'),
        ("mtllib thing.mtl\n", "", "names no material file"),
        ("v 0", "v 0.1 0.2 0.3 1 1 1\nv 0", "vertex colors"),
        ("v 0", "v nan 0 0\nv 0", "three finite numbers"),
    ],
)
def test_a_line_of_a_mesh_that_upstream_cannot_read(validate, mesh, old, new, words):
    edit(mesh, old, new)
    refused(validate, mesh, words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# a comment", "line 5.*a comment inside a material"),
        ("map_d mask.png", "line 5.*read as numbers"),
        ("map_Bump n.png", "line 5.*Write `bump FILE.png`"),
        ("bump -bm 1 n.png", "line 5.*with options"),
        ("map_Kd my texture.png", "line 5.*has spaces"),
        ("map_Kd missing.png", "line 5.*is not there"),
    ],
)
def test_a_line_of_a_material_that_upstream_cannot_read(validate, mesh, line, words):
    with mesh.with_suffix(".mtl").open("a") as stream:
        stream.write(line + "\n")
    refused(validate, mesh, words)


def test_a_material_without_gloss(validate, mesh):
    edit(mesh.with_suffix(".mtl"), "Ks 0.0 0.25 0.0\n", "")
    refused(validate, mesh, "neither Ks nor map_Ks")


def test_the_extension_is_case_sensitive(validate, mesh):
    refused(validate, mesh.rename(mesh.with_suffix(".OBJ")), "does not end in .obj in small letters")


def test_photographs_as_upstream_reads_them(validate, nerf):
    transforms = read_transforms(nerf, "train")
    transforms["frames"][0]["file_path"] = "./train/r_0.png"
    write_transforms(nerf, "train", transforms)
    refused(validate, nerf, r'frames\[0\].*has an extension.*Write "train/r_0"')


def test_photographs_without_alpha(validate, nerf):
    fake.png(nerf / "train/r_1.png", (16, 24))
    refused(validate, nerf, "r_1.png.*no alpha channel")


def test_photographs_of_two_sizes(validate, nerf):
    fake.png(nerf / "test/r_1.png", (24, 24), alpha=255)
    refused(validate, nerf, "24 x 24.*16 x 24.*one size")


def test_photographs_that_are_not_there(validate, nerf):
    (nerf / "train/r_1.png").unlink()
    refused(validate, nerf, r"frames\[1\].*there is no picture")


def test_two_photographs_of_one_name(validate, nerf):
    fake.png(nerf / "train/r_1.tiff.png", (16, 24), alpha=255)
    refused(validate, nerf, "means several pictures")


def test_a_held_out_split_is_compulsory(validate, nerf):
    (nerf / "transforms_test.json").unlink()
    refused(validate, nerf, "no transforms_test.json")


def test_transforms_without_an_angle_or_a_matrix(validate, nerf):
    transforms = read_transforms(nerf, "train")
    write_transforms(nerf, "train", {"frames": transforms["frames"]})
    refused(validate, nerf, "camera_angle_x")
    transforms["frames"][1]["transform_matrix"] = [[1, 0, 0, 0]]
    write_transforms(nerf, "train", transforms)
    refused(validate, nerf, r"frames\[1\].*4 x 4")


def test_masks_are_as_many_as_images(validate, llff):
    (llff / "masks/001.png").unlink()
    refused(validate, llff, "2 poses, but there are 2 images and 1 masks")


def test_poses_have_seventeen_columns(validate, llff):
    write_poses(llff, 2, columns=15)
    refused(validate, llff, r"\[2, 15\], not \[poses, 17\]")
    (llff / "poses_bounds.npy").write_bytes(b"text")
    refused(validate, llff, "it is no .npy file")


def test_what_is_no_dataset(validate, tmp_path):
    refused(validate, tmp_path, "none of them.*topforge convert")


def test_a_base_mesh_is_looked_at_too(validate, nerf, mesh):
    edit(mesh, "f 1/1/1 ", "f 1 ")
    refused(validate, nerf, "position/texture/normal", base_mesh=str(mesh))


def test_the_commit_decides_and_the_place_does_not(nvdiffrec_checkout, tmp_path):
    def deciding(checkout, **config):
        values = {"checkout": str(checkout), **config}
        return ADAPTER.deciding(schema.from_json(ADAPTER.options, values, "test"))

    before = deciding(nvdiffrec_checkout)
    assert before["commit"] == fake.COMMIT
    moved = nvdiffrec_checkout.rename(tmp_path / "elsewhere")
    assert deciding(moved) == before
    assert deciding(moved, save_interval=7) == before
    assert deciding(moved, batch=7) != before
    (moved / ".git/refs/heads/main").unlink()
    (moved / ".git/packed-refs").write_text("# pack-refs\n%s refs/heads/main\n" % ("b" * 40))
    assert deciding(moved)["commit"] == "b" * 40
    (moved / ".git/HEAD").write_text("c" * 40 + "\n")
    assert deciding(moved)["commit"] == "c" * 40


def test_upstreams_own_config_files_run_as_they_are(nvdiffrec_checkout):
    """Their paths start at the checkout, in whose `configs` they lie."""
    file = nvdiffrec_checkout / "configs/spot.json"
    file.write_text(json.dumps({"ref_mesh": "data/spot/spot.obj", "mesh_scale": 2.1}))
    config = config_files.read_config(ADAPTER, file)
    assert config.ref_mesh == str(nvdiffrec_checkout / "data/spot/spot.obj")
