"""Options of RichDreamer: what its scripts take, and every key of its stages' YAML files by a short name.

A stage's option that is null keeps what the stage's own YAML file (or upstream's script) says; `KEYS` tells which of
threestudio's keys it sets otherwise.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Optional, Tuple, Union

from topforge.schema import option

Pair = Tuple[float, float]
Sizes = Union[int, Tuple[int, ...]]
"""One number, or one for each milestone."""
Schedule = Union[float, Tuple[float, float, float, float]]
"""A number, or [first iteration, start value, end value, last iteration]."""


@dataclasses.dataclass(frozen=True)
class StageOptions:
    """One stage: null = as upstream has it."""

    max_steps: Optional[int] = option(None, unit="iterations", minimum=1, maximum=10**6, label="Iterations")
    """Length of the stage; null = upstream's, or `iterations` where that is set."""
    batch_size: Optional[Sizes] = option(None, unit="views", minimum=1, maximum=1024, advanced=True)
    """Views in each iteration, divisible by n_view; a list has one number for each resolution."""
    n_view: Optional[int] = option(None, minimum=1, maximum=64, advanced=True, label="Views Seen Together")
    """Views that the multi-view diffusion sees together; its weights are made for 4."""
    n_val_views: Optional[int] = option(None, minimum=1, maximum=360, advanced=True, label="Views of a Preview")
    """Views of a preview."""
    width: Optional[Sizes] = option(None, unit="pixels", minimum=16, maximum=4096, advanced=True, label="View Width")
    """Width of a rendered view; a list has one for each milestone."""
    height: Optional[Sizes] = option(None, unit="pixels", minimum=16, maximum=4096, advanced=True, label="View Height")
    """Height of a rendered view."""
    resolution_milestones: Optional[Tuple[int, ...]] = option(None, minimum=1, length=(1, 16), advanced=True)
    """Iterations at which the next size is taken."""
    relative_radius: Optional[bool] = option(None, advanced=True)
    """The camera's distance is relative to its field of view."""
    camera_distance_range: Optional[Pair] = option(None, minimum=0.01, maximum=100.0, advanced=True)
    """Nearest and farthest camera."""
    fovy_range: Optional[Pair] = option(
        None, unit="degrees", minimum=1.0, maximum=170.0, advanced=True, label="Field of View Range"
    )
    """Least and greatest vertical field of view."""
    elevation_range: Optional[Pair] = option(None, unit="degrees", minimum=-90.0, maximum=90.0, advanced=True)
    """Lowest and highest camera."""
    camera_perturb: Optional[float] = option(None, minimum=0.0, maximum=10.0, advanced=True, label="Camera Shift")
    """Random shift of cameras."""
    center_perturb: Optional[float] = option(None, minimum=0.0, maximum=10.0, advanced=True, label="Target Shift")
    """Random shift of what cameras look at."""
    up_perturb: Optional[float] = option(None, minimum=0.0, maximum=10.0, advanced=True, label="Camera Tilt")
    """Random tilt."""
    eval_camera_distance: Optional[float] = option(
        None, minimum=0.01, maximum=100.0, advanced=True, label="Preview Camera Distance"
    )
    """Distance of preview cameras."""
    eval_fovy_deg: Optional[float] = option(
        None, unit="degrees", minimum=1.0, maximum=170.0, advanced=True, label="Preview Field of View"
    )
    """Vertical field of view of preview cameras."""
    latent_steps: Optional[int] = option(None, minimum=0, maximum=10**6, advanced=True)
    """Iterations that work on latents."""
    nd_latent_steps: Optional[int] = option(
        None, minimum=0, maximum=10**6, advanced=True, label="Normal-Depth Latent Steps"
    )
    """The same for the normal-depth diffusion."""
    texture: Optional[bool] = option(None, advanced=True)
    """Whether the stage paints."""
    do_init: Optional[bool] = option(None, advanced=True, label="Own Initialization")
    """Whether the stage starts from an initialisation of its own."""
    geometry_type: Optional[str] = option(
        None, choices=("implicit-volume", "tetrahedra-sdf-grid", "implicit-sdf"), advanced=True
    )
    """How the shape is held."""
    radius: Optional[float] = option(None, minimum=0.01, maximum=100.0, advanced=True)
    """Half of the box that the shape lives in."""
    isosurface_resolution: Optional[int] = option(
        None, choices=(32, 64, 128, 256), advanced=True, label="Grid Resolution"
    )
    """Cells of the tetrahedral grid; a file load/tets/N_tets.npz has to be there."""
    isosurface_deformable_grid: Optional[bool] = option(None, advanced=True, label="Deformable Grid")
    """Whether the grid's corners move."""
    density_bias: Optional[str] = option(None, choices=("blob_magic3d", "blob_dreamfusion"), advanced=True)
    """What the density starts as."""
    density_activation: Optional[str] = option(None, choices=("softplus", "exp", "trunc_exp", "relu"), advanced=True)
    """Activation of the density."""
    density_blob_scale: Optional[float] = option(None, minimum=0.0, maximum=1e4, advanced=True)
    """Density of the blob at the start."""
    density_blob_std: Optional[float] = option(None, minimum=1e-4, maximum=1e4, advanced=True)
    """Width of the blob at the start."""
    hash_levels: Optional[int] = option(None, minimum=1, maximum=32, advanced=True, label="Hash Grid Levels")
    """Levels of the hash grid."""
    hash_features: Optional[int] = option(None, choices=(1, 2, 4, 8), advanced=True, label="Hash Grid Features")
    """Numbers in each entry."""
    hash_log2_size: Optional[int] = option(
        None, minimum=8, maximum=24, advanced=True, label="Hash Grid Size (log2 of entries)"
    )
    """Base-2 logarithm of the entries of each level."""
    hash_base: Optional[int] = option(
        None, minimum=1, maximum=1024, advanced=True, label="Hash Grid Coarsest Resolution"
    )
    """Coarsest resolution."""
    hash_growth: Optional[float] = option(None, minimum=1.01, maximum=4.0, advanced=True, label="Hash Grid Growth")
    """Growth of the resolution from level to level."""
    n_feature_dims: Optional[int] = option(None, minimum=0, maximum=64, advanced=True, label="Material Features")
    """Features of a point; 8 = albedo 3, roughness 1, metalness 1, bump 3."""
    fix_geometry: Optional[bool] = option(None, advanced=True, label="Freeze Shape")
    """Leave the shape as it is."""
    material_type: Optional[str] = option(None, choices=("no-material", "pbr-material"), advanced=True)
    """Kind of material."""
    environment_texture: Optional[str] = option(None, path=True, advanced=True, label="Light Image")
    """The .hdr file that lights the texture stage."""
    environment_scale: Optional[float] = option(
        None, minimum=0.0, maximum=1e4, advanced=True, label="Light Image Scale"
    )
    """Brightness of that light."""
    min_roughness: Optional[float] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="Least Roughness")
    """Least roughness."""
    max_roughness: Optional[float] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="Greatest Roughness")
    """Greatest roughness."""
    min_metallic: Optional[float] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="Least Metalness")
    """Least metalness."""
    max_metallic: Optional[float] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="Greatest Metalness")
    """Greatest metalness."""
    use_bump: Optional[bool] = option(None, advanced=True, label="Paint Normal Map")
    """Whether a normal map is painted."""
    num_samples_per_ray: Optional[int] = option(
        None, minimum=8, maximum=4096, advanced=True, label="Samples along a Ray"
    )
    """Samples along a ray of the volume."""
    occ_grid_res: Optional[int] = option(None, minimum=8, maximum=256, advanced=True, label="Occupancy Grid Resolution")
    """Cells of the grid that empty space is skipped with."""
    negative_prompt: Optional[str] = option(None, advanced=True)
    """What it must not look like."""
    guidance_scale: Optional[float] = option(None, minimum=0.0, maximum=1000.0, advanced=True)
    """How strictly Stable Diffusion is followed."""
    weighting_strategy: Optional[str] = option(
        None, choices=("sds", "uniform", "fantasia3d", "fantasia3d_2"), advanced=True
    )
    """How its steps are weighted."""
    min_step_percent: Optional[Schedule] = option(None, minimum=0.0, maximum=10**6, advanced=True, label="Least Noise")
    """Least noise."""
    max_step_percent: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**6, advanced=True, label="Greatest Noise"
    )
    """Greatest noise."""
    nd_guidance_scale: Optional[float] = option(
        None, minimum=0.0, maximum=1000.0, advanced=True, label="Multi-View Guidance Scale"
    )
    """How strictly the multi-view diffusion is followed."""
    nd_min_step_percent: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**6, advanced=True, label="Multi-View Least Noise"
    )
    """Its least noise."""
    nd_max_step_percent: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**6, advanced=True, label="Multi-View Greatest Noise"
    )
    """Its greatest noise."""
    lambda_nd_w: Optional[Schedule] = option(None, minimum=0.0, maximum=10**9, advanced=True, label="Multi-View Weight")
    """Weight of the multi-view diffusion."""
    lambda_orient: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**9, advanced=True, label="Orientation Weight"
    )
    """Weight against normals that look away from the camera."""
    lambda_sparsity: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**9, advanced=True, label="Sparsity Weight"
    )
    """Weight against fog."""
    lambda_normal_consistency: Optional[Schedule] = option(
        None, minimum=0.0, maximum=10**9, advanced=True, label="Smoothness Weight"
    )
    """Weight of smoothness."""
    learning_rate: Optional[float] = option(None, minimum=1e-9, maximum=1.0, advanced=True)
    """AdamW's step size."""
    betas: Optional[Pair] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="AdamW Averages")
    """AdamW's averages."""
    eps: Optional[float] = option(None, minimum=0.0, maximum=1.0, advanced=True, label="AdamW Least Divisor")
    """AdamW's smallest divisor."""
    precision: Optional[str] = option(None, choices=("16-mixed", "bf16-mixed", "32"), advanced=True)
    """Precision of the arithmetic."""
    val_check_interval: Optional[int] = option(None, minimum=1, maximum=10**6, advanced=True, label="Preview Interval")
    """A preview every so many iterations."""
    log_every_n_steps: Optional[int] = option(None, minimum=1, maximum=10**6, advanced=True, label="Log Interval")
    """Losses every so many iterations."""


_GEOMETRY, _MATERIAL, _HASH = "system.geometry.", "system.material.", "system.geometry.pos_encoding_config."
KEYS: Mapping[str, str] = {
    "max_steps": "trainer.max_steps",
    "batch_size": "data.batch_size",
    "n_view": "data.n_view",
    "n_val_views": "data.n_val_views",
    "width": "data.width",
    "height": "data.height",
    "resolution_milestones": "data.resolution_milestones",
    "relative_radius": "data.relative_radius",
    "camera_distance_range": "data.camera_distance_range",
    "fovy_range": "data.fovy_range",
    "elevation_range": "data.elevation_range",
    "camera_perturb": "data.camera_perturb",
    "center_perturb": "data.center_perturb",
    "up_perturb": "data.up_perturb",
    "eval_camera_distance": "data.eval_camera_distance",
    "eval_fovy_deg": "data.eval_fovy_deg",
    "latent_steps": "system.latent_steps",
    "nd_latent_steps": "system.nd_latent_steps",
    "texture": "system.texture",
    "do_init": "system.do_init",
    "geometry_type": "system.geometry_type",
    "radius": _GEOMETRY + "radius",
    "isosurface_resolution": _GEOMETRY + "isosurface_resolution",
    "isosurface_deformable_grid": _GEOMETRY + "isosurface_deformable_grid",
    "density_bias": _GEOMETRY + "density_bias",
    "density_activation": _GEOMETRY + "density_activation",
    "density_blob_scale": _GEOMETRY + "density_blob_scale",
    "density_blob_std": _GEOMETRY + "density_blob_std",
    "hash_levels": _HASH + "n_levels",
    "hash_features": _HASH + "n_features_per_level",
    "hash_log2_size": _HASH + "log2_hashmap_size",
    "hash_base": _HASH + "base_resolution",
    "hash_growth": _HASH + "per_level_scale",
    "n_feature_dims": _GEOMETRY + "n_feature_dims",
    "fix_geometry": _GEOMETRY + "fix_geometry",
    "material_type": "system.material_type",
    "environment_texture": _MATERIAL + "environment_texture",
    "environment_scale": _MATERIAL + "environment_scale",
    "min_roughness": _MATERIAL + "min_roughness",
    "max_roughness": _MATERIAL + "max_roughness",
    "min_metallic": _MATERIAL + "min_metallic",
    "max_metallic": _MATERIAL + "max_metallic",
    "use_bump": _MATERIAL + "use_bump",
    "num_samples_per_ray": "system.renderer.num_samples_per_ray",
    "occ_grid_res": "system.renderer.occ_grid_res",
    "negative_prompt": "system.prompt_processor.negative_prompt",
    "guidance_scale": "system.guidance.guidance_scale",
    "weighting_strategy": "system.guidance.weighting_strategy",
    "min_step_percent": "system.guidance.min_step_percent",
    "max_step_percent": "system.guidance.max_step_percent",
    "nd_guidance_scale": "system.nd_guidance.guidance_scale",
    "nd_min_step_percent": "system.nd_guidance.min_step_percent",
    "nd_max_step_percent": "system.nd_guidance.max_step_percent",
    "lambda_nd_w": "system.loss.lambda_nd_w",
    "lambda_orient": "system.loss.lambda_orient",
    "lambda_sparsity": "system.loss.lambda_sparsity",
    "lambda_normal_consistency": "system.loss.lambda_normal_consistency",
    "learning_rate": "system.optimizer.args.lr",
    "betas": "system.optimizer.args.betas",
    "eps": "system.optimizer.args.eps",
    "precision": "trainer.precision",
    "val_check_interval": "trainer.val_check_interval",
    "log_every_n_steps": "trainer.log_every_n_steps",
}
"""Which of threestudio's keys a stage's option sets."""

AS_UPSTREAM = StageOptions()


@dataclasses.dataclass(frozen=True)
class RichDreamerOptions:
    """A prompt, a way to a mesh, and what to change in its three stages."""

    checkout: Optional[str] = option(None, path=True, group="Upstream", label="Checkout")
    """Folder of your clone of RichDreamer, used as it is, with its weights in pretrained_models."""
    prompt: str = option("", group="Prompt")
    """What to make, in English: "a strawberry glazed donut, 3d asset"."""
    path: str = option("nerf", choices=("nerf", "dmtet"), group="Prompt", label="Way to the Mesh")
    """nerf: a volume first, then a mesh from it; robust. dmtet: a mesh from the start; finer where the prompt suits."""
    img_res: int = option(128, unit="pixels", minimum=64, maximum=512, group="Prompt", label="Volume's View Size")
    """Size of views in the second part of the volume stage of nerf. 128 fits 24 GB; dmtet ignores it."""
    save_mem: bool = option(False, group="Prompt", label="Save Memory")
    """nerf only: paint without the multi-view albedo diffusion, which then fits 24 GB; baked shadows are likelier."""
    iterations: Optional[int] = option(
        None, unit="iterations", minimum=1, maximum=10**6, group="Prompt", label="Iterations of Every Stage"
    )
    """Length of all stages, as the scripts' -i; null = upstream's own for each. A few hundred give a first look."""
    seed: int = option(0, minimum=0, maximum=2**31 - 1, group="Prompt", label="Random Seed")
    """Another seed gives another shape."""
    offline: bool = option(True, group="Upstream", advanced=True)
    """Take all weights from the checkout's cache, as the scripts do, and refuse to start when one is missing. false
    lets the libraries download them; two of the models are no longer on the Hub under the names that are asked for."""
    hf_home: Optional[str] = option(None, path=True, group="Upstream", advanced=True, label="Hugging Face Cache")
    """Folder of the cache with `hub` in it; null = pretrained_models/huggingface in the checkout."""
    texture_size: int = option(1024, unit="texels", choices=(512, 1024, 2048, 4096), group="Texture", advanced=True)
    """Side of the textures."""
    export_resolution: Optional[int] = option(None, choices=(64, 128, 256), group="Texture", advanced=True)
    """Cells of the grid that the mesh is taken from; null = those of the texture stage."""
    geometry: StageOptions = option(AS_UPSTREAM, group="Geometry Stage")
    """The first stage: volume (nerf) or mesh (dmtet)."""
    refinement: StageOptions = option(AS_UPSTREAM, group="Refinement Stage")
    """The second stage: a finer mesh."""
    texture: StageOptions = option(AS_UPSTREAM, group="Texture Stage")
    """The third stage: materials, the shape fixed."""


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "nerf": {"path": "nerf", "img_res": 128, "save_mem": False},
    "nerf_24gb": {"path": "nerf", "img_res": 128, "save_mem": True},
    "nerf_res256": {"path": "nerf", "img_res": 256, "save_mem": False},
    "dmtet": {"path": "dmtet"},
    "first_look": {"path": "nerf", "img_res": 64, "save_mem": True, "iterations": 400},
}
"""Upstream's scripts (nerf, with and without save_mem; run_batch_res256; dmtet), and a first look of ours."""

WATCHING = frozenset({"checkout", "offline", "hf_home"})
"""Options that do not decide the result."""
