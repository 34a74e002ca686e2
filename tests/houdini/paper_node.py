"""A node on paper: parameters with values as Houdini would hold and evaluate them, made from an interface."""

from __future__ import annotations

from topforge_scene.dialog_script import Folder, Multiparm, Parameter

NUMBERS = {"integer": int, "intvector": int, "intvector2": int, "toggle": int, "ordinal": int, "button": int}
FLOATS = ("float", "vector", "vector2", "vector4")


class PaperNode:
    """Refuses what Houdini would refuse or change: unknown names, wrong sizes and types, tokens that are no choice."""

    def __init__(self, entries) -> None:
        self._parameters, self._values = {}, {}
        self._add(entries)

    def _add(self, entries) -> None:
        for entry in entries:
            if isinstance(entry, Folder):
                self._add(entry.items)
                continue
            assert entry.name not in self._parameters, "two parameters named %s" % entry.name
            self._parameters[entry.name] = entry
            if isinstance(entry, Multiparm):
                self._values[entry.name] = (entry.default,)
            else:
                assert len(entry.default) == entry.size, entry.name
                self._values[entry.name] = tuple(_typed(entry, text) for text in entry.default)

    def evalParmTuple(self, name):
        """As in Houdini."""
        return self._values[name]

    def set(self, name, values) -> None:
        """Sets all components, within the hard limits."""
        entry = self._parameters[name]
        if isinstance(entry, Multiparm):
            for index in range(values[0]):
                for item in entry.items:
                    self._parameters[item.name.replace("#", str(index + 1))] = item
        else:
            assert len(values) == entry.size, (name, values)
            assert all(type(value) in _types(entry) for value in values), (name, values)
            _check_allowed(entry, values)
            values = tuple(_typed(entry, value) for value in values)
        self._values[name] = tuple(values)


def _types(entry: Parameter):
    if entry.type in NUMBERS:
        return (int,)
    return (int, float) if entry.type in FLOATS else (str,)


def _typed(entry: Parameter, value):
    if entry.type in NUMBERS:
        return int(value)
    return float(value) if entry.type in FLOATS else str(value)


def _check_allowed(entry: Parameter, values) -> None:
    if entry.menu is not None and entry.menu.items:
        assert all(value in dict(entry.menu.items) for value in values), (entry.name, values)
    if entry.range is not None:
        low, high = entry.range
        for value in values:
            assert not low.locked or value >= low.value, (entry.name, value)
            assert not high.locked or value <= high.value, (entry.name, value)
