"""Node types: those of Houdini that the reference describes, and those of installed assets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from . import _scene
from ._errors import OperationFailed
from ._specs import Spec, specs_of
from ._strict import NotInStandIn

OPERATORS_FILE = Path(__file__).resolve().parents[2] / "data" / "operators.json"
MANY = 9999
"""Inputs of a node whose number is not told."""
OTHER_TOPS = """
attributearray attributeclassify attributedictionary attributefromfile attributefromparameters
attributepromote attributerandomize attributereduce attributestringedit chopnet commandserverend cop2net
copnet csvconcat csvinput csvmodify csvoutput deadlinescheduler dopnet error errorhandler feedbackbegin
feedbackend ffmpegencodevideo filedecompress filerange filterbyattribute geometryimport hdaprocessor
houdiniserver hqueuescheduler imagemagick inprocessscheduler invoke jsonoutput lopnet mapall mapbyexpression
mapbyindex mapbyrange matnet mayaserver ml_preprocessoidn ml_regressionkernel ml_trainoidn ml_trainregression
ml_trainstyletransfer nodepattern nukeserver objnet openimageio opnotify partitionbybounds
partitionbycombination partitionbycomparison partitionbyexpression partitionbyiteration partitionbyrange
partitionbytile perforce preflight pythonmapper pythonscheduler pythonserver pythonvenv rangeextend
remotegraph remotepdgnode renderifd ropalembic ropcomposite ropfbx ropflipbook ropgltf ropimage ropkarma
ropmantra ropnet ropopengl ropusd sendcommand sendemail servicecreate servicedelete servicereset servicestart
servicestop shopnet shotguncreate shotgundelete shotgundownload shotgunfind shotgunserver shotgunupdate
shotgunupload sopnet sort splitbycount sqlinput sqloutput switch texttocsv topfetch topfetchinput
tractorscheduler urlrequest usdaddassetstogallery usdanalyze usdimport usdimportfiles usdimportprims
usdmodifypaths usdrender usdrenderscene vopnet workitemimport xmlinput
"""
"""TOPs of 21.0.631 whose parameters the reference does not list whole."""
CATEGORIES = {
    "Object": ("ObjNode", "Objects"),
    "Sop": ("SopNode", "Geometry"),
    "Top": ("TopNode", "TOPs"),
    "Vop": ("VopNode", "VOPs"),
    "Lop": ("LopNode", "LOPs"),
    "Driver": ("RopNode", "ROPs"),
    "Manager": ("OpNode", "Managers"),
    "Director": ("OpNode", "Director"),
    "Shop": ("ShopNode", "SHOPs"),
    "Chop": ("OpNode", "CHOPs"),
    "Cop2": ("OpNode", "COPs"),
}


class TypeState(NamedTuple):
    """One node type."""

    category: str
    name: str
    label: str = ""
    specs: Tuple[Spec, ...] = ()
    complete: bool = True
    """The reference lists all of its parameters; of the others only some are known."""
    min_inputs: int = 0
    max_inputs: int = 0
    input_names: Tuple[str, ...] = ()
    """Of inputs that can be wired by name; empty when the reference does not tell them."""
    outputs: int = 1
    child_category: str = ""
    subnet: bool = False
    operator: Any = None
    """The asset's definition."""
    library: str = ""
    """File of the asset."""

    @property
    def parts(self) -> Tuple[str, str, str, str]:
        """Scope, namespace, name, version."""
        return split_name(self.name)


def split_name(name: str) -> Tuple[str, str, str, str]:
    """`ns::name::1.0` in its parts: (scope, namespace, name, version). Scopes are not used here."""
    parts = name.split("::")
    version = parts.pop() if len(parts) > 1 and re.fullmatch(r"[0-9][0-9.]*", parts[-1]) else ""
    return "", "::".join(parts[:-1]), parts[-1], version


class Types:
    """The types of a session."""

    def __init__(self) -> None:
        self._built_in: Dict[Tuple[str, str], TypeState] = {}
        self._assets: Dict[Tuple[str, str], List[TypeState]] = {}
        """By category and name; of several libraries with the same operator the one installed last wins."""
        for state in [*_compiled_types(), *_operators()]:
            self._built_in[(state.category, state.name)] = state

    def exact(self, category: str, name: str) -> Optional[TypeState]:
        assets = self._assets.get((category, name))
        return assets[-1] if assets else self._built_in.get((category, name))

    def of_category(self, category: str) -> Dict[str, TypeState]:
        names = [name for kind, name in [*self._built_in, *self._assets] if kind == category]
        return {name: state for name in names for state in [self.exact(category, name)] if state is not None}

    def preferred(self, category: str, name: str) -> Optional[TypeState]:
        """The type that `createNode` takes for a name: itself, else the newest version of that name."""
        exact = self.exact(category, name)
        if exact is not None:
            return exact
        _, space, base, version = split_name(name)
        if version:
            return None
        found = [s for s in self.of_category(category).values() if s.parts[2] == base and space in ("", s.parts[1])]
        if len({state.parts[1] for state in found}) > 1:
            raise NotInStandIn("which namespace wins for %r: %s" % (name, sorted(s.name for s in found)))
        return max(found, key=lambda state: [int(n) for n in (state.parts[3] or "0").split(".")], default=None)

    def refuse_unlisted(self, category: str, name: str) -> None:
        """Raises for a type that Houdini has but the reference has no parameters of: "unknown" would be a lie."""
        if category == "Top" and name in OTHER_TOPS.split():
            raise NotInStandIn("the parameters of the TOP %s" % name)

    def install(self, state: TypeState) -> None:
        libraries = self._assets.setdefault((state.category, state.name), [])
        libraries[:] = [other for other in libraries if other.library != state.library] + [state]

    def uninstall(self, library: str) -> None:
        for key, states in list(self._assets.items()):
            states[:] = [state for state in states if state.library != library]
            if not states:
                del self._assets[key]

    def installed(self) -> List[TypeState]:
        return [state for states in self._assets.values() for state in states]


def asset_type(operator: Any, library: str) -> TypeState:
    """The type that an asset's definition makes."""
    if operator.table not in CATEGORIES:
        raise NotInStandIn("assets of the table %r" % operator.table)
    own = operator.table if operator.contents is not None else ""
    return TypeState(
        operator.table, operator.name, operator.label, tuple(specs_of(operator.interface.items)), True,
        operator.min_inputs, operator.max_inputs, (), operator.outputs, own, operator.contents is not None, operator, library,
    )  # fmt: skip


def entry_of(data: Dict[str, Any]) -> Any:
    """One entry of an interface in operators.json as DialogScript's model."""
    model = _scene.dialog_script
    if "items" in data:
        items = tuple(entry_of(item) for item in data["items"])
        if data["kind"].startswith("multi"):
            return model.Multiparm(data["name"], data["label"], items, data.get("default", 0), data["kind"])
        return model.Folder(data["name"], data["label"], items, data["kind"])
    menu = None
    if "menu" in data:
        pairs = tuple((token, label) for token, label in data["menu"])
        menu = model.Menu(items=pairs, use_token_value=data.get("menu_tokens", False))
    elif "menu_script" in data:
        menu = model.Menu(script=("?",), language=data["menu_script"], use_token_value=data.get("menu_tokens", False))
    return model.Parameter(
        data["name"], data["label"] if "label" in data else data["name"], data["type"], data.get("size", 1),
        tuple(data.get("default", ("",))), menu=menu, invisible=data.get("invisible", False),
    )  # fmt: skip


def _operators() -> List[TypeState]:
    table = json.loads(OPERATORS_FILE.read_text(encoding="utf-8"))["operators"]
    states = []
    for key, data in table.items():
        category, name = key.split("/")
        specs = tuple(specs_of(tuple(entry_of(item) for item in data["items"])))
        outputs = 0 if name.endswith("scheduler") else 1
        states.append(TypeState(category, name, name, specs, True, 0, data["max_inputs"], (), outputs))
    return states


def _plain(
    name: str, type_: str, default: str = "", size: int = 1, menu: Tuple[str, ...] = (), tokens: bool = False
) -> Any:
    model = _scene.dialog_script
    choices = model.Menu(items=tuple((token, token) for token in menu), use_token_value=tokens) if menu else None
    return model.Parameter(name, name, type_, size, (default,) * size, menu=choices)


def _compiled(category: str, name: str, items: Tuple[Any, ...] = (), **known: Any) -> TypeState:
    known.setdefault("complete", False)
    return TypeState(category, name, name, tuple(specs_of(items)), **known)


def _compiled_types() -> List[TypeState]:
    """Types of Houdini's own, with the parameters that the reference tells; asking for others raises."""
    topnet = (
        _plain("topscheduler", "oppath", "localscheduler"),
        _plain("taskgraphfile", "file", "$HIP/$HIPNAME.taskgraph.$F.py"),
        _plain("checkpointfile", "file", "$HIP/$HIPNAME.checkpoint.json"),
        _plain("defaultlabel", "string", "$OS.`@pdg_index`"),
        _plain("savescenefile", "toggle", "on"),
    )
    number = _plain("outputidx", "integer", "0")
    script = (_plain("python", "string"), _plain("maintainstate", "toggle", "0"))
    read = ("auto", "read", "write", "noop")
    file = (_plain("file", "file"), _plain("filemode", "ordinal", "0", menu=read), _plain("reload", "button"))
    reference = tuple(_plain(name, "string") for name in ("filepath1", "primpath1"))
    camera = (
        *(_plain(name, "integer", "0") for name in ("resx", "resy")),
        *(_plain(name, "float", "0") for name in ("aspect", "aperture", "focal", "winx", "winy", "near", "far")),
        _plain("vm_background", "file"),
    )
    image = tuple(_plain(name, "string") for name in ("signature", "file", "filecolorspace"))
    return [
        _compiled("Top", "topnet", topnet, child_category="Top", subnet=False),
        _compiled("Top", "subnet", child_category="Top", max_inputs=4, subnet=True),
        _compiled("Top", "output", (number,), max_inputs=1, outputs=0),
        _compiled("Top", "null", max_inputs=1),
        _compiled("Object", "geo", child_category="Sop", max_inputs=1),
        _compiled("Object", "subnet", child_category="Object", max_inputs=4, subnet=True),
        _compiled("Object", "cam", camera, max_inputs=1),
        _compiled("Object", "matnet", child_category="Vop"),
        _compiled("Sop", "file", file, max_inputs=1),
        _compiled("Sop", "python", script, max_inputs=4),
        _compiled("Sop", "output", (number,), max_inputs=1),
        _compiled("Sop", "null", max_inputs=1),
        _compiled("Sop", "subnet", child_category="Sop", max_inputs=4, subnet=True),
        _compiled("Sop", "matnet", child_category="Vop"),
        _compiled("Vop", "subnet", child_category="Vop", max_inputs=MANY, subnet=True),
        _compiled("Vop", "mtlxstandard_surface", _surface(), max_inputs=MANY, input_names=_SURFACE),
        _compiled("Vop", "mtlximage", image, max_inputs=MANY, input_names=("file",)),
        _compiled("Vop", "mtlxseparate3c", input_names=("in",), max_inputs=1, outputs=3),
        _compiled("Vop", "suboutput", max_inputs=MANY, outputs=0),
        _compiled(
            "Vop", "mtlxnormalmap", (_plain("signature", "string"),), max_inputs=MANY, input_names=("in", "scale")
        ),
        _compiled(
            "Vop",
            "mtlxdisplacement",
            (_plain("signature", "string"),),
            max_inputs=MANY,
            input_names=("displacement", "scale"),
        ),
        _compiled("Vop", "mtlxtexcoord", (_plain("signature", "string"),), input_names=()),
        _compiled("Lop", "materiallibrary", (_plain("matpathprefix", "string"),), child_category="Vop", max_inputs=1),
        _compiled("Lop", "reference", reference, max_inputs=MANY),
        _compiled("Lop", "sublayer", max_inputs=MANY),
        _compiled("Lop", "assetreference", (_plain("filepath", "file"), _plain("primpath", "string")), max_inputs=1),
        *[_compiled("Manager", name, child_category=category) for name, category in MANAGERS.items()],
        _compiled("Director", "root", child_category="Manager"),
    ]


MANAGERS = {
    "obj": "Object", "tasks": "Top", "mat": "Vop", "stage": "Lop", "out": "Driver", "img": "Cop2", "shop": "Shop",
    "ch": "Chop", "vex": "Vop",
}  # fmt: skip
_SURFACE = (
    "base", "base_color", "diffuse_roughness", "metalness", "specular", "specular_color", "specular_roughness",
    "specular_IOR", "specular_anisotropy", "transmission", "subsurface", "emission", "emission_color", "opacity",
    "normal", "tangent",
)  # fmt: skip


def _surface() -> Tuple[Any, ...]:
    """Parameters whose type and default follow from MaterialX's standard surface are not listed with them: names only."""
    return (_plain("signature", "string"),)


def type_for(types: Types, category: str, name: str, exact: bool) -> TypeState:
    """The type of a new node.

    Raises:
        OperationFailed: No such type.
    """
    state = types.exact(category, name) if exact else types.preferred(category, name)
    if state is None:
        types.refuse_unlisted(category, name)
        raise OperationFailed("Invalid node type name: %s/%s" % (category, name))
    return state
