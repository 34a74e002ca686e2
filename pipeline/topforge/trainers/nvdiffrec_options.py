"""Options of the adapter "nvdiffrec": its JSON keys with its meanings and defaults, and what TopForge needs to run it.

Where a key means here what it means to the built-in trainer, it is inherited; the others say what upstream does.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, FrozenSet, Mapping, Optional, Tuple

from topforge import schema
from topforge.schema import option
from topforge.trainers.builtin_options import NvdiffrecOptions

DEFAULT_SIZE = (512, 512)


@dataclasses.dataclass(frozen=True)
class NvdiffrecUpstreamOptions(NvdiffrecOptions):
    """Every key that upstream's config files may hold, then TopForge's own."""

    batch: int = option(1, unit="views", minimum=1, group="Optimisation", label="Views per Iteration")
    """Views in each iteration, for each GPU. 4 fits 24 GB at 800 x 800; below 3 the surface often collapses."""
    spp: int = option(1, minimum=1, maximum=16, group="Optimisation", advanced=True, label="Samples per Pixel Side")
    """Visibility samples along each axis of a pixel."""
    layers: int = option(1, minimum=1, maximum=64, group="Material", advanced=True, label="Transparent Layers")
    """Surfaces seen one behind another in pass 2 and in a mesh reference. Above 1 the base color gets an alpha."""
    train_res: Optional[Tuple[int, int]] = option(
        None, unit="pixels", minimum=16, maximum=8192, group="Capture", label="Training Height, Width"
    )
    """Height and width to train at. Must be the photographs' own size, which null is; for a mesh reference any size,
    null = 512 x 512."""
    display_res: Optional[Tuple[int, int]] = option(
        None, unit="pixels", minimum=16, maximum=8192, group="Capture", advanced=True, label="Preview Height, Width"
    )
    """Height and width of a mesh reference's previews and validation views; null = `train_res`."""
    texture_res: Tuple[int, int] = option(
        (1024, 1024), unit="texels", minimum=16, maximum=16384, group="Material", label="Texture Height, Width"
    )
    """Height and width of the textures, powers of two."""
    display_interval: int = option(0, minimum=0, maximum=0, group="Monitor", advanced=True, ignored=True)
    """Upstream's preview window, which exists on Windows alone; 0 here, previews are files."""
    save_interval: int = option(1000, unit="iterations", minimum=0, group="Monitor", label="Preview Interval")
    """A preview picture every so many iterations; 0 = never."""
    custom_mip: bool = option(False, group="Material", advanced=True, ignored=True)
    """Trained mip levels, which train nothing: without effect where there is no base mesh, refused where there is."""
    out_dir: Optional[str] = option(None, group="Capture", advanced=True, ignored=True)
    """Upstream's output folder. Accepted and replaced: each work item has a folder of its own."""
    validate: bool = option(True, group="Monitor", label="Measure Held-Out Views")
    """Measure the held-out views after each pass and write their pictures: up to six files for each view."""
    isosurface: str = option("dmtet", choices=("dmtet", "flexicubes"), group="Geometry", label="Surface Extraction")
    """How pass 1 extracts triangles. flexicubes gives smoother, fewer triangles at the same grid."""
    dmtet_grid: int = option(64, unit="cells", minimum=8, maximum=512, group="Geometry", label="Grid Resolution")
    """Cells along a side of the grid. dmtet needs the checkout's data/tets file of that size: 32, 64 or 128."""
    envmap: Optional[str] = option(None, path=True, group="Light", advanced=True, label="Light Image")
    """A .hdr latitude-longitude image: lights a mesh reference; the light where learn_light is false. With a base mesh
    that light is learnt all the same unless lock_light is set."""
    display: Any = option(None, group="Monitor", advanced=True, label="Preview Layers")
    """What previews show beside result and reference: a list of {"latlong": true} (the light) and {"bsdf": "kd", "ks",
    "normal", "diffuse" or "tangent"}. {"relight": ...} crashes upstream and is refused."""
    camera_space_light: bool = option(False, group="Light", advanced=True, label="Light Moves with Camera")
    """The light is fixed to the camera, as where the object stands on a turntable."""
    sdf_regularizer: float = option(
        0.2, minimum=0.0, maximum=100.0, group="Geometry", advanced=True, label="Floater Removal Weight"
    )
    """Start weight of the term against floating pieces and holes in pass 1."""
    laplace_scale: float = option(
        10000.0, minimum=0.0, maximum=1e7, group="Geometry", advanced=True, label="Laplacian Weight"
    )
    """Weight of the Laplacian in pass 2."""
    pre_load: bool = option(True, group="Capture", advanced=True, label="Keep Photographs in Memory")
    """All photographs in the host's memory: 16 bytes a pixel, 1 GB for 100 of 800 x 800. false reads them each time."""
    checkout: Optional[str] = option(None, path=True, group="Upstream", label="nvdiffrec Checkout")
    """Folder of your clone of nvdiffrec; null = what TOPFORGE_NVDIFFREC names. Nothing is written into it."""
    restart_pass_2: bool = option(False, group="Upstream", advanced=True, label="Restart from Pass 1")
    """An attempt after an interrupted pass 2 begins with what pass 1 had found, not from nothing. For photographs only.
    The result is not that of an uninterrupted run: textures and light start from 8 bit, occlusion from 0."""
    unmirror: bool = option(True, group="Material", advanced=True, label="Turn Mirrored Charts Round")
    """Upstream mirrors about half of its charts, whose bumps Karma (MaterialX 1.38) and others would shade upside down.
    Those move to a mirror image beside the textures, which become twice as wide; nothing is resampled."""
    normal_bits: int = option(8, unit="bits", choices=(8, 16), group="Material", label="Normal Map Bits")
    """Bits a channel of the portable normal map, textures/normal.png. Upstream's own has 8."""


OWN: FrozenSet[str] = frozenset({"checkout", "restart_pass_2", "unmirror", "normal_bits"})
"""Options that are not upstream's."""
UNWRITTEN = OWN | {"local_rank", "multi_gpu"}
"""Not in the generated file: JSON wins over everything there, and the last two come from the environment."""
MONITORING = frozenset({"display_interval", "save_interval", "out_dir", "ref_mesh", "pre_load"}) | {
    "checkout",
    "restart_pass_2",
    "local_rank",
    "multi_gpu",
    "min_roughness",
    "custom_mip",
}
"""Keys that do not decide the result. (There is no seed upstream: the same work twice differs in its last digits.)"""


def document(config: NvdiffrecUpstreamOptions, dataset: str, size: Tuple[int, int], out_dir: str) -> Dict[str, Any]:
    """The generated config file: every key upstream knows but those it must find in its environment.

    Args:
        config: The options.
        dataset: Mesh or capture, absolute.
        size: Height and width to train at, where the options leave that open.
        out_dir: Name of the folder below `out/`.
    """
    values = {key: value for key, value in schema.to_json(config).items() if key not in UNWRITTEN}
    values["ref_mesh"], values["out_dir"] = dataset, out_dir
    values["train_res"] = list(config.train_res or size)
    values["display_res"] = list(config.display_res or values["train_res"])
    values["custom_mip"] = False
    return values


_LIGHT = {"envmap": "data/irrmaps/aerodynamics_workshop_2k.hdr"}
_SPOT: Mapping[str, Any] = {
    "ref_mesh": "data/spot/spot.obj",
    "random_textures": True,
    "iter": 5000,
    "save_interval": 1000,
    "texture_res": [1024, 1024],
    "train_res": [512, 512],
    "batch": 8,
    "learning_rate": [0.03, 0.003],
    "dmtet_grid": 64,
    "mesh_scale": 2.1,
    "validate": False,
    "ks_min": [0, 0.1, 0],
    "ks_max": [1, 1, 1],
    "background": "white",
    **_LIGHT,
}
_NERD: Mapping[str, Any] = {
    "random_textures": True,
    "iter": 5000,
    "save_interval": 100,
    "texture_res": [2048, 2048],
    "train_res": [512, 512],
    "batch": 8,
    "learning_rate": [0.03, 0.01],
    "dmtet_grid": 128,
    "mesh_scale": 2.5,
    "kd_min": [0.03, 0.03, 0.03],
    "kd_max": [0.8, 0.8, 0.8],
    "ks_max": [0, 1, 1],
    "display": [{"latlong": True}, {"bsdf": "kd"}, {"bsdf": "ks"}, {"bsdf": "normal"}],
    "background": "white",
}


def _bob(**changes: Any) -> Dict[str, Any]:
    own = {"ref_mesh": "data/bob/bob_tri.obj", "iter": 1000, "save_interval": 100, "batch": 4, "env_scale": 2.0}
    return {**_SPOT, **own, **changes}


def _nerf(scene: str, scale: float, roughness: float, **changes: Any) -> Dict[str, Any]:
    common = {key: value for key, value in _NERD.items() if key not in ("kd_min", "kd_max", "ks_max")}
    own = {"ref_mesh": "data/nerf_synthetic/" + scene, "train_res": [800, 800], "laplace_scale": 3000.0}
    return {**common, **own, "mesh_scale": scale, "ks_min": [0, roughness, 0], **changes}


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "bob": _bob(ks_min=[0, 0.25, 0]),
    "bob_flexi": _bob(ks_min=[0, 0.25, 0], isosurface="flexicubes", dmtet_grid=48),
    "spot": _SPOT,
    "spot_fixlight": {**_SPOT, "learn_light": False},
    "spot_metal": {
        **_SPOT,
        "base_mesh": "data/spot/spot.obj",
        "mtl_override": "data/spot/metal.mtl",
        "lock_pos": True,
        "learning_rate": [0.01],
        "texture_res": [512, 512],
        "ks_min": [0, 0.2, 0],
        "display": [{"latlong": True}],
        "validate": True,
    },
    "nerf_chair": _nerf("chair", 2.1, 0.08),
    "nerf_drums": _nerf("drums", 2.3, 0.1, layers=4),
    "nerf_ficus": _nerf("ficus", 2.3, 0.25, layers=8),
    "nerf_hotdog": _nerf("hotdog", 3.0, 0.25, lock_light=True),
    "nerf_lego": _nerf("lego", 2.4, 0.25),
    "nerf_materials": _nerf("materials", 2.4, 0.1, learning_rate=[0.03, 0.003], laplace="absolute", lock_light=True),
    "nerf_mic": _nerf("mic", 2.4, 0.25, layers=4),
    "nerf_ship": _nerf("ship", 2.75, 0.1, layers=4),
    "nerd_ehead": {
        **_NERD,
        "ref_mesh": "data/nerd/ethiopianHead_rescaled",
        "dmtet_grid": 64,
        "learning_rate": [0.03, 0.03],
        "camera_space_light": True,
        "display": [{"bsdf": "kd"}, {"bsdf": "ks"}, {"bsdf": "normal"}],
    },
    "nerd_gold": {
        **_NERD,
        "ref_mesh": "data/nerd/moldGoldCape_rescaled",
        "display": [{"bsdf": "kd"}, {"bsdf": "ks"}, {"bsdf": "normal"}],
    },
}
"""The config files that come with nvdiffrec, by name. Their paths start at the checkout; the datasets of nerf_* and
nerd_* are downloaded with upstream's own script."""
