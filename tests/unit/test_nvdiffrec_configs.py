"""The config files that come with nvdiffrec, key by key (their content as facts), are accepted as they are."""

import pytest

from topforge import schema
from topforge.trainers.builtin import ADAPTER
from topforge.trainers.builtin_options import BuiltinOptions

LIGHT = {"envmap": "data/irrmaps/aerodynamics_workshop_2k.hdr", "env_scale": 2.0}
SPOT = {
    "ref_mesh": "data/spot/spot.obj",
    "random_textures": True,
    "iter": 5000,
    "save_interval": 1000,
    "texture_res": [1024, 1024],
    "train_res": [512, 512],
    "batch": 8,
    "learning_rate": [0.03, 0.003],
    "dmtet_grid": 64,
    "mesh_scale": 2.1,
    "validate": False,
    "display": [{"latlong": True}],
    "ks_min": [0, 0.1, 0],
    "ks_max": [1, 1, 1],
    "background": "white",
    **LIGHT,
}
NERF = {
    "random_textures": True,
    "iter": 5000,
    "save_interval": 100,
    "texture_res": [2048, 2048],
    "train_res": [800, 800],
    "batch": 8,
    "learning_rate": [0.03, 0.01],
    "dmtet_grid": 128,
    "laplace_scale": 3000,
    "display": [{"latlong": True}, {"bsdf": "kd"}, {"bsdf": "ks"}, {"bsdf": "normal"}],
    "background": "white",
}
NERD = {
    **{key: value for key, value in NERF.items() if key != "laplace_scale"},
    "train_res": [512, 512],
    "mesh_scale": 2.5,
    "kd_min": [0.03, 0.03, 0.03],
    "kd_max": [0.8, 0.8, 0.8],
    "ks_max": [0, 1, 1],
}


def bob(**changes):
    return {**SPOT, "ref_mesh": "data/bob/bob_tri.obj", "iter": 1000, "batch": 4, "ks_min": [0, 0.25, 0], **changes}


def nerf(scene, scale, roughness, **changes):
    return {
        **NERF,
        "ref_mesh": "data/nerf_synthetic/" + scene,
        "out_dir": "nerf_" + scene,
        "mesh_scale": scale,
        "ks_min": [0, roughness, 0],
        **changes,
    }


CONFIGS = {
    "bob": bob(out_dir="bob", save_interval=100),
    "bob_flexi": bob(out_dir="bob_flexi", isosurface="flexicubes", dmtet_grid=48),
    "spot": {**SPOT, "out_dir": "spot"},
    "spot_fixlight": {**SPOT, "out_dir": "spot", "learn_light": False},
    "spot_metal": {
        **SPOT,
        "base_mesh": "data/spot/spot.obj",
        "mtl_override": "data/spot/metal.mtl",
        "lock_pos": True,
        "learning_rate": [0.01],
        "texture_res": [512, 512],
        "ks_min": [0, 0.2, 0],
        "out_dir": "spot_metal",
    },
    "nerf_chair": nerf("chair", 2.1, 0.08),
    "nerf_drums": nerf("drums", 2.3, 0.1, layers=4),
    "nerf_ficus": nerf("ficus", 2.3, 0.25, layers=8),
    "nerf_hotdog": nerf("hotdog", 3.0, 0.25, lock_light=True),
    "nerf_lego": nerf("lego", 2.4, 0.25),
    "nerf_materials": nerf("materials", 2.4, 0.1, learning_rate=[0.03, 0.003], laplace="absolute", lock_light=True),
    "nerf_mic": nerf("mic", 2.4, 0.25, layers=4, custom_mip=True),
    "nerf_ship": nerf("ship", 2.75, 0.1, layers=4),
    "nerd_ehead": {
        **NERD,
        "ref_mesh": "data/nerd/ethiopianHead_rescaled",
        "dmtet_grid": 64,
        "learning_rate": [0.03, 0.03],
        "camera_space_light": True,
        "out_dir": "nerd_ehead",
    },
    "nerd_gold": {**NERD, "ref_mesh": "data/nerd/moldGoldCape_rescaled", "out_dir": "nerd_gold"},
}


@pytest.fixture
def data(tmp_path):
    """The files that the configs name, as small as they can be."""
    for name in ("bob/bob_tri", "spot/spot"):
        mesh = tmp_path / "data" / (name + ".obj")
        mesh.parent.mkdir(parents=True)
        mesh.write_text(
            "mtllib plain.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nusemtl a\n"
            "f 1/1/1 2/2/1 3/3/1\n"
        )
        (mesh.parent / "plain.mtl").write_text("newmtl a\nKd 0.5 0.5 0.5\nKs 0 0.5 0\n")
    (tmp_path / "data/spot/metal.mtl").write_text("newmtl a\nbsdf pbr\nKd 0.5 0.5 0.5\nKs 0 0.25 1\n")
    light = tmp_path / LIGHT["envmap"]
    light.parent.mkdir()
    light.write_bytes(b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n" + bytes([128, 128, 128, 129]) * 2)
    return tmp_path


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_of_nvdiffrec_is_accepted(name, data):
    config = {
        key: str(data / value) if isinstance(value, str) and value.startswith("data/") else value
        for key, value in CONFIGS[name].items()
    }
    ADAPTER.validate(schema.from_json(BuiltinOptions, config, name + ".json"), config["ref_mesh"])
