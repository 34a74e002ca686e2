"""hou.hda and hou.HDAModule: libraries, their Python, callbacks and menu scripts."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from . import _scene
from ._errors import OperationFailed
from ._operators import asset_type
from ._specs import Spec
from ._state import NodeState, session
from ._strict import NotInStandIn, StrictMeta
from ._type_state import TypeState, split_name


class HDAModule(types.ModuleType):
    """An asset's PythonModule: what `node.hm()` and `hou.phm()` give."""

    def __getattr__(self, name: str) -> Any:
        raise AttributeError("The asset's PythonModule has no %r" % name)


def module_of(type_: TypeState) -> HDAModule:
    """The PythonModule of an asset, run once; `kwargs["type"]` is its node type.

    Raises:
        OperationFailed: The type is no asset.
    """
    from ._node_types import OpNodeType

    if type_.operator is None:
        raise OperationFailed("%s is no digital asset" % type_.name)
    key = (type_.category, type_.name, type_.library)
    if key not in session.modules:
        import hou

        module = HDAModule("hou.session_%s" % type_.name)
        module.__dict__.update(hou=hou, kwargs={"type": OpNodeType(type_)})
        exec(compile(type_.operator.python_module, "<PythonModule of %s>" % type_.name, "exec"), module.__dict__)
        session.modules[key] = module
    return session.modules[key]


class hda(metaclass=StrictMeta):
    """Functions on libraries of assets."""

    @staticmethod
    def installFile(
        file_path: str,
        oplibraries_file: Optional[str] = None,
        change_oplibraries_file: bool = True,
        force_use_assets: bool = False,
    ) -> None:
        if oplibraries_file is not None or force_use_assets:
            raise NotInStandIn("installFile() with an OPlibraries file or with force_use_assets")
        for state in _states(file_path):
            session.types.install(state)

    @staticmethod
    def uninstallFile(
        file_path: str, oplibraries_file: Optional[str] = None, change_oplibraries_file: bool = True
    ) -> None:
        if oplibraries_file is not None:
            raise NotInStandIn("uninstallFile() with an OPlibraries file")
        session.types.uninstall(str(Path(file_path)))

    @staticmethod
    def definitionsInFile(file_path: str) -> Tuple[Any, ...]:
        from ._node_types import HDADefinition

        installed = {(s.category, s.name): s for s in session.types.installed() if s.library == str(Path(file_path))}
        return tuple(HDADefinition(installed.get((s.category, s.name), s)) for s in _states(file_path))

    @staticmethod
    def loadedFiles() -> Tuple[str, ...]:
        return tuple(dict.fromkeys(state.library for state in session.types.installed()))

    @staticmethod
    def componentsFromFullNodeTypeName(node_type_name: str) -> Tuple[str, ...]:
        return split_name(node_type_name)

    @staticmethod
    def reloadFile(file_path: str) -> None:
        for state in _states(file_path):
            session.types.install(state)
            session.modules.pop((state.category, state.name, state.library), None)

    @staticmethod
    def expandToDirectory(file_path: str, directory_path: str) -> None:
        files = _scene.asset_binary.expand(Path(file_path).read_bytes())
        for name, content in files.items():
            target = Path(directory_path) / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)

    @staticmethod
    def collapseFromDirectory(file_path: str, directory_path: str) -> None:
        root = Path(directory_path)
        files = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
        Path(file_path).write_bytes(_scene.asset_binary.collapse(files))


def _states(file_path: str) -> List[TypeState]:
    """The types in a library, a folder of text files or a single file.

    Raises:
        OperationFailed: It is no library, or is not what the format says.
    """
    path = Path(file_path)
    try:
        if path.is_dir():
            library = _scene.asset_files.read(path)
        elif path.is_file():
            library = _read_collapsed(path)
        else:
            raise OperationFailed("No such library: %s" % file_path)
    except _scene.errors.SceneError as problem:
        raise OperationFailed(str(problem)) from problem
    return [asset_type(operator, str(path)) for operator in library.operators]


def _read_collapsed(path: Path) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory(suffix=".hda") as folder:
        hda.expandToDirectory(str(path), folder)
        return _scene.asset_files.read(Path(folder))


def section_files(type_: TypeState) -> Dict[str, bytes]:
    """The sections of an asset by real name, with their bytes in the expanded form."""
    files = _scene.asset_files.files(_scene.asset.Library((type_.operator,)))
    found: Dict[str, bytes] = {}
    for name, content in files.items():
        parts = name.split("/")
        if len(parts) == 2 and parts[1] != "Sections.list":
            found[parts[1].replace("__", "_")] = content
        elif len(parts) > 2:
            found[parts[1].replace(".dir", ".gz")] = b""
    return found


def press(parm: Any, node: NodeState, spec: Spec, arguments: Mapping[str, Any]) -> None:
    """Runs a parameter's callback as a click does.

    Raises:
        OperationFailed: There is no callback.
    """
    import hou

    from ._handles import handle

    tags = dict(spec.tags)
    source = tags.get("script_callback")
    if source is None:
        raise OperationFailed("%s has no callback script" % parm.path())
    if tags.get("script_callback_language") != "python":
        raise NotInStandIn("the hscript callback of %s: its language tag does not say python" % parm.path())
    kwargs: Dict[str, Any] = {
        "node": handle(node), "parm": parm, "parm_name": parm.name(), "parm_index": "", "script_value": "",
        "script_value0": "", "script_parm": parm.name(), "script_multiparm_index": "", "script_multiparm_nesting": "0",
    }  # fmt: skip
    if spec.kind != "button":
        kwargs["script_value"] = kwargs["script_value0"] = str(parm.eval())
    kwargs.update(arguments)
    _with_pwd(
        node, lambda: exec(compile(source, "<callback of %s>" % parm.path(), "exec"), {"hou": hou, "kwargs": kwargs})
    )


def run_menu_script(lines: Sequence[str], node: NodeState, spec: Spec) -> List[Tuple[str, str]]:
    """The items that a menu script returns: a flat list of tokens and labels."""
    import hou

    from ._handles import handle

    if not lines:
        raise NotInStandIn("a menu of %s without items or script" % spec.name)
    body = "def items(kwargs):\n" + "".join("    %s\n" % line for line in lines)
    names: Dict[str, Any] = {"hou": hou}
    exec(compile(body, "<menu of %s>" % spec.name, "exec"), names)
    kwargs = {"node": handle(node), "parm": _parm_of(node, spec)}
    flat = _with_pwd(node, lambda: names["items"](kwargs))
    if not isinstance(flat, (list, tuple)) or len(flat) % 2 or not all(isinstance(text, str) for text in flat):
        raise OperationFailed("The menu script of %s gives no flat list of tokens and labels: %r" % (spec.name, flat))
    return list(zip(flat[::2], flat[1::2]))


def _parm_of(node: NodeState, spec: Spec) -> Any:
    from ._parms import Parm

    return Parm(node, node.parms[spec.name], 0)


def _with_pwd(node: NodeState, run: Any) -> Any:
    session.pwd_stack().append(node)
    try:
        return run()
    finally:
        session.pwd_stack().pop()
