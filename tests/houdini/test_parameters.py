"""Options as parameters of a node and back: nothing is lost, whatever the option's type."""

from __future__ import annotations

import dataclasses
import json
import sys
import typing
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from paper_node import PaperNode

from topforge import schema
from topforge.planning import presets
from topforge.schema import ConfigError, option
from topforge.trainers import registry
from topforge.trainers.base import Adapter
from topforge_houdini import option_kinds, parameters
from topforge_scene.dialog_script import Folder, Multiparm, Parameter


@dataclasses.dataclass(frozen=True)
class Probe:
    resolution: int = option(64, choices=(16, 64), unit="texels")
    """Side of a face."""
    names: Tuple[str, ...] = ("a", "b")
    """A list with a default."""


@dataclasses.dataclass(frozen=True)
class Exotic:
    """Every type an option can have."""

    probe: Probe = Probe()
    """Nested."""
    rate: Optional[float] = option(0.5, minimum=0.0, maximum=1.0)
    """Optional with a default."""
    depth: Optional[int] = option(None, minimum=3)
    """Optional without, no upper limit."""
    offset: float = option(0.0, maximum=1.5)
    """No lower limit."""
    pair: Tuple[float, float] = (1e-6, 1e9)
    """No limits."""
    mixed: Tuple[int, float] = (1, 2.0)
    """No Houdini type."""
    five: Tuple[int, int, int, int, int] = (1, 2, 3, 4, 5)
    """Too long for a vector."""
    paths: Tuple[str, ...] = option((), path=True)
    """Paths are as long as they like."""
    words: Tuple[str, ...] = ()
    """A list."""
    either: Union[int, str] = 3
    """A union."""
    maybe: Optional[Union[int, str]] = None
    """A union with null."""
    free: Any = None
    """Anything."""
    table: Dict[str, Any] = option({})
    """An object."""
    kind: Optional[str] = option(None, choices=("x", "y"))
    """Optional choice."""
    switch: Optional[bool] = None
    """On, off or left to others."""
    place: Optional[str] = option(None, path=True)
    """Optional path."""
    width: Optional[int] = option(None, unit="pixels", minimum=16, maximum=256)
    """Optional size."""
    rarely: Optional[float] = option(None, when=("kind", "x"))
    """Counts with another only."""
    quiet: int = option(0, ignored=True)
    """Not shown."""


class ExoticAdapter(Adapter):
    name, title, options = "exotic-one", "Exotic", Exotic


ADAPTERS = [*map(registry.get, registry.names()), ExoticAdapter()]
each_adapter = pytest.mark.parametrize("adapter", ADAPTERS, ids=lambda adapter: adapter.name)


def values_of(hint, limits):
    """JSON values that an option of this type takes."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Union:
        return st.one_of(*(values_of(member, limits) for member in arguments))
    if origin is tuple and arguments[-1] is Ellipsis:
        low, high = limits.length or (0, 5)
        inner = dataclasses.replace(limits, length=None)
        return st.lists(values_of(arguments[0], inner), min_size=low, max_size=min(high, 5))
    if origin is tuple:
        return st.tuples(*(values_of(member, limits) for member in arguments)).map(list)
    return single_values_of(hint, limits)


def single_values_of(hint, limits):
    """The same of a type without parts."""
    if limits.choices and hint is not type(None):
        return st.sampled_from([choice for choice in limits.choices if hint is type(choice)])
    low = limits.minimum if limits.minimum is not None else -(2**31)
    high = limits.maximum if limits.maximum is not None else 2**31 - 1
    strategies = {
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(int(low), int(high)),
        float: st.floats(limits.minimum, limits.maximum, allow_nan=False, allow_infinity=False),
        str: st.text(st.characters(codec="utf-8"), min_size=int(limits.path)),
        Any: st.sampled_from([None, 1, 0.5, "text", [1, [True]], {"a": {}}]),
    }
    return strategies.get(hint, st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))


def node_of(adapter):
    return PaperNode(parameters.folders(adapter))


@each_adapter
def test_an_untouched_node_has_the_defaults(adapter):
    node = node_of(adapter)
    assert parameters.config_values(adapter, node.evalParmTuple) == {}
    assert parameters.config(adapter, node.evalParmTuple, "/tasks/t/train") == adapter.options()


@each_adapter
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_set_on_a_node_is_what_comes_back(adapter, data):
    fields = list(parameters.options(adapter))
    wanted = {field.name: data.draw(values_of(field.hint, field.limits), field.name) for field in fields}
    node = node_of(adapter)
    for name, values in parameters.settings(adapter, wanted).items():
        node.set(name, values)
    read = parameters.config_values(adapter, node.evalParmTuple)
    expected = schema.from_json(adapter.options, parameters.nested(wanted), "wanted")
    assert schema.from_json(adapter.options, parameters.nested(read), "read") == expected
    assert parameters.config(adapter, node.evalParmTuple, "/tasks/t/train") == expected


@each_adapter
def test_every_option_is_on_the_node_or_ignored_and_explains_itself(adapter):
    shown = {field.name for field in parameters.options(adapter)}
    ignored = {field.name for field in schema.leaves(adapter.options) if field.limits.ignored}
    assert shown | ignored == {field.name for field in schema.leaves(adapter.options)}
    assert not shown & ignored
    for field in parameters.options(adapter):
        for entry in parameters.entries(adapter, field):
            assert len(entry.help) > 20
            assert entry.label
        assert entry.help.endswith("Config key: %s." % field.name)


def test_labels_help_and_limits_come_from_the_option():
    adapter = registry.get("topforge")
    fields = {field.name: field for field in parameters.options(adapter)}
    (grid,) = parameters.entries(adapter, fields["dmtet_grid"])
    assert (grid.name, grid.label, grid.type) == ("topforge_dmtet_grid", "Grid Resolution (cells)", "integer")
    assert [(bound.value, bound.locked) for bound in grid.range] == [(8, True), (256, True)]
    assert "Allowed: 8 to 256 cells." in grid.help
    (iterations,) = parameters.entries(adapter, fields["iter"])
    assert iterations.label == "Iterations per Pass"
    assert [bound.locked for bound in iterations.range] == [True, False]
    (loss,) = parameters.entries(adapter, fields["loss"])
    assert loss.menu.items[0] == ("logl1", "logl1")
    toggle, size = parameters.entries(adapter, fields["train_res"])
    assert (toggle.name, toggle.join_next, size.type) == ("topforge_train_res_set", True, "intvector2")
    assert size.disable_when == "{ topforge_train_res_set == 0 }"
    (near_far,) = parameters.entries(adapter, fields["cam_near_far"])
    assert (near_far.type, near_far.range[0].value) == ("vector2", 1e-6)
    assert option_kinds.plain_number(1e-6) == "0.000001"


def test_what_may_be_null_is_as_simple_as_its_type_allows():
    adapter = ExoticAdapter()
    fields = {field.name: field for field in parameters.options(adapter)}
    (switch,) = parameters.entries(adapter, fields["switch"])
    assert (switch.menu.items, switch.default) == ((("null", "Default"), ("true", "On"), ("false", "Off")), ("null",))
    (kind,) = parameters.entries(adapter, fields["kind"])
    assert [token for token, _ in kind.menu.items] == ["null", "x", "y"]
    (place,) = parameters.entries(adapter, fields["place"])
    assert (place.type, place.default) == ("file", ("",))
    _, width = parameters.entries(adapter, fields["width"])
    assert width.default == ("256",), "switched on it is of use: a usual size within its limits, not the least"


def test_an_option_without_effect_is_hidden_with_all_its_parameters():
    adapter = ExoticAdapter()
    field = next(field for field in parameters.options(adapter) if field.name == "rarely")
    hidden = [entry.hide_when for entry in parameters.entries(adapter, field)]
    assert hidden == ["{ exotic_one_kind != x }"] * 2
    shown = {
        entry.name: entry.hide_when
        for field in parameters.options(registry.get("frames"))
        for entry in parameters.entries(registry.get("frames"), field)
    }
    assert shown["frames_every"] == "{ frames_by != every }"
    assert shown["frames_start"] == ""


def test_nested_options_are_called_as_in_their_folder():
    adapter = registry.get("richdreamer")
    by_label = {folder.label: folder for folder in parameters.folders(adapter)}
    assert next(iter(by_label)) == "Upstream", "where the trainer lies comes first"
    entries = [entry for item in by_label["Geometry Stage"].items for entry in getattr(item, "items", (item,))]
    labels = [entry.label for entry in entries]
    assert "Learning Rate" in labels
    assert not [label for label in labels if label.startswith("Geometry") and label != "Geometry Type"]


def test_folders_are_groups_and_rare_options_are_folded_away():
    by_label = {folder.label: folder for folder in parameters.folders(registry.get("topforge"))}
    assert list(by_label) == ["Optimisation", "Material", "Capture", "Progress", "Geometry", "Light"]
    advanced = by_label["Geometry"].items[-1]
    assert isinstance(advanced, Folder)
    assert (advanced.label, advanced.kind) == ("Advanced", "groupcollapsible")
    assert "topforge_laplace" in [entry.name for entry in advanced.items]


def test_lists_are_multiparms_and_may_have_their_length_told():
    adapter = registry.get("command")
    node = node_of(adapter)
    for name, values in parameters.settings(adapter, {"arguments": ["{python}", "bake.py"]}).items():
        node.set(name, values)
    without_length = {"command_arguments", "command_outputs"}

    def evaluate(name):
        assert name not in without_length
        return node.evalParmTuple(name)

    read = parameters.config_values(adapter, evaluate, lambda name: node.evalParmTuple(name)[0])
    assert read == {"arguments": ["{python}", "bake.py"]}
    (entry,) = parameters.entries(adapter, next(iter(parameters.options(adapter))))
    assert isinstance(entry, Multiparm)


def test_bad_json_names_node_label_and_parameter():
    adapter, values = registry.get("topforge"), {"topforge_learning_rate": ("[0.1,",)}
    node = node_of(adapter)
    with pytest.raises(parameters.ParameterTextError) as caught:
        parameters.config_values(
            adapter, lambda name: values.get(name) or node.evalParmTuple(name), where="/tasks/t/train"
        )
    assert "/tasks/t/train: Learning Rate (topforge_learning_rate): " in caught.value.reason


def test_what_the_schema_refuses_is_told_in_the_words_of_the_node():
    adapter, node = registry.get("topforge"), node_of(registry.get("topforge"))
    node.set("topforge_learning_rate", ("[0.1, 7]",))
    with pytest.raises(ConfigError) as caught:
        parameters.config(adapter, node.evalParmTuple, "/tasks/t/train")
    assert "/tasks/t/train: Learning Rate (topforge_learning_rate) = 7 is not allowed" in caught.value.reason


def test_a_wedge_wins_over_the_node_and_keeps_its_own_words():
    adapter, node = registry.get("topforge"), node_of(registry.get("topforge"))
    assert parameters.config(adapter, node.evalParmTuple, "n", {"dmtet_grid": 32}).dmtet_grid == 32
    with pytest.raises(ConfigError, match="dmtet_grid = 3 is not allowed"):
        parameters.config(adapter, node.evalParmTuple, "n", {"dmtet_grid": 3})


@pytest.mark.parametrize("adapter", registry.trainers(), ids=lambda adapter: adapter.name)
def test_choosing_presets_one_after_the_other_leaves_only_the_last_and_what_none_names(adapter):
    node = node_of(adapter)
    if adapter.name == "topforge":
        node.set("topforge_mesh_scale", (3.5,))
    for preset in [*adapter.presets, *reversed(list(adapter.presets))]:
        for name, values in parameters.preset_settings(adapter, preset).items():
            node.set(name, values)
        read = parameters.config(adapter, node.evalParmTuple, "n")
        own = {"mesh_scale": 3.5} if adapter.name == "topforge" else {}
        assert read == schema.from_json(adapter.options, {**presets.values(adapter, preset), **own}, "preset")


@each_adapter
def test_names_are_legal_and_unique(adapter):
    entries = [entry for field in parameters.options(adapter) for entry in parameters.entries(adapter, field)]
    names = [entry.name for entry in entries]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.startswith(adapter.name.replace("-", "_") + "_") for name in names)
    assert all(json.loads(entry.default[0]) is not ... for entry in entries if "JSON: " in entry.help)
    assert all(isinstance(entry, (Parameter, Multiparm)) for entry in entries)
