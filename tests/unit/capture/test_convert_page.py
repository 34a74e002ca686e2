"""docs/convert.md tells of each format what it holds: the table is made from what the code holds."""

from pathlib import Path

from topforge_capture import formats

PAGE = Path(__file__).resolve().parents[3] / "docs" / "convert.md"
BEGIN, END = "<!-- formats: tests/unit/capture/test_convert_page.py -->\n", "<!-- end of formats -->"
HEADER = ("`--to`", "lens for each image", "principal point", "stretch", "skew", "distortion", "near, far", "masks")
HEADER += ("splits", "cloud", "box", "images by path")


def table():
    rows = [HEADER, ("---",) * len(HEADER)]
    for form in formats.FORMATS:
        holds = form.holds
        flags = [holds.lenses, holds.principal, holds.stretch, holds.skew]
        row = ["`%s`" % form.name, *("yes" if flag else "" for flag in flags)]
        row += [", ".join(sorted(holds.distortion)), "yes" if holds.planes else "", holds.coverage.replace("none", "")]
        row += ["yes" if flag else "" for flag in (holds.splits, holds.points, holds.bound, holds.references)]
        rows.append(tuple(row))
    return "".join("|" + "|".join(" %s " % cell if cell != "---" else cell for cell in row) + "|\n" for row in rows)


def test_the_page_tells_what_the_formats_hold():
    text = PAGE.read_text(encoding="utf-8")
    found = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert found == table(), "the table should be:\n" + table()
