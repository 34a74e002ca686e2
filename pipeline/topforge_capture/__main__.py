"""`python -m topforge_capture check FOLDER`: what `topforge check` starts in an environment that has numpy.

Its other verb, `convert`, is described in `convert_command`.

Lines on stdout: `progress=0.42 message=...` while it works, then the report as text, then one line `summary=` with JSON
(`errors`, `warnings`, `reason`, `fix`) for whoever started it; of a failure `reason`, `fix` and its `class`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from topforge import atomic, wavefront
from topforge.errors import FailureClass, TopForgeError
from topforge_capture import cameras_picture, contact_sheet, convert_command, mesh_check, mesh_picture, report, text
from topforge_capture.checks import CHECKS, Material, Options, run
from topforge_capture.checks.masks import WITHOUT
from topforge_capture.survey import survey

EXIT_FINDINGS = 1
SURVEY, CHECKED = 0.75, 0.85
"""Progress at the end of the survey and of the checks."""


class FileSystemError(TopForgeError):
    """Something cannot be written, or not be read any more."""

    failure_class = FailureClass.INFRA

    def __init__(self, error: OSError) -> None:
        super().__init__("%s." % error, "Look at that place: is there such a folder, may it be written, is it full?")


def main(words: Optional[List[str]] = None) -> int:
    """Checks a capture: exit code 0 when it can be trained on, 1 when findings say otherwise. Or converts one."""
    arguments = _parser().parse_args(words)
    try:
        return convert_command.run(arguments, _say) if arguments.verb == "convert" else _check(arguments)
    except TopForgeError as error:
        return _failed(error)
    except OSError as error:
        return _failed(FileSystemError(error))


def _failed(error: TopForgeError) -> int:
    print("%s\n  %s" % (error.reason, error.fix))
    told = {"reason": error.reason, "fix": error.fix, "class": error.failure_class.value}
    print("summary=" + json.dumps(told), flush=True)
    return error.exit_code


def _check(arguments: argparse.Namespace) -> int:
    folder = arguments.folder.absolute()
    options = Options(arguments.minimum_views, arguments.mesh_scale, arguments.masks)
    check = _check_mesh if wavefront.is_mesh(str(folder)) else _check_capture
    made = check(folder, options, arguments.pictures)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_json(arguments.json, made)
    _say(1.0, "checked")
    print(text.render(made))
    stopping = ("error",) if arguments.fail_on == "error" else ("error", "warning")
    print("summary=" + json.dumps(summary(made, stopping)), flush=True)
    return EXIT_FINDINGS if any(made["counts"][severity] for severity in stopping) else 0


def _check_capture(folder: Path, options: Options, pictures: List[Path]) -> Dict[str, Any]:
    """The report on photographs."""
    material = Material(survey(folder, lambda done, message: _say(SURVEY * done, message)), options)
    results = run(CHECKS, material, lambda done, message: _say(SURVEY + (CHECKED - SURVEY) * done, message))
    made = report.build(material, results)
    if pictures:
        _draw(pictures, material, results, made)
    return made


def _check_mesh(path: Path, options: Options, pictures: List[Path]) -> Dict[str, Any]:
    """The report on a mesh that takes their place."""
    _say(0.0, "reading the mesh")
    mesh, made = mesh_check.check(path, options)
    _say(SURVEY, "drawing the mesh")
    for folder in pictures:
        folder.mkdir(parents=True, exist_ok=True)
        mesh_picture.write(folder, path, mesh, made)
    return made


def _draw(folders: List[Path], material: Material, results: report.Results, made: Dict[str, Any]) -> None:
    """Draws into the first folder and copies to the others."""
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    _say(CHECKED, "drawing the cameras")
    cameras_picture.write(folders[0] / "cameras.png", material, results, made)
    _say(0.95, "drawing the contact sheet")
    contact_sheet.write(folders[0] / "contact_sheet.png", material, made)
    for name in ("cameras.png", "contact_sheet.png"):
        for folder in folders[1:]:
            atomic.write_bytes(folder / name, (folders[0] / name).read_bytes())


def summary(made: Dict[str, Any], stopping: Tuple[str, ...]) -> Dict[str, Any]:
    """The findings that stop a training in one sentence each, shortened to three; `reason` is "" without any."""
    found = [f for check in made["checks"] for f in check["findings"] if f["severity"] in stopping]
    sentences = [f["sentence"] + _shortened([n for n in f["files"] if n not in f["sentence"]]) for f in found[:3]]
    rest = ["And %d more findings." % (len(found) - 3)] if len(found) > 3 else []
    return {
        "errors": made["counts"]["error"],
        "warnings": made["counts"]["warning"],
        "reason": " ".join(sentences + rest),
        "fix": " ".join(f["fix"] for f in found[:3] if f["fix"]),
    }


def _shortened(files: List[str]) -> str:
    more = ", and %d more" % (len(files) - 4) if len(files) > 4 else ""
    return " (%s%s)" % (", ".join(files[:4]), more) if files else ""


def _say(done: float, message: str) -> None:
    print("progress=%.3f message=%s" % (done, message), flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m topforge_capture", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    check = verbs.add_parser("check", help="check a capture before training")
    check.add_argument("folder", type=Path, help="the capture, or a mesh (.obj)")
    check.add_argument("--json", type=Path, help="write the report to this file")
    check.add_argument(
        "--pictures", type=Path, action="append", default=[], help="write pictures into this folder; may be repeated"
    )
    check.add_argument("--minimum-views", type=int, default=Options.minimum_views)
    check.add_argument("--mesh-scale", type=float, default=Options.mesh_scale)
    check.add_argument("--masks", choices=tuple(WITHOUT), default=Options.masks)
    check.add_argument("--fail-on", choices=("error", "warning"), default="error")
    convert_command.add_arguments(verbs.add_parser("convert", help=convert_command.HELP))
    return parser


if __name__ == "__main__":
    sys.exit(main())
