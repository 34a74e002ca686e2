"""The verbs of the command line, one module each, imported only when used.

A verb's module has `HELP: str`, `add_arguments(parser) -> None` and `run(arguments) -> int` (the exit code); `-` in a
verb's name is `_` in its module's. One whose flags depend on other flags may add `add_options(parser, words) -> None`,
called after `add_arguments` with the raw words of the command line.
"""
