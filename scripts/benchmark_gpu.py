#!/usr/bin/env python3
"""Measures our trainer on a GPU, and beside it nvdiffrec's train.py as a black box, on the same device and views.

    python3 scripts/benchmark_gpu.py --upstream NVDIFFREC --soft-light SKY.hdr           # both, bob, both lights
    python3 scripts/benchmark_gpu.py --upstream ... --sections stages,scaling,ablation   # ours alone, step by step
    python3 scripts/benchmark_gpu.py --sections none --write                             # tables of earlier results

NVDIFFREC is a checkout whose packages are installed. Its configs are used as they are but for `envmap` (a light that
everybody can have: any panorama, and scripts/make_noon_light.py's sun), `validate` and `out_dir`. Reading and drawing
of data is counted, compilation of kernels is not: each trainer first makes a short run. Figures are medians of --runs.
Both train on views drawn at random and are measured on nvdiffrec's 50 validation views over white, at one sample a
pixel. Sections: headline, short, stages, scaling, ranks (several GPUs), ablation; results collect in --results, so
that each can be measured on its own. Compare numbers of one machine only, and only while it does nothing else.
"""

import argparse
import datetime
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional

import measured_pages
from benchmarking import curves, references, stages, tables
from benchmarking.ours import Ours
from benchmarking.process import BenchmarkError
from benchmarking.tasks import SOFT, SUN, TASKS, config
from benchmarking.upstream import Upstream

REPOSITORY = Path(__file__).resolve().parent.parent
PICTURES = REPOSITORY / "docs" / "images"
SECTIONS = ("headline", "short", "stages", "scaling", "ranks", "ablation")
LISTS = ("scaling", "ranks", "ablation")
"""Sections that are rows with names; the others have an entry for each task, or but one."""

SCALED: List[Dict[str, Any]] = [
    {},
    {"batch": 1},
    {"batch": 2},
    {"batch": 8},
    {"train_res": [256, 256]},
    {"train_res": [1024, 1024]},
    {"dmtet_grid": 32},
    {"dmtet_grid": 96},
    {"dmtet_grid": 128},
    {"isosurface": "dmtet"},
    {"isosurface": "dmtet", "dmtet_grid": 128},
    {"texture_res": [512, 512]},
    {"texture_res": [2048, 2048]},
    {"probe_res": 128},
    {"dmtet_grid": 128, "texture_res": [2048, 2048]},
    {"dmtet_grid": 128, "texture_res": [2048, 2048], "train_res": [800, 800], "batch": 8},
]
ABLATED: List[Dict[str, Any]] = [
    {},
    {"initial_shape": "random"},
    {"coarse_share": 0.0},
    {"schedule": "nvdiffrec"},
    {"isosurface": "dmtet"},
    {"learning_rate": [[0.03, 0.01], [0.001, 0.01]]},
    {"probe_res": 128},
    {"probe_res": 32},
    {"normal_smoothness": 0.0},
    {"gloss_smoothness": 0.0},
    {"material_smoothness": 0.0},
    {"hash_log2_size": 18},
    {"light_neutrality": 0.005},
    {"reference_views": 64},
]
ABLATION_ITERATIONS = 300
RANKS_ITERATIONS = 400


def main() -> int:
    """Measures the sections that are asked for, prints, writes."""
    arguments = parse()
    results: Dict[str, Any] = {}
    for file in [arguments.results, *arguments.merge]:
        results = merged(results, json.loads(file.read_text())) if file.is_file() else results
    for section in arguments.sections:
        results.setdefault(section, [] if section in LISTS else {})
        MEASURE[section](arguments, results)
        save(arguments, results)
    for section in SECTIONS:
        if results.get(section):
            print("\n".join(["", "## " + section, "", text(section, results)]))
    if arguments.write:
        write(results)
    return 0


def save(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Writes what is known so far: a call that is ended early has not been in vain."""
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    arguments.results.write_text(json.dumps(results), encoding="utf-8")


def merged(results: Dict[str, Any], others: Dict[str, Any]) -> Dict[str, Any]:
    """Sections of two calls: tasks and rows of both; those of `others` where both have them.

    Raises:
        BenchmarkError: Rows of one table come from two kinds of device.
    """
    found = {**results, **others}
    for section in ("headline", "short"):
        found[section] = {**results.get(section, {}), **others.get(section, {})}
    for section in LISTS:
        both = [*results.get(section, []), *others.get(section, [])]
        found[section] = list({row["name"]: row for row in both}.values())
        names = sorted({row["device"]["name"] for row in found[section]})
        if len(names) > 1:
            raise BenchmarkError(
                "Rows of %s were measured on %s, and only those of one kind of device can be compared; "
                "leave one of the files out of --merge." % (section, " and on ".join(names))
            )
    return {section: value for section, value in found.items() if value}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upstream", type=Path, help="checkout of nvdiffrec; without it ours is measured alone")
    parser.add_argument("--upstream-python", default=sys.executable, help="an interpreter with its packages")
    parser.add_argument("--upstream-record", type=Path, help="upstream's figures measured earlier, in place of a run")
    parser.add_argument("--data", type=Path, help="folder with nvdiffrec's configs and data; default: --upstream")
    parser.add_argument("--soft-light", type=Path, help="a panorama (.hdr) without a hard sun")
    parser.add_argument("--tasks", default="bob,bob_sun", help="of " + ", ".join(TASKS))
    parser.add_argument("--sections", default="headline", help="of " + ", ".join(SECTIONS) + "; or none")
    parser.add_argument("--variants", default="", help="numbers of the rows of scaling and ablation; default: all")
    parser.add_argument("--short", default="100,200,400", help="iterations of the runs of that section, rising")
    parser.add_argument("--ranks", default="1,2,4", help="GPUs of the runs of that section")
    parser.add_argument("--runs", type=int, default=1, help="of each timed training")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="an option, for both trainers")
    parser.add_argument("--work", type=Path, default=REPOSITORY / "runs" / "benchmark_gpu")
    parser.add_argument("--results", type=Path, default=REPOSITORY / "runs" / "benchmark_gpu" / "results.json")
    parser.add_argument("--merge", type=Path, nargs="*", default=[], help="results of other calls on the same device")
    parser.add_argument("--write", action="store_true", help="put tables and curves into docs/")
    arguments = parser.parse_args()
    arguments.sections = [] if arguments.sections == "none" else arguments.sections.split(",")
    arguments.tasks = arguments.tasks.split(",")
    arguments.data = arguments.data or arguments.upstream
    unknown = [name for name in arguments.sections if name not in SECTIONS]
    unknown += [name for name in arguments.tasks if name not in TASKS]
    if unknown:
        parser.error("there is no %s" % ", ".join(unknown))
    if arguments.sections and not (arguments.data and arguments.soft_light):
        parser.error("give --soft-light, and --upstream or --data")
    arguments.ranks = [int(count) for count in arguments.ranks.split(",")]
    arguments.short = [int(count) for count in arguments.short.split(",")]
    arguments.changes = dict(parsed(setting) for setting in arguments.set)
    return arguments


def parsed(setting: str) -> Any:
    """KEY=JSON as a pair; what is no JSON is a word."""
    key, _, value = setting.partition("=")
    try:
        return key, json.loads(value)
    except json.JSONDecodeError:
        return key, value


def lights(arguments: argparse.Namespace) -> Dict[str, Path]:
    """File of each kind of light; the sun is made here."""
    sun = arguments.work / "noon.hdr"
    if not sun.is_file():
        sun.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, str(REPOSITORY / "scripts" / "make_noon_light.py"), str(sun)], check=True)
    return {SOFT: arguments.soft_light, SUN: sun}


def trainer(arguments: argparse.Namespace) -> Ours:
    """Our trainer."""
    return Ours(arguments.data, arguments.work / "ours")


def measure_headline(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Both trainers on every task."""
    earlier = recorded(arguments)
    found, sources = results["headline"], lights(arguments)
    for number, name in enumerate(arguments.tasks):
        values = config(TASKS[name], arguments.data, sources, arguments.changes)
        sides = found[name] = {}
        if arguments.upstream:
            sides["upstream"] = median(upstream_runs(arguments, name, values, first=number == 0))
        elif name in earlier:
            sides["upstream"] = earlier[name]
        target = sides.get("upstream", {}).get("psnr")
        sides["ours"] = our_figures(arguments, name, values, target, first=number == 0)
        sides.update(device=device(), changes=arguments.changes)
        validation = Path(sides.get("upstream", {}).get("validation", ""))
        if (validation / "val_000000_ref.png").is_file():
            sides["reference"] = references.compare(Path(sides["ours"]["validation"]), validation)


def recorded(arguments: argparse.Namespace) -> Dict[str, Any]:
    """Upstream's figures by task as they were measured earlier, if a file of them is given."""
    if not arguments.upstream_record:
        return {}
    record = json.loads(arguments.upstream_record.read_text())
    return {name: {**figures, "measured": record["device"], "runs": 1} for name, figures in record["tasks"].items()}


def upstream_runs(
    arguments: argparse.Namespace, name: str, values: Dict[str, Any], first: bool
) -> List[Dict[str, Any]]:
    """Upstream's whole runs of a task."""
    upstream = Upstream(arguments.upstream, arguments.upstream_python, arguments.work / "upstream")
    if first:
        upstream.build(values)
    return [upstream.record(name, values) for _ in range(arguments.runs)]


def our_figures(
    arguments: argparse.Namespace, name: str, values: Dict[str, Any], target: Optional[float], first: bool
) -> Dict[str, Any]:
    """Our figures on a task: timed runs, the measured one, and short ones until one is as good as `target`."""
    ours = trainer(arguments)
    if first:
        ours.build(values)
    timed = median([ours.timed(name, values) for _ in range(arguments.runs)])
    record = {**timed, **ours.measured(name + "_measured", values, timed["stamps"])}
    if target is None:
        return record
    return {**record, "until": curves.seconds_until(record["curve"], target)}


def measure_short(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """The shortest of our runs that ends at least as good as upstream's."""
    ours, sources, earlier = trainer(arguments), lights(arguments), recorded(arguments)
    for name in arguments.tasks:
        values = config(TASKS[name], arguments.data, sources, arguments.changes)
        target = results.get("headline", {}).get(name, {}).get("upstream", earlier.get(name, {})).get("psnr")
        if target is None:
            raise BenchmarkError("What nvdiffrec reaches on %s is not known; measure the headline first." % name)
        for iterations in arguments.short:
            short = {**values, "iter": iterations}
            run = ours.timed("%s_%d" % (name, iterations), short)
            psnr = ours.measured("%s_%d_measured" % (name, iterations), short, run["stamps"])["psnr"]
            results["short"][name] = {
                "iter": iterations,
                "seconds": run["seconds"],
                "psnr": psnr,
                "target": target,
                "device": device(),
            }
            if psnr >= target:
                break


def median(records: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The record whose whole run took the median time; with the medians of the other figures."""
    ranked = sorted(records, key=lambda record: record["seconds"])
    chosen = {**ranked[len(ranked) // 2], "runs": len(records)}
    for key, value in chosen.items():
        if isinstance(value, float):
            chosen[key] = statistics.median(record[key] for record in records)
    chosen["ms"] = [statistics.median(values) for values in zip(*(record["ms"] for record in records))]
    return chosen


def measure_stages(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Kernels by stage of bob's iterations, and the floors."""
    rates = stages.measured_rates()
    shapes = profiled(arguments, {}, "stages")
    results["stages"] = {
        "device": device(),
        "shapes": shapes,
        "rates": [rates.bytes_per_second, rates.operations_per_second],
        "rates_source": "a large copy and a large float32 matrix product, measured there",
    }


def measure_scaling(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Time and memory of an iteration for every row of `SCALED`."""
    kept = {row["name"]: row for row in results["scaling"]}
    for changes in chosen(SCALED, arguments.variants):
        name = described(changes)
        kept[name] = {"name": name, "device": device(), "shapes": profiled(arguments, changes, "scaling")}
        results["scaling"] = list(kept.values())
        save(arguments, results)


def profiled(arguments: argparse.Namespace, changes: Dict[str, Any], name: str) -> List[Dict[str, Any]]:
    """What an iteration costs with changed options."""
    mesh = arguments.data.resolve() / "data" / "bob" / "bob_tri.obj"
    options = {**stages.DEFAULTS, **arguments.changes, **changes}
    set_options = {**arguments.changes, **changes}
    found = stages.profile(trainer(arguments).work, mesh, arguments.soft_light.resolve(), set_options, name)
    return tables.shapes(found, options, stages.light_work(options["probe_res"]))


def measure_ranks(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Quality and time on several GPUs, on the first of the tasks."""
    ours, task = trainer(arguments), arguments.tasks[0]
    values = {**config(TASKS[task], arguments.data, lights(arguments), {}), "iter": RANKS_ITERATIONS}
    values = {**values, "save_interval": 0, "checkpoint_interval": 0, "validation_views": 50, **arguments.changes}
    ours.build(values)
    kept = {row["name"]: row for row in results["ranks"]}
    for count in arguments.ranks:
        timed = ours.timed("ranks_%d" % count, values, count)
        pixels = count * values["batch"] * values["train_res"][0] * values["train_res"][1]
        name = str(count)
        kept[name] = {"name": name, "device": device(), "pixels": pixels, **timed}
        results["ranks"] = list(kept.values())
        save(arguments, results)


def measure_ablation(arguments: argparse.Namespace, results: Dict[str, Any]) -> None:
    """Quality and time for every row of `ABLATED`, on the first of the tasks."""
    ours, task = trainer(arguments), arguments.tasks[0]
    values = {**config(TASKS[task], arguments.data, lights(arguments), {}), "iter": ABLATION_ITERATIONS}
    ours.build({**values, **arguments.changes})
    kept = {row["name"]: row for row in results["ablation"]}
    for changes in chosen(ABLATED, arguments.variants):
        varied = {**values, "save_interval": 0, **arguments.changes, **changes}
        timed = ours.timed("ablation", varied)
        name = described(changes)
        measured = ours.measured("ablation_measured", varied, timed["stamps"])
        kept[name] = {"name": name, "device": device(), **timed, **measured}
        results["ablation"] = list(kept.values())
        save(arguments, results)


def chosen(rows: List[Dict[str, Any]], numbers: str) -> List[Dict[str, Any]]:
    """All rows, or those with these numbers."""
    return [rows[int(number)] for number in numbers.split(",")] if numbers else rows


def described(changes: Dict[str, Any]) -> str:
    """Changed options in words."""
    return ", ".join("`%s` %s" % (key, json.dumps(value).strip('"')) for key, value in changes.items()) or "nothing"


def device() -> Dict[str, str]:
    """The GPU's name, and when."""
    query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        name = subprocess.run(query, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[0]
    except (FileNotFoundError, subprocess.CalledProcessError):
        name = "no GPU"
    return {"name": name, "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat()}


def text(section: str, results: Dict[str, Any]) -> str:
    """A section's table."""
    return {
        "headline": tables.headline,
        "short": tables.short,
        "stages": tables.stage_table,
        "scaling": tables.scaling,
        "ranks": tables.ranks,
        "ablation": tables.ablation,
    }[section](results[section])


def write(results: Dict[str, Any]) -> None:
    """Puts tables between their marks in docs/benchmarks.md and curves beside it."""
    for section in [section for section in SECTIONS if results.get(section)]:
        measured_pages.replace(measured_pages.BENCHMARKS, section, "benchmark_gpu.py", text(section, results))
    for name, sides in results.get("headline", {}).items():
        named = [
            (shown, sides[side]["curve"], sides[side].get("orbit", []))
            for side, shown in NAMES.items()
            if sides.get(side, {}).get("curve")
        ]
        if "ours" in sides and named:
            picture = curves.picture("%s: PSNR of the validation orbit" % TASKS[name].title, named)
            (PICTURES / ("curve_%s.svg" % name)).write_text(picture, encoding="utf-8")


NAMES = {"upstream": "nvdiffrec: one view of the orbit each; discs: all 50", "ours": "TopForge: mean of all 50 views"}
MEASURE: Dict[str, Callable[[argparse.Namespace, Dict[str, Any]], None]] = {
    "headline": measure_headline,
    "short": measure_short,
    "stages": measure_stages,
    "scaling": measure_scaling,
    "ranks": measure_ranks,
    "ablation": measure_ablation,
}

if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as error:
        sys.exit(str(error))
