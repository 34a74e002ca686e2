"""What nvdiffrec would take in silence and get wrong, or meet with a traceback after minutes, is refused before."""

from __future__ import annotations

from pathlib import Path

from topforge.trainers import display_layers, nvdiffrec_captures
from topforge.trainers.nvdiffrec_captures import MESH
from topforge.trainers.nvdiffrec_options import NvdiffrecUpstreamOptions
from topforge.trainers.upstream import mesh_rules, option_checks
from topforge.trainers.upstream.checkout import Checkout
from topforge.trainers.upstream.option_checks import UpstreamOptionError

NAME = "nvdiffrec"


def check_values(config: NvdiffrecUpstreamOptions) -> None:
    """Refuses values that upstream would stumble over, whatever the dataset.

    Raises:
        UpstreamOptionError: Names the key.
        DisplayLayerError: An entry of `display` is none.
    """
    for layer in config.display if isinstance(config.display, list) else ():
        if isinstance(layer, dict) and "relight" in layer:
            fix = "Remove that layer; light the result with another probe in Houdini, or use TopForge's trainer."
            raise UpstreamOptionError(NAME, "display", config.display, '"relight" crashes at the first preview', fix)
    display_layers.validate(config.display)
    if config.custom_mip and config.base_mesh:
        fix = "Remove custom_mip."
        raise UpstreamOptionError(NAME, "custom_mip", True, "with a base mesh its textures never train", fix)
    if config.lock_light and config.camera_space_light:
        problem = "with camera_space_light pass 2 would see the light as the last preview's camera left it"
        raise UpstreamOptionError(NAME, "lock_light", True, problem, "Set one of them to false.")
    option_checks.require_powers_of_two(NAME, config.texture_res)
    for low, high in (("kd_min", "kd_max"), ("ks_min", "ks_max"), ("nrm_min", "nrm_max")):
        if any(a > b for a, b in zip(getattr(config, low), getattr(config, high))):
            problem = "an entry is above that of %s" % high
            raise UpstreamOptionError(NAME, low, list(getattr(config, low)), problem, "Correct one of them.")


def check_files(config: NvdiffrecUpstreamOptions, clone: Checkout) -> None:
    """Refuses what names files that are not there, or that upstream cannot read.

    Raises:
        UpstreamOptionError: Names the key.
        MeshRuleError: The base mesh cannot be read.
    """
    grid = clone.path / "data" / "tets" / ("%d_tets.npz" % config.dmtet_grid)
    if config.isosurface == "dmtet" and not config.base_mesh and not grid.is_file():
        there = sorted(int(path.name[: -len("_tets.npz")]) for path in grid.parent.glob("[0-9]*_tets.npz"))
        known = ", ".join(map(str, there)) or "none"
        fix = 'Set dmtet_grid to one that is there (%s), or isosurface to "flexicubes", which takes any.' % known
        raise UpstreamOptionError(NAME, "dmtet_grid", config.dmtet_grid, "the checkout has no %s" % grid, fix)
    if config.envmap is not None:
        _require_light(Path(config.envmap), clone)
    elif not config.learn_light:
        fix = "Name a latitude-longitude .hdr file in envmap."
        raise UpstreamOptionError(NAME, "learn_light", False, "a fixed light needs envmap", fix)
    if config.base_mesh is not None:
        mesh_rules.check(Path(config.base_mesh))


def _require_light(path: Path, clone: Checkout) -> None:
    if path.suffix.lower() != ".hdr":
        raise UpstreamOptionError(NAME, "envmap", str(path), "only .hdr files are read", "Convert it to Radiance .hdr.")
    if not path.is_file():
        fix = "Name an .hdr file. A relative path starts at the config file or else at the checkout, %s." % clone.path
        raise UpstreamOptionError(NAME, "envmap", str(path), "there is no such file", fix)


def check_dataset(config: NvdiffrecUpstreamOptions, dataset: Path) -> None:
    """Refuses a dataset that upstream cannot read, or that does not go with the options.

    Raises:
        TopForgeError: What is wrong, where, and the fix.
    """
    found = nvdiffrec_captures.check(dataset)
    found.require_size(config.train_res)
    if found.kind != MESH:
        if config.mtl_override is not None:
            problem = "the dataset is no mesh"
            raise UpstreamOptionError(NAME, "mtl_override", config.mtl_override, problem, "Remove it.")
        return
    if config.restart_pass_2:
        problem = "envmap would have to light the reference and to be the found light at once"
        raise UpstreamOptionError(NAME, "restart_pass_2", True, problem, "Set it to false for a mesh reference.")
    if config.envmap is None:
        fix = "Name a latitude-longitude .hdr file in envmap."
        raise UpstreamOptionError(NAME, "envmap", None, "nothing lights the mesh reference", fix)
    facts = mesh_rules.check(dataset, None if config.mtl_override is None else Path(config.mtl_override))
    if config.base_mesh is None:
        mesh_rules.require_inside(dataset, facts, config.mesh_scale)
