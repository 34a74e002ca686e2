"""RichDreamer's three stages and its export as command lines of `launch.py`, one argument each, never a shell string.

Upstream's scripts put the prompt into a shell line, end with exit code 0 whatever happens, and derive folders from the
prompt. Here each stage is started by itself, into a folder of a fixed name.
"""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from topforge.trainers.neuralangelo_config import scalar
from topforge.trainers.richdreamer_options import KEYS, RichDreamerOptions, StageOptions

STAGES = ("geometry", "refinement", "texture")
TAG = "run"
"""Upstream's folder of a stage is `NAME/TAG`; it makes the tag from the prompt unless it is told another."""
EXPORT = "export"
STYLE = "a DSLR photo of "
"""Begins the texture stage's prompt, as in upstream's scripts."""


@dataclasses.dataclass(frozen=True)
class Stage:
    """What upstream's scripts start for one stage."""

    config: str
    """YAML file, relative to the checkout."""
    steps: int
    settings: Tuple[Tuple[str, Any], ...] = ()


PLANS: Mapping[str, Mapping[str, Stage]] = {
    "nerf": {
        "geometry": Stage("configs/nd-mv-nerf/geo.yaml", 4000, (("data.batch_size", [4, 4]),)),
        "refinement": Stage(
            "configs/nd-mv-nerf/geo-refine.yaml",
            1000,
            (("system.geometry_convert_override.isosurface_threshold", 10.0),),
        ),
        "texture": Stage("configs/nd-mv-nerf/tex.yaml", 3000),
    },
    "dmtet": {
        "geometry": Stage(
            "configs/nd-mv-dmtet/geo.yaml",
            1500,
            (
                ("system.anneal_normal_stone", [500, 1000]),
                ("data.elevation_range", [5, 30]),
                ("data.fovy_range", [40, 45]),
                ("data.camera_distance_range", [0.8, 1.0]),
            ),
        ),
        "refinement": Stage("configs/nd-mv-dmtet/geo-refine.yaml", 2000),
        "texture": Stage("configs/nd-mv-dmtet/tex.yaml", 2000),
    },
}
_VOLUME = ("density_bias", "density_activation", "density_blob_scale", "density_blob_std")
_RAYS = ("num_samples_per_ray", "occ_grid_res")
_PAINT = ("environment_texture", "environment_scale", "min_roughness", "max_roughness", "min_metallic", "max_metallic")
_MULTIVIEW = ("n_view", "resolution_milestones", "relative_radius", "nd_latent_steps", "do_init")
_NERF_LOSS = ("lambda_nd_w", "lambda_orient", "lambda_sparsity")


def unknown_to(path: str, stage: str) -> Tuple[str, ...]:
    """Options that the modules of a stage do not have: upstream would end with an error, or ignore them."""
    unknown: List[str] = []
    if stage != "texture":
        unknown += [*_PAINT, "use_bump"]
    if path == "dmtet":
        unknown += [*_VOLUME, *_RAYS, *_MULTIVIEW, *_NERF_LOSS]
    elif stage != "geometry":
        unknown += [*_VOLUME, *_RAYS]
    if stage != "texture" and (path == "dmtet" or stage == "geometry"):
        unknown += ["fix_geometry"]
    return tuple(unknown)


def options_of(config: RichDreamerOptions, stage: str) -> StageOptions:
    """What the configuration says of a stage."""
    found = getattr(config, stage)
    assert isinstance(found, StageOptions)
    return found


def steps_of(config: RichDreamerOptions, stage: str) -> int:
    """How many iterations a stage has."""
    return options_of(config, stage).max_steps or config.iterations or PLANS[config.path][stage].steps


def folder_of(root: Path, stage: str) -> Path:
    """Where upstream keeps a stage."""
    return root / stage / TAG


def checkpoint_of(root: Path, stage: str) -> Path:
    """What the next stage begins with."""
    return folder_of(root, stage) / "ckpts" / "last.ckpt"


def is_done(root: Path, stage: str) -> bool:
    """Whether a stage's checkpoint is there, whole. It is written once, at the stage's end."""
    path = checkpoint_of(root, stage)
    return (
        path.is_file() and zipfile.is_zipfile(str(path)) and (folder_of(root, stage) / "configs/parsed.yaml").is_file()
    )


def arguments(config: RichDreamerOptions, stage: str, root: Path, gpus: int) -> List[str]:
    """The command line of a stage, from launch.py on."""
    plan = PLANS[config.path][stage]
    words = ["launch.py", "--config", plan.config, "--train", "--gpu", _devices(gpus)]
    return words + ["%s=%s" % (key, value) for key, value in _settings(config, stage, root, gpus).items()]


def _settings(config: RichDreamerOptions, stage: str, root: Path, gpus: int) -> Dict[str, str]:
    """The keys of threestudio and their values as YAML text. Later entries win over earlier ones."""
    plan = PLANS[config.path][stage]
    found: Dict[str, str] = {key: scalar(value) for key, value in plan.settings}
    if config.path == "nerf" and stage == "geometry":
        found.update({"data.width": scalar([64, config.img_res]), "data.height": scalar([64, config.img_res])})
    if config.path == "nerf" and stage == "texture" and config.save_mem:
        found["system.nd_guidance_type"] = "none"
    if stage != "geometry":
        found["system.geometry_convert_from"] = quoted(str(checkpoint_of(root, STAGES[STAGES.index(stage) - 1])))
    own = options_of(config, stage)
    for name, key in KEYS.items():
        value = getattr(own, name)
        if value is not None:
            key = _key(key, config.path, stage)
            found[key] = quoted(value) if isinstance(value, str) else scalar(value)
    prompt = (STYLE if stage == "texture" else "") + config.prompt
    found.update(
        {
            "trainer.max_steps": str(steps_of(config, stage)),
            "seed": str(config.seed),
            "use_timestamp": "False",
            "exp_root_dir": quoted(str(root)),
            "name": stage,
            "tag": TAG,
            "system.prompt_processor.prompt": quoted(prompt),
        }
    )
    if gpus > 1:
        found["trainer.strategy"] = "ddp_find_unused_parameters_true"
    return found


def _key(key: str, path: str, stage: str) -> str:
    """The painting stage of dmtet calls its multi-view diffusion by another name."""
    if path == "dmtet" and stage == "texture":
        return key.replace("system.nd_guidance.", "system.albedo_guidance.")
    return key


def _devices(gpus: int) -> str:
    """Upstream takes device 0 where none is leased and all are hidden; -1 is none."""
    return ",".join(map(str, range(gpus))) or "-1"


def grid_of(config: RichDreamerOptions, stage: str) -> int:
    """Cells of a stage's tetrahedral grid; 256 in all of upstream's files."""
    return options_of(config, stage).isosurface_resolution or 256


def export_grid(config: RichDreamerOptions) -> int:
    """Cells of the grid that the mesh is taken from."""
    return config.export_resolution or grid_of(config, "texture")


def export_arguments(config: RichDreamerOptions, root: Path, gpus: int) -> List[str]:
    """The command line that writes the mesh and its textures."""
    folder = folder_of(root, "texture")
    return [
        "launch.py",
        *("--config", str(folder / "configs" / "parsed.yaml"), "--export", "--gpu", _devices(min(gpus, 1))),
        "resume=" + quoted(str(checkpoint_of(root, "texture"))),
        "system.exporter_type=mesh-exporter",
        "system.geometry.isosurface_resolution=%d" % export_grid(config),
        "system.exporter.context_type=cuda",
        "system.exporter.texture_size=%d" % config.texture_size,
        "exp_root_dir=" + quoted(str(root)),
    ]


def exported(root: Path) -> Optional[Path]:
    """The newest folder that the export wrote: its name holds the number of iterations, which scripts get wrong."""
    found = sorted(folder_of(root, "texture").glob("save/it*-export"), key=lambda path: path.stat().st_mtime_ns)
    return found[-1] if found else None


def quoted(text: str) -> str:
    """A text that YAML takes for text, whatever it holds: `#`, `: `, `[`, or nothing but digits."""
    return "'%s'" % text.replace("'", "''")
