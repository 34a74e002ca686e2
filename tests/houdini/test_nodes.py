"""The table of nodes, and the assets and help cards made from it."""

from __future__ import annotations

import ast
import dataclasses
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from topforge.trainers import registry
from topforge_houdini import assets, help_card, nodes, parameters
from topforge_scene.dialog_script import Folder, Multiparm, Parameter
from topforge_scene.dialog_script import parameters as all_parameters
from topforge_scene.network import Channel

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "python3.11libs" / "topforge_houdini"
each_node = pytest.mark.parametrize("node", nodes.table(), ids=lambda node: node.name)
OWN = {"%s/%s" % (node.table.lower(), node.operator) for node in nodes.table()}


def named(node):
    return {entry.name: entry for entry in all_parameters(node.parameters)}


def folders(items):
    for item in items:
        if isinstance(item, Folder):
            yield item
        if isinstance(item, (Folder, Multiparm)):
            yield from folders(item.items)


def conditions(node):
    everything = [*all_parameters(node.parameters), *folders(node.parameters)]
    return [text for item in everything for text in (item.hide_when, item.disable_when) if text]


@each_node
def test_names_of_parameters_and_folders_are_unique(node):
    names = [entry.name for entry in all_parameters(node.parameters)] + [f.name for f in folders(node.parameters)]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-zA-Z_]\w*#?", name) for name in names)


@each_node
def test_every_parameter_has_label_help_and_a_place_on_the_card(node):
    card = help_card.text(node)
    for name, entry in named(node).items():
        assert entry.help.strip().endswith("."), name
        assert entry.label, name
        assert "#id: %s\n" % name in card or name.endswith("_set"), name
    assert '\n"""%s"""\n' % node.summary in card
    for heading in ("== Overview ==", "@parameters", "@related"):
        assert card.count("\n%s\n" % heading) == 1
    assert [line for line in card.splitlines() if line != line.rstrip()] == []


def test_a_parameter_without_help_is_refused():
    node = nodes.table()[0]
    mute = dataclasses.replace(node, parameters=(*node.parameters, Parameter("mute", "Mute", "string")))
    with pytest.raises(help_card.MissingHelpError, match=r'"mute" of topforge::train::1.0 has no help'):
        assets.operator(mute)


@each_node
def test_conditions_and_what_is_shown_below_the_node_name_parameters_that_exist(node):
    for text in conditions(node):
        groups = re.findall(r"\{([^{}]*)\}", text)
        assert "".join("{%s} " % group for group in groups).strip() == text.strip()
        for group in groups:
            name, operator, value = group.split()
            assert operator in ("==", "!=")
            entry = named(node)[name]
            tokens = [token for token, _ in entry.menu.items] if entry.menu else ["0", "1"]
            assert value in tokens, text
    assert not node.descriptive_parm or node.descriptive_parm in named(node)


@each_node
def test_buttons_call_functions_of_the_assets_module_and_that_only_imports(node):
    module = ast.parse(assets.python_module(node))
    assert all(isinstance(statement, ast.ImportFrom) for statement in module.body)
    offered = {alias.name for statement in module.body for alias in statement.names}
    for entry in all_parameters(node.parameters):
        call = entry.tag("script_callback") if isinstance(entry, Parameter) else None
        if call is not None:
            assert re.fullmatch(r"hou\.phm\(\)\.(\w+)\(kwargs\)", call)[1] in offered
            assert entry.tag("script_callback_language") == "python"
        elif isinstance(entry, Parameter):
            assert entry.type != "button"


@each_node
def test_inner_nodes_are_wired_and_follow_parameters_that_exist(node):
    inner = {child.name for child in node.children}
    for child in node.children:
        for connection in child.inputs:
            outside = re.fullmatch(r"\((\d+)\)", connection.source)
            assert connection.source in inner or (outside and int(outside[1]) < node.max_inputs)
        for parm in child.parms:
            for value in parm.values:
                text = value.expression if isinstance(value, Channel) else str(value)
                for name in re.findall(r'"\.\./(\w+)"', text):
                    assert name in named(node), text
                assert not isinstance(value, Channel) or " " not in text  # unquoted blanks lose the expression
    assert [child.name for child in node.children if child.display] == ["output0"]


@each_node
def test_code_inside_assets_is_one_line_that_imports_from_the_package(node):
    scripts = [parm.values[0] for child in node.children for parm in child.parms if parm.name in ("generate", "python")]
    assert len(scripts) == 1
    assert "\n" not in scripts[0]
    imported, call = ast.parse(scripts[0]).body
    assert imported.module == "topforge_houdini"
    assert call.value.func.value.id == imported.names[0].name


@each_node
def test_menu_scripts_are_python(node):
    for entry in all_parameters(node.parameters):
        if isinstance(entry, Parameter) and entry.menu and entry.menu.script:
            assert entry.menu.language == "python"
            ast.parse("def menu():\n" + "".join("    %s\n" % line for line in entry.menu.script))


@each_node
def test_icons_are_small_drawings_of_their_own(node):
    svg = (PACKAGE / "icons" / node.icon).read_text(encoding="utf-8")
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == "0 0 32 32"
    assert len(svg) < 2000
    assert sum(other.icon == node.icon for other in nodes.table()) == 1


def test_every_icon_is_used():
    unused = {path.name for path in (PACKAGE / "icons").iterdir()} - {node.icon for node in nodes.table()}
    assert unused <= {"import.svg"}


def test_every_trainer_is_in_the_menu_and_all_its_options_are_on_the_node():
    train = next(node for node in nodes.table() if node.name == "train")
    there = named(train)
    assert [token for token, _ in there["trainer"].menu.items] == [adapter.name for adapter in registry.trainers()]
    for adapter in registry.trainers():
        for field in parameters.options(adapter):
            assert parameters.parameter_name(adapter, field.name) in there
        (shown,) = [f for f in folders(train.parameters) if f.name == parameters.parameter_name(adapter, "options")]
        assert "{ trainer != %s }" % adapter.name in shown.hide_when


@pytest.mark.parametrize(("name", "adapter", "prefix"), [("checkdataset", "check", None), ("report", "report", "")])
def test_companions_show_all_their_options(name, adapter, prefix):
    node = next(node for node in nodes.table() if node.name == name)
    for field in parameters.options(registry.get(adapter)):
        assert parameters.parameter_name(registry.get(adapter), field.name, prefix) in named(node)


@each_node
def test_links_to_our_own_nodes_lead_somewhere(node):
    linked = re.findall(r"Node:(\w+/topforge::\w+::[\d.]+)", help_card.text(node))
    assert set(linked) <= OWN | {"sop/topforge::import::1.0"}


@pytest.mark.parametrize("folder", ["python3.11libs", "python3.13libs"])
def test_either_folder_on_the_path_is_enough(folder, tmp_path):
    code = (
        "import sys; sys.path.insert(0, %r); import topforge_houdini.assets, topforge; "
        "print(topforge_houdini.assets.__file__, topforge.__file__)" % str(REPOSITORY / folder)
    )
    ended = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert ended.stdout.split()[0] == str(PACKAGE / "assets.py")
    assert ended.stdout.split()[1] == str(REPOSITORY / "pipeline" / "topforge" / "__init__.py")


@each_node
def test_brackets_on_cards_are_links_or_code(node):
    outside_code = "".join(help_card.text(node).split("`")[::2])
    assert all(link.startswith("[Node:") or "|Node:" in link for link in re.findall(r"\[[^\]]*\]", outside_code))
