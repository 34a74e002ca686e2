"""What a node type is, and the kinds of networks."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Tuple

from ._specs import Spec

MANY = 9999
"""Inputs of a node whose number is not told."""
OTHER_TOPS = """
attributearray attributeclassify attributedictionary attributefromfile attributefromparameters
attributepromote attributerandomize attributereduce attributestringedit chopnet commandserverend cop2net
copnet csvconcat csvinput csvmodify csvoutput deadlinescheduler dopnet error errorhandler feedbackbegin
feedbackend ffmpegencodevideo filedecompress filerange filterbyattribute geometryimport hdaprocessor
houdiniserver imagemagick inprocessscheduler invoke jsonoutput lopnet mapall mapbyexpression
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
