"""Stands in for micromamba: records what it is asked and makes a folder that looks like what it would make.

The environment's `bin/python` is a stand-in as well: it records each `-m pip install` with the variables that builds
look at, and "installs" empty packages of the right names, which the doctor's real question can then import.
FAKE_MAMBA_LOG names the record. FAKE_MAMBA_FAULT: "solve" (creation fails) or "build" (a build without isolation does).
"""

import json
import os
import re
import shlex
import sys
from pathlib import Path

STUB = """
__version__ = %r
def is_cpu_available(): return True
class version:
    cuda = None
class zeros:
    def __init__(self, count): pass
    def numpy(self): return [0.0]
"""
MODULES = {"warp-lang": "warp", "opencv-python-headless": "cv2"}
WATCHED = ("CC", "CXX", "CUDA_HOME", "CPATH", "LIBRARY_PATH", "TCNN_CUDA_ARCHITECTURES", "TORCH_CUDA_ARCH_LIST")
WATCHED += ("PYTHONPATH", "PYTHONHOME", "PYTHONNOUSERSITE", "CONDA_PREFIX", "PATH")


def record(entry):
    with Path(os.environ["FAKE_MAMBA_LOG"]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(entry) + "\n")


def create(words):
    if os.environ.get("FAKE_MAMBA_FAULT") == "solve":
        sys.exit("error    libmamba Could not solve for environment specs")
    prefix, file = Path(words[words.index("--prefix") + 1]), Path(words[words.index("--file") + 1])
    version = re.search(r"^ *- python=(\S+)$", file.read_text(), re.MULTILINE).group(1)
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "conda-meta" / ("python-%s.9-h0_cpython.json" % version)).write_text("{}")
    (prefix / "bin").mkdir()
    python = prefix / "bin" / "python"
    python.write_text(
        '#!/bin/sh\nexec %s %s --python %s "$@"\n' % (sys.executable, Path(__file__), shlex.quote(str(prefix)))
    )
    python.chmod(0o755)


def pip(prefix, words):
    record({"pip": words, "variables": {name: os.environ.get(name) for name in WATCHED}})
    if "--no-build-isolation" in words and os.environ.get("FAKE_MAMBA_FAULT") == "build":
        sys.exit("fatal error: filesystem: No such file or directory")
    lines = [word for word in words if "==" in word]
    for flag, value in zip(words, words[1:]):
        if flag == "-r":
            lines += Path(value).read_text().splitlines()
    for line in lines:
        found = re.match(r"([A-Za-z][\w.-]*)(?:==(\S+))?", line)
        if found:
            name = MODULES.get(found.group(1), found.group(1))
            package = prefix / "site" / name
            package.mkdir(parents=True, exist_ok=True)
            (package / "__init__.py").write_text(STUB % (found.group(2) or "0"))


def main(words):
    if words[0] == "--python":
        prefix = Path(words[1])
        if words[2:4] == ["-m", "pip"]:
            return pip(prefix, words[4:])
        os.environ["PYTHONPATH"] = str(prefix / "site")
        return os.execv(sys.executable, [sys.executable, *words[2:]])
    record({"asked": words})
    if words == ["info", "--json"]:
        return print(json.dumps({"envs directories": [str(Path(os.environ["FAKE_MAMBA_LOG"]).parent / "envs")]}))
    return create(words)


if __name__ == "__main__":
    main(sys.argv[1:])
