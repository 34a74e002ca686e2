"""Enumerations: the values that code here or ours uses."""

from __future__ import annotations

from ._strict import Enumeration


class exprLanguage(Enumeration, names="Hscript Python"):
    pass


class scriptLanguage(Enumeration, names="Hscript Python"):
    pass


class parmTemplateType(
    Enumeration, names="Button Data Float Folder FolderSet Int Label Menu Ramp Separator String Toggle"
):
    pass


class parmData(Enumeration, names="Float Int Ramp String"):
    pass


class severityType(Enumeration, names="Error Fatal ImportantMessage Message Warning"):
    pass


class nodeFlag(Enumeration, names="Bypass Display Material Render Template"):
    pass


class topCookState(Enumeration, names="Cooked Cooking Failed Incomplete Uncooked Waiting Warning"):
    pass


class nodeTypeSource(Enumeration, names="Internal CompiledCode VexCode RslCode Subnet"):
    pass


class saveMode(Enumeration, names="Binary Text"):
    pass


class attribType(Enumeration, names="Global Point Prim Vertex"):
    pass


class attribData(Enumeration, names="Dict Float Int String"):
    pass


class numericData(Enumeration, names="Float16 Float32 Float64 Int16 Int32 Int64 Int8 UInt8"):
    pass


class primType(Enumeration, names="Polygon"):
    pass
