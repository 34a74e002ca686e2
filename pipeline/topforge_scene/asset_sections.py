"""The small sections of an operator: what most assets have word for word, and the three that say something.

Measured over the 417 operators of SideFX Labs. `*_section` writes one; `read_*` gives back what of it is in the model
and refuses the rest.
"""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ElementTree
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple
from xml.sax.saxutils import escape

from topforge_scene import options
from topforge_scene.errors import SceneError
from topforge_scene.mangle import operator_path

TYPE_PROPERTIES = b"""CheckExternal := 1;
ContentsCompressionType := 1;
ForbidOutsideParms := 1;
GzipContents := 1;
LockContents := 1;
MakeDefault := 1;
ParmsFromVfl := 0;
PrefixDroppedParmLabel := 0;
PrefixDroppedParmName := 0;
SaveCachedCode := 0;
SaveIcon := 1;
SaveSpareParms := 0;
UnlockOnCreate := 0;
UseDSParms := 1;
"""
"""`TypePropertiesOptions`."""
INTERNAL_OPTIONS = options.to_json({"nodeconntype": False, "nodeparmtype": False})
"""`InternalFileOptions`, the same in all assets that have a network."""

_CREATE = """# Automatically generated script
\\set noalias = 1
#
#  Creation script for %(name)s operator
#

if ( "$arg1" == "" ) then
    echo This script is intended as a creation script
    exit
endif

# Node $arg1 (%(path)s)
opexprlanguage -s hscript $arg1
opuserdata -n '___Version___' -v '%(version)s' $arg1
"""
_TOOL = """<?xml version="1.0" encoding="UTF-8"?>
<shelfDocument>
  <!-- This file contains definitions of shelves, toolbars, and tools.
 It should not be hand-edited when it is being used by the application.
 Note, that two definitions of the same element are not allowed in
 a single file. -->

  <tool name="$HDA_DEFAULT_TOOL" label="$HDA_LABEL" icon="$HDA_ICON">
%(help)s    <toolMenuContext name="viewer">
      <contextNetType>%(network)s</contextNetType>
    </toolMenuContext>
    <toolMenuContext name="network">
      <contextOpType>$HDA_TABLE_AND_NAME</contextOpType>
    </toolMenuContext>
%(submenus)s    <script scriptType="python"><![CDATA[import %(module)s

%(module)s.genericTool(kwargs, '$HDA_NAME')]]></script>
%(keywords)s  </tool>
</shelfDocument>
"""


class Table(NamedTuple):
    """What the sections say differently from one kind of network to another."""

    network: str
    """As in Tools.shelf."""
    tool_module: str
    """Houdini's Python module that places a node of this table."""
    icon: str
    """Of operators that bring none."""


TABLES: Mapping[str, Table] = {
    "Top": Table("TOP", "toptoolutils", "TOP_pythonprocessor"),
    "Sop": Table("SOP", "soptoolutils", "SOP_subnet"),
    "Lop": Table("LOP", "loptoolutils", "LOP_subnet"),
}
"""The tables of which TopForge writes operators."""


def create_script(name: str, table: str, version: str) -> bytes:
    """`CreateScript`: hscript that runs when a node is made."""
    path = operator_path(name, table)
    return (_CREATE % {"name": name, "path": path, "version": version}).encode("utf-8")


def read_create_script(data: bytes, name: str, table: str, where: str) -> str:
    """The version that a `CreateScript` gives to new nodes.

    Raises:
        SceneError: It does anything else.
    """
    match = re.search(rb"-v '([^'\n]*)'", data)
    version = match.group(1).decode("utf-8", "replace") if match else ""
    _same(data, create_script(name, table, version), where)
    return version


def version_section(version: str) -> bytes:
    """`Version`: u32 length, big-endian, and the text."""
    raw = version.encode("utf-8")
    return struct.pack(">I", len(raw)) + raw


def read_version(data: bytes, where: str) -> str:
    """The text of `Version`.

    Raises:
        SceneError: Its length is not what it says, or it is empty.
    """
    text = data[4:].decode("utf-8", "replace")
    if not text or version_section(text) != data:
        raise SceneError(where, "not a length and a text of that length")
    return text


def script_options(scripts: Iterable[str]) -> bytes:
    """`ExtraFileOptions`: each of these sections holds Python. Without it they would be taken for hscript."""
    return options.to_json(dict(_script_option(name, key) for name in sorted(scripts) for key in _SCRIPT_KEYS))


def read_script_options(data: bytes, scripts: Iterable[str], where: str) -> None:
    """Sees that exactly these sections are marked as Python; where their editor's cursor stands does not matter.

    Raises:
        SceneError: A section is not marked, or another one is.
    """
    found = {key: value for key, value in options.from_json(data, where).items() if not key.endswith("/Cursor")}
    names = sorted(scripts)
    expected = dict(_script_option(name, key) for name in names for key in _SCRIPT_KEYS if key != "Cursor")
    for key in sorted(set(found) | set(expected)):
        if found.get(key) != expected.get(key):
            raise SceneError(where, "%s is %r, expected %r" % (key, found.get(key), expected.get(key)))


def tool_section(table: str, submenus: Iterable[str], keywords: Iterable[str], help_text: str) -> bytes:
    """`Tools.shelf`: the operator's entry in the TAB menu.

    Args:
        table: One of `TABLES`.
        submenus: Folders of the TAB menu.
        keywords: What else it is found by.
        help_text: One sentence for the tool tip; "" for none.

    Raises:
        SceneError: A table nobody knows, or a text that XML cannot hold.
    """
    known = _table(table)
    words = "".join("      <keyword>%s</keyword>\n" % escape(word) for word in keywords)
    values = {
        "help": "    <helpText>%s</helpText>\n" % escape(help_text) if help_text else "",
        "network": known.network,
        "module": known.tool_module,
        "submenus": "".join("    <toolSubmenu>%s</toolSubmenu>\n" % escape(menu) for menu in submenus),
        "keywords": "    <keywordList>\n%s    </keywordList>\n" % words if words else "",
    }
    return (_TOOL % values).encode("utf-8")


def read_tool(data: bytes, table: str, help_text: str, where: str) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """(submenus, keywords) of `Tools.shelf`.

    Raises:
        SceneError: Not XML, or not the tool that `tool_section` writes.
    """
    root = parse_xml(data, where)
    submenus = tuple(element.text or "" for element in root.iter("toolSubmenu"))
    keywords = tuple(element.text or "" for element in root.iter("keyword"))
    expected = ElementTree.fromstring(tool_section(table, submenus, keywords, help_text))
    difference = _difference(root, expected)
    if difference:
        raise SceneError(where, difference)
    return submenus, keywords


def parse_xml(data: bytes, where: str) -> ElementTree.Element:
    """The root of a document without a DOCTYPE: entities are refused, not expanded.

    Raises:
        SceneError: Not well-formed, or with a DOCTYPE.
    """
    if b"<!DOCTYPE" in data:
        raise SceneError(where, "a DOCTYPE, which no file of Houdini has")
    try:
        return ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        raise SceneError(where, "not XML: %s" % error, error.position[0]) from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not know
        raise SceneError(where, "not XML: %s" % error, 1) from None


def summary(help_card: str) -> str:
    '''The sentence of a help card in wiki markup that stands between three quotes: """Trains.""".'''
    match = re.search(r'^"""(.+?)"""$', help_card, re.MULTILINE | re.DOTALL)
    return " ".join(match.group(1).split()) if match else ""


def icon(table: str, name: str, own: bool) -> str:
    """The index's `Icon`: the operator's own, or Houdini's for the table."""
    return "opdef:/%s?IconSVG" % operator_path(name, table) if own else _table(table).icon


_SCRIPT_KEYS: Dict[str, options.Option] = {
    "Cursor": (1, 1),
    "IsExpr": False,
    "IsPython": True,
    "IsScript": True,
    "Source": "",
}


def _script_option(name: str, key: str) -> Tuple[str, options.Option]:
    return "%s/%s" % (name, key), _SCRIPT_KEYS[key]


def _table(table: str) -> Table:
    if table not in TABLES:
        raise SceneError(table, "no table of this name is known", fix="Use one of %s." % ", ".join(sorted(TABLES)))
    return TABLES[table]


def _same(found: bytes, expected: bytes, where: str) -> None:
    if found != expected:
        pairs = list(zip(found.split(b"\n"), expected.split(b"\n")))
        line = next((number for number, (one, other) in enumerate(pairs, 1) if one != other), len(pairs))
        raise SceneError(where, "differs from what every asset has there", line)


def _difference(found: ElementTree.Element, expected: ElementTree.Element) -> Optional[str]:
    one, other = _shape(found), _shape(expected)
    if one != other or len(found) != len(expected):
        return "<%s> is not the one that TopForge writes" % found.tag
    differences: List[Optional[str]] = [_difference(*pair) for pair in zip(found, expected)]
    return next((difference for difference in differences if difference), None)


def _shape(element: ElementTree.Element) -> Tuple[str, Dict[str, str], str, str]:
    return element.tag, element.attrib, (element.text or "").strip(), (element.tail or "").strip()
