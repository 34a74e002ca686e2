"""asset.usda opened by Pixar's library: valid, resolved, oriented, and with cameras that see what ours see."""

import dataclasses
import json
import re

import numpy as np
import pytest
import torch

from topforge_train.export import write_usd
from topforge_train.views.camera import make_cameras

pxr = pytest.importorskip("pxr")
from pxr import Gf, Sdr, Usd, UsdGeom, UsdLux, UsdShade, UsdValidation  # noqa: E402  # after importorskip

RENAMED_SINCE_138 = {"ND_normalmap": "ND_normalmap_float"}
"""What OpenUSD's HdMtlxGetNodeDefName does to names of MaterialX 1.38 when it is built with 1.39 or later."""

USD_TYPES = {
    "float": "float",
    "color3": "color3f",
    "color4": "color4f",
    "vector3": "vector3f",
    "filename": "asset",
    "string": "string",
    "surfaceshader": "token",
}


@pytest.fixture(scope="session")
def stage(delivery):
    return Usd.Stage.Open(str(delivery / "asset.usda"))


@pytest.fixture(scope="session", params=["delivery", "transparent_delivery"])
def either(request):
    """The stage of an opaque and of a transparent asset."""
    return Usd.Stage.Open(str(request.getfixturevalue(request.param) / "asset.usda"))


def shaders(stage):
    return [UsdShade.Shader(prim) for prim in stage.Traverse() if prim.IsA(UsdShade.Shader)]


def test_pixars_validators_find_nothing(either):
    """All of them. The wheel comes without MaterialX, so its registry does not know ND_ names: checked below."""
    registry = UsdValidation.ValidationRegistry()
    validators = [registry.GetOrLoadValidatorByName(m.name) for m in registry.GetAllValidatorMetadata()]
    assert len(validators) >= 20
    errors = UsdValidation.ValidationContext(validators).Validate(either)
    messages = ["%s: %s" % (error.GetName(), error.GetMessage()) for error in errors]
    assert [m for m in messages if not re.match("MissingShaderIdInRegistry: shaderId 'ND_", m)] == []


def test_the_stage_says_what_it_is(stage, delivery):
    assert stage.GetDefaultPrim().GetPath() == "/asset"
    assert stage.GetPseudoRoot().HasAuthoredMetadata("upAxis")
    assert UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.y
    assert stage.HasAuthoredMetadata("metersPerUnit")
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    files = {a for s in shaders(stage) for a in [s.GetInput("file").Get() if s.GetInput("file") else None] if a}
    assert {f.path for f in files} == {
        "textures/base_color.png",
        "textures/normal.png",
        "textures/occlusion_roughness_metallic.png",
    }
    assert all(f.resolvedPath for f in files)
    for name in ("base_color", "normal"):  # the same pixels as in nvdiffrec's tree
        tree = {"base_color": "kd", "normal": "n"}[name]
        assert (delivery / "textures" / (name + ".png")).read_bytes() == (
            delivery / "mesh" / ("texture_%s.png" % tree)
        ).read_bytes()


def test_mesh(stage, asset):
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/asset/mesh"))
    counts, indices = mesh.GetFaceVertexCountsAttr().Get(), mesh.GetFaceVertexIndicesAttr().Get()
    assert UsdGeom.Mesh.ValidateTopology(indices, counts, len(asset.vertices))[0]
    assert set(counts) == {3}
    np.testing.assert_array_equal(np.array(indices).reshape(-1, 3), asset.triangles)
    points = np.array(mesh.GetPointsAttr().Get())
    np.testing.assert_allclose(points, asset.vertices, atol=5e-7)
    np.testing.assert_allclose(mesh.GetNormalsAttr().Get(), asset.normals, atol=5e-7)
    assert mesh.GetNormalsInterpolation() == "vertex"
    assert mesh.GetSubdivisionSchemeAttr().Get() == "none"
    assert mesh.GetOrientationAttr().Get() == "rightHanded"
    np.testing.assert_array_equal(mesh.GetExtentAttr().Get(), UsdGeom.Mesh.ComputeExtent(points))
    st = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("st")
    assert (st.GetInterpolation(), st.GetTypeName().cppTypeName) == ("faceVarying", "VtArray<GfVec2f>")
    flattened = np.array(st.ComputeFlattened())
    np.testing.assert_allclose(flattened * [1, -1] + [0, 1], asset.uv[asset.uv_triangles.reshape(-1)], atol=1e-6)


@pytest.mark.parametrize(
    ("context", "identifier"), [("", "UsdPreviewSurface"), ("mtlx", "ND_standard_surface_surfaceshader")]
)
def test_the_bound_material_has_a_surface_for_both_kinds_of_renderer(stage, context, identifier):
    material, _ = UsdShade.MaterialBindingAPI(stage.GetPrimAtPath("/asset/mesh")).ComputeBoundMaterial()
    surface, _, _ = material.ComputeSurfaceSource(context)
    assert surface.GetShaderId() == identifier


def check_connections(stage, prefix, definition):
    """Every input and output exists in the shader's definition, with its type; sources exist and have that type."""
    checked = 0
    for shader in shaders(stage):
        if not shader.GetShaderId().startswith(prefix):
            continue
        inputs, outputs = definition(shader.GetShaderId())
        for own in shader.GetInputs():
            assert inputs[own.GetBaseName()] == str(own.GetTypeName()), own.GetAttr().GetPath()
            for source in own.GetConnectedSources()[0]:
                theirs = UsdShade.Shader(source.source).GetOutput(source.sourceName)
                assert theirs, "%s has no source" % own.GetAttr().GetPath()
            checked += 1
        for own in shader.GetOutputs():
            assert outputs[own.GetBaseName()] == str(own.GetTypeName()), own.GetAttr().GetPath()
    return checked


def test_preview_surface_matches_the_specification(either):
    """Names and types as Pixar's own registry has them (shaderDefs.usda of UsdPreviewSurface)."""

    def definition(identifier):
        node = Sdr.Registry().GetShaderNodeByIdentifier(identifier)

        def types(names, get):
            return {str(n): str(get(n).GetTypeAsSdfType().GetSdfType()) for n in names}

        return types(node.GetShaderInputNames(), node.GetShaderInput), types(
            node.GetShaderOutputNames(), node.GetShaderOutput
        )

    assert check_connections(either, "Usd", definition) > 15


def test_preview_surface_reads_the_maps_as_they_were_written(stage):
    """Colour spaces, the normal map's range, and which channel of the packed map goes where."""
    surface = UsdShade.Shader(stage.GetPrimAtPath("/asset/material/preview"))
    sources = {
        i.GetBaseName(): (s.source.GetPrim().GetName(), str(s.sourceName))
        for i in surface.GetInputs()
        for s in i.GetConnectedSources()[0]
    }
    assert sources == {
        "diffuseColor": ("base_color", "rgb"),
        "roughness": ("orm", "g"),
        "metallic": ("orm", "b"),
        "occlusion": ("orm", "r"),
        "normal": ("normal", "rgb"),
    }
    for name, space in (("base_color", "sRGB"), ("orm", "raw"), ("normal", "raw")):
        texture = UsdShade.Shader(stage.GetPrimAtPath("/asset/material/" + name))
        assert texture.GetInput("sourceColorSpace").Get() == space
        reader = texture.GetInput("st").GetConnectedSources()[0][0].source.GetPrim()
        assert UsdShade.Shader(reader).GetInput("varname").Get() == "st"
    normal = UsdShade.Shader(stage.GetPrimAtPath("/asset/material/normal"))
    assert normal.GetInput("scale").Get() == (2, 2, 2, 1)
    assert normal.GetInput("bias").Get() == (-1, -1, -1, 0)


def test_materialx_nodes_exist_in_its_standard_library(either):
    """Names and types against the library of the installed MaterialX; 1.38's old name as OpenUSD maps it."""
    materialx = pytest.importorskip("MaterialX")
    library = materialx.createDocument()
    materialx.loadLibraries(materialx.getDefaultDataLibraryFolders(), materialx.getDefaultDataSearchPath(), library)
    is_138 = library.getVersionIntegers() < (1, 39)

    def definition(identifier):
        node = library.getNodeDef(identifier if is_138 else RENAMED_SINCE_138.get(identifier, identifier))
        assert node, "MaterialX has no %s" % identifier
        return tuple(
            {port.getName(): USD_TYPES.get(port.getType()) for port in ports}
            for ports in (node.getActiveInputs(), node.getActiveOutputs())
        )

    assert check_connections(either, "ND_", definition) > 12
    api = either.GetPrimAtPath("/asset/material").GetAttribute("config:mtlx:version")
    assert api.Get() == "1.38"


def test_the_dome_light_sends_light_from_where_the_trainer_had_it(stage):
    """UsdLux, by the letter of OpenEXR: longitude pi at the left edge, -pi at the right; 0 is +z, pi/2 is +x."""
    dome = UsdLux.DomeLight(stage.GetPrimAtPath("/asset/light"))
    assert dome.GetTextureFormatAttr().Get() == "latlong"
    assert dome.GetTextureFileAttr().Get().resolvedPath
    assert dome.GetIntensityAttr().Get() == 1
    to_world = UsdGeom.Xformable(dome).ComputeLocalToWorldTransform(0)
    for u, v in ((0.5, 0.5), (0.75, 0.5), (0.1, 0.3), (0.9, 0.8)):
        longitude, latitude = np.pi * (1 - 2 * u), np.pi * (0.5 - v)
        local = (
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
            np.cos(latitude) * np.cos(longitude),
        )
        p, t = 2 * np.pi * u - np.pi, np.pi * v
        ours = (np.sin(t) * np.sin(p), np.cos(t), -np.sin(t) * np.cos(p))  # cubemap.py's convention
        np.testing.assert_allclose(to_world.TransformDir(Gf.Vec3d(*local)), ours, atol=1e-6)


def test_cameras_see_what_ours_see(asset, tmp_path):
    """Points through Pixar's frustum land on our pixels, within a hundredth; with principal points off the centre."""
    offsets = ((0.0, 0.0), (11.5, -6.25))
    cameras = tuple(dataclasses.replace(c, principal_offset=o) for c, o in zip(asset.cameras, offsets))
    write_usd(tmp_path, dataclasses.replace(asset, cameras=cameras))
    stage = Usd.Stage.Open(str(tmp_path / "asset.usda"))
    prims = [UsdGeom.Camera(p) for p in stage.Traverse() if p.IsA(UsdGeom.Camera)]
    points = asset.vertices[::50]
    for camera, prim in zip(cameras, prims):
        frustum = prim.GetCamera(Usd.TimeCode.Default()).frustum
        matrix = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
        theirs = np.array([matrix.Transform(Gf.Vec3d(*map(float, p))) for p in points])
        size = np.array([camera.width, camera.height])
        centre = torch.tensor(2 * np.array(camera.principal_offset) / size)[None]
        ours = make_cameras(
            torch.from_numpy(camera.camera_to_world)[None],
            torch.tensor([camera.fov_y], dtype=torch.float64),
            torch.tensor([camera.width / camera.height], dtype=torch.float64),
            centre,
            camera.near,
            camera.far,
        ).project(torch.from_numpy(points))[0]
        ndc = (ours[:, :2] / ours[:, 3:]).numpy()
        np.testing.assert_allclose(theirs[:, :2] * [1, -1] * 0.5 * size, ndc * 0.5 * size, atol=0.01)
        np.testing.assert_allclose(prim.GetClippingRangeAttr().Get(), (camera.near, camera.far), rtol=1e-6)


def test_camera_names_stay_different_and_tell_the_photograph(stage, asset):
    prims = [p for p in stage.Traverse() if p.IsA(UsdGeom.Camera)]
    assert [p.GetName() for p in prims] == ["train_r_0", "train_r_0_2"]
    assert [p.GetDisplayName() for p in prims] == [c.name for c in asset.cameras]


@pytest.mark.parametrize("name", ['quote " and \\ backslash', "straße/第1", "new\nline", "line\u2028separator"])
def test_any_name_survives(name, asset, tmp_path):
    write_usd(tmp_path, dataclasses.replace(asset, cameras=(dataclasses.replace(asset.cameras[0], name=name),)))
    stage = Usd.Stage.Open(str(tmp_path / "asset.usda"))
    (prim,) = (p for p in stage.Traverse() if p.IsA(UsdGeom.Camera))
    assert prim.GetDisplayName() == name


def test_cameras_as_json(delivery, asset):
    cameras = json.loads((delivery / "cameras.json").read_text())["cameras"]
    for written, camera in zip(cameras, asset.cameras):
        assert written["name"] == camera.name
        np.testing.assert_allclose(written["camera_to_world"], camera.camera_to_world, rtol=1e-12)
        assert (written["fov_y"], written["principal_offset"]) == (camera.fov_y, [0.0, 0.0])
