"""Checks of what CUDA needs: driver, device, torch's build, and the tools that compile extensions."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Dict, Optional, Tuple

from topforge.doctor.model import Checks, Outcome, ok, problem, skipped, warning
from topforge.doctor.subject import Subject

CHECKS = Checks()

OLDEST_DRIVER: Dict[int, Tuple[int, int]] = {10: (440, 33), 11: (450, 80), 12: (525, 60), 13: (580, 65)}
"""CUDA major -> oldest Linux driver (CUDA Toolkit release notes, "CUDA compatibility": minor versions share it)."""

FIRST_TOOLKIT: Tuple[Tuple[int, Tuple[int, int]], ...] = (
    (100, (12, 8)),
    (89, (11, 8)),
    (86, (11, 1)),
    (80, (11, 0)),
)
"""GPU architecture from which on a toolkit of at least that version is needed (CUDA Toolkit release notes)."""

TOOLKIT_ADVICE = "conda install -p %s -c nvidia cuda-toolkit%s"
NO_DEVICE = "no NVIDIA device"
NO_COMPILING = "%s compiles nothing at run time"


@CHECKS.add("driver", "NVIDIA driver")
def _driver(subject: Subject) -> Outcome:
    found = subject.inventory()
    if found.gpus:
        names = ", ".join("%s (%s)" % (gpu.name, gpu.uuid[:12]) for gpu in found.gpus)
        return ok("%s; %s" % (subject.capability(found.gpus[0].uuid).driver or "version unknown", names))
    if not subject.target.needs_gpu:
        return skipped("%s; %s then uses its CPU backend" % (found.problem or "no device", subject.target.name))
    fix = "Install NVIDIA's driver; `nvidia-smi` then lists the device. Look at CUDA_VISIBLE_DEVICES, too."
    return problem("no usable NVIDIA device: " + (found.problem or "the driver lists none"), fix)


@CHECKS.add("device-memory", "Device memory")
def _device_memory(subject: Subject) -> Outcome:
    known = [(gpu.memory_mib, gpu.free_mib) for gpu in subject.inventory().gpus if gpu.memory_mib]
    if not known:
        return skipped(NO_DEVICE)
    text = ", ".join("%.1f of %.1f GiB free" % ((free or 0) / 1024, (total or 0) / 1024) for total, free in known)
    needed = subject.target.device_memory_gib
    if max(total or 0 for total, _ in known) / 1024 < needed * 0.95:  # a "24 GB" card reports 23.99
        return warning(
            "%s; the default settings of %s need about %d GiB" % (text, subject.target.name, needed),
            "Lower the batch size first, then the resolution.",
        )
    return ok(text)


@CHECKS.add("torch-cuda", "torch and CUDA")
def _torch_cuda(subject: Subject) -> Outcome:
    torch, devices = subject.module("torch"), subject.inventory().gpus
    if torch is None or torch.error:
        return skipped("torch cannot be imported")
    built_for = torch.fact("built_for")
    if not devices and not subject.target.needs_gpu:
        return skipped(NO_DEVICE)
    if built_for is None:
        message = "a GPU is wanted, and this torch is a CPU build (torch.version.cuda is None)"
        fix = (
            subject.python + " -m pip install --force-reinstall torch, choosing a CUDA build (pytorch.org/get-started)"
        )
        return problem(message, fix) if subject.target.needs_gpu else warning(message, fix)
    oldest = OLDEST_DRIVER.get(int(built_for.split(".")[0]))
    driver = subject.capability(devices[0].uuid).driver if devices else ""
    if oldest and driver and _numbers(driver) < oldest:
        message = "torch was built for CUDA %s, which needs driver %d.%d or newer; this is %s"
        return problem(
            message % (built_for, *oldest, driver), "Update the driver, or install a torch for an older CUDA."
        )
    if torch.fact("cuda") is not True:
        message = "torch.cuda.is_available() is False; %s" % (torch.fact_error("cuda") or "CUDA gave no reason")
        return problem(message, "Check CUDA_VISIBLE_DEVICES and that the driver works (`nvidia-smi`).")
    return _architectures(subject, torch.fact("architectures") or [], built_for)


def _architectures(subject: Subject, built: list[str], built_for: str) -> Outcome:
    """Whether torch has code for every device: the same major architecture, not a newer minor one, or PTX."""
    compiled = [int(name[3:]) for name in built if re.match(r"sm_\d+$", name)]
    portable = [int(name[8:]) for name in built if re.match(r"compute_\d+$", name)]
    for gpu in subject.inventory().gpus:
        own = int(subject.capability(gpu.uuid).architecture or 0)
        runs = any(sm // 10 == own // 10 and sm <= own for sm in compiled) or any(ptx <= own for ptx in portable)
        if own and built and not runs:
            message = "torch has no code for %s (sm_%d), only for %s" % (gpu.name, own, " ".join(built))
            return problem(message, "Install a torch build that lists sm_%d." % own)
    return ok("built for CUDA %s, the driver and the devices serve it" % built_for)


@CHECKS.add("nvcc", "CUDA compiler")
def _nvcc(subject: Subject) -> Outcome:
    if not subject.target.compiles:
        return skipped(NO_COMPILING % subject.target.name)
    toolkit = subject.toolkit()
    if toolkit is None or not toolkit.nvcc:
        where = " (%s has the headers only)" % toolkit.home if toolkit else ""
        return problem("no nvcc in the environment, CUDA_HOME or /usr/local/cuda" + where, _toolkit_fix(subject))
    version, torch = toolkit.version, subject.module("torch")
    built_for = torch.fact("built_for") if torch else None
    place = "%s, CUDA %s" % (toolkit.home, version or "of unknown version")
    if version and built_for and _numbers(version)[0] != _numbers(built_for)[0]:
        return problem(
            "%s, but torch was built for CUDA %s: torch refuses to compile" % (place, built_for), _toolkit_fix(subject)
        )
    for gpu in subject.inventory().gpus:
        own = int(subject.capability(gpu.uuid).architecture or 0)
        needed = next((first for architecture, first in FIRST_TOOLKIT if own >= architecture), (0, 0))
        if version and _numbers(version) < needed:
            message = "%s knows nothing of %s (sm_%d), which needs %d.%d" % (place, gpu.name, own, *needed)
            return problem(message, _toolkit_fix(subject))
    return ok(place)


@CHECKS.add("cuda-headers", "CUDA headers")
def _cuda_headers(subject: Subject) -> Outcome:
    if not subject.target.compiles:
        return skipped(NO_COMPILING % subject.target.name)
    toolkit = subject.toolkit()
    if toolkit is None or toolkit.header_folder is None:
        looked = toolkit.home / "include" if toolkit else Path("/usr/local/cuda/include")
        message = "cuda_runtime_api.h is neither in the environment nor in %s; extensions will not compile" % looked
        return problem(message, _toolkit_fix(subject))
    return ok(str(toolkit.header_folder / "cuda_runtime_api.h"))


@CHECKS.add("compiler", "C++ compiler")
def _compiler(subject: Subject) -> Outcome:
    if not subject.target.compiles:
        return skipped(NO_COMPILING % subject.target.name)
    found = _which(subject, "cl", "c++", "g++", "clang++")
    return ok(found) if found else problem("no C++ compiler on PATH", "sudo apt install g++, or conda install gxx")


@CHECKS.add("ninja", "ninja")
def _ninja(subject: Subject) -> Outcome:
    if not subject.target.compiles:
        return skipped(NO_COMPILING % subject.target.name)
    found = _which(subject, "ninja")
    if found:
        return ok(found)
    return problem(
        "torch compiles extensions with ninja, and it is not on PATH", subject.python + " -m pip install ninja"
    )


def _which(subject: Subject, *names: str) -> Optional[str]:
    found = (shutil.which(name, path=subject.search_path()) for name in names)
    return next((path for path in found if path), None)


def _toolkit_fix(subject: Subject) -> str:
    """The conda command for the toolkit that matches torch; where there is no conda, the variable to set."""
    torch = subject.module("torch")
    built_for = torch.fact("built_for") if torch else None
    if subject.prefix is not None and subject.prefix.kind == "conda":
        return TOOLKIT_ADVICE % (shlex.quote(str(subject.prefix.path)), "=" + built_for if built_for else "")
    return "Install the CUDA toolkit%s and set CUDA_HOME to its folder." % (" " + built_for if built_for else "")


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:2])
