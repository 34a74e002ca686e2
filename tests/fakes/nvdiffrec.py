"""A stand-in for nvdiffrec's checkout: speaks its log lines, writes its files, fails as it does. Standard library only.

`make_checkout(folder)` lays one out. Its train.py runs this file, which reads the environment:

    FAKE_FAULT   names of faults, with commas between; see `fault` and `main`
    FAKE_NOTES   folder that outlives attempts: what was run, and which faults happened already
    FAKE_OOM     CUDA runs out of memory while batch * train height is above this
"""

import argparse
import importlib
import json
import math
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

HERE = Path(__file__).resolve()
COMMIT = "a3e739041fdc2d0b5cbd2d0fb8b5d6b3a4f5c6d7"
FAULTS = set(filter(None, os.environ.get("FAKE_FAULT", "").split(",")))
DEFAULTS = {
    "iter": 5000, "batch": 1, "spp": 1, "layers": 1, "train_res": [512, 512], "display_res": None,
    "texture_res": [1024, 1024], "display_interval": 0, "save_interval": 1000, "learning_rate": 0.01,
    "min_roughness": 0.08, "custom_mip": False, "random_textures": False, "background": "checker", "loss": "logl1",
    "out_dir": None, "ref_mesh": None, "base_mesh": None, "validate": True, "isosurface": "dmtet",
    "mtl_override": None, "dmtet_grid": 64, "mesh_scale": 2.1, "env_scale": 1.0, "envmap": None, "display": None,
    "camera_space_light": False, "lock_light": False, "lock_pos": False, "sdf_regularizer": 0.2,
    "laplace": "relative", "laplace_scale": 10000.0, "pre_load": True, "kd_min": [0.0] * 4, "kd_max": [1.0] * 4,
    "ks_min": [0.0, 0.08, 0.0], "ks_max": [1.0] * 3, "nrm_min": [-1.0, -1.0, 0.0], "nrm_max": [1.0] * 3,
    "cam_near_far": [0.1, 1000.0], "learn_light": True, "local_rank": 0, "multi_gpu": False,
}  # fmt: skip
"""Every key upstream knows, in the order it echoes them."""

MESSAGES = {
    "numpy2": ["RuntimeError: Numpy is not available"],
    "npint": ["AttributeError: module 'numpy' has no attribute 'int'."],
    "hdr": ["RuntimeError: Could not find a backend to open `light.hdr` with iomode `ri`."],
    "header": ["fatal error: cuda_runtime_api.h: No such file or directory", "ninja: build stopped: subcommand failed.",
               "RuntimeError: Error building extension 'renderutils_plugin'"],
    "arch": ["nvcc fatal   : Unsupported gpu architecture 'compute_90'", "ninja: build stopped: subcommand failed."],
    "tcnn": ["OSError: Unknown compute capability. Ensure PyTorch with CUDA support is installed."],
    "egl": ["fatal error: EGL/egl.h: No such file or directory"],
    "filesystem": ["fatal error: filesystem: No such file or directory"],
    "empty": ["AssertionError: Got empty training triangle mesh (unrecoverable discontinuity)"],
    "size": ['  File "/nvdiffrec/render/render.py", line 250, in render_mesh',
             "    assert background is None or background.shape[1] == resolution[0]", "AssertionError"],
    "mip": ["RuntimeError: Function texture2d_mipBackward returned an invalid gradient at index 0"],
    "apex": ["ModuleNotFoundError: No module named 'apex'"],
    "nodataset": ["NameError: name 'dataset_train' is not defined"],
    "nopicture": ["AssertionError: Tried to find image file for: /capture/r_0.png, but found 0 files"],
    "cpu": ["AssertionError: Torch not compiled with CUDA enabled"],
    "xatlas": ["ModuleNotFoundError: No module named 'xatlas'"],
}  # fmt: skip
"""What upstream prints last when it fails so, and then ends with exit code 1."""
LATE = ("numpy2", "empty", "size", "mip")
"""Those that happen while it trains; the others do before."""


def make_checkout(folder, name="nvdiffrec"):
    """Lays out what every clone holds, with nothing in it that a test does not need."""
    for part in ("dataset", "geometry", "render", "configs", "data/irrmaps", "data/tets", "data/bob", "data/spot"):
        (folder / part).mkdir(parents=True)
    script = HERE.with_name(name + ".py")
    start = "import runpy, sys\nsys.path.insert(0, %r)\nrunpy.run_path(%r, run_name='__main__')\n"
    (folder / "train.py").write_text(start % (str(script.parent), str(script)))
    (folder / "data/irrmaps/bsdf_256_256.bin").write_bytes(b"\0" * 16)
    write_probe(folder / "data/irrmaps/aerodynamics_workshop_2k.hdr")
    for grid in (32, 64, 128):
        (folder / ("data/tets/%d_tets.npz" % grid)).write_bytes(b"PK")
    for path in ("bob/bob_tri", "spot/spot", "sphere"):
        write_mesh(folder / "data" / (path + ".obj"), Path(path).name, kind="constants")
    # as in nvdiffmodeling's clone: the base mesh of its example does not say of what kind its material is
    (folder / "data/sphere.mtl").write_text("newmtl defaultMat\nillum 4\nKd 0.9 0.9 0.9\nKs 0.9 0.9 0.9\nNi 1.0\n")
    shutil.copy(str(folder / "data/spot/spot.mtl"), str(folder / "data/spot/metal.mtl"))
    git = folder / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "refs/heads/main").write_text(COMMIT + "\n")
    return folder


def say(line):
    print(line, flush=True)


def note(name, text):
    with (Path(os.environ["FAKE_NOTES"]) / name).open("a") as stream:
        stream.write(text + "\n")


def once(name):
    flag = Path(os.environ["FAKE_NOTES"]) / ("fault-" + name)
    if name not in FAULTS or flag.exists():
        return False
    flag.write_text("")
    return True


def fail(name):
    say("Traceback (most recent call last):")
    for line in MESSAGES[name]:
        say(line)
    sys.exit(1)


def out_of_memory(settings):
    limit = os.environ.get("FAKE_OOM")
    size = settings["train_res"]
    if limit and settings["batch"] * (size if isinstance(size, int) else size[0]) > int(limit):
        say("Traceback (most recent call last):")
        say("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.")
        sys.exit(1)


def build_extension():
    """JIT compilation, as torch's builder tells it; a stale lock would hang it, a compiler keeps it silent.

    Then it is imported by name, as upstream does: with this year's torch that takes a folder on the path.
    """
    say("Using %s as PyTorch extensions root..." % os.environ.get("TORCH_EXTENSIONS_DIR", "nothing"))
    say("Building extension module renderutils_plugin...")
    if "hang_build" in FAULTS:
        time.sleep(600)
    if "compile" in FAULTS:  # a compiler by its name, which says nothing for a while
        program = Path(os.environ["FAKE_NOTES"]) / "cicc"
        shutil.copy(shutil.which("sleep"), str(program))
        subprocess.run([str(program), "4"], check=True)
    built = Path(os.environ["TORCH_EXTENSIONS_DIR"]) / "renderutils_plugin"
    built.mkdir(parents=True, exist_ok=True)
    (built / "renderutils_plugin.py").write_text("")
    say("Loading extension module renderutils_plugin...")
    importlib.import_module("renderutils_plugin")


def remaining(seconds):
    if seconds > 3600:
        return "%.2f h" % (seconds / 3600)
    return "%.2f m" % (seconds / 60) if seconds > 60 else "%.2f s" % seconds


def png(path, size=(8, 8), color=(128, 128, 255), alpha=None):
    """An 8-bit picture of one colour."""
    pixel = bytes(color) + (b"" if alpha is None else bytes([alpha]))
    raw = (b"\0" + pixel * size[1]) * size[0]
    header = struct.pack(">IIBBBBB", size[1], size[0], 8, 2 if alpha is None else 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    body = b"".join(struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write_probe(path, size=(4, 8)):
    path.write_bytes(
        b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % size + b"\x80\x80\x80\x81" * size[0] * size[1]
    )


def quad_sphere(cells=3):
    """Positions, texture coordinates and triangles of a cube blown up to a sphere: six charts, three mirrored."""
    points, texture, faces = [], [], []
    for side in range(6):
        axis, sign = side % 3, 1 if side < 3 else -1
        first = len(points)
        for row in range(cells + 1):
            for column in range(cells + 1):
                a, b = 2 * column / cells - 1, 2 * row / cells - 1
                point = [0.0, 0.0, 0.0]
                point[axis], point[(axis + 1) % 3], point[(axis + 2) % 3] = sign, a, b
                length = math.sqrt(sum(value * value for value in point))
                points.append([value / length for value in point])
                u, v = (column / cells * 0.8 + 0.1) / 3, (row / cells * 0.8 + 0.1) / 2
                texture.append([side % 3 / 3 + u, side // 3 / 2 + v])
        for row in range(cells):
            for column in range(cells):
                a, b = first + row * (cells + 1) + column, first + (row + 1) * (cells + 1) + column
                for face in ([a, a + 1, b + 1], [a, b + 1, b]):
                    faces.append(face if sign > 0 else face[::-1])
    return points, texture, faces


def write_mesh(path, name, kind="maps", radius=0.7):
    """A welded mesh as upstream writes it: positions by their place, seams only in the texture coordinates."""
    points, texture, faces = quad_sphere()
    welded = {}
    index = [welded.setdefault(tuple(round(value, 6) for value in point), len(welded)) for point in points]
    lines = ["mtllib %s.mtl" % path.stem, "g default"]
    lines += ["v %f %f %f " % tuple(radius * value for value in point) for point in welded]
    lines += ["vt %f %f " % (u, v) for u, v in texture]
    lines += ["vn %f %f %f" % point for point in welded]
    lines += ["s 1", "g pMesh1", "usemtl defaultMat"]
    faces = [] if "nofaces" in FAULTS else faces
    lines += ["f " + " ".join("%d/%d/%d" % (index[k] + 1, k + 1, index[k] + 1) for k in face) for face in faces]
    if "nan_mesh" in FAULTS:
        lines[2] = "v nan 0.000000 0.000000 "
    text = "\n".join(lines) + "\n"
    path.write_text(text[: len(text) // 2] if "cut" in FAULTS else text)
    if kind == "constants":
        path.with_suffix(".mtl").write_text("newmtl defaultMat\nbsdf pbr\nKd 0.5 0.4 0.3\nKs 0.0 0.25 0.0\n")


def write_textures(folder, probe=True):
    (folder / "mesh.mtl").write_text(
        "newmtl defaultMat\nbsdf   pbr\nmap_Kd texture_kd.png\nmap_Ks texture_ks.png\nbump texture_n.png\n"
    )
    png(folder / "texture_kd.png", (48, 48), (200, 100, 50))
    png(folder / "texture_ks.png", (48, 48), (51, 128, 204))
    png(folder / "texture_n.png", (48, 48), (160, 190, 220))
    if probe and "unsaved" not in FAULTS:
        write_probe(folder / "probe.hdr")


def export(folder, shown):
    folder.mkdir(parents=True, exist_ok=True)
    say("Writing mesh:  %s/mesh.obj" % shown)
    for count, what in ((56, "vertices"), (96, "texcoords"), (56, "normals"), (108, "faces")):
        say("    writing %d %s" % (count, what))
    if "omit_mesh" not in FAULTS:
        write_mesh(folder / "mesh.obj", "mesh")
    say("Writing material:  %s/mesh.mtl" % shown)
    write_textures(folder)
    if "unsaved" in FAULTS:
        say("WARNING: FAILED to save image %s/probe.hdr" % shown)
    say("Done exporting mesh")


def train(settings, training_pass, out, prefix):
    total, interval = settings["iter"], settings["save_interval"]
    for iteration in range(total + 1):
        if interval and iteration % interval == 0:
            png(out / ("%s%06d.png" % (prefix, iteration // interval)), (8, 16))
        if iteration == total // 2:
            fault(training_pass)
        if iteration % 10 == 0:
            values = (iteration, 0.5 / (1 + iteration), 0.3, 0.03, 12.5, remaining(0.0125 * (total - iteration)))
            say("iter=%5d, img_loss=%.6f, reg_loss=%.6f, lr=%.5f, time=%.1f ms, rem=%s" % values)
        time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))


def fault(training_pass):
    if training_pass == 1 and "nan" in FAULTS:
        say("iter=   10, img_loss=0.100000, reg_loss=nan, lr=0.03000, time=12.5 ms, rem=1.00 s")
        fail("empty")
    for name in LATE:
        if name in FAULTS:
            fail(name)
    if training_pass == 2 and once("kill_pass_2"):
        time.sleep(5)  # pass 1's files settle
        os.kill(os.getpid(), signal.SIGKILL)


def validate(settings, folder):
    say("Running validation")
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["ID, MSE, PSNR"]
    for view in range(2):
        png(folder / ("val_%06d_ref.png" % view))
        png(folder / ("val_%06d_opt.png" % view))
        rows.append("%d, %1.8f, %1.8f" % (view, 0.001, 30.0 + view))
    (folder / "metrics.txt").write_text("\n".join([*rows, "AVERAGES: %1.4f, %2.3f" % (0.001, 30.5)]) + "\n")
    say("MSE,      PSNR")
    say("%1.8f, %2.3f" % (0.001, 30.5))


def describe_dataset(path):
    if path.suffix == ".obj":
        say("DatasetMesh: ref mesh has 108 triangles and 56 vertices")
    elif (path / "poses_bounds.npy").is_file():
        say("DatasetLLFF: auto-centering at [0.25 0.5 0.75]")
        say("DatasetLLFF: 2 images with shape [16, 24]")
    elif (path / "transforms_train.json").is_file():
        say("DatasetNERF: 2 images with shape [16, 24]")
    else:
        fail("nodataset")


def arguments():
    parser = argparse.ArgumentParser(prog="train.py")
    parser.add_argument("--config", type=str, default=None)
    return parser.parse_args()


def main():
    settings = {**DEFAULTS, **json.loads(Path(arguments().config).read_text())}
    note("configs.jsonl", json.dumps(settings))
    note("environment.jsonl", json.dumps({**os.environ, "CWD": str(Path.cwd())}))
    assert Path("data/irrmaps/bsdf_256_256.bin").is_file(), "not started where the data is"
    settings["out_dir"] = "out/" + settings["out_dir"]
    say("Config / Flags:")
    say("---------")
    for key, value in settings.items():
        say("%s %s" % (key, value))
    say("---------")
    describe_dataset(Path(settings["ref_mesh"]))
    build_extension()
    for name in set(MESSAGES) - set(LATE):
        if name in FAULTS:
            fail(name)
    out_of_memory(settings)
    out = Path(settings["out_dir"])
    out.mkdir(parents=True)
    if settings["base_mesh"] is None:
        say("Encoder output: 32 dims")
        train(settings, 1, out, "img_dmtet_pass1_")
        if settings["validate"]:
            validate(settings, out / "dmtet_validate")
        if "hang_unwrap" in FAULTS:
            time.sleep(600)
        say("Base mesh has 108 triangles and 56 vertices.")
        export(out / "dmtet_mesh", settings["out_dir"] + "/dmtet_mesh")
    train(settings, 2, out, "img_mesh_pass_")
    if settings["validate"]:
        validate(settings, out / "validate")
    export(out / "mesh", settings["out_dir"] + "/mesh")


if __name__ == "__main__":
    main()
