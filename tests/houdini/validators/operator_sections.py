"""One operator of an expanded asset: its sections, one by one and against each other."""

from __future__ import annotations

import re
from typing import Mapping

from topforge_scene import asset_files, asset_sections, mangle
from topforge_scene.asset import Operator
from topforge_scene.asset_index import Record
from topforge_scene.errors import SceneError

from . import code, interface, mime_text, network, operators, parms, wires
from .context import Context
from .findings import Findings

NEEDED = (
    "DialogScript",
    "CreateScript",
    "TypePropertiesOptions",
    "Help",
    "Tools.shelf",
    "InternalFileOptions",
    "ExtraFileOptions",
    "IconSVG",
)
"""What every operator of ours has. (Houdini itself needs less: an asset without a network lacks one of them.)"""
ONE_LINE = ("EditableNodes", "MessageNodes", "DescriptiveParmName")
KNOWN = {*NEEDED, *ONE_LINE, *asset_files.EVENTS, "Sections.list", "PythonModule", "Version"}
CONTENTS = "Contents.dir/Contents.mime"
_PROPERTIES = "".join(
    "%s := %d;\n" % (key, value)
    for key, value in {
        **dict.fromkeys(("CheckExternal", "ContentsCompressionType", "ForbidOutsideParms", "GzipContents"), 1),
        **dict.fromkeys(("LockContents", "MakeDefault"), 1),
        **dict.fromkeys(("ParmsFromVfl", "PrefixDroppedParmLabel", "PrefixDroppedParmName", "SaveCachedCode"), 0),
        **{"SaveIcon": 1, "SaveSpareParms": 0, "UnlockOnCreate": 0, "UseDSParms": 1},
    }.items()
)


def check(record: Record, inside: Mapping[str, bytes], folder: str, context: Context, found: Findings) -> None:
    """Checks one operator.

    Args:
        record: Its record in the index.
        inside: Content by path inside of its folder.
        folder: The folder's name.
        context: What it is checked against.
        found: Where findings go.
    """
    checked = _Sections(record, inside, folder, context, found)
    checked.check_present()
    checked.check_constants()
    checked.check_texts()
    script = interface.read(inside.get("DialogScript", b""), checked.operator, folder + "/DialogScript", found)
    if script is not None:
        script.check(context.python_paths)
    checked.check_network(script)


class _Sections:
    def __init__(
        self, record: Record, inside: Mapping[str, bytes], folder: str, context: Context, found: Findings
    ) -> None:
        self.record = record
        self.inside = inside
        self.folder = folder
        self.context = context
        self.found = found
        self.operator = self._operator()

    def add(self, code: str, section: str, message: str, line: int | None = None) -> None:
        self.found.add(code, "%s/%s" % (self.folder, section), message, line)

    def text(self, section: str) -> str:
        return self.inside.get(section, b"").decode("utf-8", "replace")

    def _operator(self) -> Operator:
        """What the sections besides the interface and the network say, as far as it can be read."""
        record = self.record
        script = interface.DialogScript(record.operator, record.label, ())
        version = re.search(rb"-v '([^'\n]*)'", self.inside.get("CreateScript", b""))
        return Operator(
            name=record.operator,
            label=record.label,
            table=record.table,
            interface=script,
            contents=None,
            min_inputs=record.min_inputs,
            max_inputs=record.max_inputs,
            outputs=record.outputs,
            help=self.text("Help"),
            python_module=self.text("PythonModule"),
            version=version.group(1).decode("utf-8", "replace") if version else "",
        )

    def check_present(self) -> None:
        for name in NEEDED:
            if name not in self.inside:
                self.add("O-NEED", name, "every operator of ours has this section")
        for name in self.inside:
            if name.split("/")[0] not in {*KNOWN, "Contents.dir"}:
                self.add("O-UNKNOWN", name, "no operator of ours has this section")
        if self.record.subnet != (CONTENTS in self.inside) or not self.record.subnet:
            self.add("X-SUBNET", CONTENTS, "Subnet in the index and the network must both be there")
        path = mangle.operator_path(self.record.operator, self.record.table)
        if self.record.icon != "opdef:/%s?IconSVG" % path:
            self.add("X-ICON", "IconSVG", "the index names the icon %s" % self.record.icon)

    def check_constants(self) -> None:
        name, table, operator = self.record.operator, self.record.table, self.operator
        if self.text("TypePropertiesOptions") != _PROPERTIES:
            self.add("O-TPO", "TypePropertiesOptions", "not the 14 lines that every operator has")
        if self.inside.get("InternalFileOptions") != asset_sections.INTERNAL_OPTIONS:
            self.add("O-OPTS", "InternalFileOptions", "not the constant that every asset has")
        if self.inside.get("CreateScript") != asset_sections.create_script(name, table, operator.version):
            self.add("O-CREATE", "CreateScript", "not the script that every operator has")
        if "Version" in self.inside or operator.version:
            expected = asset_sections.version_section(operator.version)
            if self.inside.get("Version") != expected:
                self.add("X-VERSION", "Version", "CreateScript gives new nodes the version %r" % operator.version)
        self._check_options()
        try:
            summary = asset_sections.summary(operator.help)
            data = self.inside.get("Tools.shelf", b"")
            submenus, keywords = asset_sections.read_tool(data, table, summary, "Tools.shelf")
            if asset_sections.tool_section(table, submenus, keywords, summary) != data:
                self.add("O-XML", "Tools.shelf", "not laid out as Houdini does")
            if any(not words or not all(words) or len(set(words)) != len(words) for words in (submenus, keywords)):
                self.add(
                    "O-XML", "Tools.shelf", "folders of the TAB menu or keywords: none, an empty one, or one twice"
                )
        except SceneError as error:
            self.add("O-XML", "Tools.shelf", error.problem, error.line)

    def _check_options(self) -> None:
        scripts = [name for name in self.inside if name in (*asset_files.EVENTS, "PythonModule")]
        data = self.inside.get("ExtraFileOptions", b"")
        try:
            asset_sections.read_script_options(data, scripts, "ExtraFileOptions")
            if asset_sections.script_options(scripts) != data:
                self.add("O-OPTS", "ExtraFileOptions", "not laid out as Houdini does")
        except SceneError as error:
            self.add("O-OPTS", "ExtraFileOptions", error.problem, error.line)

    def check_texts(self) -> None:
        for name in ONE_LINE:
            if name in self.inside and ("\n" in self.text(name) or not self.text(name)):
                self.add("O-EDITNL", name, "empty, or with a line feed: Houdini takes it for a part of the name")
        try:
            icon = asset_sections.parse_xml(self.inside.get("IconSVG", b""), "IconSVG")
            if icon.tag != "{http://www.w3.org/2000/svg}svg" or not {"width", "height"} <= {*icon.attrib}:
                self.add("O-SVG", "IconSVG", "not an SVG with a width and a height")
        except SceneError as error:
            self.add("O-SVG", "IconSVG", error.problem, error.line)
        self._check_card()
        self._check_module()
        for name in (*asset_files.EVENTS, "PythonModule"):
            if name in self.inside:
                for problem, message, line in code.problems(self.text(name), self.context.python_paths):
                    self.add(problem, name, message, line)

    def _check_module(self) -> None:
        """Callbacks live in files that tests and other programs can read; the asset only imports them."""
        lines = self.text("PythonModule").splitlines()
        if len(set(lines)) != len(lines) or not all(line.startswith(("from ", "import ")) for line in lines):
            self.add("X-MODULE", "PythonModule", "holds more than imports, or one twice")

    def _check_card(self) -> None:
        card = self.text("Help")
        head, _, _ = card.partition("\n\n")
        lines = re.findall(r"^#([a-z]+): (.+)$", head, re.MULTILINE)
        said = dict(lines)
        if len(said) != len(head.split("\n")) or len(lines) != len(said):
            self.add("O-HELP", "Help", "a line at the top is not #key: value, or there twice")
        wanted = {"type": "node", "context": self.record.table.lower(), "internal": self.record.operator}
        for key, value in wanted.items():
            if said.get(key) != value:
                self.add("O-HELP", "Help", "must begin with lines such as #%s: %s" % (key, value))
        if (
            card.count("\n= %s =\n" % self.record.label) != 1
            or card.count('"""') != 2
            or not asset_sections.summary(card)
        ):
            self.add("O-HELP", "Help", 'must hold the title "= %s =" and a summary between """' % self.record.label)

    def check_network(self, script: interface.Interface | None) -> None:
        data = self.inside.get(CONTENTS, b"")
        file = "%s/%s" % (self.folder, CONTENTS)
        entries = mime_text.entries(data, file, self.found)
        if entries is None:
            return
        if entries.pop("node_type", b"") != self.record.table.encode() + b"\n":
            self.add("C-TABLE", CONTENTS, "node_type is not %s" % self.record.table)
        stray = [name for name in entries if not re.match(r"hdaroot[./]", name)]
        for name in stray:
            self.add("C-ENTRY", CONTENTS, "%s does not belong to hdaroot" % name)
        own = None if script is None else operators.NodeType(script.parms, self.record.max_inputs, "", True)
        assets = {name: operators.of_asset(operator) for name, operator in self.context.operators.items()}
        checked = network.Network(entries, "hdaroot", self.record.table, file, assets, self.found)
        self._check_root(checked)
        wires.check(checked)
        parms.check(checked, own, self.context.python_paths)
        self._check_named(checked, script)

    def _check_root(self, checked: network.Network) -> None:
        root = checked.root
        if (root.type, root.matches) != (self.record.operator, False):
            checked.add("C-ROOT", "hdaroot.init", "must be of type %s, with matchesdef 0" % self.record.operator)
        if root.version != self.operator.version:
            checked.add(
                "C-VERSION", "hdaroot.userdata", "is %r, the asset's is %r" % (root.version, self.operator.version)
            )
        inputs = checked.entries.get("hdaroot.inp", b"0\n").split(b"\n")[0]
        if inputs != b"%d" % self.record.max_inputs:
            checked.add(
                "C-INP",
                "hdaroot.inp",
                "says %s inputs, the index %d" % (inputs.decode("utf-8", "replace"), self.record.max_inputs),
            )
        wired = root.definition is not None and (root.definition.outputs or root.definition.inputs)
        flags = root.definition.flags if root.definition is not None else {}
        if wired or flags.get("display") or flags.get("render") or flags.get("bypass"):
            checked.add("C-ROOT", "hdaroot.def", "an asset's own network has no wires, and no flags")
        outputs = [child for child in root.children if child.type == "output"]
        shown = [child.name for child in root.children if child.definition and child.definition.flags["display"]]
        if len(outputs) != self.record.outputs or shown != [node.name for node in outputs[:1]]:
            checked.add("C-DISPLAY", "hdaroot", "one output node for each output; the first is displayed, and only it")

    def _check_named(self, checked: network.Network, script: interface.Interface | None) -> None:
        for section in ("EditableNodes", "MessageNodes"):
            for name in self.text(section).split():
                if checked.find("hdaroot/" + name) is None:
                    self.add("O-NODES", section, "there is no node %s" % name)
        shown = self.text("DescriptiveParmName")
        if shown and script is not None and shown not in script.parms:
            self.add("O-DESC", "DescriptiveParmName", "there is no parameter %s" % shown)
