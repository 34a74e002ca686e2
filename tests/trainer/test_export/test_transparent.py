"""A transparent asset in each format: its opacity is there, as written, and readers are told to use it."""

import dataclasses
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from topforge_train.evaluation.result import scene_of
from topforge_train.export import read_tree
from topforge_train.rendering.scene import draw
from topforge_train.views.camera import make_cameras

pxr = pytest.importorskip("pxr")
from pxr import Usd, UsdGeom, UsdShade  # noqa: E402  # after importorskip


def test_nvdiffrecs_tree_has_the_opacity_as_fourth_channel_and_is_read_back(transparent, transparent_delivery):
    picture = np.array(Image.open(transparent_delivery / "mesh" / "texture_kd.png"))
    assert picture.shape[-1] == 4
    np.testing.assert_allclose(picture[..., 3:] / 255, transparent.opacity, atol=0.51 / 255)  # linear, not sRGB
    found = read_tree(transparent_delivery / "mesh")
    np.testing.assert_allclose(found.opacity, transparent.opacity, atol=0.51 / 255)
    np.testing.assert_allclose(found.base_color, transparent.base_color, atol=0.01)


def test_an_opaque_tree_has_none(delivery):
    assert np.array(Image.open(delivery / "mesh" / "texture_kd.png")).shape[-1] == 3
    assert read_tree(delivery / "mesh").opacity is None


def document(folder):
    content = (folder / "mesh.glb").read_bytes()
    length = int.from_bytes(content[12:16], "little")
    return json.loads(content[20 : 20 + length]), content[28 + length :]


def test_gltf_blends(transparent, transparent_delivery, delivery):
    found, data = document(transparent_delivery)
    (material,) = found["materials"]
    assert (material["alphaMode"], material["doubleSided"]) == ("BLEND", True)
    view = found["bufferViews"][found["images"][0]["bufferView"]]
    picture = Image.open(io.BytesIO(data[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]))
    np.testing.assert_allclose(np.array(picture)[..., 3:] / 255, transparent.opacity, atol=0.51 / 255)
    assert "alphaMode" not in document(delivery)[0]["materials"][0]


def test_usd_takes_the_opacity_from_the_base_colors_alpha(transparent_delivery, delivery):
    stage = Usd.Stage.Open(str(transparent_delivery / "asset.usda"))
    surface = UsdShade.Shader(stage.GetPrimAtPath("/asset/material/preview"))
    (source,) = surface.GetInput("opacity").GetConnectedSources()[0]
    assert (source.source.GetPrim().GetName(), str(source.sourceName)) == ("base_color", "a")
    assert surface.GetInput("opacityMode").Get() == "presence"
    assert UsdGeom.Mesh(stage.GetPrimAtPath("/asset/mesh")).GetDoubleSidedAttr().Get()
    node = UsdShade.Shader(stage.GetPrimAtPath("/asset/material/standard"))
    path = []
    while node.GetInput("in") or node.GetInput("opacity"):
        port = node.GetInput("opacity") if node.GetInput("opacity") else node.GetInput("in")
        node = UsdShade.Shader(port.GetConnectedSources()[0][0].source)
        path.append(node.GetShaderId())
    assert path == ["ND_convert_float_color3", "ND_separate4_color4", "ND_image_color4"]
    opaque = Usd.Stage.Open(str(delivery / "asset.usda"))
    assert not UsdShade.Shader(opaque.GetPrimAtPath("/asset/material/preview")).GetInput("opacity")
    assert not UsdGeom.Mesh(opaque.GetPrimAtPath("/asset/mesh")).GetDoubleSidedAttr().Get()


def test_what_is_read_back_is_looked_through(backend, transparent, transparent_delivery):
    """The opacity rises along the texture, so that a picture has little coverage here and much there."""
    asset = read_tree(transparent_delivery / "mesh")
    camera = transparent.cameras[0]
    place = (torch.from_numpy(camera.camera_to_world)[None], torch.tensor([camera.fov_y]), torch.ones(1))
    batch = make_cameras(*place, torch.zeros(1, 2), camera.near, camera.far)
    image = draw(backend, scene_of(asset, torch.from_numpy(asset.probe)), batch, (48, 48)).image
    inside = image[0, 16:32, 16:32, 3]
    assert inside.min() < 0.4
    assert inside.max() > 0.8
    opaque = dataclasses.replace(asset, opacity=None)
    image = draw(backend, scene_of(opaque, torch.from_numpy(asset.probe)), batch, (48, 48)).image
    torch.testing.assert_close(image[0, 16:32, 16:32, 3], torch.ones(16, 16))
