"""The stand-in of pdg: graphs cook with real processes, and its traps are those of the real one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

PYTHON = '"%s"' % sys.executable


class Network:
    """A TOP network below a folder, with a local scheduler."""

    def __init__(self, pdg: Any, folder: Path) -> None:
        self.pdg = pdg
        self.State = pdg.workItemState
        self.folder = folder
        self.View = importlib.import_module("pdg._paper").View
        settings = {
            "pdg_workingdir": str(folder),
            "tempdirmenu": 0,
            "tempdirappendpid": 0,
            "maxprocsmenu": 1,
            "maxprocs": 2,
        }
        self.scheduler = self.View("/tasks/net/local", "localscheduler", **settings)
        self.view = self.View("/tasks/net", "topnet", scheduler=self.scheduler)
        self.context = pdg._engine.context_for(self.view)

    def add(self, name: str, kind: str, *sources: Any, **values: Any) -> Any:
        return self.View("/tasks/net/" + name, kind, *sources, **values)

    def generate(self, body: str, *sources: Any, name: str = "items", **values: Any) -> Any:
        return self.add(
            name, "pythonprocessor", *sources, generate=body, cooktask="", addinternaldependencies="", **values
        )

    def command(self, body: str, *sources: Any, name: str = "run", **values: Any) -> Any:
        """A generic generator that runs Python code."""
        script = self.folder / (name + ".py")
        script.write_text(body, encoding="utf-8")
        return self.add(name, "genericgenerator", *sources, pdg_command='%s -I "%s"' % (PYTHON, script), **values)

    def cook(self, view: Any, **options: Any) -> Any:
        self.context.cook(view, block=True, **options)
        return self.context.node_for(view)

    def items(self, view: Any) -> Any:
        return self.context.node_for(view).workItems

    def errors(self, view: Any) -> str:
        return "\n".join(self.context.messages(view)[0])


@pytest.fixture
def network(standin, tmp_path):
    standin.session(assets=False)
    made = Network(standin.pdg, tmp_path)
    yield made
    made.pdg._engine.forget_all()


ONE = "item_holder.addWorkItem(index=0)"


def test_processor_generator_output_cook_with_real_processes(network):
    items = network.generate(
        "for i in range(3):\n    item = item_holder.addWorkItem(index=i)\n    item.setIntAttrib('n', i)"
    )
    run = network.command("", items)
    run.set(
        pdg_command="/bin/sh -c 'echo `@n` > \"$PDG_DIR\"/out`@n`.txt'", expectedoutputsfrom=2, expectedoutputfiles=1
    )
    run.set(expectedoutputfile1="__PDG_DIR__/out`@n`.txt")
    output = network.add("output0", "output", run)
    node = network.cook(output)
    assert [item.state for item in node.workItems] == [network.State.CookedSuccess] * 3
    assert [(network.folder / ("out%d.txt" % n)).read_text() for n in range(3)] == ["0\n", "1\n", "2\n"]
    assert node.workItems[2].outputFiles[0].local_path == str(network.folder / "out2.txt")
    assert node.workItems[2].outputFiles[0].tag == "file/text"
    assert network.errors(run) == ""
