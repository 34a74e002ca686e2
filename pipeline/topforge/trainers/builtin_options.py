"""Options of the built-in trainer: nvdiffrec's JSON keys verbatim, then TopForge's own.

The first class holds nvdiffrec's keys with nvdiffrec's names, meanings and defaults, so that its config files run as
they are; one default differs, that of `isosurface` (docs/decisions/0016-isosurface.md). The second adds what nvdiffrec
has no word for. Both are flat: a wedge names any of them.
"""

from __future__ import annotations

import dataclasses
from typing import Any, List, Mapping, Optional, Tuple, Union

from topforge.schema import option

Rate = Union[float, Tuple[float, float]]
"""One step size, or those of geometry and material."""


@dataclasses.dataclass(frozen=True)
class NvdiffrecOptions:
    """The keys of nvdiffrec's config files."""

    iter: int = option(5000, unit="iterations", minimum=1, group="Optimisation", label="Iterations per Pass")
    """Iterations of each of the two passes."""
    batch: int = option(1, unit="views", minimum=1, group="Optimisation", label="Views per Iteration")
    """Views in each iteration. 2 to 4 on a CPU, 4 to 8 on a GPU."""
    spp: int = option(1, minimum=1, maximum=4, group="Optimisation", advanced=True, label="Samples per Pixel Side")
    """Samples along each axis of a pixel while training. 1 is enough: silhouettes have their own gradient."""
    layers: int = option(1, minimum=1, maximum=8, group="Material", advanced=True, label="Transparent Layers")
    """Surfaces that are seen one behind another. Above 1, pass 2 finds an opacity, delivered as alpha of the base
    color; each layer costs about as much as the first. 4 for glass and thin leaves; pass 1 knows one layer only."""
    train_res: Optional[Tuple[int, int]] = option(
        None, unit="pixels", minimum=16, maximum=8192, group="Capture", label="Training Height, Width"
    )
    """Height and width to train at; null = those of the photographs, which are averaged down by a whole factor.
    A mesh reference is drawn at any size; null = 512 x 512."""
    display_res: Optional[Tuple[int, int]] = option(
        None, unit="pixels", minimum=16, maximum=8192, group="Capture", advanced=True, label="Preview Height, Width"
    )
    """Height and width of a mesh reference's validation views, and so of previews; null = `train_res`. Held-out
    photographs have the size that is trained at."""
    texture_res: Tuple[int, int] = option(
        (1024, 1024), unit="texels", minimum=16, maximum=16384, group="Material", label="Texture Height, Width"
    )
    """Height and width of the textures, a square power of two."""
    display_interval: int = option(0, minimum=0, group="Monitor", advanced=True, ignored=True)
    """nvdiffrec's preview window; there is none here, previews are files. Accepted and ignored, as 0 would be."""
    save_interval: int = option(1000, unit="iterations", minimum=0, group="Monitor", label="Preview Interval")
    """A preview picture and a validation every so many iterations; 0 = never."""
    learning_rate: Union[float, Tuple[Rate, ...]] = option(
        0.01, minimum=0.0, maximum=1.0, length=(1, 2), group="Optimisation"
    )
    """Adam's step size: one number, [pass 1, pass 2], each entry a number or [geometry, material]."""
    min_roughness: float = option(0.08, minimum=0.0, maximum=1.0, group="Material", advanced=True, ignored=True)
    """Unused by nvdiffrec as well; the lower limit of roughness is in ks_min."""
    custom_mip: bool = option(False, group="Material", advanced=True, ignored=True)
    """nvdiffrec's trained mip levels, which train nothing. Ignored without a base mesh, refused with one."""
    random_textures: bool = option(False, group="Material", advanced=True, label="Even Start Textures")
    """With a base mesh: textures start even, in the middle of their limits, not as the mesh's materials say (nvdiffrec:
    as noise, slow to smooth out). Without one it changes nothing."""
    background: str = option(
        "checker",
        choices=("black", "white", "checker", "reference"),
        group="Monitor",
        advanced=True,
        label="Preview Background",
    )
    """Behind the object in previews and validation; training draws a random one each time."""
    loss: str = option(
        "logl1", choices=("logl1", "logl2", "mse", "smape", "relmse"), group="Optimisation", label="Image Loss"
    )
    """Colour difference on linear radiance. logl1 tolerates highlights and outliers best."""
    out_dir: Optional[str] = option(None, group="Capture", advanced=True, ignored=True)
    """nvdiffrec's output folder. Accepted and ignored: a work item's folder decides."""
    ref_mesh: Optional[str] = option(None, path=True, group="Capture", advanced=True, label="Reference")
    """nvdiffrec's name for the dataset: a mesh (.obj) to take pictures of, or a capture's folder. Counts only where
    no dataset is named otherwise."""
    base_mesh: Optional[str] = option(None, path=True, group="Geometry", advanced=True, label="Base Mesh")
    """Start from this mesh (.obj) and skip pass 1; the first entry of `learning_rate` counts. The light starts grey,
    or with learn_light false as `envmap`, and is learnt either way unless lock_light is set, as in nvdiffrec."""
    validate: bool = option(True, group="Monitor", label="Measure Held-Out Views")
    """Measure held-out views at the end and write them."""
    isosurface: str = option(
        "flexicubes", choices=("flexicubes", "dmtet"), group="Geometry", label="Surface Extraction"
    )
    """How pass 1 extracts triangles. flexicubes fits better at the same grid, with a third more triangles. dmtet takes
    a fifth of its memory, and is what nvdiffrec takes where a config names neither."""
    mtl_override: Optional[str] = option(
        None, path=True, group="Material", advanced=True, label="Reference Material File"
    )
    """A .mtl file that replaces the mesh reference's own. One that holds a single material holds for all triangles."""
    dmtet_grid: int = option(64, unit="cells", minimum=8, maximum=256, group="Geometry", label="Grid Resolution")
    """Cells along a side of the grid. 32 to 48 on a CPU, 64 to 128 on a GPU. dmtet has as many vertices in its
    tetrahedra as nvdiffrec's file of that number."""
    mesh_scale: float = option(
        2.1, unit="world units", minimum=1e-3, maximum=1e4, group="Geometry", label="Training Box Size"
    )
    """Side of the cube around the origin that the object must fit in."""
    env_scale: float = option(1.0, minimum=0.0, maximum=1e4, group="Light", advanced=True, label="Light Image Scale")
    """Multiplies `envmap`."""
    envmap: Optional[str] = option(None, path=True, group="Light", advanced=True, label="Light Image")
    """A .hdr latitude-longitude image: lights a mesh reference; the fixed light when learn_light is false."""
    display: Any = option(None, group="Monitor", advanced=True, label="Preview Layers")
    """What previews show beside result and reference, and validation writes: a list of {"latlong": true} (the light),
    {"bsdf": "kd", "ks", "normal", "diffuse" or "tangent"} and {"relight": a .hdr file}.
    null = difference, kd, ks, normal."""
    camera_space_light: bool = option(False, group="Light", advanced=True, label="Light Moves with Camera")
    """The light is fixed to the camera, as where the object stands on a turntable. The probe is then in the camera's
    axes (x right, y up, z back), not in the world's."""
    lock_light: bool = option(False, group="Light", label="Freeze Light in Pass 2")
    """Freeze the light in pass 2."""
    lock_pos: bool = option(False, group="Geometry", label="Freeze Shape in Pass 2")
    """Freeze the vertices in pass 2."""
    sdf_regularizer: float = option(
        0.2, minimum=0.0, maximum=100.0, group="Geometry", advanced=True, label="Floater Removal Weight"
    )
    """Weight of the term against floating pieces; falls to 0.01 over the first quarter of pass 1."""
    laplace: str = option(
        "relative", choices=("relative", "absolute"), group="Geometry", advanced=True, label="Laplacian Kind"
    )
    """Smooth the vertices' displacement since pass 1, or the surface itself."""
    laplace_scale: float = option(
        10000.0, minimum=0.0, maximum=1e7, group="Geometry", advanced=True, label="Laplacian Weight"
    )
    """Weight of the Laplacian in pass 2; falls to 0 over the pass."""
    pre_load: bool = option(True, group="Capture", advanced=True, ignored=True)
    """nvdiffrec's choice to keep all images in memory. Always so here, at half precision."""
    kd_min: Tuple[float, ...] = option(
        (0.0, 0.0, 0.0, 0.0), minimum=0.0, maximum=1.0, length=(3, 4), group="Material", label="Least Base Color (RGBA)"
    )
    """Least base colour (linear RGB) and, with `layers`, opacity."""
    kd_max: Tuple[float, ...] = option(
        (1.0, 1.0, 1.0, 1.0),
        minimum=0.0,
        maximum=1.0,
        length=(3, 4),
        group="Material",
        label="Greatest Base Color (RGBA)",
    )
    """Greatest base colour (linear RGB) and, with `layers`, opacity."""
    ks_min: Tuple[float, float, float] = option(
        (0.0, 0.08, 0.0), minimum=0.0, maximum=1.0, group="Material", label="Least Occlusion, Roughness, Metalness"
    )
    """Least occlusion (0 = fully lit), roughness, metalness."""
    ks_max: Tuple[float, float, float] = option(
        (1.0, 1.0, 1.0), minimum=0.0, maximum=1.0, group="Material", label="Greatest Occlusion, Roughness, Metalness"
    )
    """Greatest occlusion, roughness, metalness. 0 for a channel switches it off."""
    nrm_min: Tuple[float, float, float] = option(
        (-1.0, -1.0, 0.0), minimum=-1.0, maximum=1.0, group="Material", advanced=True, label="Least Normal"
    )
    """Least tangent-space normal."""
    nrm_max: Tuple[float, float, float] = option(
        (1.0, 1.0, 1.0), minimum=-1.0, maximum=1.0, group="Material", advanced=True, label="Greatest Normal"
    )
    """Greatest tangent-space normal. [0, 0, 1] in both limits switches the normal map off."""
    cam_near_far: Tuple[float, float] = option(
        (0.1, 1000.0),
        unit="world units",
        minimum=1e-6,
        maximum=1e9,
        group="Capture",
        advanced=True,
        label="Near, Far Clipping",
    )
    """Clip distances of the cameras."""
    learn_light: bool = option(True, group="Light", label="Find the Light")
    """Find the light. false = use `envmap` as it is."""
    local_rank: int = option(0, minimum=0, maximum=0, advanced=True, group="Optimisation", ignored=True)
    """Set by nvdiffrec itself; leave it."""
    multi_gpu: bool = option(False, advanced=True, group="Optimisation", ignored=True)
    """Set by nvdiffrec itself; leave it."""


@dataclasses.dataclass(frozen=True)
class BuiltinOptions(NvdiffrecOptions):
    """Everything the built-in trainer understands."""

    reference_views: int = option(256, unit="views", minimum=8, maximum=100000, group="Capture", advanced=True)
    """Training views drawn of a mesh reference, at random, before training. Each takes 2.9 MB at 512 x 512 pixels."""
    seed: int = option(0, minimum=0, maximum=2**31 - 1, group="Optimisation", label="Random Seed")
    """Start of every random choice. On a CPU with `threads` 1 a run repeats to the bit; else sums round differently."""
    time_budget: float = option(0.0, unit="seconds", minimum=0.0, group="Optimisation")
    """Ends the whole run after about this long: training is over at 90 % of it, counted from the start of the process,
    the rest is for writing and measuring. Rates fall with the time used. 0 = no limit."""
    schedule: str = option(
        "cosine", choices=("cosine", "nvdiffrec"), group="Optimisation", advanced=True, label="Learning Rate Schedule"
    )
    """How rates fall over a pass: to 1 % on a cosine, or nvdiffrec's 10^(-0.0002 iteration) whatever the length."""
    coarse_share: float = option(
        0.6, minimum=0.0, maximum=1.0, group="Optimisation", advanced=True, label="Coarse Share of Pass 1"
    )
    """Share of pass 1 that runs at half resolution with twice the views."""
    initial_shape: str = option("hull", choices=("hull", "random"), group="Geometry")
    """Begin with the visual hull of the masks, or with nvdiffrec's random cloud."""
    hull_votes: Optional[int] = option(
        None, unit="views", minimum=0, maximum=20, group="Geometry", advanced=True, label="Disagreeing Masks"
    )
    """How many masks may miss a point without carving it from the hull. null = by what fits the masks; 0 = none."""
    triangle_budget: int = option(0, unit="triangles", minimum=0, maximum=10**8, group="Geometry")
    """Most triangles of the result. Pass 1's surface is simplified to that, and pass 2 trains what is left. 0 = all."""
    hash_levels: int = option(8, minimum=1, maximum=16, group="Material", advanced=True, label="Hash Grid Levels")
    """Levels of the hash grid that holds the material in pass 1."""
    hash_log2_size: int = option(
        15, minimum=8, maximum=22, group="Material", advanced=True, label="Hash Grid Size (log2 of entries)"
    )
    """Base-2 logarithm of the entries of each level."""
    hash_finest: int = option(
        256,
        unit="cells",
        minimum=16,
        maximum=8192,
        group="Material",
        advanced=True,
        label="Hash Grid Finest Resolution",
    )
    """Cells along a side of the finest level; about one for two texels of detail."""
    probe_res: int = option(
        64, unit="texels", choices=(16, 32, 64, 128, 256), group="Light", label="Light Probe Resolution"
    )
    """Side of a face of the light's cube map. 64 shows all that a roughness of 0.2 reflects, a sun too; mirrors need
    128 or 256, and many photographs to see them in."""
    light_neutrality: float = option(
        0.001, minimum=0.0, maximum=10.0, group="Light", advanced=True, label="Light Neutrality Weight"
    )
    """Weight of the light's difference from grey, which splits colour between light and surface. nvdiffrec: 0.005."""
    light_smoothness: float = option(
        0.0, minimum=0.0, maximum=10.0, group="Light", advanced=True, label="Light Smoothness Weight"
    )
    """Weight of the light's total variation in the log domain."""
    coverage_weight: float = option(
        5.0, minimum=0.0, maximum=1000.0, group="Geometry", advanced=True, label="Silhouette Weight"
    )
    """Weight of the difference between the silhouette and the mask."""
    mask_tolerance: Optional[float] = option(
        None, unit="pixels", minimum=0.0, maximum=100.0, group="Geometry", label="Mask Tolerance"
    )
    """How far masks may be off. Pixels so near their borders count less. null = measured; 0 = masks are exact."""
    exposure: str = option("auto", choices=("auto", "on", "off"), group="Light", label="Find Exposures")
    """Find each photograph's exposure and white balance. auto = where the same surface differs between photographs."""
    pose_refinement: str = option(
        "auto", choices=("auto", "on", "off"), group="Capture", advanced=True, label="Refine Cameras"
    )
    """Correct each camera's pose a little while training; the result stays in the capture's frame. auto = where the
    masks do not fit a common hull, for which poses may be the reason."""
    normal_smoothness: float = option(
        0.05, minimum=0.0, maximum=10.0, group="Geometry", advanced=True, label="Normal Smoothness Weight"
    )
    """Weight of the difference between normals of neighbouring vertices."""
    material_smoothness: float = option(
        0.03, minimum=0.0, maximum=10.0, group="Material", advanced=True, label="Base Color Smoothness Weight"
    )
    """Weight of the difference between base colours of neighbouring points, over their mean: bright or dark, alike."""
    gloss_smoothness: float = option(
        0.05,
        minimum=0.0,
        maximum=10.0,
        group="Material",
        advanced=True,
        label="Roughness and Metalness Smoothness Weight",
    )
    """The same for roughness and metalness, which change less often than colour does."""
    export_res: Optional[Tuple[int, int]] = option(
        None, unit="texels", minimum=16, maximum=16384, group="Material", label="Delivered Texture Height, Width"
    )
    """Height and width of the textures as delivered, a square; null = as trained. Larger ones hold no more detail."""
    normal_bits: int = option(8, unit="bits", choices=(8, 16), group="Material", label="Normal Map Bits")
    """Bits a channel of textures/normal.png, which asset.usda uses. nvdiffrec's tree and the .glb have 8."""
    validation_views: int = option(
        4, minimum=1, maximum=1000, group="Monitor", advanced=True, label="Held-Out Views While Training"
    )
    """How many held-out views the running PSNR is measured on."""
    checkpoint_interval: int = option(100, unit="iterations", minimum=0, group="Monitor", advanced=True)
    """Save the state this often, and on a request to stop; less often where writing it would take more than a twentieth
    of the time. 0 = only on request."""
    keep_checkpoint: bool = option(True, group="Monitor", advanced=True, label="Keep Last Checkpoint")
    """Keep the last state of a finished run, so that `topforge extend` can train it longer: 150 MB for textures of
    1024, 600 MB for 2048."""
    backend: str = option(
        "auto", choices=("auto", "warp", "nvdiffrast"), group="Optimisation", advanced=True, label="Operators"
    )
    """Which operators to use. warp needs no compiler and may be used commercially; auto is warp.
    nvdiffrast needs that package, tinycudann and a GPU, and its licence forbids commercial use."""
    device: str = option("auto", choices=("auto", "cpu", "cuda"), group="Optimisation", advanced=True)
    """Where to train; auto is the GPU where torch sees one, else the CPU. Which GPU is the scheduler's choice."""
    capture: str = option(
        "auto", choices=("auto", "on", "off"), group="Optimisation", advanced=True, label="CUDA Graphs"
    )
    """Launch each iteration as two CUDA graphs, several times faster than kernel by kernel. auto: on a GPU, where the
    operators allow it. off is for looking for a defect; the result is the same but for rounding."""
    threads: int = option(0, minimum=0, maximum=256, group="Optimisation", advanced=True, label="CPU Threads")
    """CPU threads; 0 = all cores. 1 makes a run repeatable to the bit."""


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "draft": {
        "iter": 400,
        "batch": 2,
        "texture_res": [512, 512],
        "learning_rate": [[0.03, 0.01], [0.001, 0.01]],
        "dmtet_grid": 48,
        "save_interval": 100,
    },
    "standard": {},
    "high": {
        "iter": 5000,
        "batch": 4,
        "texture_res": [2048, 2048],
        "learning_rate": [[0.03, 0.01], [0.001, 0.01]],
        "dmtet_grid": 128,
        "probe_res": 128,
    },
}
"""Where to start. draft: minutes on a CPU for small photographs, for a look at capture, masks and box. standard: the
defaults, which are nvdiffrec's but for `isosurface`. high: for a GPU with 16 GiB or more; fine geometry, sharp textures
and highlights.

None names what depends on the capture (train_res, mesh_scale), so that choosing one leaves that alone.
"""

MONITORING = frozenset({"display_interval", "save_interval", "display", "display_res", "background", "out_dir"}) | {
    "checkpoint_interval",
    "keep_checkpoint",
    "validation_views",
    "validate",
    "pre_load",
    "ref_mesh",
    "device",
    "capture",
}
"""Keys that do not decide the result, only what one sees of it: changing them must not train anew.

`device` is among them although a GPU rounds otherwise than a CPU: it is the same work on the same random numbers, and
where it runs is the farm's choice. So a run may be stopped on one and go on on the other, and a finished one stands.
"""


EXTENDABLE = ("iter", "time_budget")
"""Options of which a later end continues what was trained with an earlier one."""


def extends(wanted: Mapping[str, Any], saved: Mapping[str, Any]) -> bool:
    """Whether options differ from others in nothing but a later end of the training.

    Args:
        wanted: JSON values of the options that decide the result, by name.
        saved: Those of work that was done before.
    """
    unlimited = float("inf")
    budgets = [float(options.get("time_budget") or unlimited) for options in (wanted, saved)]
    later = wanted["iter"] >= saved["iter"] and budgets[0] >= budgets[1]
    others = [{key: value for key, value in each.items() if key not in EXTENDABLE} for each in (wanted, saved)]
    return later and wanted != saved and others[0] == others[1]


def rates(value: Union[float, Tuple[Rate, ...], List[Any]], training_pass: int) -> Tuple[float, float]:
    """Geometry and material step size of a pass (0 or 1) from nvdiffrec's `learning_rate`."""
    entry: Any = value
    if isinstance(entry, (list, tuple)):
        entry = entry[min(training_pass, len(entry) - 1)]
    if isinstance(entry, (list, tuple)):
        return float(entry[0]), float(entry[-1])
    return float(entry), float(entry)
