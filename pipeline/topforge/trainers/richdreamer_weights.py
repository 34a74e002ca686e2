"""What RichDreamer loads from disk, looked at before any GPU second: its scripts forbid themselves the network."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from topforge.errors import TopForgeError
from topforge.trainers.richdreamer_options import RichDreamerOptions
from topforge.trainers.richdreamer_stages import STAGES, export_grid, grid_of

_ND = "pretrained_models/Damo_XR_Lab/Normal-Depth-Diffusion-Model/"
_GET_ND = "Run `python tools/download_nd_models.py` in the checkout."
_GET_TETS = "Copy it: `cp %s256_tets.npz load/tets/` in the checkout." % _ND
_GET_HUB = (
    "Put a copy of the cache there: unpack upstream's models_sd_clip.tar.gz into %s, or link the Hugging Face cache of "
    "a machine that has it. The Hub no longer has all of them under these names."
)
LIGHT = "load/lights/mud_road_puresky_4k.hdr"
SUBMODULE = "extern/nd_sd"
_EMPTY = "%s is empty: the repository was cloned without its submodules"
_GET_SUBMODULE = "Run `git submodule update --init --recursive` in the checkout."
_POINTER = b"version https://git-lfs"
HUB: Tuple[str, ...] = (
    "stabilityai/stable-diffusion-2-1-base",
    "runwayml/stable-diffusion-v1-5",
    "openai/clip-vit-large-patch14",
    "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
)


class MissingWeightsError(TopForgeError):
    """Something that the networks need is not on this machine."""

    def __init__(self, missing: Sequence[Tuple[str, str]]) -> None:
        listed = "; ".join(what for what, _ in missing)
        super().__init__(
            "RichDreamer would end before it begins: %s." % listed, " ".join(dict.fromkeys(fix for _, fix in missing))
        )


def hf_home(config: RichDreamerOptions, clone: Path) -> Path:
    """The folder that HF_HOME names, absolute; upstream's is relative to where its scripts start."""
    return Path(config.hf_home) if config.hf_home else clone / "pretrained_models" / "huggingface"


def require(config: RichDreamerOptions, clone: Path) -> None:
    """Refuses to start without the weights, the grid and the light.

    Raises:
        MissingWeightsError: Names everything that is missing, and how to get each.
    """
    wanted = [(_ND + "nd_mv_ema.ckpt", _GET_ND)]
    if config.path == "dmtet" or not config.save_mem:
        wanted.append((_ND + "albedo_mv_ema.ckpt", _GET_ND))
    grids = {grid_of(config, stage) for stage in STAGES} | {export_grid(config)}
    wanted += [("load/tets/%d_tets.npz" % grid, _GET_TETS) for grid in sorted(grids)]
    if config.texture.environment_texture is None:
        wanted.append((LIGHT, "Clone the repository again: it holds this file."))
    missing = [] if any((clone / SUBMODULE).iterdir()) else [(_EMPTY % (clone / SUBMODULE), _GET_SUBMODULE)]
    missing += [(problem, fix) for name, fix in wanted for problem in _problem_of(clone / name)]
    if config.offline:
        missing += _missing_models(hf_home(config, clone) / "hub")
    if missing:
        raise MissingWeightsError(missing)


def _problem_of(path: Path) -> List[str]:
    """What is wrong with a file, one sentence or none."""
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_POINTER))
    except OSError:
        return ["%s is missing" % path]
    if start == _POINTER:
        return ["%s is a pointer of Git LFS, not the file itself" % path]
    return [] if start else ["%s is empty" % path]


def _missing_models(hub: Path) -> List[Tuple[str, str]]:
    fix = _GET_HUB % hub
    return [(problem, fix) for name in HUB for problem in _model_problem(hub, name)]


def _model_problem(hub: Path, name: str) -> List[str]:
    """What is wrong with a model's folder in the cache, `models--OWNER--NAME/snapshots/REVISION/` with links."""
    folder = hub / ("models--" + name.replace("/", "--"))
    if not folder.is_dir():
        return ["the model %s is not in the cache %s" % (name, hub)]
    revision = _revision(folder)
    snapshots = [folder / "snapshots" / revision] if revision else sorted((folder / "snapshots").glob("*"))
    files = [path for snapshot in snapshots for path in snapshot.rglob("*") if path.is_symlink() or path.is_file()]
    if not files:
        return ["the model %s has no files in %s" % (name, folder / "snapshots")]
    broken = [path for path in files if not path.exists()]
    return ["the model %s is not whole: %s leads nowhere" % (name, broken[0])] if broken else []


def _revision(folder: Path) -> Optional[str]:
    """The revision that offline libraries take, from refs/main; None where there is no such file."""
    try:
        return (folder / "refs" / "main").read_text(encoding="utf-8").strip() or None
    except OSError:
        return None
