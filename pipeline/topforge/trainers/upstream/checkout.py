"""A person's clone of an upstream repository. TopForge runs it where it lies and writes nothing into it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
from pathlib import Path
from typing import Mapping, Optional, Tuple

from topforge.errors import TopForgeError

_SHORT = 12
"""Digits of a commit in a folder's name."""
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclasses.dataclass(frozen=True)
class Upstream:
    """What is known of an upstream repository before anybody's clone of it is looked at."""

    name: str
    """As people and files call it: "nvdiffrec"."""
    address: str
    """Where it is cloned from."""
    files: Tuple[str, ...]
    """Files and folders that every clone holds and a run needs, relative, with `/`."""
    licence: str
    """One line for people."""
    read: str = ""
    """The commit whose behaviour the adapter's facts are from; others may differ."""

    @property
    def variable(self) -> str:
        """The environment variable that names a machine's clone: "TOPFORGE_NVDIFFREC"."""
        return "TOPFORGE_" + self.name.upper()


@dataclasses.dataclass(frozen=True)
class Checkout:
    """One clone."""

    path: Path
    """Absolute."""
    commit: str
    """Hash that its HEAD stands at; "" where it is no git clone (an unpacked archive)."""

    def provenance(self) -> Mapping[str, str]:
        """For result.json. Whether files were changed since that commit, nobody looked."""
        return {"checkout": str(self.path), "commit": self.commit or "unknown: not a git clone"}


class NoCheckoutError(TopForgeError):
    """Nothing says where the trainer lies."""

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(
            'Nothing says where %s lies: "checkout" is null and %s is not set.' % (upstream.name, upstream.variable),
            "Clone it (git clone %s) and name the folder in checkout, or in %s for the whole machine."
            % (upstream.address, upstream.variable),
        )


class NotACheckoutError(TopForgeError):
    """The folder is no clone of that repository, or not a whole one."""

    def __init__(self, upstream: Upstream, path: Path, problem: str) -> None:
        super().__init__(
            "checkout = %s is no %s checkout: %s." % (path, upstream.name, problem),
            "Name the folder that `git clone %s` makes." % upstream.address,
        )


def located(upstream: Upstream, path: Optional[str], variables: Mapping[str, str] = os.environ) -> Optional[Path]:
    """The folder that the option `checkout`, or else the environment variable, names; None = neither does."""
    named = path or variables.get(upstream.variable)
    return Path(os.path.abspath(named)) if named else None  # noqa: PTH100


def require(upstream: Upstream, path: Optional[str], variables: Mapping[str, str] = os.environ) -> Checkout:
    """The clone, after a look at whether it is one.

    Args:
        upstream: What it should be a clone of.
        path: The option `checkout`; None = the environment variable.
        variables: The process environment.

    Raises:
        NoCheckoutError: Neither names one.
        NotACheckoutError: The folder lacks something; names it.
    """
    folder = located(upstream, path, variables)
    if folder is None:
        raise NoCheckoutError(upstream)
    if not folder.is_dir():
        raise NotACheckoutError(upstream, folder, "there is no such folder")
    missing = [name for name in upstream.files if not (folder / name).exists()]
    if missing:
        raise NotACheckoutError(upstream, folder, "it has no %s" % ", ".join(missing))
    return Checkout(folder, commit_of(folder))


def builds(upstream: Upstream, path: Optional[str], variables: Mapping[str, str] = os.environ) -> str:
    """A name for what is compiled of a clone's sources: "nvdiffrec-a3e73909a018". Two commits may differ in kernels.

    Where it is no git clone, the place stands for the commit; where nothing names one, the trainer alone is left.
    """
    folder = located(upstream, path, variables)
    if folder is None:
        return upstream.name
    mark = commit_of(folder) or hashlib.sha256(str(folder).encode("utf-8")).hexdigest()
    return "%s-%s" % (upstream.name, mark[:_SHORT])


def commit_of(folder: Path) -> str:
    """The commit hash that HEAD of a git work tree stands at, read from its files; "" where that is not known.

    Understands work trees and submodules (where `.git` is a file), loose and packed references.
    """
    git = folder / ".git"
    try:
        if git.is_file():
            git = folder / git.read_text(encoding="utf-8").partition("gitdir:")[2].strip()
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref:"):
            return head if _HASH.fullmatch(head) else ""
        return _reference(git, head[len("ref:") :].strip())
    except (OSError, UnicodeDecodeError):
        return ""


def _reference(git: Path, name: str) -> str:
    """The hash that a branch stands at; work trees keep branches in the main clone, which `commondir` names."""
    common = git / "commondir"
    places = [git, git / common.read_text(encoding="utf-8").strip()] if common.is_file() else [git]
    for place in places:
        if (place / name).is_file():
            return (place / name).read_text(encoding="utf-8").strip()
        packed = place / "packed-refs"
        for line in packed.read_text(encoding="utf-8").splitlines() if packed.is_file() else ():
            commit, _, reference = line.partition(" ")
            if reference == name and _HASH.fullmatch(commit):
                return commit
    return ""
