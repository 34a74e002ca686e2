"""Options of the adapter "nvdiffmodeling": its JSON keys with its meanings and defaults, and TopForge's own."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, Mapping, Optional, Tuple

from topforge import schema
from topforge.schema import option

TRAINED = ("position", "normal", "kd", "ks", "displacement")


@dataclasses.dataclass(frozen=True)
class NvdiffmodelingOptions:
    """Every key that upstream's config files may hold, then TopForge's own."""

    iter: int = option(5000, unit="iterations", minimum=1, group="Optimisation", label="Iterations")
    """Iterations of the run, which has one pass."""
    batch: int = option(1, unit="views", minimum=1, group="Optimisation", label="Views per Iteration")
    """Views in each iteration."""
    spp: int = option(1, minimum=1, maximum=256, group="Optimisation", advanced=True, label="Samples per Pixel Side")
    """Samples along each axis of a pixel: of the reference all of them are shaded. 64 for an asset seen from afar."""
    layers: int = option(1, minimum=1, maximum=64, group="Material", advanced=True, label="Transparent Layers")
    """Surfaces seen one behind another; above 1 the base color gets an alpha. 8 for leaves."""
    train_res: int = option(512, unit="pixels", minimum=16, maximum=8192, group="Capture", label="Training Size")
    """Side of the square pictures: best the size at which the asset will be seen."""
    random_train_res: bool = option(False, group="Optimisation", advanced=True, label="Random Training Size")
    """Train at random sizes up to `train_res`; needs custom_mip."""
    display_res: Optional[int] = option(
        None, unit="pixels", minimum=16, maximum=8192, group="Monitor", advanced=True, label="Preview Size"
    )
    """Side of the previews; null = `train_res`."""
    texture_res: Tuple[int, int] = option(
        (1024, 1024), unit="texels", minimum=16, maximum=16384, group="Material", label="Texture Height, Width"
    )
    """Height and width of the textures, powers of two."""
    display_interval: int = option(0, minimum=0, maximum=0, group="Monitor", advanced=True, ignored=True)
    """Upstream's preview window, which exists on Windows alone; 0 here, previews are files."""
    save_interval: int = option(1000, unit="iterations", minimum=0, group="Monitor", label="Preview Interval")
    """A preview picture every so many iterations; 0 = never."""
    learning_rate: Optional[float] = option(None, minimum=0.0, maximum=1.0, group="Optimisation")
    """Adam's step size for everything; null = 0.01. It falls by 10^(-0.0002 iteration)."""
    light_power: float = option(5.0, minimum=0.0, maximum=1e6, group="Light")
    """Brightness of the light, one point at the distance of the camera, elsewhere in each view."""
    min_roughness: float = option(
        0.08, minimum=0.0, maximum=1.0, group="Material", advanced=True, label="Least Roughness"
    )
    """Least roughness."""
    subdivision: int = option(0, minimum=0, maximum=6, group="Geometry")
    """Times the base mesh is subdivided for a displacement map, which upstream trains but does not export."""
    custom_mip: bool = option(False, group="Material", advanced=True, label="Train Mip Levels")
    """Train each mip level of the textures by itself: for an asset seen from afar."""
    random_textures: bool = option(False, group="Material", advanced=True, label="Random Start Textures")
    """Textures start as noise, not as the base mesh's materials say."""
    laplacian_factor: Optional[float] = option(
        None, minimum=0.0, maximum=1e9, group="Geometry", label="Laplacian Weight"
    )
    """Weight of the Laplacian; null = from its value at the start."""
    relative_laplacian: bool = option(False, group="Geometry", advanced=True)
    """Smooth the displacement since the start, not the surface; needs laplacian_factor."""
    background: str = option(
        "checker", choices=("black", "white", "checker"), group="Monitor", advanced=True, label="Preview Background"
    )
    """Behind the object in previews."""
    loss: str = option(
        "logl1", choices=("logl1", "logl2", "mse", "smape", "relativel2"), group="Optimisation", label="Image Loss"
    )
    """Colour difference on linear radiance."""
    out_dir: Optional[str] = option(None, group="Capture", advanced=True, ignored=True)
    """Upstream's output folder. Accepted and replaced: each work item has a folder of its own."""
    ref_mesh: Optional[str] = option(None, path=True, group="Capture", label="Reference")
    """The mesh (.obj) to look like. Counts only where no dataset is named otherwise."""
    base_mesh: Optional[str] = option(None, path=True, group="Geometry", label="Base Mesh")
    """The mesh (.obj) to start from, with texture coordinates, which stay; e.g. a decimated one."""
    camera_eye: Tuple[float, float, float] = option(
        (0.0, 0.0, 3.5), minimum=-1e6, maximum=1e6, group="Monitor", advanced=True, label="Preview Camera Position"
    )
    """Where the preview's camera stands."""
    camera_up: Tuple[float, float, float] = option(
        (0.0, 1.0, 0.0), minimum=-1.0, maximum=1.0, group="Monitor", advanced=True, label="Preview Camera Up"
    )
    """Which way is up for it."""
    skip_train: Tuple[str, ...] = option(
        (), choices=TRAINED, length=(0, 5), group="Optimisation", advanced=True, label="Keep As It Is"
    )
    """What is not trained: position, normal, kd, ks, displacement."""
    displacement: float = option(
        0.15, minimum=0.0, maximum=100.0, group="Geometry", advanced=True, label="Greatest Displacement"
    )
    """Greatest displacement, with `subdivision`."""
    mtl_override: Optional[str] = option(
        None, path=True, group="Material", advanced=True, label="Reference Material File"
    )
    """A .mtl file that replaces the reference's own."""
    animate: Any = option(None, group="Monitor", advanced=True, ignored=True)
    """In some of upstream's config files, and without effect there as well."""
    checkout: Optional[str] = option(None, path=True, group="Upstream", label="nvdiffmodeling Checkout")
    """Folder of your clone of nvdiffmodeling; null = what TOPFORGE_NVDIFFMODELING names. Nothing is written into it."""
    unmirror: bool = option(True, group="Material", advanced=True, label="Turn Mirrored Charts Round")
    """Karma (MaterialX 1.38) and others would shade the bumps of mirrored UVs upside down. Where there are such, they
    move to a mirror image beside the textures, which become twice as wide; nothing is resampled."""
    normal_bits: int = option(8, unit="bits", choices=(8, 16), group="Material", label="Normal Map Bits")
    """Bits a channel of the portable normal map, textures/normal.png. Upstream's own has 8."""


UNWRITTEN = frozenset({"checkout", "unmirror", "normal_bits", "animate"})
"""Not in the generated file."""
MONITORING = frozenset(
    {"display_interval", "save_interval", "display_res", "background", "camera_eye", "camera_up"}
) | {
    "out_dir",
    "ref_mesh",
    "animate",
    "checkout",
}
"""Keys that do not decide the result."""


def document(config: NvdiffmodelingOptions, dataset: str, out_dir: str) -> Dict[str, Any]:
    """The generated config file: every key, so that nothing depends on upstream's defaults.

    Args:
        config: The options.
        dataset: The reference, absolute.
        out_dir: Name of the folder below `out/`.
    """
    values = {key: value for key, value in schema.to_json(config).items() if key not in UNWRITTEN}
    values["ref_mesh"], values["out_dir"] = dataset, out_dir
    values["display_res"] = config.display_res or config.train_res
    values["learning_rate"] = 0.01 if config.learning_rate is None else config.learning_rate
    return values


_2K = [2048, 2048]
_EWER: Mapping[str, Any] = {
    "base_mesh": "data/ewer/Ewer512.obj",
    "ref_mesh": "data/ewer/ewer.obj",
    "iter": 5000,
    "batch": 8,
    "train_res": 512,
    "texture_res": [2048, 4096],
    "learning_rate": 0.003,
    "light_power": 20.0,
    "relative_laplacian": True,
    "laplacian_factor": 10000.0,
    "random_textures": True,
    "camera_eye": [0.5, 0.0, 3.0],
}
_PLANT: Mapping[str, Any] = {
    "base_mesh": "data/gardenia/genUnique.obj",
    "ref_mesh": "data/gardenia/generatedCombined.obj",
    "iter": 5000,
    "batch": 8,
    "train_res": 512,
    "texture_res": _2K,
    "learning_rate": 0.01,
    "layers": 8,
    "loss": "mse",
    "custom_mip": True,
    "relative_laplacian": True,
    "laplacian_factor": 100.0,
    "min_roughness": 0.6,
    "random_textures": True,
}
_SKULL: Mapping[str, Any] = {
    "base_mesh": "data/skull/skull_p400_LOD1.obj",
    "ref_mesh": "data/skull/skull_uv.obj",
    "iter": 10000,
    "batch": 8,
    "train_res": 512,
    "texture_res": _2K,
    "learning_rate": 0.01,
    "skip_train": ["kd", "ks"],
    "random_textures": False,
    "camera_eye": [2.5, 0.0, 2.5],
}
_DANCER: Mapping[str, Any] = {
    "base_mesh": "data/dancer/dancer_1k.obj",
    "ref_mesh": "data/dancer/dancer.obj",
    "mtl_override": "data/dancer/dancer_diffuse.mtl",
    "iter": 5000,
    "batch": 8,
    "save_interval": 100,
    "train_res": 512,
    "texture_res": _2K,
    "learning_rate": 0.003,
    "subdivision": 2,
    "displacement": 0.2,
    "laplacian_factor": 1000.0,
    "camera_eye": [0.0, 0.0, 3.0],
}
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "spot": {
        "base_mesh": "data/sphere.obj",
        "ref_mesh": "data/spot/spot.obj",
        "iter": 5000,
        "batch": 8,
        "train_res": 512,
        "texture_res": [1024, 1024],
        "learning_rate": 0.03,
        "min_roughness": 0.25,
        "random_textures": True,
        "camera_eye": [2.5, 0.0, -2.5],
    },
    "skull": _SKULL,
    "skull_sphere": {
        **_SKULL,
        "base_mesh": "data/sphere.obj",
        "train_res": 2048,
        "skip_train": [],
        "random_textures": True,
    },
    "skull_reduce_paper": {**_SKULL, "train_res": 2048},
    "ewer": _EWER,
    "ewer_paper": {**_EWER, "iter": 10000, "train_res": 2048},
    "gardenia": _PLANT,
    "gardenia_paper": {**_PLANT, "iter": 10000, "batch": 1, "save_interval": 100, "train_res": 2048},
    "hibiscus": {
        **_PLANT,
        "base_mesh": "data/hibiscus/reduced/genUnique.obj",
        "ref_mesh": "data/hibiscus/model.obj",
    },
    "dancer_brushed_gold_64": {
        "base_mesh": "data/dancer/dancer_8k.obj",
        "ref_mesh": "data/dancer/dancer.obj",
        "mtl_override": "data/dancer/dancer_brushed_gold.mtl",
        "iter": 5000,
        "batch": 4,
        "train_res": 64,
        "texture_res": _2K,
        "learning_rate": 0.003,
        "spp": 64,
        "custom_mip": True,
        "camera_eye": [0.0, 0.0, 3.0],
    },
    "dancer_displacement": _DANCER,
    "dancer_displacement_paper": {**_DANCER, "save_interval": 1000, "train_res": 2048, "subdivision": 3},
}
"""The config files that come with nvdiffmodeling, by name. Their paths start at the checkout. Only spot's meshes are in
a clone; the others' are a download of their own, the archive on upstream's release page."""
