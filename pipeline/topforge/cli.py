"""The command line `topforge`: verbs, each in a module of its own that is imported only when it is used.

A failure ends in two lines on stderr, what happened and what to do, and in the exit code of its class.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import itertools
import os
import re
import sys
import textwrap
import traceback
from pathlib import Path
from types import ModuleType
from typing import List, NoReturn, Optional, Sequence

from topforge import __version__, terminal_style
from topforge.errors import EXIT_CODES, FailureClass, TopForgeError

VERBS = ("check", "convert", "presets", "train", "extend", "cook", "run-item", "report", "doctor", "env", "adopt")
_INTERRUPTED = 130


class UsageError(TopForgeError):
    """A command line that cannot be understood."""

    @property
    def exit_code(self) -> int:
        """2, as everywhere."""
        return 2


_INVALID_CHOICE = re.compile(r"invalid choice: '(?P<given>[^']*)' \(choose from (?P<known>.*)\)$")
"""How argparse ends its message about a value that is none of the choices; older ones put these in quotes."""


class _Parser(argparse.ArgumentParser):
    """Tells mistakes in our two lines, with the nearest spelling of an unknown flag or choice."""

    def error(self, message: str) -> NoReturn:
        wrong = _INVALID_CHOICE.search(message)
        known = re.findall(r"[\w.-]+", wrong.group("known")) if wrong else []
        fix = _nearest(wrong.group("given"), known) if wrong else ""
        raise UsageError(message[:1].upper() + message[1:] + ".", fix + "See `%s --help`." % self.prog)

    def parse(self, words: Sequence[str]) -> argparse.Namespace:
        self._refuse_spread_lists(words)
        arguments, unknown = self.parse_known_args(list(words))
        if unknown:
            flags = sorted(set(re.findall(r"--[A-Za-z][\w.-]*", self.format_help())))
            fix = _nearest(unknown[0].split("=")[0], flags) if unknown[0].startswith("-") else ""
            raise UsageError('"%s" is not understood.' % unknown[0], fix + "See `%s --help`." % self.prog)
        return arguments

    def _refuse_spread_lists(self, words: Sequence[str]) -> None:
        """Names `--train_res 64 64`, of which the second number would be taken for a file."""
        for index, flag in enumerate(words):
            action = self._option_string_actions.get(flag)
            numbers = list(itertools.takewhile(_is_value, words[index + 1 :]))
            if action is not None and action.nargs is None and len(numbers) > 1:
                fix = "A list is one word: %s %s. See `%s --help`." % (flag, ",".join(numbers), self.prog)
                raise UsageError("More than one value follows %s." % flag, fix)


def _is_value(word: str) -> bool:
    """Whether it is a number, and no file of that name: a capture may be called 2024."""
    return bool(re.match(r"-?[0-9.]+$", word)) and not Path(word).exists()


def _nearest(given: str, known: Sequence[str]) -> str:
    """The beginning of a fix: the nearest spelling, as a question; "" where nothing is near."""
    near = difflib.get_close_matches(given, known, n=1)
    return "Did you mean %s? " % near[0] if near else ""


def main(words: Optional[Sequence[str]] = None) -> int:
    """Runs one command line (without the program's name; None = this process's own) and returns its exit code."""
    exit_code = _guarded(sys.argv[1:] if words is None else words)
    try:
        sys.stdout.flush()
    except OSError:  # the reader of our output went away, as in `| head`
        _drop_output()
    return exit_code


def _drop_output() -> None:
    """Lets what is still buffered go nowhere, or Python would complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _guarded(words: Sequence[str]) -> int:
    debug = "--debug" in words
    try:
        return _run([word for word in words if word != "--debug"])
    except TopForgeError as error:
        return _tell(error.reason, error.fix, error.exit_code, debug)
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the terminal has written ^C, perhaps after a line of ours
        return _tell("Interrupted.", "Run the same command again.", _INTERRUPTED, debug)
    except BrokenPipeError:
        _drop_output()
        return 0
    except Exception as error:
        reason = "%s: %s (a defect of TopForge)." % (type(error).__name__, error)
        fix = "Run it again with --debug and report the traceback."
        return _tell(reason, fix, EXIT_CODES[FailureClass.INTERNAL], debug)


def _tell(reason: str, fix: str, exit_code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print("topforge: %s\n  %s" % (reason, fix), file=sys.stderr)
    return exit_code


def _run(words: List[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if words else 2
    if words[0] in ("-V", "--version"):
        print("topforge " + __version__)
        return 0
    module = _module(words[0])
    parser = _Parser("topforge " + words[0], description=_sentence(module), allow_abbrev=False)
    module.add_arguments(parser)
    if hasattr(module, "add_options"):
        module.add_options(parser, words[1:])
    parser.add_argument("--debug", action="store_true", help="show the traceback of a failure")
    return int(module.run(parser.parse(words[1:])))


def _module(verb: str) -> ModuleType:
    if verb not in VERBS:
        raise UsageError('There is no verb "%s".' % verb, _nearest(verb, VERBS) + "Verbs: %s." % ", ".join(VERBS))
    return importlib.import_module("topforge.verbs." + verb.replace("-", "_"))


def _sentence(module: ModuleType) -> str:
    text = str(module.HELP)
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _overview() -> str:
    lines = ["TopForge %s: photographs to textured, physically based assets." % __version__, ""]
    lines += ["usage: topforge VERB ...   (topforge VERB --help explains)", ""]
    room = terminal_style.width()
    for verb in VERBS:
        lines += textwrap.wrap(_module(verb).HELP, room, initial_indent="  %-10s " % verb, subsequent_indent=" " * 13)
    return "\n".join(lines)
