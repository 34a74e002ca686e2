"""Every public name of the stand-in exists in types-houdini with the same parameters: nothing is invented."""

import ast
import inspect
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

DOCUMENTED_ELSEWHERE = {
    "TopNode.getPDGNode": "pdg.md 4.1",
    "TopNode.getPDGGraphContext": "pdg.md 4.1",
    "session": "hou.session, the scene's own module",
}


@pytest.fixture(scope="module")
def stubs():
    """The stubs as a tree: classes and functions by name."""
    try:
        found = distribution("types-houdini")
    except PackageNotFoundError:
        pytest.skip("types-houdini is not installed")
    tree = ast.parse(found.locate_file("hou-stubs/__init__.pyi").read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}


def _members(stubs, name):
    """Functions and values of a class and its bases."""
    found = {}
    for base in stubs[name].bases:
        if isinstance(base, ast.Name) and base.id in stubs:
            found.update(_members(stubs, base.id))
    for node in stubs[name].body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            found[node.target.id] = node
    return found


def _stub_parameters(function):
    arguments = function.args
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    inside = names[:1] == ["self"] and not static
    return names[1:] if inside else names


def _parameters(function, method):
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    names = [p.name for p in inspect.signature(function).parameters.values() if p.kind not in kinds]
    return names[1:] if method else names


def _public(hou):
    found = {name: value for name, value in vars(hou).items() if not name.startswith("_") and name != "annotations"}
    found.update({name: getattr(hou, name) for name in hou._GEOMETRY})
    return found


def _own_functions(class_):
    """(name, function, whether it takes self) of what a class defines, special methods left out."""
    for name, value in vars(class_).items():
        if not name.startswith("_"):
            static = isinstance(value, staticmethod)
            yield name, value.__func__ if static else value, not static


def test_public_names_exist(hou, stubs):
    unknown = [name for name in _public(hou) if name not in stubs and name not in DOCUMENTED_ELSEWHERE]
    assert unknown == []


def test_functions_have_the_same_parameters(hou, stubs):
    differing = {}
    for name, value in _public(hou).items():
        if inspect.isfunction(value) and name in stubs:
            expected = _stub_parameters(stubs[name])
            if _parameters(value, method=False) != expected:
                differing[name] = expected
    assert differing == {}


def test_methods_exist_with_the_same_parameters(hou, stubs):
    differing = []
    for class_name, class_ in _public(hou).items():
        if not inspect.isclass(class_) or class_name not in stubs:
            continue
        members = _members(stubs, class_name)
        for name, value, method in _own_functions(class_):
            place = "%s.%s" % (class_name, name)
            if place in DOCUMENTED_ELSEWHERE:
                continue
            if name not in members:
                differing.append("%s is not in the stubs" % place)
            elif inspect.isfunction(value) and _parameters(value, method) != _stub_parameters(members[name]):
                differing.append("%s takes %s" % (place, _stub_parameters(members[name])))
    assert not differing, "\n".join(differing)


def test_classes_have_the_bases_that_they_have_in_houdini(hou, stubs):
    wrong = []
    for name, class_ in _public(hou).items():
        if inspect.isclass(class_) and name in stubs:
            names = {base.__name__ for base in class_.__mro__}
            wrong += [
                "%s is no %s" % (name, base.id)
                for base in stubs[name].bases
                if isinstance(base, ast.Name) and base.id in vars(hou) and base.id not in names
            ]
    assert wrong == []


def test_what_is_named_as_documented_elsewhere_is_not_in_the_stubs(stubs):
    """So the list of exceptions stays honest."""
    for place in DOCUMENTED_ELSEWHERE:
        class_name, _, name = place.partition(".")
        assert place not in stubs
        assert not name or name not in _members(stubs, class_name)


def _used(path):
    """`hou.NAME` as far as a file uses it at run time; annotations are only text."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "hou":
            yield node.attr


def test_what_our_code_uses_is_there(hou):
    """Whatever our side names in `hou` exists here, so that its tests cannot be about a smaller Houdini."""
    repository = Path(__file__).resolve().parents[2]
    files = [*(repository / "python3.11libs").rglob("*.py"), *(repository / "scripts").glob("*.py")]
    names = {name for file in files for name in _used(file)}
    there = set(vars(hou)) | set(hou._GEOMETRY)
    assert names - there <= {"ui", "NetworkEditor", "paneTabType"}  # of the user interface only
    assert {"node", "hipFile", "OperationFailed"} <= names
