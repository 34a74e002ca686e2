"""Houdini's own types beside the TOPs of operators.json, as far as the reference tells their parameters.

`name:type=default`; `?` in place of the default: it is not told, so the parameter can be set but not read before.
Parameters that are not listed here raise when they are asked for: the lists are not complete.
"""

from __future__ import annotations

import re
from typing import Any, List, Optional, Tuple

from . import _scene
from ._specs import UNKNOWN, Spec, specs_of
from ._type_state import MANY, TypeState

MANAGERS = {
    "obj": "Object", "tasks": "Top", "mat": "Vop", "stage": "Lop", "out": "Driver", "img": "Cop2", "shop": "Shop",
    "ch": "Chop", "vex": "Vop",
}  # fmt: skip
_PARM = re.compile(r"(\w+):(\w+)(?:\[(\d)\])?(\?|=[^\s{]*)(?:\{([\w,]+)\})?$")
_TOPNET = """
    topscheduler:oppath=localscheduler taskgraphfile:file=$HIP/$HIPNAME.taskgraph.$F.py
    checkpointfile:file=$HIP/$HIPNAME.checkpoint.json defaultlabel:string=$OS.`@pdg_index` savescenefile:toggle=on
"""
_FILE = "file:file? filemode:ordinal?{auto,read,write,noop} reload:button="
_CAMERA = """
    resx:integer? resy:integer? aspect:float? aperture:float? focal:float? winx:float? winy:float? near:float?
    far:float? vm_background:file?
"""
_SURFACE = (
    "base", "base_color", "diffuse_roughness", "metalness", "specular", "specular_color", "specular_roughness",
    "specular_IOR", "specular_anisotropy", "transmission", "subsurface", "emission", "emission_color", "opacity",
    "normal", "tangent",
)  # fmt: skip
_HQUEUE = """
    address:string? jobname:string? description:string= pdg_workingdir:directory? useuniversalhfs:toggle?
    hfspathuniversal:file? uselocalsharedroot:toggle=off pdg_tickperiod:float=0.5 pdg_maxitems:integer=30
    pdg_usemaxtasks:toggle=off pdg_workitemdatasource:ordinal=0{0,1} pdg_validateoutputs:toggle=on
    pdg_checkexpectedoutputs:toggle=on pdg_deletetempdir:ordinal=0{0,1,2} pdg_rpcignoreerrors:ordinal=0{0,1,2}
    pdg_rpcmaxerrors:integer=5 pdg_rpctimeout:integer=4 pdg_rpcretries:integer=2 pdg_rpcbackoff:integer=2
    pdg_rpcbatch:float=1 pdg_rpcrelease:toggle=on hqueue_priority:integer=0 hqueue_assign_to:ordinal=0{0,1,2}
    hqueue_is_CPU_number_set:toggle=off hqueue_CPUs_to_use:integer? hqueue_description:string= hqueue_tags:string=
    hqueue_host:string= hqueue_usehoudinimaxthreads:toggle=off hqueue_houdinimaxthreads:integer=0
    hqueue_usemaxtime:toggle=off hqueue_maxtime:integer? hqueue_echandleby:ordinal=0{0,1,2,3}
    hqueue_triesleft:integer=0 hqueue_inheritlocalenv:toggle? hqueue_envunset:string= hqueue_env_file:file=
    hqueue_conditions:string= hqueue_preshell:string= hqueue_postshell:string= hqueue_prepy:string=
    hqueue_postpy:string=
"""
"""Names [C]. Defaults of `pdg_*` are the local scheduler's [I]; those of `hqueue_*` are [I] too: nothing asked for.

Whether jobs inherit the session's environment by default is not told, nor how many processors they have.
"""
_REFERENCE = "filepath1:file? primpath1:string?"


def compiled_types() -> List[TypeState]:
    """All of them, the managers of a scene included."""
    return [*_networks(), *_tops(), *_objects(), *_sops(), *_vops(), *_lops()]


def _networks() -> List[TypeState]:
    managers = [_type("Manager/" + name, child_category=category) for name, category in MANAGERS.items()]
    return [*managers, _type("Director/root", child_category="Manager")]


def _tops() -> List[TypeState]:
    return [
        _type("Top/topnet", _TOPNET, child_category="Top"),
        _type("Top/subnet", child_category="Top", max_inputs=4, subnet=True),
        _type("Top/output", "outputidx:integer=0", max_inputs=1, outputs=0),
        _type("Top/null", max_inputs=1),
        _type("Top/hqueuescheduler", _HQUEUE, outputs=0),
    ]


def _objects() -> List[TypeState]:
    return [
        _type("Object/geo", child_category="Sop", max_inputs=1),
        _type("Object/subnet", child_category="Object", max_inputs=4, subnet=True),
        _type("Object/cam", _CAMERA, max_inputs=1),
        _type("Object/matnet", child_category="Vop"),
    ]


def _sops() -> List[TypeState]:
    return [
        _type("Sop/file", _FILE, max_inputs=1),
        _type("Sop/python", "python:string? maintainstate:toggle?", max_inputs=4),
        _type("Sop/output", "outputidx:integer=0", max_inputs=1),
        _type("Sop/null", max_inputs=1),
        _type("Sop/subnet", child_category="Sop", max_inputs=4, subnet=True),
        _type("Sop/matnet", child_category="Vop"),
    ]


def _vops() -> List[TypeState]:
    signature = "signature:string?"
    image = "signature:string? file:file? filecolorspace:string?"
    return [
        _type("Vop/subnet", child_category="Vop", max_inputs=MANY, subnet=True),
        _type("Vop/mtlxstandard_surface", signature, max_inputs=MANY, input_names=_SURFACE),
        _type("Vop/mtlximage", image, max_inputs=MANY),
        _type("Vop/mtlxnormalmap", signature, max_inputs=MANY, input_names=("in", "scale")),
        _type("Vop/mtlxdisplacement", signature, max_inputs=MANY, input_names=("displacement", "scale")),
        _type("Vop/mtlxtexcoord", signature),
        _type("Vop/mtlxseparate3c", input_names=("in",), max_inputs=1, outputs=3),
        _type("Vop/suboutput", max_inputs=MANY, outputs=0),
    ]


def _lops() -> List[TypeState]:
    return [
        _type("Lop/materiallibrary", "matpathprefix:string?", child_category="Vop", max_inputs=1),
        _type("Lop/reference", _REFERENCE, max_inputs=MANY),
        _type("Lop/sublayer", "filepath1:file?", max_inputs=MANY),
        _type("Lop/assetreference", "filepath:file? primpath:string?", max_inputs=1),
    ]


def _type(path: str, parms: str = "", **known: Any) -> TypeState:
    category, name = path.split("/")
    specs = tuple(_spec(text) for text in parms.split())
    return TypeState(category, name, name, specs, complete=False, **known)


def _spec(text: str) -> Spec:
    match = _PARM.match(text)
    if match is None:
        raise ValueError("not a parameter of the table: %r" % text)
    name, type_, size, default, tokens = match.groups()
    count = int(size or 1)
    told: Optional[str] = None if default == "?" else default[1:]
    menu = _menu(tokens)
    model = _scene.dialog_script
    (spec,) = specs_of((model.Parameter(name, name, type_, count, (told or "",) * count, menu=menu),))
    return spec if told is not None else spec._replace(defaults=(UNKNOWN,) * count)


def _menu(tokens: Optional[str]) -> Any:
    if tokens is None:
        return None
    items: Tuple[Tuple[str, str], ...] = tuple((token, token) for token in tokens.split(","))
    return _scene.dialog_script.Menu(items=items)
