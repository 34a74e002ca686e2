"""mesh.glb before Khronos' own validator, a strict reading of ours that always runs, and trimesh."""

import dataclasses
import io
import json
import shutil
import struct
import subprocess

import numpy as np
import pytest
import trimesh
from PIL import Image

from topforge_train.export import write_glb
from topforge_train.export.gltf import unified

VALIDATOR = "gltf-validator@2.0.0-dev.3.10"
VALIDATE = """
const bytes = new Uint8Array(require('fs').readFileSync(process.argv[1]));
require('gltf-validator').validateBytes(bytes).then(report => console.log(JSON.stringify(report)));
"""
COMPONENTS = {5125: np.dtype("<u4"), 5126: np.dtype("<f4")}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Glb:
    """A GLB file taken apart by the letter of the specification (glTF 2.0, sections 3.6 and 4.4)."""

    def __init__(self, path):
        data = path.read_bytes()
        magic, version, length, json_length, json_kind = struct.unpack_from("<4sIII4s", data)
        assert (magic, version, length, json_kind) == (b"glTF", 2, len(data), b"JSON")
        self.document = json.loads(data[20 : 20 + json_length])
        size, kind = struct.unpack_from("<I4s", data, 20 + json_length)
        self.binary = data[28 + json_length :]
        assert (kind, size % 4, json_length % 4) == (b"BIN\0", 0, 0)
        assert len(self.binary) == size == self.document["buffers"][0]["byteLength"]

    def view(self, index):
        view = self.document["bufferViews"][index]
        end = view["byteOffset"] + view["byteLength"]
        assert view["buffer"] == 0
        assert end <= len(self.binary)
        assert "byteStride" not in view
        return view["byteOffset"], self.binary[view["byteOffset"] : end]

    def accessor(self, index):
        accessor = self.document["accessors"][index]
        kind, width = COMPONENTS[accessor["componentType"]], WIDTHS[accessor["type"]]
        offset, content = self.view(accessor["bufferView"])
        assert offset % kind.itemsize == 0
        assert accessor["count"] * width * kind.itemsize == len(content)
        values = np.frombuffer(content, kind).reshape(-1, width)
        assert np.isfinite(values).all()
        for name, bound in (("min", values.min(0)), ("max", values.max(0))):
            if name in accessor:
                np.testing.assert_array_equal(np.array(accessor[name], np.float32), bound)
        return values

    def image(self, index):
        image = self.document["images"][self.document["textures"][index]["source"]]
        assert image["mimeType"] == "image/png"
        picture = Image.open(io.BytesIO(self.view(image["bufferView"])[1]))
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.asarray(picture)


def check_structure(path):
    """Everything a strict reader may rely on; returns the attributes and the indices."""
    glb = Glb(path)
    (primitive,) = glb.document["meshes"][glb.document["nodes"][0]["mesh"]]["primitives"]
    values = {name: glb.accessor(index) for name, index in primitive["attributes"].items()}
    indices = glb.accessor(primitive["indices"])[:, 0]
    assert {"min", "max"} <= set(glb.document["accessors"][primitive["attributes"]["POSITION"]])
    assert len({len(rows) for rows in values.values()}) == 1
    assert indices.max() == len(values["POSITION"]) - 1
    assert len(indices) % 3 == 0
    np.testing.assert_allclose(np.linalg.norm(values["NORMAL"], axis=-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(values["TANGENT"][:, :3], axis=-1), 1.0, atol=1e-5)
    assert set(np.unique(values["TANGENT"][:, 3])) <= {-1.0, 1.0}
    assert np.abs((values["TANGENT"][:, :3] * values["NORMAL"]).sum(-1)).max() < 1e-4
    assert (values["TEXCOORD_0"] >= 0).all()
    assert (values["TEXCOORD_0"] <= 1).all()
    assert "extensionsRequired" not in glb.document
    return glb, values, indices


@pytest.fixture(scope="session")
def validator(request):
    """Runs Khronos' validator on a file. Installed once beside pytest's cache; skips where that cannot be."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Khronos' glTF validator needs node and npm; the strict reading of ours ran instead")
    home = request.config.cache.mkdir("gltf-validator")
    if not (home / "node_modules" / "gltf-validator").is_dir():
        command = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0", "--prefix", str(home), VALIDATOR]
        try:
            subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        except subprocess.SubprocessError as error:
            pytest.skip("npm could not install %s: %s" % (VALIDATOR, error))

    def validate(path):
        command = ["node", "-e", VALIDATE, str(path)]
        done = subprocess.run(command, cwd=home, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)

    return validate


def with_degenerate_triangles(asset):
    """The asset with a triangle whose corners are one point, and another that has no area in the texture."""
    vertices = np.concatenate([asset.vertices, np.repeat(asset.vertices[:1], 3, axis=0)])
    normals = np.concatenate([asset.normals, np.zeros((3, 3), np.float32)])
    uv = np.concatenate([asset.uv, np.full((3, 2), 0.5, np.float32)])
    tangents = np.concatenate([asset.tangents, np.float32([[0, 0, 0, 1]] * 3)])
    last, last_uv = len(asset.vertices), len(asset.uv)
    triangles = np.concatenate([asset.triangles, np.int32([[last, last + 1, last + 2], asset.triangles[0]])])
    uv_triangles = np.concatenate([asset.uv_triangles, np.int32([[last_uv, last_uv + 1, last_uv + 2]] * 2)])
    return dataclasses.replace(
        asset,
        vertices=vertices,
        normals=normals,
        uv=uv,
        tangents=tangents,
        triangles=triangles,
        uv_triangles=uv_triangles,
    )


def test_khronos_validator_finds_nothing(delivery, validator):
    report = validator(delivery / "mesh.glb")
    assert report["issues"]["messages"] == []
    assert report["info"]["totalTriangleCount"] == 5120


def test_khronos_validator_finds_nothing_in_degenerate_triangles(asset, tmp_path, validator):
    """It calls out triangles of one point as information; errors and warnings there are none."""
    write_glb(tmp_path / "x.glb", with_degenerate_triangles(asset))
    issues = validator(tmp_path / "x.glb")["issues"]
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues["messages"]


def test_the_validator_can_fail(delivery, tmp_path, validator):
    """One byte of a normal changed: it sees that."""
    glb = Glb(delivery / "mesh.glb")
    primitive = glb.document["meshes"][0]["primitives"][0]
    view = glb.document["bufferViews"][glb.document["accessors"][primitive["attributes"]["NORMAL"]]["bufferView"]]
    data = bytearray((delivery / "mesh.glb").read_bytes())
    start = len(data) - len(glb.binary) + view["byteOffset"]
    data[start : start + 4] = struct.pack("<f", 7.0)
    (tmp_path / "x.glb").write_bytes(data)
    assert validator(tmp_path / "x.glb")["issues"]["numErrors"] == 1


def test_structure(delivery, asset):
    _, values, indices = check_structure(delivery / "mesh.glb")
    np.testing.assert_array_equal(values["POSITION"][indices], asset.vertices[asset.triangles.reshape(-1)])
    np.testing.assert_array_equal(values["TEXCOORD_0"][indices], asset.uv[asset.uv_triangles.reshape(-1)])
    np.testing.assert_allclose(values["TANGENT"][indices], asset.tangents[asset.uv_triangles.reshape(-1)], atol=1e-6)
    assert len(values["POSITION"]) == len(asset.uv)  # one vertex for each texture vertex: nothing split without need


def test_structure_with_degenerate_triangles(asset, tmp_path):
    write_glb(tmp_path / "x.glb", with_degenerate_triangles(asset))
    check_structure(tmp_path / "x.glb")


def test_unified_vertices_against_pairs_one_by_one(asset):
    position, texture, triangles = unified(asset)
    pairs = {}
    for corner, pair in enumerate(zip(asset.triangles.reshape(-1), asset.uv_triangles.reshape(-1))):
        index = triangles.reshape(-1)[corner]
        assert pairs.setdefault(pair, index) == index
        assert (position[index], texture[index]) == pair
    assert len(set(pairs.values())) == len(pairs) == len(position)


def test_textures_and_their_meaning(delivery, asset):
    """Base colour is sRGB, the others linear; glTF's occlusion is 1 where nothing is occluded, ours is 0."""
    glb, _, _ = check_structure(delivery / "mesh.glb")
    (material,) = glb.document["materials"]
    metallic_roughness = material["pbrMetallicRoughness"]
    assert "baseColorFactor" not in metallic_roughness  # factors default to 1: the textures are the values
    assert material["occlusionTexture"]["index"] == metallic_roughness["metallicRoughnessTexture"]["index"]
    packed = glb.image(metallic_roughness["metallicRoughnessTexture"]["index"]) / 255.0
    np.testing.assert_allclose(packed[..., 0], 1 - asset.ks[..., 0], atol=0.51 / 255)
    np.testing.assert_allclose(packed[..., 1:], asset.ks[..., 1:], atol=0.51 / 255)
    colour = glb.image(metallic_roughness["baseColorTexture"]["index"]) / 255.0
    np.testing.assert_allclose(((colour + 0.055) / 1.055) ** 2.4, asset.base_color, atol=0.005)
    normal = glb.image(material["normalTexture"]["index"]) / 255.0 * 2 - 1
    np.testing.assert_allclose(normal, asset.normal_map, atol=1.01 / 255)


def test_trimesh_reads_the_same(delivery, asset):
    scene = trimesh.load(delivery / "mesh.glb", process=False)
    (mesh,) = scene.geometry.values()
    flat = asset.triangles.reshape(-1)
    np.testing.assert_array_equal(
        np.asarray(mesh.vertices, np.float32)[mesh.faces].reshape(-1, 3), asset.vertices[flat]
    )
    np.testing.assert_allclose(mesh.vertex_normals[mesh.faces].reshape(-1, 3), asset.normals[flat], atol=1e-6)
    up = np.asarray(mesh.visual.uv)[mesh.faces].reshape(-1, 2)
    np.testing.assert_allclose(up * [1, -1] + [0, 1], asset.uv[asset.uv_triangles.reshape(-1)], atol=1e-6)
    material = mesh.visual.material
    for picture in (material.baseColorTexture, material.metallicRoughnessTexture, material.normalTexture):
        assert picture.size == (256, 256)
    assert material.occlusionTexture is not None
