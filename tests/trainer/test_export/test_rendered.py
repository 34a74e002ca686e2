"""mesh.glb and probe.hdr rendered by Mitsuba 3, from trimesh's reading of them, against the trainer's own view.

What the two renderers do differently on purpose is kept small, so that what is left are conventions:
  * a path tracer adds shadows and interreflection; a convex shape with one bounce has none of them;
  * split-sum takes N = V = R, which fails for wide lobes seen at grazing angles: roughness is 0.2 to 0.4, and no light
    stands behind the object;
  * Mitsuba's diffuse term is Disney's, 1 to 3 % brighter than Lambert's here.
Measured: 35 dB. Each broken convention, and a light turned by 10 degrees or made 10 % brighter, stays below 31 dB.
"""

import dataclasses
import math

import numpy as np
import pytest
import torch
import trimesh

from topforge_train.evaluation.metrics import psnr
from topforge_train.evaluation.result import scene_of
from topforge_train.export import read_tree
from topforge_train.rendering.scene import displayed, draw
from topforge_train.views.camera import make_cameras

mi = pytest.importorskip("mitsuba")

SIZE = 96
SAMPLES = 64
REQUIRED = 33.0  # dB, between what is right and the least wrong of the wrongs


def unchanged(values):
    return values


def as_texture(values, raw=True):
    return {
        "type": "bitmap",
        "bitmap": mi.Bitmap(np.ascontiguousarray(values)),
        "raw": raw,
        "wrap_mode": "clamp",
        "filter_type": "bilinear",
    }


def bsdf_of(material, change_normal, change_roughness):
    """glTF's metallic-roughness material as Mitsuba's: sRGB base colour, G roughness, B metal, OpenGL normals."""
    colour, packed, normal = (
        np.array(picture.convert("RGB"))
        for picture in (material.baseColorTexture, material.metallicRoughnessTexture, material.normalTexture)
    )
    linear = packed.astype(np.float32) / 255.0
    principled = {
        "type": "principled",
        "base_color": as_texture(colour, raw=False),
        "roughness": as_texture(change_roughness(linear[..., 1:2])),
        "metallic": as_texture(linear[..., 2:3]),
    }
    bent = as_texture(change_normal(normal))
    return {"type": "normalmap", "normalmap": bent, "use_shadowing_function": False, "bsdf": principled}


def mesh_of(geometry, bsdf):
    """trimesh's mesh as Mitsuba's; trimesh's v grows upwards, Mitsuba's with the rows."""
    properties = mi.Properties()
    properties["bsdf"] = mi.load_dict(bsdf)
    mesh = mi.Mesh("glb", len(geometry.vertices), len(geometry.faces), properties, True, True)
    parameters = mi.traverse(mesh)
    parameters["vertex_positions"] = np.ravel(geometry.vertices).astype(np.float32)
    parameters["vertex_normals"] = np.ravel(geometry.vertex_normals).astype(np.float32)
    parameters["vertex_texcoords"] = np.ravel(np.asarray(geometry.visual.uv) * [1, -1] + [0, 1]).astype(np.float32)
    parameters["faces"] = np.ravel(geometry.faces).astype(np.uint32)
    parameters.update()
    return mesh


def mitsuba_view(folder, camera, change_normal=unchanged, change_roughness=unchanged, change_probe=unchanged):
    """Linear premultiplied [1, H, W, 4]: one bounce of light, box filter, as the trainer averages pixels."""
    mi.set_variant("scalar_rgb")
    (geometry,) = trimesh.load(folder / "mesh.glb", process=False).geometry.values()
    probe = change_probe(np.array(mi.Bitmap(str(folder / "mesh" / "probe.hdr")), np.float32))
    transform = mi.ScalarTransform4f
    scene = {
        "type": "scene",
        "integrator": {"type": "path", "max_depth": 2, "hide_emitters": True},
        "mesh": mesh_of(geometry, bsdf_of(geometry.visual.material, change_normal, change_roughness)),
        "light": {  # Mitsuba has +z in the image's centre, the probe -z
            "type": "envmap",
            "bitmap": mi.Bitmap(np.ascontiguousarray(probe)),
            "to_world": transform().rotate([0, 1, 0], 180),
        },
        "sensor": {
            "type": "perspective",
            "fov": math.degrees(camera.fov_y),
            "fov_axis": "y",
            "near_clip": camera.near,
            "far_clip": camera.far,
            "to_world": transform(camera.camera_to_world @ np.diag([-1.0, 1.0, -1.0, 1.0])),
            "film": {
                "type": "hdrfilm",
                "width": SIZE,
                "height": SIZE,
                "pixel_format": "rgba",
                "rfilter": {"type": "box"},
            },
            "sampler": {"type": "independent", "sample_count": SAMPLES},
        },
    }
    return torch.from_numpy(np.array(mi.render(mi.load_dict(scene))))[None]


def drawn(backend, asset, light, supersampling=4):
    """The trainer's picture of the asset's first camera."""
    camera = asset.cameras[0]
    batch = make_cameras(
        torch.from_numpy(camera.camera_to_world)[None],
        torch.tensor([camera.fov_y]),
        torch.ones(1),
        torch.zeros(1, 2),
        camera.near,
        camera.far,
    )
    return draw(backend, scene_of(asset, torch.from_numpy(light)), batch, (SIZE, SIZE), supersampling)


@pytest.fixture(scope="module")
def our_view(backend, asset):
    """What the trainer has in memory, before any file: sRGB over white."""
    return displayed(drawn(backend, asset, asset.probe).image, 1.0)


def agreement(our_view, delivery, asset, **changes):
    """PSNR in dB over the whole picture, white background included, as the trainer reports it."""
    return float(psnr(our_view, displayed(mitsuba_view(delivery, asset.cameras[0], **changes), 1.0)))


def flip_green(normal):
    return np.concatenate([normal[..., :1], 255 - normal[..., 1:2], normal[..., 2:]], axis=-1)


def test_an_independent_renderer_sees_what_the_trainer_sees(our_view, delivery, asset):
    assert agreement(our_view, delivery, asset) > REQUIRED


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"change_normal": flip_green}, id="normal map of the DirectX convention"),
        pytest.param({"change_roughness": np.sqrt}, id="roughness taken as alpha"),
        pytest.param({"change_probe": lambda probe: probe[:, ::-1]}, id="light mirrored"),
        pytest.param({"change_probe": lambda probe: np.roll(probe, 512, axis=1)}, id="light turned half round"),
        pytest.param({"change_probe": lambda probe: np.roll(probe, 28, axis=1)}, id="light turned by 10 degrees"),
        pytest.param({"change_probe": lambda probe: 1.1 * probe}, id="light 10 percent too bright"),
    ],
)
def test_the_comparison_notices(changes, our_view, delivery, asset):
    assert agreement(our_view, delivery, asset, **changes) < REQUIRED - 1.0


def test_the_files_show_what_the_trainer_has_in_memory(our_view, backend, asset, delivery):
    """Eight bits, RGBE, and a light that went through latitude and longitude: above 45 dB."""
    back = dataclasses.replace(read_tree(delivery / "mesh", probe_size=asset.probe.shape[1]), cameras=asset.cameras)
    view = displayed(drawn(backend, back, back.probe).image, 1.0)
    assert float(psnr(our_view, view)) > 45.0


def test_mapped_normals_are_those_the_map_was_made_from(backend, asset, world_normals):
    """At every visible sample, seams included, against the field in space that the normal map was painted from."""
    seen = drawn(backend, asset, asset.probe)
    expected = torch.from_numpy(world_normals(seen.position.numpy())).float()
    eye = torch.from_numpy(asset.cameras[0].camera_to_world[:3, 3]).float()
    view = torch.nn.functional.normalize(eye - seen.position, dim=-1)
    faces_us = (expected * view).sum(-1) > 0.1  # nearer to the outline the trainer bends normals
    angle = torch.rad2deg(torch.acos((expected * seen.normal).sum(-1).clamp(-1, 1)))[faces_us]
    assert float(angle.mean()) < 0.5
    assert float(angle.quantile(0.999)) < 3.0
