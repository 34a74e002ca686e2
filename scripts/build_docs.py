#!/usr/bin/env python3
"""Writes the pages of docs/ that are made from the code.

python3 scripts/build_docs.py            # writes docs/options.md
python3 scripts/build_docs.py --check    # exits with 1 and names the pages that are not up to date
"""

import argparse
import json
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "pipeline"))

from topforge import schema  # noqa: E402
from topforge.trainers.builtin_options import MONITORING, PRESETS, BuiltinOptions  # noqa: E402
from topforge.trainers.check import CheckOptions  # noqa: E402

OPTIONS_HEAD = """# Options

<!-- Made by scripts/build_docs.py from the dataclasses that also check every config: change the text there. -->

The same names everywhere: as keys of a config file (`{"iter": 400}`), as flags (`topforge train --iter 400`), and in
the `wedge` of a [job](jobs.md). nvdiffrec's config files work as they are; values that cannot hold
together are refused by name, with the reason, before anything is trained. `topforge train --help` prints the same.

The first table of each group has what one usually changes. Options marked ° only decide what you see while it trains:
changing them does not make another result, so finished work stays finished.
"""
PRESETS_HEAD = """
## Presets

`topforge train --preset draft`, or Preset on the train node, starts from these values; a config file and flags win over
them. draft takes minutes on a CPU for photographs of 256 × 256 (like `hip/configs/quickstart.json`): a look at capture,
masks and box. standard is the defaults: nvdiffrec's, but for `isosurface`. high is for a GPU. None of them sets what
depends on the capture (`train_res`, `mesh_scale`).
"""
GROUPS = ("Optimisation", "Capture", "Geometry", "Material", "Light", "Monitor")


def table(rows):
    """The head of any options table, and these rows."""
    return schema.markdown_table(BuiltinOptions).splitlines()[:2] + rows


def group(name):
    """One group's options: the everyday ones, then the others."""
    rows = schema.markdown_table(BuiltinOptions).splitlines()[2:]
    lines = ["", "## " + name]
    for advanced in (False, True):
        chosen = [
            row.replace("` |", "` ° |", 1) if field.name in MONITORING else row
            for field, row in zip(schema.leaves(BuiltinOptions), rows)
            if field.limits.group == name and field.limits.advanced is advanced
        ]
        if chosen:
            lines += ["", *(["Rarely needed:", ""] if advanced else []), *table(chosen)]
    return lines


def presets_section():
    """What each preset sets, one column for each."""
    defaults, names = schema.to_json(BuiltinOptions()), list(PRESETS)
    lines = [*PRESETS_HEAD.rstrip().splitlines(), "", "| option | %s |" % " | ".join(names)]
    lines.append("|---|" + "---|" * len(names))
    for option in dict.fromkeys(option for preset in PRESETS.values() for option in preset):
        cells = [json.dumps(PRESETS[name].get(option, defaults[option])) for name in names]
        lines.append("| `%s` | %s |" % (option, " | ".join(cells)))
    return lines


def options_page():
    """docs/options.md."""
    unplaced = {field.limits.group for field in schema.leaves(BuiltinOptions)} - set(GROUPS)
    if unplaced:
        raise SystemExit("GROUPS lacks %s" % ", ".join(sorted(unplaced)))
    lines = OPTIONS_HEAD.rstrip().splitlines()
    for name in GROUPS:
        lines += group(name)
    lines += presets_section()
    lines += ["", "## Check", "", "Flags of `topforge check`, and options of adapter `check`.", ""]
    return "\n".join(lines) + "\n" + schema.markdown_table(CheckOptions)


def pages():
    """Path -> text of every page that is made."""
    return {REPOSITORY / "docs" / "options.md": options_page()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    arguments = parser.parse_args()
    old = [path for path, text in pages().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if arguments.check:
        for path in old:
            print("%s is not up to date: run scripts/build_docs.py" % path.relative_to(REPOSITORY))
        return 1 if old else 0
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(REPOSITORY))
    return 0


if __name__ == "__main__":
    sys.exit(main())
