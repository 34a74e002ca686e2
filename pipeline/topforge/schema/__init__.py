"""One frozen dataclass is the truth about a set of options; everything else is made from it.

    @dataclasses.dataclass(frozen=True)
    class Options:
        iterations: int = option(1000, unit="iterations", minimum=1, group="Optimisation")
        \"\"\"Steps of each pass.\"\"\"

From that come the strict reading of JSON (`from_json`), the way back (`to_json`), command line flags (`add_to_parser`,
`from_arguments`), tables for the documentation (`markdown_table`), and through `describe` the parameters of a node.

A field's type is one of bool, int, float, str, Optional or Union of these, Tuple (fixed or variadic, nested), another
such dataclass, or Any / Dict / List for free JSON.
"""

from topforge.schema.convert import ConfigError, Problem, from_json
from topforge.schema.edit import hint_of, located, to_json, updated, with_absolute_paths
from topforge.schema.faces import add_to_parser, from_arguments, markdown_table
from topforge.schema.fields import OptionField, describe, leaves, option, path_options

__all__ = [
    "ConfigError",
    "OptionField",
    "Problem",
    "add_to_parser",
    "describe",
    "from_arguments",
    "from_json",
    "hint_of",
    "leaves",
    "located",
    "markdown_table",
    "option",
    "path_options",
    "to_json",
    "updated",
    "with_absolute_paths",
]
