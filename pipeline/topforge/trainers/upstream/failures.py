"""What the last lines of upstream trainers mean: one table for what all share, each adapter's own before it."""

from __future__ import annotations

import dataclasses
import re
from typing import Optional, Sequence, Tuple

from topforge.errors import FailureClass
from topforge.trainers.base import Diagnosis


@dataclasses.dataclass(frozen=True)
class Failure:
    """One kind of failure, recognised by what is printed."""

    pattern: str
    """Searched in each line. `{name}` in `reason` and `fix` is its group of that name."""
    reason: str
    """What happened, in plain words."""
    fix: str
    failure_class: FailureClass = FailureClass.CONFIG


SHARED: Tuple[Failure, ...] = (
    Failure(
        r"CUDA out of memory|OutOfMemoryError|CUDA(_ERROR| error): ?_?out.of.memory|CUDNN_STATUS_ALLOC_FAILED",
        "The GPU's memory is not enough",
        "Use a GPU with more memory, or lower batch, resolution, layers, textures and grid, in that order.",
        FailureClass.OOM,
    ),
    Failure(
        r"Numpy is not available",
        "This torch was built against NumPy 1 and cannot talk to NumPy 2",
        'Run `pip install "numpy<2"` in the environment.',
    ),
    Failure(
        r"module 'numpy' has no attribute '(?P<name>int|float|bool|object)'",
        "The trainer uses numpy.{name}, which NumPy 1.24 removed; a mesh with several materials gets there",
        'Run `pip install "numpy<1.24"` in the environment, or give the mesh a single material.',
    ),
    Failure(
        r"cuda_runtime_api\.h: No such file",
        "The CUDA toolkit's headers are not there, so that no extension can be compiled",
        "Install the toolkit of torch's CUDA version into the environment (cuda-toolkit by conda), or name one in the "
        "item's environment as CUDA_HOME; `topforge doctor` shows which it finds.",
    ),
    Failure(
        r"nvcc fatal\s*: Unsupported gpu architecture '?(?P<name>[\w_]+)?",
        "The CUDA toolkit is older than this GPU and cannot compile for it ({name})",
        "Install a newer toolkit with a torch built for it, and name it as CUDA_HOME.",
    ),
    Failure(
        r"Unknown compute capability",
        "tinycudann found no GPU: torch is a CPU build, no device is visible, or no driver answers",
        "Lease a GPU (--gpus 1). If one is leased, see `topforge doctor`; to build tinycudann where there is none, set "
        "TCNN_CUDA_ARCHITECTURES, such as 86.",
    ),
    Failure(
        r"Torch not compiled with CUDA enabled",
        "torch in this environment is a CPU build",
        "Install a torch built for CUDA; `topforge doctor` shows which one is there.",
    ),
    Failure(
        r"No CUDA GPUs are available|Found no NVIDIA driver|no CUDA-capable device is detected",
        "The trainer sees no GPU",
        "Lease one: needs.gpus 1, or --gpus 1. If one is leased, see `topforge doctor`.",
    ),
    Failure(
        r"no kernel image is available for execution",
        "torch, tinycudann or an extension was compiled for another GPU than this one",
        "Install a torch that knows this GPU, build tinycudann anew on it, and remove the old extensions.",
    ),
    Failure(
        r"The detected CUDA version \((?P<name>[\d.]+)\) mismatches",
        "The CUDA toolkit found ({name}) is not of the version that torch was built for",
        "Name a toolkit of torch's version as CUDA_HOME; `topforge env` shows which one is used.",
    ),
    Failure(
        r"fatal error: filesystem: No such file",
        "The C++ compiler is older than C++17, which tinycudann needs",
        "Use gcc and g++ 9 or newer (conda: gxx_linux-64), and name them as CC and CXX in the item's environment.",
    ),
    Failure(
        r"unsupported GNU version|#error -- unsupported",
        "The C++ compiler is newer than this CUDA toolkit accepts",
        "Use an older gcc and g++ (conda: gxx_linux-64), and name them as CC and CXX in the item's environment.",
    ),
    Failure(
        r"fatal error: EGL/egl\.h",
        "nvdiffrast before 0.4 compiles an OpenGL plugin, and EGL's headers are not there",
        "Install nvdiffrast 0.4 or newer, or the package libegl-dev.",
    ),
    Failure(
        r"Ninja is required to load C\+\+ extensions",
        "The program ninja, which builds extensions, is not in the environment",
        "Run `pip install ninja` in the environment.",
    ),
    Failure(
        r"GLIBCXX_[\d.]+'? not found",
        "A compiled package needs a newer libstdc++ than the one that is loaded",
        "Run `conda install -c conda-forge libstdcxx-ng` in the environment.",
    ),
    Failure(
        r"No module named 'pkg_resources'|ImportError: cannot import name 'packaging' from 'pkg_resources'",
        "setuptools is too new for this torch",
        'Run `pip install "setuptools<72.1.0"` in the environment.',
    ),
    Failure(
        r"Could not find a backend to open .*\.hdr|imageio.*freeimage.*not (found|installed)|NeedDownloadError",
        "imageio cannot read .hdr files here: its FreeImage plugin is missing",
        "Run `imageio_download_bin freeimage`, or `pip install imageio-freeimage`, in the environment.",
    ),
    Failure(
        r"Lock file exists in build directory: '?(?P<name>[^']+)'?",
        "A build of an extension waits for a lock: {name}",
        "If no other run is building, remove that file, or run `topforge doctor --fix`, which removes stale ones.",
    ),
    Failure(
        r"^(?:ModuleNotFoundError|ImportError): No module named '(?P<name>[^']+)'",
        'The environment has no Python package "{name}"',
        "Install it into the environment; `topforge doctor` checks what a trainer needs.",
    ),
    Failure(
        r"Error (?:building extension|compiling objects for extension) ?'?(?P<name>[\w.]*)",
        "An extension could not be compiled ({name})",
        "Read the compiler's first error in the attempt's log; `topforge doctor` checks compiler and toolkit.",
    ),
    Failure(
        r"error: unrecognized arguments: (?P<name>.*)$",
        "The checkout does not know the argument {name}: it is another version than the one TopForge was written for",
        "Check out the commit that docs/trainers.md names.",
    ),
)
"""Most specific first: an extension that cannot be built says so last, and why before."""


def diagnose(tail: Sequence[str], own: Sequence[Failure] = ()) -> Optional[Diagnosis]:
    """The first failure of the tables that a line of the output matches; None = none.

    Args:
        tail: The last lines of a failed child.
        own: The trainer's own table, looked at before `SHARED`.
    """
    for failure in (*own, *SHARED):
        for line in reversed(tail):
            match = re.search(failure.pattern, line)
            if match:
                return _diagnosis(failure, match, line.strip())
    return None


def _diagnosis(failure: Failure, match: re.Match[str], line: str) -> Diagnosis:
    names = {name: value or "it does not say which" for name, value in match.groupdict().items()}
    reason = "%s. It printed: %s" % (failure.reason.format(**names), line[:300])
    return Diagnosis(failure.failure_class, reason, failure.fix.format(**names))


def of_silence(tail: Sequence[str]) -> Optional[Diagnosis]:
    """Why a silent trainer hung, where its last words are those of torch's extension builder.

    A build that goes on has a compiler running, which counts as a sign of life; so this one only waits.
    """
    words = " ".join(tail[-3:])
    if not re.search(r"(Building|Loading) extension module|Emitting ninja build file|Lock file exists", words):
        return None
    return Diagnosis(
        FailureClass.INFRA,
        "It hung while loading a compiled extension, and no compiler was running: a build that was killed has left "
        "its lock file behind, and every later one waits for it.",
        "Run `topforge doctor --fix`, which removes stale locks; the next attempt does the same before it starts.",
    )
