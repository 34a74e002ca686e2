"""Where a train node's configurations come from: its own parameters, files, or an attribute of the items above."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

from topforge import schema, strict_json
from topforge.errors import TopForgeError
from topforge.planning import config_files, item_names
from topforge.trainers.base import Adapter
from topforge_houdini import attributes, parameters
from topforge_houdini.node_settings import InNodeError, NodeSettings
from topforge_houdini.overrides import NoSuchAttributeError


class NothingAboveError(TopForgeError):
    """The options are to come from items above, but nothing is wired in."""

    def __init__(self, where: str, attribute: str) -> None:
        super().__init__(
            "%s: Options From is Upstream Attribute, but there are no work items above." % where,
            "Wire nodes in whose items have the attribute %s, or take the options from this node." % attribute,
        )


class NoFilesError(TopForgeError):
    """The options are to come from files, but none is named."""

    def __init__(self, where: str) -> None:
        super().__init__(
            "%s: Options From is Config Files, but Config Files (configfiles) is empty." % where,
            "Name a config file, or a pattern of such.",
        )


class NoConfigError(TopForgeError):
    """An attribute that should hold configurations holds something else."""

    def __init__(self, where: str, item: str, name: str, value: Any) -> None:
        super().__init__(
            "%s: attribute %s of work item %s = %r is no config." % (where, name, item, value),
            "Give the path of a config file, its JSON text, or a dictionary.",
        )


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One configuration before any attribute overrides it."""

    name: str
    """Short, safe in file names."""
    options: Any
    """Instance of the adapter's options, paths absolute."""


def of_node(settings: NodeSettings, adapter: Adapter) -> list[Configuration]:
    """The one of the node's own parameters, called like the node.

    Raises:
        TopForgeError: What is not allowed, all of it, by the names of the parameters.
    """
    options = parameters.config(adapter, settings.values, settings.path)
    options = config_files.with_paths(adapter, options, settings.scene_folder)
    return [Configuration(item_names.safe(settings.node.name()), options)]


def of_files(settings: NodeSettings, adapter: Adapter, errors: list[TopForgeError]) -> list[Configuration]:
    """One for each file that the parameter Config Files means, in the order of their names.

    Args:
        settings: Of the node.
        adapter: Whose options.
        errors: Gets what is wrong with single files, so that all of them can be told at once.

    Raises:
        TopForgeError: No file matches.
    """
    pattern = settings.text("configfiles")
    if not pattern:
        raise NoFilesError(settings.path)
    found = []
    for path in config_files.matches(pattern, settings.scene_folder, settings.path):
        try:
            found.append(_of_file(path, adapter))
        except TopForgeError as error:
            errors.append(InNodeError("%s: Config Files (configfiles)" % settings.path, error))
    return found


def of_item(settings: NodeSettings, adapter: Adapter, item: Any) -> list[Configuration]:
    """One for each value of the attribute that the parameter Config Attribute names, on one item above.

    Raises:
        TopForgeError: There is no such attribute, or what it holds is no config.
    """
    name = settings.text("configattribute")
    if item is None:
        raise NothingAboveError(settings.path, name)
    if item.attrib(name) is None:
        raise NoSuchAttributeError(settings.path, item.name, name, sorted(item.attribNames()))
    value = attributes.value(item, name)
    return [_of_value(settings, adapter, item, name, one) for one in (value if isinstance(value, list) else [value])]


def _of_file(path: Path, adapter: Adapter) -> Configuration:
    return Configuration(item_names.safe(path.stem), config_files.read_config(adapter, path))


def _of_value(settings: NodeSettings, adapter: Adapter, item: Any, name: str, value: Any) -> Configuration:
    where = "%s: attribute %s of work item %s" % (settings.path, name, item.name)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = strict_json.parse(value, where)
    elif isinstance(value, str) and value.strip():
        local = item.localizePath(value.strip())
        try:
            return _of_file(Path(os.path.abspath(settings.scene_folder / local)), adapter)  # noqa: PTH100
        except TopForgeError as error:
            raise InNodeError(where, error) from error
    if not isinstance(value, dict):
        raise NoConfigError(settings.path, item.name, name, value)
    named = item_names.safe(str(value.pop("name", None) or settings.node.name()))
    options: Any = schema.from_json(adapter.options, value, where)
    return Configuration(named, config_files.with_paths(adapter, options, settings.scene_folder))
