"""Options of Neuralangelo: every key of its base.yaml by a short name of its own, then TopForge's.

Upstream takes unknown and wrongly nested keys silently (a `dict_size` at the wrong level does nothing); here each key
has one name, `neuralangelo_keys` says where in the YAML it goes, and nothing else is accepted. Defaults are upstream's
but for three: progress is printed, the rolling checkpoint is on, and numbered ones (1.2 to 5 GB each) are written at
the end only.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping, Optional, Tuple

from topforge.schema import option

Pair = Tuple[int, int]
Triple = Tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class TrainingOptions:
    """How long, how often, on what losses."""

    checkout: Optional[str] = option(None, path=True, group="Upstream", label="Checkout")
    """Folder of your clone of Neuralangelo, used as it is."""
    max_iter: int = option(500000, unit="iterations", minimum=100, maximum=10**7, group="Training", label="Iterations")
    """Length of the training. 20,000 to 60,000 usually give a usable object; 500,000 are the paper's."""
    scale_schedule: bool = option(True, group="Training", label="Shorten Schedule with Iterations")
    """Where max_iter is below 500000, shorten what upstream counts in absolute iterations by the same factor:
    warm_up_end, two_steps and coarse2fine_step. false = as written, which leaves a short training blurred."""
    seed: int = option(0, minimum=0, maximum=2**31 - 1, group="Training", label="Random Seed")
    """Start of every random choice."""
    logging_iter: int = option(100, unit="iterations", minimum=1, group="Monitor", advanced=True, label="Log Interval")
    """Print the time of an iteration this often. Upstream: never."""
    wandb: str = option(
        "disabled", choices=("disabled", "offline"), group="Monitor", advanced=True, label="Weights & Biases"
    )
    """offline keeps losses in `wandb/` beside the checkpoints, without an account or a connection."""
    wandb_scalar_iter: int = option(
        100, unit="iterations", minimum=1, group="Monitor", advanced=True, label="W&B Curve Interval"
    )
    """How often losses go to wandb."""
    wandb_image_iter: int = option(
        10000, unit="iterations", minimum=1, group="Monitor", advanced=True, label="W&B Picture Interval"
    )
    """How often pictures go to wandb."""
    validation_iter: int = option(
        5000, unit="iterations", minimum=1, group="Monitor", advanced=True, label="Validation Interval"
    )
    """How often held-out views are rendered, which takes time and goes to wandb only."""
    save_iter: Optional[int] = option(
        None, unit="iterations", minimum=1, group="Training", advanced=True, label="Numbered Checkpoint Interval"
    )
    """Write a numbered checkpoint this often, 1.2 to 5 GB each; has to divide max_iter. null = at the end.
    Upstream: 20000."""
    save_latest_iter: int = option(
        2000, unit="iterations", minimum=1, group="Training", advanced=True, label="Rolling Checkpoint Interval"
    )
    """Write the checkpoint that an interrupted run continues from this often. Upstream: never."""
    save_epoch: Optional[int] = option(
        None, unit="epochs", minimum=1, group="Training", advanced=True, label="Epochs between Checkpoints"
    )
    """Also write a numbered checkpoint every so many epochs; null = no."""
    save_period: Optional[int] = option(
        None, unit="minutes", minimum=1, group="Training", advanced=True, label="Minutes between Checkpoints"
    )
    """Also write a numbered checkpoint every so many minutes; null = no."""
    strict_resume: bool = option(True, group="Training", advanced=True)
    """Refuse a checkpoint whose parameters are not exactly the model's."""
    loss_render: float = option(
        1.0, minimum=0.0, maximum=1e6, group="Training", advanced=True, label="Image Loss Weight"
    )
    """Weight of the colour difference."""
    loss_eikonal: float = option(0.1, minimum=0.0, maximum=1e6, group="Training", advanced=True, label="Eikonal Weight")
    """Weight of the gradient's difference from unit length."""
    loss_curvature: float = option(
        5e-4, minimum=0.0, maximum=1e6, group="Training", advanced=True, label="Curvature Weight"
    )
    """Weight of the mean curvature; more is smoother."""
    amp: bool = option(False, group="Training", advanced=True, label="Mixed Precision")
    """Automatic mixed precision."""
    ema: bool = option(False, group="Training", advanced=True, label="Averaged Weights")
    """Exponential moving average of the weights."""
    depth_vis_scale: float = option(
        0.5, minimum=1e-6, maximum=1e6, group="Monitor", advanced=True, label="Depth Preview Scale"
    )
    """Scale of depth in pictures."""
    optimizer: str = option("AdamW", choices=("AdamW", "Adam", "SGD"), group="Training", advanced=True)
    """Kind of optimiser."""
    learning_rate: float = option(1e-3, minimum=1e-9, maximum=1.0, group="Training")
    """Step size after the warm-up."""
    weight_decay: float = option(1e-2, minimum=0.0, maximum=10.0, group="Training", advanced=True)
    """Weight decay."""
    fused_opt: bool = option(False, group="Training", advanced=True, label="Fused Optimizer")
    """apex's fused optimiser, which has to be installed."""
    schedule_by_iteration: bool = option(True, group="Training", advanced=True, label="Schedule in Iterations")
    """Count the schedule in iterations; false = in epochs."""
    schedule: str = option("two_steps_with_warmup", choices=("two_steps_with_warmup",), group="Training", advanced=True)
    """Kind of schedule of the step size."""
    warm_up_end: int = option(
        5000, unit="iterations", minimum=0, group="Training", advanced=True, label="End of Warm-Up"
    )
    """End of the linear warm-up of step size and curvature weight."""
    two_steps: Pair = option(
        (300000, 400000), unit="iterations", minimum=1, group="Training", advanced=True, label="Learning Rate Steps"
    )
    """Where the step size is divided by gamma, twice."""
    gamma: float = option(
        10.0, minimum=1.0, maximum=1e6, group="Training", advanced=True, label="Learning Rate Divisor"
    )
    """What the step size is divided by."""
    cudnn_deterministic: bool = option(False, group="Training", advanced=True, label="Repeatable cuDNN Kernels")
    """cuDNN's repeatable kernels."""
    cudnn_benchmark: bool = option(True, group="Training", advanced=True, label="Fastest cuDNN Kernels")
    """cuDNN tries kernels and keeps the fastest."""


@dataclasses.dataclass(frozen=True)
class ModelOptions(TrainingOptions):
    """The signed distance function, the colours, the background, the renderer."""

    gpu_memory: int = option(24, unit="GB", choices=(8, 12, 16, 24), group="Model", label="GPU Memory")
    """Chooses dict_size and dim where these are null: 24 GB 22 and 8 (upstream's), 16 GB 21 and 8, 12 GB 21 and 4,
    8 GB 20 and 4."""
    dict_size: Optional[int] = option(
        None, minimum=10, maximum=26, group="Model", label="Hash Table Size (log2 of entries)"
    )
    """Base-2 logarithm of the entries of each level. null = by gpu_memory."""
    dim: Optional[int] = option(None, minimum=1, maximum=16, group="Model", label="Features per Level")
    """Numbers in each entry. null = by gpu_memory."""
    min_logres: int = option(5, minimum=0, maximum=16, group="Model", advanced=True, label="Coarsest Resolution (log2)")
    """Base-2 logarithm of the coarsest resolution."""
    max_logres: int = option(11, minimum=1, maximum=16, group="Model", advanced=True, label="Finest Resolution (log2)")
    """Base-2 logarithm of the finest resolution."""
    grid_range: Tuple[float, float] = option((-2.0, 2.0), minimum=-100.0, maximum=100.0, group="Model", advanced=True)
    """Extent of the hash grid in units of the bounding sphere's radius."""
    encoding: str = option("hashgrid", choices=("hashgrid", "fourier"), group="Model", advanced=True)
    """How positions are encoded."""
    levels: int = option(16, minimum=1, maximum=32, group="Model", advanced=True, label="Hash Grid Levels")
    """Levels of the hash grid."""
    coarse2fine: bool = option(True, group="Model", advanced=True, label="Coarse to Fine")
    """Switch levels on one after the other."""
    init_active_level: int = option(
        4, minimum=1, maximum=32, group="Model", label="Levels at Start", when=("coarse2fine", True)
    )
    """Levels that are on at the start: 4 for objects, 8 for outdoor and indoor scenes."""
    coarse2fine_step: int = option(
        5000,
        unit="iterations",
        minimum=1,
        group="Model",
        advanced=True,
        label="Interval of Levels",
        when=("coarse2fine", True),
    )
    """Iterations from one level to the next."""
    gradient_mode: str = option("numerical", choices=("numerical", "analytical"), group="Model", advanced=True)
    """How the surface's normals are found."""
    gradient_taps: int = option(4, choices=(4, 6), group="Model", advanced=True)
    """Samples of a numerical gradient."""
    inside_out: bool = option(False, group="Model", label="Cameras Are Inside")
    """true for rooms, which are seen from inside."""
    sdf_num_layers: int = option(1, minimum=1, maximum=16, group="Model", advanced=True, label="Distance Layers")
    """Hidden layers of the distance network."""
    sdf_hidden_dim: int = option(
        256, minimum=8, maximum=4096, group="Model", advanced=True, label="Distance Layer Width"
    )
    """Width of its layers."""
    sdf_skip: Tuple[int, ...] = option(
        (), minimum=0, length=(0, 16), group="Model", advanced=True, label="Distance Skip Layers"
    )
    """Layers that see the input again."""
    sdf_activation: str = option(
        "softplus", choices=("softplus", "relu", "relu_"), group="Model", advanced=True, label="Distance Activation"
    )
    """Activation function."""
    sdf_beta: float = option(100.0, minimum=1e-3, maximum=1e6, group="Model", advanced=True, label="Softplus Sharpness")
    """Sharpness of softplus."""
    geometric_init: bool = option(True, group="Model", advanced=True, label="Start as Sphere")
    """Start as a sphere."""
    sdf_weight_norm: bool = option(True, group="Model", advanced=True, label="Distance Weight Norm")
    """Weight normalisation."""
    out_bias: float = option(
        0.5, minimum=-10.0, maximum=10.0, group="Model", advanced=True, label="Radius of Start Sphere"
    )
    """Radius of the sphere at the start, in radii of the bounding sphere."""
    rgb_num_layers: int = option(4, minimum=1, maximum=16, group="Model", advanced=True, label="Color Layers")
    """Hidden layers of the colour network."""
    rgb_hidden_dim: int = option(256, minimum=8, maximum=4096, group="Model", advanced=True, label="Color Layer Width")
    """Width of its layers."""
    rgb_skip: Tuple[int, ...] = option(
        (), minimum=0, length=(0, 16), group="Model", advanced=True, label="Color Skip Layers"
    )
    """Layers that see the input again."""
    rgb_activation: str = option(
        "relu_", choices=("relu_", "relu", "softplus"), group="Model", advanced=True, label="Color Activation"
    )
    """Activation function."""
    rgb_weight_norm: bool = option(True, group="Model", advanced=True, label="Color Weight Norm")
    """Weight normalisation."""
    rgb_mode: str = option(
        "idr", choices=("idr", "no_view_dir"), group="Model", advanced=True, label="Color Depends on View"
    )
    """idr sees the direction of view; no_view_dir gives each point one colour."""
    view_encoding: str = option("spherical", choices=("spherical", "fourier"), group="Model", advanced=True)
    """How directions of view are encoded."""
    view_levels: int = option(3, minimum=1, maximum=32, group="Model", advanced=True)
    """Levels of that encoding."""
    s_var_init: float = option(3.0, minimum=0.0, maximum=20.0, group="Model", advanced=True, label="Sharpness at Start")
    """Inverse standard deviation at the start is exp(10 times this). DTU: 1.4."""
    s_var_anneal_end: float = option(
        0.1, minimum=0.0, maximum=1.0, group="Model", advanced=True, label="Share of Cosine Annealing"
    )
    """Share of max_iter over which the cosine is annealed."""
    background: bool = option(True, group="Model", label="Background")
    """Model what lies outside of the bounding sphere. false for rooms and cut-out objects."""
    background_white: bool = option(
        False, group="Model", advanced=True, label="White Background", when=("background", True)
    )
    """Without a background model: white instead of black."""
    background_num_layers: Optional[int] = option(
        None, minimum=1, maximum=32, group="Model", advanced=True, label="Background Layers", when=("background", True)
    )
    """Hidden layers of the background; null = upstream's, 8."""
    background_hidden_dim: Optional[int] = option(
        None,
        minimum=8,
        maximum=4096,
        group="Model",
        advanced=True,
        label="Background Layer Width",
        when=("background", True),
    )
    """Width of its layers; null = upstream's, 256."""
    background_view_dep: Optional[bool] = option(
        None, group="Model", advanced=True, label="Background Depends on View", when=("background", True)
    )
    """Whether its colour depends on the view; null = upstream's."""
    background_levels: int = option(10, minimum=1, maximum=32, group="Model", advanced=True, when=("background", True))
    """Levels of its Fourier encoding of positions."""
    background_view_levels: int = option(
        3, minimum=1, maximum=32, group="Model", advanced=True, when=("background", True)
    )
    """Levels of its spherical encoding of directions."""
    rand_rays: int = option(512, unit="rays", minimum=16, maximum=65536, group="Model", label="Rays per View")
    """Rays of each view in an iteration. 256 or 128 need less memory."""
    samples_coarse: int = option(64, minimum=4, maximum=1024, group="Model", advanced=True, label="Coarse Samples")
    """Samples along a ray."""
    samples_fine: int = option(16, minimum=4, maximum=1024, group="Model", advanced=True, label="Fine Samples")
    """Further samples near the surface, each of sample_hierarchy times."""
    samples_background: int = option(
        32, minimum=0, maximum=1024, group="Model", advanced=True, label="Background Samples"
    )
    """Samples outside of the bounding sphere; 0 without a background."""
    sample_hierarchy: int = option(4, minimum=0, maximum=16, group="Model", advanced=True, label="Sample Refinements")
    """How often samples are refined."""
    stratified: bool = option(True, group="Model", advanced=True, label="Jitter Samples")
    """Jitter the samples."""
    appear_embed: bool = option(False, group="Model", label="Photographs Differ in Exposure")
    """A code of its own for each photograph, where exposure or light differ between them."""
    appear_embed_dim: int = option(
        8,
        minimum=1,
        maximum=256,
        group="Model",
        advanced=True,
        label="Exposure Code Length",
        when=("appear_embed", True),
    )
    """Length of that code."""


@dataclasses.dataclass(frozen=True)
class NeuralangeloOptions(ModelOptions):
    """Everything: training, model, photographs, extraction, and what TopForge makes of the surface."""

    data_type: str = option(
        "projects.neuralangelo.data",
        choices=("projects.neuralangelo.data",),
        group="Capture",
        advanced=True,
        label="Capture Reader",
    )
    """Upstream's module that reads the capture: a folder with transforms.json and images."""
    data_root: Optional[str] = option(None, path=True, group="Capture", advanced=True, label="Capture")
    """The capture, where nothing else names one."""
    use_multi_epoch_loader: bool = option(True, group="Capture", advanced=True, label="Keep Loading Processes")
    """Keep the loading processes between epochs."""
    num_workers: int = option(4, minimum=0, maximum=128, group="Capture", advanced=True, label="Loading Processes")
    """Processes that load photographs."""
    preload: bool = option(True, group="Capture", label="Keep Photographs in Memory")
    """Hold all photographs in the host's memory. false where that is not enough: the system then kills the run."""
    num_images: Optional[int] = option(
        None, minimum=1, group="Capture", advanced=True, label="Exposure Codes", when=("appear_embed", True)
    )
    """Photographs that appear_embed has codes for; null = those of transforms.json."""
    train_image_size: Optional[Pair] = option(
        None, unit="pixels", minimum=16, maximum=16384, group="Capture", label="Training Height, Width"
    )
    """Height and width that photographs are resized to; null = theirs."""
    train_batch_size: int = option(2, unit="views", minimum=1, maximum=64, group="Capture", label="Views per Iteration")
    """Views in each iteration, on each GPU."""
    train_subset: Optional[int] = option(
        None, unit="views", minimum=1, group="Capture", advanced=True, label="Views to Train on"
    )
    """Train on the first so many views; null = all."""
    val_image_size: Optional[Pair] = option(
        None, unit="pixels", minimum=16, maximum=16384, group="Capture", advanced=True, label="Validation Height, Width"
    )
    """Height and width of held-out renders; null = the shorter side 300."""
    val_batch_size: int = option(
        2, unit="views", minimum=1, maximum=64, group="Capture", advanced=True, label="Validation Views at Once"
    )
    """Held-out views rendered at once."""
    val_subset: int = option(4, unit="views", minimum=1, group="Capture", advanced=True, label="Validation Views")
    """Held-out views."""
    max_viz_samples: int = option(16, minimum=1, group="Capture", advanced=True, label="Views in a Picture")
    """Most views in a picture."""
    readjust_center: Triple = option(
        (0.0, 0.0, 0.0), minimum=-1e6, maximum=1e6, group="Capture", label="Move Bounding Sphere"
    )
    """Shift of the bounding sphere's centre, in its radii."""
    readjust_scale: float = option(1.0, minimum=1e-4, maximum=1e4, group="Capture", label="Scale Bounding Sphere")
    """Scale of the bounding sphere's radius. A sphere that does not hold the object is the first cause of failure."""
    resolution: int = option(
        512, unit="cells", minimum=16, maximum=16384, group="Extraction", label="Extraction Resolution"
    )
    """Cells along the longest side of the bounding box. 512 gives some 2 million vertices, 2048 some 40 million."""
    block_res: int = option(
        64, unit="cells", minimum=16, maximum=2048, group="Extraction", advanced=True, label="Block Size"
    )
    """The surface is found in blocks of so many cells; smaller ones need less memory."""
    textured: bool = option(True, group="Extraction", label="Vertex Colors")
    """Give each vertex its colour. There are no texture coordinates and no maps."""
    keep_lcc: bool = option(False, group="Extraction", advanced=True, label="Upstream's Largest Part per Block")
    """Upstream's own removal of small parts, which works within each block and can punch holes. See largest_part."""
    fuse_tolerance: float = option(
        1e-5, unit="radii", minimum=0.0, maximum=1e-2, group="Surface", advanced=True, label="Fuse Tolerance"
    )
    """Vertices nearer than this times the surface's size become one: upstream writes those between blocks twice.
    0 = keep."""
    largest_part: bool = option(False, group="Surface", label="Keep Largest Part Only")
    """Drop all but the largest connected part, after fusing."""
    triangle_budget: int = option(0, unit="triangles", minimum=0, maximum=2 * 10**9, group="Surface")
    """Most triangles of the delivered mesh. 0 = as extracted, up to 80 million at resolution 2048."""
    preview_triangles: int = option(
        200000, unit="triangles", minimum=100, maximum=10**7, group="Surface", advanced=True, label="Preview Triangles"
    )
    """Most triangles of the preview mesh that lies beside the delivered one."""
    up_axis: str = option("z", choices=("y", "z", "-y", "-z"), group="Surface", label="Up Axis of the Capture")
    """Which axis of transforms.json's world is up; the result is turned so that y is. `topforge convert` writes z;
    upstream's own scripts leave the world as COLMAP found it, often -y."""
    keep_extracted: bool = option(True, group="Surface", advanced=True, label="Keep Upstream's Mesh")
    """Keep the mesh as upstream wrote it beside the delivered one: 1.7 GB for 40 million vertices."""
    keep_checkpoint: bool = option(False, group="Training", advanced=True, label="Keep Last Checkpoint")
    """Keep the checkpoints of a finished run, so that `topforge extend` can train it longer: 1.2 to 5 GB."""


WATCHING = frozenset(
    {"checkout", "logging_iter", "wandb", "wandb_scalar_iter", "wandb_image_iter", "validation_iter", "data_root"}
    | {"save_iter", "save_latest_iter", "save_epoch", "save_period", "num_workers", "use_multi_epoch_loader", "preload"}
    | {"val_image_size", "val_batch_size", "val_subset", "max_viz_samples", "depth_vis_scale", "keep_checkpoint"}
)
"""Options that do not decide the result."""

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "template": {
        "init_active_level": 8,
        "appear_embed": True,
        "train_batch_size": 1,
        "val_batch_size": 1,
        "val_subset": 1,
    },
    "object": {"init_active_level": 4},
    "outdoor": {"init_active_level": 8},
    "indoor": {"init_active_level": 8, "inside_out": True, "background": False, "samples_background": 0},
    "dtu": {
        "init_active_level": 4,
        "s_var_init": 1.4,
        "train_image_size": [1200, 1600],
        "train_batch_size": 1,
        "val_image_size": [300, 400],
        "val_batch_size": 1,
        "val_subset": 1,
    },
    "tnt": {
        "init_active_level": 8,
        "appear_embed": True,
        "num_images": 410,
        "train_image_size": [835, 1500],
        "train_batch_size": 1,
        "val_image_size": [300, 540],
        "val_batch_size": 1,
        "val_subset": 1,
    },
    "fine_mesh": {"resolution": 2048, "block_res": 128, "triangle_budget": 4000000},
    "early_look": {"max_iter": 20000, "scale_schedule": False, "keep_checkpoint": True},
}
"""Upstream's example configs (custom/template, dtu, tnt) and what its generate_config writes for each kind of scene.

Two are ours. fine_mesh extracts at 2048, as people do for scenes, and simplifies to 4 million triangles. early_look
trains 20,000 iterations of the long schedule and keeps a state that `topforge extend` goes on from.
"""
