"""Built-in TOP operators that the stand-in knows. Each module holds one or a few `Operator`s.

Sources: reference pdg.md 3 and top-node-parms.txt. What they do not say raises `NotInStandIn`.
"""

from __future__ import annotations

from typing import Dict

from .._strict import NotInStandIn
from . import (
    attribute_create,
    environment_edit,
    file_pattern,
    generic_generator,
    partitions,
    python_nodes,
    simple,
    wedge,
)
from .base import Operator

OPERATORS: Dict[str, Operator] = {
    "pythonprocessor": python_nodes.PythonProcessor(),
    "pythonpartitioner": python_nodes.PythonPartitioner(),
    "genericgenerator": generic_generator.GenericGenerator(),
    "attributecreate": attribute_create.AttributeCreate(),
    "environmentedit": environment_edit.EnvironmentEdit(),
    "wedge": wedge.Wedge(),
    "filepattern": file_pattern.FilePattern(),
    "waitforall": partitions.WaitForAll(),
    "merge": simple.PassThrough(),
    "null": simple.PassThrough(),
    "output": simple.PassThrough(),
}


def operator(type_name: str) -> Operator:
    """The operator of a type.

    Raises:
        NotInStandIn: It is not imitated.
    """
    if type_name not in OPERATORS:
        raise NotInStandIn("cooking a %s TOP" % type_name)
    return OPERATORS[type_name]
