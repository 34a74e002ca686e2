"""Frames, poses and convert: nodes that make the capture which the nodes below work on."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "fakes"))

import making
import neuralangelo as fake_neuralangelo

from topforge import results
from topforge.paths import RunPaths
from topforge.planning import expansion, jobs, preparations
from topforge.trainers import registry

MAKERS = ("frames", "poses", "convert")


@pytest.fixture
def net(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", str(making.environment(tmp_path)))
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    return making.network(standin.session())


@pytest.fixture
def photographs(tmp_path):
    """Something with a fingerprint."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"a")
    return tmp_path / "photos"


def chain(net, source="", *below):
    """The nodes in a row, each wired to the one before; only the first is told a path."""
    made = []
    for kind in (*MAKERS, *below):
        made.append(making.ours(net, kind))
        if len(made) > 1:
            made[-1].setInput(0, made[-2])
    made[0].parm("dataset").set(str(source))
    return made


def core_of(node):
    (item,) = making.inner(node, "items")
    return making.item_of(item)


def run_of(node):
    return making.inner(node, "items")[0].stringAttribValue("topforge_run")


def test_each_node_works_on_the_result_of_the_one_above(net, photographs):
    nodes = chain(net, photographs, "checkdataset", "train")
    frames, poses, convert, check, train = nodes
    making.generate(train)
    items = [core_of(node) for node in nodes]
    assert [item.adapter for item in items] == ["frames", "poses", "convert", "check", "topforge"]
    assert items[0].dataset == str(photographs)
    assert items[0].depends == ()
    for above, below in ((frames, items[1]), (poses, items[2]), (convert, items[3]), (convert, items[4])):
        assert below.dataset == str(RunPaths(Path(run_of(above))).result)
        assert below.content == preparations.content_of_result(core_of(above).key)
    assert items[3].depends == (run_of(convert),)
    assert items[4].depends == (run_of(convert), run_of(check))
    (item,) = making.inner(convert, "items")
    assert item.stringAttribValue("dataset") == items[3].dataset
    assert item.attrib("report") is None


def test_the_work_is_that_of_a_job_with_prepare(net, photographs, tmp_path):
    nodes = chain(net, photographs, "checkdataset", "train")
    making.set_options(nodes[0], "frames", count=40)
    making.set_options(nodes[2], "convert", to="nerf-synthetic", hold_out=8, find_box=True)
    making.set_options(nodes[3], "check", masks=registry.get("topforge").masks)  # a job's check knows its trainer
    making.set_options(nodes[4], "topforge", iter=5)
    making.generate(nodes[4])
    job = {
        "dataset": str(photographs),
        "prepare": [
            {"adapter": "frames", "count": 40},
            {"adapter": "poses"},
            {"adapter": "convert", "hold_out": 8, "find_box": True},
        ],
        "configs": [{"name": "train", "iter": 5}],
        "report": False,
    }
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    planned = {each.item.adapter: each.item.key for each in expansion.expand(jobs.read(path), path)}
    assert {item.adapter: item.key for item in map(core_of, nodes)} == planned


def test_a_path_on_a_node_wins_over_what_is_made_above(net, photographs, tmp_path):
    *_, convert, train = chain(net, photographs, "train")
    other = making.capture(tmp_path / "other")
    train.parm("dataset").set(str(other))
    making.generate(train)
    assert core_of(train).dataset == str(other)
    assert core_of(train).depends == ()
    assert not core_of(train).content.startswith("result of")
    assert core_of(convert).dataset != str(other)


def test_an_attribute_changed_in_between_wins_too(net, photographs, tmp_path):
    *_, convert, train = chain(net, photographs, "train")
    other = str(making.capture(tmp_path / "other"))
    between = net.createNode("pythonprocessor", "between")
    code = "for above in upstream_items:\n    item = item_holder.addWorkItem(parent=above)\n"
    between.parm("generate").set(code + "    item.setStringAttrib('dataset', %r)" % other)
    between.setInput(0, convert)
    train.setInput(0, between)
    making.generate(train)
    assert (core_of(train).dataset, core_of(train).depends) == (other, ())


def test_frames_take_the_files_that_a_node_above_found(net, tmp_path):
    frames = making.ours(net, "frames")
    video = tmp_path / "walk.mp4"
    video.write_bytes(b"a video")
    found = net.createNode("pythonprocessor", "found")
    lines = "item = item_holder.addWorkItem(index=0)\nitem.addExpectedOutputFile(%r, 'file/video')" % str(video)
    found.parm("generate").set(lines)
    frames.setInput(0, found)
    making.generate(frames)
    assert core_of(frames).dataset == str(video)


def test_a_wedge_varies_what_the_node_names_and_nothing_else(net, photographs):
    frames = making.ours(net, "frames")
    frames.parm("dataset").set(str(photographs))
    making.wedge(net, "count", [40, 80], frames, "int")
    making.generate(frames)
    assert len({making.item_of(item).key for item in making.inner(frames, "items")}) == 1
    frames.parm("wedgeattributes").set("count")
    making.generate(frames)
    found = [making.item_of(item) for item in making.inner(frames, "items")]
    assert [(item.name, item.config["count"]) for item in found] == [("frames-40", 40), ("frames-80", 80)]


@pytest.mark.parametrize("kind", MAKERS)
def test_what_is_missing_or_wrong_is_told_by_the_nodes_own_words(kind, net, tmp_path):
    node = making.ours(net, kind)
    label = node.parm("dataset").description()
    assert "%s: %s (dataset) is empty" % (node.path(), label) in making.complaint(node)
    node.parm("dataset").set(str(tmp_path / "gone"))
    assert str(tmp_path / "gone") in making.complaint(node)
    node.parm("dataset").set("`@folder`")
    assert '"@" is not evaluated' in making.complaint(node)


def test_options_that_contradict_each_other_are_refused(net, photographs):
    frames = chain(net, photographs)[0]
    making.set_options(frames, "frames", start=5.0, end=4.0)
    assert "end = 4 is not after start = 5" in making.complaint(frames)


@pytest.fixture
def walk(tmp_path):
    """Photographs around a textured thing, of which pycolmap finds the cameras."""
    pytest.importorskip("pycolmap", reason="pycolmap is not installed: no cameras can be found")
    image = pytest.importorskip("PIL.Image")
    import textured_scene

    folder = tmp_path / "walk" / "images"
    folder.mkdir(parents=True)
    for index, camera in enumerate(textured_scene.orbit(24)):
        image.fromarray(textured_scene.render(camera, 320, 240, 300.0, -0.08)).save(folder / ("%02d.png" % index))
    return folder.parent


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="this Python, and so pycolmap, is in no environment")
def test_photographs_become_a_surface_that_is_imported(standin, walk, tmp_path, monkeypatch):
    monkeypatch.setenv("TOPFORGE_ENV", sys.prefix)
    monkeypatch.setenv("TOPFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TOPFORGE_LEASE_FOLDER", str(tmp_path / "leases"))
    monkeypatch.setenv("TOPFORGE_FAKE_GPUS", json.dumps([{"uuid": "GPU-a", "name": "RTX 3090", "mem": 24576}]))
    clone = fake_neuralangelo.make_checkout(tmp_path / "neuralangelo")
    hou = standin.session()
    nodes = chain(making.network(hou), walk, "train")
    making.set_options(nodes[2], "convert", to="neuralangelo")
    making.set_options(nodes[3], "neuralangelo", checkout=str(clone), max_iter=100, resolution=32)
    nodes[3].parm("gpus").set(1)
    assert making.cook(nodes[3]) == ["CookedSuccess"], [making.inner(node)[0].logMessages for node in nodes]
    (item,) = making.inner(nodes[3])
    assert results.is_complete(Path(item.stringAttribValue("topforge_run")), core_of(nodes[3]).key, verify=True)
    assert [making.inner(node)[0].state.name for node in nodes[:3]] == ["CookedSuccess"] * 3
    assert results.read(Path(run_of(nodes[1]))).metrics["registered"] == 24
    shown = hou.node("/obj").createNode("geo").createNode("topforge::import::1.0")
    shown.setParms({"resultsource": "top", "toppath": nodes[3].path()})
    assert shown.geometry().primCount() == results.read(Path(run_of(nodes[3]))).metrics["triangles"]
    assert shown.geometry().findPointAttrib("Cd") is not None
    preview = Path(making.inner(nodes[0])[0].stringAttribValue("preview"))
    assert preview.name.startswith("frames")
    nodes[3].parm("neuralangelo_resolution").set(48)
    making.cook(nodes[3])
    assert [making.inner(node)[0].state.name for node in nodes] == ["CookedSuccess"] * 4
    for node in nodes[:3]:
        assert len(list(Path(run_of(node)).glob("attempt-*.log"))) == 1, "cameras are looked for once"
