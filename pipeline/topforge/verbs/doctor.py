"""`topforge doctor`: is this environment on this machine fit for that trainer, and if not, what to do."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from topforge import terminal_style
from topforge.doctor import checks_environment, checks_gpu, checks_machine, text
from topforge.doctor.model import Status
from topforge.doctor.subject import Subject
from topforge.doctor.targets import TARGETS
from topforge.environments import prefix_discovery

HELP = "check this machine and an environment, with a fix for everything that is wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    parser.add_argument(
        "--env", metavar="PREFIX", help='environment to judge: its root or its name (default "current": what runs this)'
    )
    parser.add_argument(
        "--for", dest="target", choices=sorted(TARGETS), default="topforge", help="trainer to judge for (%(default)s)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIR", help="folder that runs go to (the current one)"
    )
    parser.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds for importing everything (%(default)g)"
    )
    parser.add_argument("--fix", action="store_true", help="remove locks left by killed builds, naming each")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="for programs")
    form.add_argument("--paste", action="store_true", help="a block for a bug report, without your home folder")


def run(arguments: argparse.Namespace) -> int:
    """Runs all checks and shows the findings. 0 when nothing is wrong (warnings aside), else 1."""
    named = arguments.env not in (None, "current")
    prefix = prefix_discovery.locate(arguments.env, os.environ) if named else None
    subject = Subject(
        TARGETS[arguments.target],
        prefix,
        os.environ,
        arguments.output.absolute(),
        repair=arguments.fix,
        say=lambda line: print(line, file=sys.stderr),
        timeout=arguments.timeout,
    )
    machine = checks_machine.CHECKS.run(subject)  # while the environment's Python is importing
    findings = [*checks_environment.CHECKS.run(subject), *checks_gpu.CHECKS.run(subject), *machine]
    if arguments.json:
        print(json.dumps(text.as_json(findings, subject), indent=1))
    elif arguments.paste:
        print(text.paste(findings, subject), end="")
    else:
        style = terminal_style.style_for(sys.stdout, os.environ)
        print(text.render(findings, subject, style, terminal_style.width()), end="")
    return 1 if any(finding.outcome.status is Status.PROBLEM for finding in findings) else 0
