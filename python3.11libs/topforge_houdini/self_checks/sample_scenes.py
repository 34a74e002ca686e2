"""The scenes in hip/, which were written without Houdini, open in it; and the same nodes are made with `hou`."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import cast

import hou

from topforge_houdini import networks, scenes, top_nodes
from topforge_houdini.pipeline_path import REPOSITORY
from topforge_houdini.self_checks.model import Answer, Bench, Check, FailedError, SkippedError, expect
from topforge_scene import scene
from topforge_scene.errors import SceneError
from topforge_scene.network import Channel, Node, Parm, Token, Value

_ITERATIONS = 20


def checks() -> Iterator[Check]:
    """Each scene in both forms, then the network that the later checks cook."""
    for name in scenes.SCENES:
        for form in ("", "text/"):
            yield Check("Scene hip/%s%s.hip" % (form, name), functools.partial(_opens, name, form))
    yield Check("Kartaverse network with hou", _kartaverse)
    yield Check("Quickstart network with hou", _quickstart)
    yield Check("Scene saved by Houdini, read without it", _saved)


def _opens(name: str, form: str, bench: Bench) -> Answer:
    path = REPOSITORY / "hip" / form / (name + ".hip")
    warning = ""
    try:
        hou.hipFile.load(path.as_posix(), suppress_save_prompt=True, ignore_load_warnings=False)
    except hou.LoadWarning as said:
        warning = said.instanceMessage()
    described = scenes.SCENES[name]()
    problems = [text for manager, nodes in described.networks.items() for text in _differences(manager, nodes)]
    expect(not problems, "%d differences: %s" % (len(problems), "; ".join(problems[:5])))
    if warning:
        raise FailedError("it opens, with a warning: %s" % warning)
    return Answer("opens without a warning; every node, wire and value is there")


def _differences(manager: str, nodes: tuple[Node, ...]) -> Iterator[str]:
    for node in nodes:
        yield from different("/%s/%s" % (manager, node.name), node)


def different(path: str, node: Node) -> Iterator[str]:
    """What of a described node and all it holds is not so in the scene."""
    found = top_nodes.find(path)
    if found is None:
        yield "%s is missing" % path
        return
    if found.type().name() != node.type:
        yield "%s is a %s" % (path, found.type().name())
    for parm in node.parms:
        yield from _value(found, parm)
    for number, connection in enumerate(node.inputs):
        source = found.inputs()[number] if number < len(found.inputs()) else None
        if (source.name() if source is not None else "") != connection.source:
            yield "%s: input %d is not %s" % (path, number, connection.source)
    for child in node.children:
        yield from different("%s/%s" % (path, child.name), child)


def _value(node: hou.OpNode, parm: Parm) -> Iterator[str]:
    target = node.parmTuple(parm.name)
    if target is None:
        yield "%s has no parameter %s" % (node.path(), parm.name)
        return
    for component, wanted in zip(target, parm.values, strict=True):
        if not isinstance(wanted, Channel) and not _is(component, wanted):
            yield "%s/%s is %r, not %r" % (node.path(), component.name(), component.eval(), wanted)


def _is(component: hou.Parm, wanted: Value) -> bool:
    if isinstance(wanted, Token):
        if wanted.text in ("on", "off"):
            return bool(component.eval()) == (wanted.text == "on")
        return component.evalAsString() == wanted.text
    if isinstance(wanted, str):
        return component.unexpandedString() == wanted
    return abs(float(component.eval()) - float(cast(float, wanted))) < 1e-5


def _kartaverse(bench: Bench) -> Answer:
    made = networks.create(cast(hou.OpNode, hou.node("/tasks")), scenes.kartaverse(check=True))
    try:
        problems = list(different(made.path(), scenes.kartaverse(check=True)))
    finally:
        made.destroy()
    expect(not problems, "; ".join(problems[:5]))
    return Answer("made, as described")


def _quickstart(bench: Bench) -> Answer:
    hou.hipFile.clear(suppress_save_prompt=True)
    hou.hipFile.setName((bench.folder / "selfcheck.hip").as_posix())
    described = scenes.quickstart(dataset=scenes.SHIPPED_SAMPLE)
    made = networks.create(cast(hou.OpNode, hou.node("/tasks")), described)
    problems = list(different(made.path(), described))
    expect(not problems, "; ".join(problems[:5]))
    train = cast(hou.OpNode, made.node("train"))
    for name, value in (("topforge_iter", _ITERATIONS), ("topforge_save_interval", _ITERATIONS // 2)):
        cast(hou.Parm, train.parm(name)).set(value)
    bench.network = made
    return Answer("made: %s" % ", ".join(child.name() for child in made.children()))


def _saved(bench: Bench) -> Answer:
    bench.need_network()
    path = bench.folder / "selfcheck.hip"
    hou.hipFile.save(path.as_posix(), save_to_recent_files=False)
    try:
        read = scene.read(path)
    except SceneError as error:
        if "licence" in error.fix:
            raise SkippedError(error.reason) from error
        raise
    train = read.node("/tasks/%s/train" % scenes.TOPNET)
    iterations = train.parm("topforge_iter")
    expect(iterations is not None and iterations.values == (_ITERATIONS,), "a value is not found in what Houdini saved")
    return Answer("our reader finds the nodes and values that Houdini saved")
