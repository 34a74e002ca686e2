"""What each trainer's environment is made of: the pinned files beside this module, and the files of a checkout."""

from __future__ import annotations

import dataclasses
import difflib
import re
from pathlib import Path
from typing import Dict, List, Optional, Tuple

from topforge.errors import TopForgeError

FOLDER = Path(__file__).resolve().parent
BUILT_IN = "topforge"
"""The trainer that is installed from TopForge's own pins, and from nothing that has to be compiled."""

_SEPARATORS = re.compile(r"[-_.]+")
_PROJECT = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


class NoRecipeError(TopForgeError):
    """There are no pinned files for that trainer."""

    def __init__(self, name: str) -> None:
        near = difflib.get_close_matches(name, RECIPES, n=1)
        fix = 'Did you mean "%s"? ' % near[0] if near else ""
        super().__init__('There is no environment for "%s".' % name, fix + "Known: %s." % ", ".join(RECIPES))


class CheckoutNeededError(TopForgeError):
    """The trainer lists packages of its own in its checkout, which was not named, or is not one."""

    def __init__(self, recipe: Recipe, problem: str) -> None:
        super().__init__(
            "%s lists what it needs in %s of its own checkout; %s." % (recipe.name, recipe.requirements, problem),
            "Clone %s (not part of TopForge: %s), and name its folder with --checkout." % (recipe.source, recipe.terms),
        )


@dataclasses.dataclass(frozen=True)
class Recipe:
    """The environment of one trainer."""

    name: str
    source: str = ""
    """Where its users clone it from."""
    terms: str = ""
    """Its licence in a few words."""
    requirements: Optional[str] = None
    """Its own list of packages, a path in its checkout; what our files pin already is left out of it."""
    compiles: bool = True
    """Whether something is built against torch and CUDA."""
    packages: Tuple[str, ...] = ()
    """Folders of the checkout that are Git submodules, and packages to install."""

    @property
    def conda_file(self) -> Path:
        """What conda brings."""
        return FOLDER / (self.name + ".yml")

    @property
    def wheels_file(self) -> Path:
        """What pip brings ready-made."""
        return FOLDER / (self.name + ".wheels.txt")

    @property
    def build_file(self) -> Path:
        """What is compiled, without a build environment of its own."""
        return FOLDER / (self.name + ".build.txt")

    @property
    def files(self) -> Tuple[Path, ...]:
        """All of them, whether the trainer has each or not."""
        return (self.conda_file, self.wheels_file, self.build_file)

    def pinned(self) -> Tuple[str, ...]:
        """Names of the projects that our files pin, as the package index writes them."""
        lines = [*_requirement_lines(self.wheels_file), *_requirement_lines(self.build_file)]
        return tuple(dict.fromkeys(filter(None, map(project_of, lines))))

    def further(self, checkout: Optional[Path]) -> List[str]:
        """Lines of the checkout's own list that name something else than our files do.

        Raises:
            CheckoutNeededError: The list is not there.
        """
        if self.requirements is None:
            return []
        if checkout is None:
            raise CheckoutNeededError(self, "which checkout is not known")
        path = checkout / self.requirements
        if not path.is_file():
            raise CheckoutNeededError(self, "%s is not there" % path)
        pinned = self.pinned()
        return [line for line in _requirement_lines(path) if project_of(line) not in pinned]

    def own_packages(self, checkout: Optional[Path]) -> List[Path]:
        """Folders of the checkout to install, of those that are packages.

        Raises:
            CheckoutNeededError: One is empty: a clone without its submodules.
        """
        folders = [checkout / name for name in self.packages] if checkout else []
        for folder in folders:
            if not folder.is_dir() or not any(folder.iterdir()):
                raise CheckoutNeededError(self, "%s is empty (`git submodule update --init --recursive`)" % folder)
        return [folder for folder in folders if any((folder / name).is_file() for name in _BUILD_FILES)]


_BUILD_FILES = ("setup.py", "pyproject.toml")
_NON_COMMERCIAL = "non-commercial use only"
RECIPES: Dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(BUILT_IN, compiles=False),
        Recipe("nvdiffrec", "github.com/NVlabs/nvdiffrec", _NON_COMMERCIAL),
        Recipe("nvdiffmodeling", "github.com/NVlabs/nvdiffmodeling", _NON_COMMERCIAL),
        Recipe("neuralangelo", "github.com/NVlabs/neuralangelo", _NON_COMMERCIAL, "requirements.txt"),
        Recipe(
            "richdreamer",
            "github.com/modelscope/RichDreamer",
            "Apache-2.0",
            "requirements_3d.txt",
            packages=("extern/nd_sd",),
        ),
    )
}


def get(name: str) -> Recipe:
    """The recipe for a trainer.

    Raises:
        NoRecipeError: With the nearest known name.
    """
    if name not in RECIPES:
        raise NoRecipeError(name)
    return RECIPES[name]


def project_of(requirement: str) -> str:
    """Normalised project name of one requirement line; a Git address counts by its repository, tinycudann by either."""
    repository = re.search(r"git\+\S*?/([\w.-]+?)(?:\.git)?/?(?:[@#]|$)", requirement)
    named = _PROJECT.match(requirement)
    text = repository.group(1) if repository else named.group(0) if named else ""
    name = _SEPARATORS.sub("-", text).lower()
    return "tinycudann" if name == "tiny-cuda-nn" else name


def _requirement_lines(path: Path) -> List[str]:
    """Requirements of a file in pip's format, without comments and options."""
    lines = [re.sub(r"(^|\s)#.*$", "", line).strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line and not line.startswith("-")]
