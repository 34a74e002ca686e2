"""Measurements as Markdown."""

import json
import math
from typing import Any, Dict, List, Sequence, Tuple

from benchmarking import stages
from benchmarking.tasks import TASKS

NAMES = {"upstream": "nvdiffrec", "ours": "TopForge"}
REQUIRED = {  # what the project asks of one H100: seconds to upstream's PSNR, ms a step in each pass, PSNR at the end
    "bob": (35.0, 15.0, 8.0, 39.0),
    "bob_sun": (35.0, 15.0, 8.0, 32.5),
}


def number(value: Any, form: str = "%.1f") -> str:
    """A figure, or a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else form % value


def rows(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    shown = ["| %s |" % " | ".join(header), "|%s" % ("---|" * len(header))]
    return "\n".join([*shown, *("| %s |" % " | ".join(line) for line in lines)])


def measured_on(record: Dict[str, Any]) -> str:
    """The device and the day of a measurement, as a line above its table."""
    return "%(name)s, %(date)s." % record["device"]


def headline(results: Dict[str, Any]) -> str:
    """Both trainers, a row each for every task."""
    header = ["task", "GPU", "trainer", "whole run", "ms a step, pass 1 / 2", "PSNR after pass 1 / at the end"]
    header += ["until nvdiffrec's final PSNR", "peak GPU memory"]
    lines, notes = [], []
    for name, sides in results.items():
        for side, shown in NAMES.items():
            if side not in sides:
                continue
            record = sides[side]
            ms = " / ".join(number(value) for value in record["ms"])
            psnr = "%s / %s dB" % (number(record["psnr_pass1"], "%.2f"), number(record["psnr"], "%.2f"))
            until = number(record.get("until"), "%.1f s") if side == "ours" else number(record["seconds"], "%.0f s")
            line = [
                title(name, sides),
                record.get("measured", sides["device"]["name"]),
                shown,
                number(record["seconds"], "%.1f s"),
            ]
            lines.append([*line, ms, psnr, until, number(record["peak_gpu_mib"], "%.0f MiB")])
        notes += sentences(name, sides)
    return "\n".join([rows(header, lines), "", *notes])


def title(name: str, sides: Dict[str, Any]) -> str:
    """A task and what was changed in its config."""
    changed = ["`%s` %s" % (key, json.dumps(value)) for key, value in sides["changes"].items()]
    return ", ".join([TASKS[name].title, *changed])


def sentences(name: str, sides: Dict[str, Any]) -> List[str]:
    """What the table has no column for, as a point of a list."""
    ours, found = sides.get("ours"), []
    for side, shown in NAMES.items():
        if side in sides:
            count = sides[side]["runs"]
            found.append("%s: %s" % (shown, "one run" if count == 1 else "median of %d runs" % count))
    said = ["%s; both measured on one device." % ", ".join(found)]
    if "measured" in sides.get("upstream", {}):
        said = ["%s; nvdiffrec on another day or machine: %s." % (", ".join(found), sides["upstream"]["measured"])]
    if "reference" in sides:
        reference = sides["reference"]
        said.append(
            "Their reference pictures agree to %.2f dB; after one factor on our radiance (%.3f, %.3f, %.3f for red, "
            "green, blue) to %.2f dB." % (reference["psnr"], *reference["factors"], reference["psnr_scaled"])
        )
    if name in REQUIRED and ours and not sides["changes"]:
        seconds, first, second, psnr = REQUIRED[name]
        checks = [("%g s to nvdiffrec's PSNR" % seconds, ours.get("until", math.inf) <= seconds)]
        checks += [("%g and %g ms a step" % (first, second), ours["ms"][0] <= first and ours["ms"][1] <= second)]
        checks += [("%g dB" % psnr, ours["psnr"] >= psnr)]
        text = ", ".join("%s: %s" % (what, "reached" if ok else "MISSED") for what, ok in checks)
        said.append("Required: %s." % text)
    return ["- **%s.** %s" % (title(name, sides), " ".join(said))]


def short(results: Dict[str, Any]) -> str:
    """The shortest runs that end as good as upstream's long ones."""
    header = ["task", "GPU", "iterations of a pass", "whole run, start to exit", "PSNR at the end"]
    header += ["nvdiffrec's, whole run"]
    lines = []
    for name, run in results.items():
        psnr = [number(run[key], "%.2f dB") for key in ("psnr", "target")]
        line = [TASKS[name].title, run["device"]["name"], "%d" % run["iter"], number(run["seconds"], "%.1f s")]
        lines.append([*line, *psnr])
    return rows(header, lines)


def stage_table(result: Dict[str, Any]) -> str:
    """Milliseconds of each stage of an iteration against its floors."""
    parts = []
    bandwidth, operations = result["rates"]
    for shape in result["shapes"]:
        floors, measured = shape["floors"], shape["stages"]
        lines = []
        for name, (milliseconds, launches) in sorted(measured.items(), key=lambda item: -item[1][0]):
            work = floors.get(name)
            least = ["", ""] if work is None else [number(1000 * work[0] / operations, "%.3f")]
            least += [] if work is None else [number(1000 * work[1] / bandwidth, "%.3f")]
            lines.append([name, number(milliseconds, "%.3f"), "%.0f" % launches, *least])
        title = (
            "Pass %d, %d views at %s, %d covered pixels: %.2f ms by the clock, %.2f ms of them busy, %.0f launches."
            % (
                shape["pass"] + 1,
                shape["views"],
                "half resolution" if shape["level"] else "full resolution",
                shape["pixels"],
                shape["clock"],
                shape["busy"],
                shape["launches"],
            )
        )
        header = ["stage", "ms", "launches", "floor by operations, ms", "floor by bytes, ms"]
        parts += [title, "", rows(header, lines), ""]
    rates = "Floors at %.2f TB/s and %.1f TFLOP/s (%s)."
    return "\n".join(
        [measured_on(result), "", *parts, rates % (bandwidth / 1e12, operations / 1e12, result["rates_source"])]
    )


def scaling(results: Sequence[Dict[str, Any]]) -> str:
    """Time and memory of an iteration against what was changed."""
    header = ["changed", "pass 1 half / full resolution, ms", "pass 2, ms", "covered pixels, pass 2", "peak memory"]
    lines = []
    for result in results:
        shapes = {(shape["pass"], min(shape["level"], 1)): shape for shape in result["shapes"]}
        clock = [number(shapes[key]["clock"] if key in shapes else None, "%.2f") for key in ((0, 1), (0, 0), (1, 0))]
        peak = max(shape["peak"] for shape in result["shapes"])
        pixels = shapes[(1, 0)]["pixels"] if (1, 0) in shapes else 0
        lines.append([result["name"], " / ".join(clock[:2]), clock[2], "%d" % pixels, "%.0f MiB" % peak])
    return "\n".join([measured_on(results[0]), "", rows(header, lines)])


def ranks(results: Sequence[Dict[str, Any]]) -> str:
    """Pixels a second and PSNR against the number of GPUs."""
    header = ["GPUs", "ms a step, pass 1 / 2", "pixels a second against the first row, pass 1 / 2", "whole run", "PSNR"]
    lines = []
    for result in results:
        speeds = [result["pixels"] / ms for ms in result["ms"]]
        first = [results[0]["pixels"] / ms for ms in results[0]["ms"]]
        lines.append(
            [
                result["name"],
                " / ".join(number(ms, "%.2f") for ms in result["ms"]),
                " / ".join("%.2f" % (speed / base) for speed, base in zip(speeds, first)),
                number(result["seconds"], "%.1f s"),
                number(result["psnr_supersampled"], "%.2f dB"),
            ]
        )
    return "\n".join([measured_on(results[0]), "", rows(header, lines)])


def ablation(results: Sequence[Dict[str, Any]]) -> str:
    """PSNR and seconds of each change from the defaults."""
    header = ["changed", "PSNR after pass 1 / at the end", "against the first row", "whole run", "triangles"]
    first = results[0]["psnr"]
    lines = [
        [
            result["name"],
            "%s / %s dB" % (number(result["psnr_pass1"], "%.2f"), number(result["psnr"], "%.2f")),
            number(result["psnr"] - first, "%+.2f dB"),
            number(result["seconds"], "%.1f s"),
            "%d" % result["triangles"],
        ]
        for result in results
    ]
    return "\n".join([measured_on(results[0]), "", rows(header, lines)])


def shapes(found: Dict[str, Any], options: Dict[str, Any], light: Tuple[int, int]) -> List[Dict[str, Any]]:
    """What scripts/profile_steps.py found, with stages and floors."""
    result = []
    for key, cost in found.items():
        training_pass, level, views = map(int, key.split())
        height, width = options["train_res"]
        frame = views * (height >> level) * (width >> level)
        pixels = int(cost["lengths"].get("pixels", 0))
        size = stages.Size(training_pass, frame, pixels, options, light)
        result.append(
            {
                "pass": training_pass,
                "level": level,
                "views": views,
                "pixels": pixels,
                **{name: cost[name] for name in ("clock", "busy", "launches", "peak")},
                "stages": stages.by_stage(cost["kernels"]),
                "floors": stages.floors(size),
            }
        )
    return result
