"""The training's result comes back: polygons, material, USD, and what the training monitor is told."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import hou

from topforge import results
from topforge.paths import RunPaths
from topforge_houdini import materials, monitor, networks, scenes, shelf
from topforge_houdini.self_checks.model import Answer, Bench, Check, FailedError, expect


def _object(values: Path) -> hou.OpNode:
    return networks.create(cast(hou.OpNode, hou.node("/obj")), scenes.imported_file(values.as_posix()))


def _geometry(node: hou.OpNode) -> hou.Geometry:
    return cast(hou.Geometry, cast(hou.SopNode, node).geometry())


def _class_of(geometry: hou.Geometry, name: str) -> str:
    finders = {
        "vertex": geometry.findVertexAttrib,
        "point": geometry.findPointAttrib,
        "primitive": geometry.findPrimAttrib,
    }
    return next((kind for kind, find in finders.items() if find(name) is not None), "missing")


def _imports(bench: Bench) -> Answer:
    manifest = bench.need_result()
    made = _object(manifest)
    node = cast(hou.OpNode, made.node("result"))
    geometry = _geometry(node)
    expect(not node.errors(), "; ".join(node.errors()))
    expected = results.read(manifest.parent).metrics["triangles"]
    expect(geometry.primCount() == int(expected), "%d polygons of %d" % (geometry.primCount(), int(expected)))
    where = {name: _class_of(geometry, name) for name in ("uv", "N", "shop_materialpath", "name")}
    missing = [name for name, kind in where.items() if kind == "missing"]
    expect(not missing, "attributes are missing: %s" % ", ".join(missing))
    for name in ("cameras", "bound"):
        cast(hou.Parm, node.parm(name)).set(1)
    with_cameras = _geometry(node).primCount() - geometry.primCount()
    expect(not node.errors(), "with cameras and bound: %s" % "; ".join(node.errors()))
    details = {"attributes": where, "points": geometry.pointCount(), "primitives of cameras and bound": with_cameras}
    return Answer("%d polygons; uv on %s, N on %s" % (geometry.primCount(), where["uv"], where["N"]), details)


def _from_top(bench: Bench) -> Answer:
    bench.need_result()
    made = networks.create(
        cast(hou.OpNode, hou.node("/obj")), scenes.imported("%s/train" % bench.need_network().path())
    )
    node = cast(hou.OpNode, made.node("result"))
    count = _geometry(node).primCount()
    expect(not node.errors() and count, "; ".join(node.errors()) or "it is empty")
    return Answer("the newest result is found through the train node")


def _damaged(bench: Bench) -> Answer:
    manifest = bench.need_result()
    copy = bench.folder / "damaged"
    shutil.copytree(manifest.parent, copy)
    mesh = results.read(copy).with_role("mesh")[0]
    path = results.read(copy).path(mesh)
    path.write_bytes(path.read_bytes()[: mesh.size // 2])
    node = cast(hou.OpNode, _object(copy / manifest.name).node("result"))
    try:
        geometry = cast(hou.SopNode, node).geometry()
        count = geometry.primCount() if geometry is not None else 0
    except hou.OperationFailed:
        count = 0
    said = " ".join(node.errors())
    expect(path.name in said, "half a mesh gives no error that names it: %r" % said)
    expect(count == 0, "half a mesh gives an error, and %d polygons" % count)
    return Answer("half a mesh gives an error that names the file, and no polygon")


def _material(bench: Bench) -> Answer:
    bench.need_result()
    node = cast(hou.OpNode, cast(hou.OpNode, hou.node("/obj/topforge_result")).node("result"))
    made = materials.create_material({"node": node})
    said = [text for child in (made, *made.children()) for text in (*child.errors(), *child.warnings())]
    if said:
        raise FailedError("; ".join(said))
    return Answer("%s with %d nodes" % (made.path(), len(made.children())))


def _solaris(bench: Bench) -> Answer:
    bench.need_result()
    node = shelf.reference_in_solaris({})
    said = node.errors()
    expect(not said, "; ".join(said))
    return Answer("%s refers to %s" % (node.path(), Path(str(node.evalParm("filepath1"))).name))


def _monitor(bench: Bench) -> Answer:
    bench.need_result()
    described = monitor.ml_description(cast(hou.OpNode, bench.need_network().node("train")))
    expect(described and described[0]["plots"], "ml_description tells nothing")
    return Answer("%d run(s), %d curves" % (len(described), len(described[0]["plots"])), described[0])


def _runs(bench: Bench) -> Answer:
    bench.need_result()
    run = shelf.open_run_folder({})
    expect(RunPaths(run).item.is_file(), "%s is no run folder" % run)
    return Answer("the shelf finds the newest run, %s" % run.name)


CHECKS = (
    Check("Import", _imports),
    Check("Import of a train node's result", _from_top),
    Check("Import of a damaged result", _damaged),
    Check("Material", _material),
    Check("Reference in Solaris", _solaris),
    Check("Training monitor", _monitor),
    Check("Open run folder", _runs),
)
