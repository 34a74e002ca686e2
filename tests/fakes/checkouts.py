"""What stand-ins for upstream checkouts share: scripts that start them, faults on command, how they speak."""

import os
import sys
from pathlib import Path

SCRIPT = """import sys
sys.path.insert(0, %r)
import %s
%s.%s()
"""


def write_script(path, module, function):
    """A script of a checkout, which calls a function of a stand-in beside this file."""
    path.write_text(SCRIPT % (str(Path(__file__).resolve().parent), module, module, function))


def write_commit(folder, commit):
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text(commit.ljust(40, "0") + "\n")


def faults():
    """The faults that FAKE_FAULT names, comma separated."""
    return set(filter(None, os.environ.get("FAKE_FAULT", "").split(",")))


def say(text, end="\n", stream=None):
    print(text, end=end, file=stream or sys.stdout, flush=True)


def fail(text):
    """Ends as Python does after an exception."""
    say("Traceback (most recent call last):", stream=sys.stderr)
    say('  File "%s", line 92, in main' % Path(sys.argv[0]).name, stream=sys.stderr)
    say(text, stream=sys.stderr)
    sys.exit(1)
