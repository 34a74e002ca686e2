"""Python inside of files: does it compile, do its imports lead to something, do the functions it calls exist.

Nothing is imported or run: modules are found as files and read with `ast`.
"""

from __future__ import annotations

import ast
import builtins
import functools
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Iterator, Sequence

HOUDINI_MODULES = {"hou", "pdg", "toptoolutils", "soptoolutils", "loptoolutils", "toolutils"}
"""What Houdini brings; not looked into."""
GIVEN = frozenset(("hou", "kwargs", *dir(builtins)))
"""Names that Houdini gives to callbacks, menus, events and tools, and Python to everybody."""
Problem = tuple[str, str, "int | None"]
"""(code, message, line)."""


class Module:
    """What a module of ours defines at its top."""

    def __init__(self, path: Path) -> None:
        self.folder = path.parent if path.name == "__init__.py" else None
        self.functions: dict[str, ast.FunctionDef | None] = {}
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            self._add(statement)

    def _add(self, statement: ast.stmt) -> None:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self.functions[statement.name] = statement if isinstance(statement, ast.FunctionDef) else None
        elif isinstance(statement, ast.ClassDef):
            self.functions[statement.name] = None
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for alias in statement.names:
                self.functions[(alias.asname or alias.name).split(".")[0]] = None
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            self.functions.update((target.id, None) for target in targets if isinstance(target, ast.Name))
        elif isinstance(statement, (ast.If, ast.Try)):
            for inner in statement.body:
                self._add(inner)


@functools.lru_cache(maxsize=None)
def find_module(name: str, paths: Sequence[Path]) -> Module | None:
    """The module `package.name` below one of the folders; None when there is no such file."""
    for folder in paths:
        place = folder.joinpath(*name.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return Module(path)
    return None


def is_foreign(name: str) -> bool:
    """Whether a module comes with Python or Houdini."""
    return name.split(".")[0] in HOUDINI_MODULES or name.split(".")[0] in sys.stdlib_module_names


def parsed(code: str, body: bool = False) -> ast.Module:
    """The code's tree; `body` when it stands inside of a function that Houdini writes around it.

    Raises:
        SyntaxError: It does not compile, or only with a warning.
    """
    if body:
        code = "def menu(kwargs):\n" + textwrap.indent(code + "\npass", " ")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # an escape that Python does not know
        compile(code, "<asset>", "exec")
        return ast.parse(code)


def problems(code: str, paths: Sequence[Path], body: bool = False, given: frozenset[str] = GIVEN) -> Iterator[Problem]:
    """What is wrong with a piece of code: PY-SYNTAX, PY-IMPORT, PY-NAME, PY-ARITY, PY-UNDEFINED.

    Args:
        code: Source.
        paths: Where modules of ours are found.
        body: It is the body of a function: a menu script.
        given: Names that are there without being defined in the code.
    """
    try:
        tree = parsed(code, body)
    except (SyntaxError, ValueError) as error:
        yield "PY-SYNTAX", str(error), getattr(error, "lineno", None)
        return
    modules: dict[str, Module] = {}
    names: dict[str, ast.FunctionDef | None] = {}
    yield from _imports(tree, tuple(paths), modules, names)
    yield from _undefined(tree, given)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if module is not None and node.attr not in module.functions:
                yield "PY-NAME", "%s has no %s" % (node.value.id, node.attr), node.lineno
        elif isinstance(node, ast.Call):
            yield from _call(node, modules, names)


def _imports(
    tree: ast.Module, paths: Sequence[Path], modules: dict[str, Module], names: dict[str, ast.FunctionDef | None]
) -> Iterator[Problem]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if not is_foreign(alias.name) and find_module(alias.name, paths) is None:
                    yield "PY-IMPORT", "there is no module %s" % alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            yield from _from_import(node, paths, modules, names)


def _undefined(tree: ast.Module, given: frozenset[str]) -> Iterator[Problem]:
    defined = set(given)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            defined.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            defined.add(node.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in defined:
            yield "PY-UNDEFINED", "%s is not defined" % node.id, node.lineno


def imported(code: str, paths: Sequence[Path]) -> dict[str, ast.FunctionDef | None]:
    """What a module's source offers its callers: functions by name, None for what is no function or not ours."""
    try:
        tree = parsed(code)
    except (SyntaxError, ValueError):
        return {}
    found: dict[str, ast.FunctionDef | None] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ImportFrom):
            list(_from_import(node, tuple(paths), {}, found))
    return found


def takes(function: ast.FunctionDef, call: ast.Call) -> bool:
    """Whether a function can be called like this, as far as the numbers and names of arguments tell."""
    arguments = function.args
    if any(isinstance(argument, ast.Starred) for argument in call.args) or any(k.arg is None for k in call.keywords):
        return True
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    given = {keyword.arg for keyword in call.keywords}
    names = set(positional) | {argument.arg for argument in arguments.kwonlyargs}
    needed = positional[len(call.args) : len(positional) - len(arguments.defaults)]
    needed += [argument.arg for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value is None]
    fits = len(call.args) <= len(positional) or arguments.vararg is not None
    return fits and set(needed) <= given and (given <= names or arguments.kwarg is not None)


def _from_import(
    node: ast.ImportFrom, paths: Sequence[Path], modules: dict[str, Module], names: dict[str, ast.FunctionDef | None]
) -> Iterator[Problem]:
    source = node.module or ""
    if node.level or (not is_foreign(source) and find_module(source, tuple(paths)) is None):
        yield "PY-IMPORT", "there is no module %s" % source, node.lineno
        return
    for alias in node.names:
        name = alias.asname or alias.name
        if is_foreign(source):
            names[name] = None
            continue
        module, inner = find_module(source, tuple(paths)), find_module(source + "." + alias.name, tuple(paths))
        if inner is not None:
            modules[name] = inner
        elif module is not None and alias.name in module.functions:
            names[name] = module.functions[alias.name]
        else:
            yield "PY-IMPORT", "%s has no %s" % (source, alias.name), node.lineno


def _call(node: ast.Call, modules: dict[str, Module], names: dict[str, ast.FunctionDef | None]) -> Iterator[Problem]:
    function, name = None, ""
    if isinstance(node.func, ast.Name):
        function, name = names.get(node.func.id), node.func.id
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        name = node.func.attr
        if node.func.value.id in modules:
            function = modules[node.func.value.id].functions.get(name)
    if function is not None and not takes(function, node):
        yield "PY-ARITY", "%s cannot be called with these arguments" % name, node.lineno
