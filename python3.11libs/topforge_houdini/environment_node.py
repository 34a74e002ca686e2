"""Work items of `topforge::environment`: the environment edit as exported attributes, for any node below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from topforge_houdini import attributes, messages
from topforge_houdini.node_settings import NodeSettings


@messages.on_node
def generate(node: Any, item_holder: Any, upstream_items: Sequence[Any], generation_type: Any) -> None:
    """PDG's `onGenerate`: one item for each item above, or one alone, with the variables as exported attributes.

    An exported attribute replaces a variable of the session but cannot remove it. Those to be removed are listed in
    the attribute `topforge_unset`; of these only such are exported as empty whose readers take empty for unset
    (Python's, Qt's). The others need Unset Variables of the scheduler.

    Raises:
        NodeError: The environment cannot be used.
    """
    settings = NodeSettings.of(node)
    if settings.is_wired and not upstream_items:
        return
    _, resolved = settings.environment("topforge")
    unset = [str(row["name"]) for row in resolved.as_environment_edit() if row["remove"]]
    for index, parent in enumerate(list(upstream_items) or [None]):
        item = item_holder.addWorkItem(index=index) if parent is None else item_holder.addWorkItem(parent=parent)
        for name, value in resolved.as_hqueue().items():
            attributes.export(item, name, value)
        attributes.forget(item, attributes.UNSET)
        if unset:
            attributes.set_value(item, attributes.UNSET, unset)
