"""A stand-in for nvdiffmodeling's checkout, as `nvdiffrec` is for nvdiffrec's; same variables, same helpers."""

import json
import os
import time
from pathlib import Path

import nvdiffrec as common
from nvdiffrec import FAULTS, build_extension, fail, note, out_of_memory, png, say

DEFAULTS = {
    "iter": 5000, "batch": 1, "spp": 1, "layers": 1, "train_res": 512, "random_train_res": False, "display_res": None,
    "texture_res": [1024, 1024], "display_interval": 0, "save_interval": 1000, "learning_rate": None,
    "light_power": 5.0, "min_roughness": 0.08, "subdivision": 0, "custom_mip": False, "random_textures": False,
    "laplacian_factor": None, "relative_laplacian": False, "background": "checker", "loss": "logl1", "out_dir": None,
    "config": None, "ref_mesh": None, "base_mesh": None, "camera_eye": [0.0, 0.0, 3.5],
    "camera_up": [0.0, 1.0, 0.0], "skip_train": [], "displacement": 0.15, "mtl_override": None,
}  # fmt: skip
"""Every key upstream knows."""

common.MESSAGES["bsdf"] = ["AssertionError: Invalid BSDF 'falcor'"]
common.MESSAGES["zero"] = ["ZeroDivisionError: float division by zero"]


def make_checkout(folder):
    """What every clone holds."""
    return common.make_checkout(folder, "nvdiffmodeling")


def export(settings, folder):
    folder.mkdir(parents=True, exist_ok=True)
    say("Writing mesh:  %s/mesh.obj" % folder)
    for count, what in ((56, "vertices"), (96, "texcoords"), (56, "normals"), (108, "faces")):
        say("    writing %d %s" % (count, what))
    common.write_mesh(folder / "mesh.obj", "mesh")
    say("Writing material:  %s/mesh.mtl" % folder)
    common.write_textures(folder, probe=False)
    for name in ("kd", "ks", "n") if settings["custom_mip"] else ():
        texture = folder / ("texture_%s.png" % name)
        texture.replace(folder / ("texture_%s_0.png" % name))
        png(folder / ("texture_%s_1.png" % name), (24, 24))
    say("Done exporting mesh")


def main():
    given = json.loads(Path(common.arguments().config).read_text())
    for key, value in given.items():
        say("%s %s" % (key, value))
    settings = {**DEFAULTS, **given}
    note("configs.jsonl", json.dumps(settings))
    note("environment.jsonl", json.dumps({**os.environ, "CWD": str(Path.cwd())}))
    out = Path("out") / settings["out_dir"]
    out.mkdir(parents=True)
    say("Ref mesh has 108 triangles and 56 vertices.")
    say("Base mesh has 108 triangles and 56 vertices.")
    say("Avg edge length: 0.100000")
    build_extension()
    out_of_memory(settings)
    if "hang" in FAULTS:
        time.sleep(600)
    for iteration in range(settings["iter"] + 1):
        if settings["save_interval"] and iteration % settings["save_interval"] == 0:
            png(out / ("img_%06d.png" % (iteration // settings["save_interval"])), (8, 24))
        for name in common.MESSAGES:
            if name in FAULTS:
                fail(name)
        if iteration % 10 == 0:
            left = common.remaining(0.0125 * (settings["iter"] - iteration))
            values = (iteration, 0.5 / (1 + iteration), 0.001, 0.03, 12.5, left)
            say("iter=%5d, img_loss=%.6f, lap_loss=%.6f, lr=%.5f, time=%.1f ms, rem=%s" % values)
    export(settings, out / "mesh")


if __name__ == "__main__":
    main()
