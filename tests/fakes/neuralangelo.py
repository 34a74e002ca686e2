"""Stands in for a clone of Neuralangelo: same commands, same log dialect, same files, faults on command.

`make_checkout(folder)` lays one out; its scripts call this file. FAKE_FAULT names faults, comma separated:
nan, oom, host_oom, key, ninja, filesystem, wandb, nvml, numpy, libcudart, kill (once, after a saved state), torn (kill
while a state is saved), unfinished (ends before the last checkpoint), empty (no surface), no_mesh (extraction ends well
without a file), broken_mesh (ends within its faces), nan_mesh, nonzero (extraction fails after writing).
"""

import json
import math
import os
import signal
import struct
import sys
import zipfile
from pathlib import Path

from checkouts import fail, faults, say, write_commit, write_script

BASE = """# a part of upstream's keys
max_iter: 500000
checkpoint:
    save_iter: 20000
model:
    object:
        sdf:
            encoding:
                hashgrid:
                    dict_size: 22
                    dim: 8
"""


def make_checkout(folder):
    scripts = folder / "projects" / "neuralangelo" / "scripts"
    (folder / "projects" / "neuralangelo" / "configs").mkdir(parents=True)
    (folder / "projects" / "neuralangelo" / "configs" / "base.yaml").write_text(BASE)
    scripts.mkdir()
    (folder / "imaginaire").mkdir()
    write_script(folder / "train.py", "neuralangelo", "train")
    write_script(scripts / "extract_mesh.py", "neuralangelo", "extract")
    write_commit(folder, "94390b6")
    return folder


def make_capture(folder, frames=4):
    (folder / "images").mkdir(parents=True)
    entries = []
    for index in range(frames):
        angle = 2 * math.pi * index / frames
        x, y = 3 * math.cos(angle), 3 * math.sin(angle)  # z up, looking at the origin
        c, s = math.cos(angle), math.sin(angle)
        matrix = [[-s, 0.0, c, x], [c, 0.0, s, y], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
        name = "images/%06d.png" % index
        (folder / name).write_bytes(b"not looked at")
        entries.append({"file_path": name, "transform_matrix": matrix})
    root = {"fl_x": 100.0, "fl_y": 100.0, "cx": 80.0, "cy": 60.0, "sk_x": 0.0, "sk_y": 0.0, "w": 160, "h": 120}
    root.update(aabb_scale=1.0, aabb_range=[[-1, 1]] * 3, sphere_center=[0.0, 0.0, 0.0], sphere_radius=1.5)
    (folder / "transforms.json").write_text(json.dumps({**root, "frames": entries}))
    return folder


def read_yaml(path):
    """Block mappings of scalars and flow lists: all that our generated files hold."""
    flat, stack = {}, []
    for line in Path(path).read_text().splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        depth, (name, _, text) = (len(line) - len(line.lstrip())) // 4, line.strip().partition(":")
        del stack[depth:]
        stack.append(name)
        if text.strip():
            flat[".".join(stack)] = json.loads(text)
    return flat


def flags():
    return dict(word[2:].partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))


def config_of(given):
    config = read_yaml(given["config"])
    if not Path(config["_parent_"]).is_file():  # relative to the working folder, as upstream has it
        fail("FileNotFoundError: [Errno 2] No such file or directory: '%s'" % config["_parent_"])
    return config


def early_faults(wanted):
    lines = {
        "nvml": "pynvml.NVMLError_LibraryNotFound: NVML Shared Library Not Found",
        "libcudart": "OSError: libcudart.so: cannot open shared object file: No such file or directory",
        "key": "KeyError: \"The input key 'model.no.such' does not exist in the config files.\"",
        "ninja": "RuntimeError: Ninja is required to load C++ extensions",
        "filesystem": "tiny-cuda-nn/include/common.h:34: fatal error: filesystem: No such file or directory",
        "numpy": "RuntimeError: Numpy is not available",
        "wandb": "wandb.errors.UsageError: api_key not configured (no-tty). call wandb.login(key=[your_api_key])",
    }
    for name in sorted(wanted & set(lines)):
        fail(lines[name])


def save(folder, iteration, epoch, torn=False):
    path = folder / ("epoch_%05d_iteration_%09d_checkpoint.pt" % (epoch, iteration))
    with zipfile.ZipFile(str(path), "w") as archive:
        archive.writestr("iteration", str(iteration))
        archive.writestr("weights", "x" * 1000)
    if torn:
        os.truncate(str(path), path.stat().st_size // 2)
    (folder / "latest_checkpoint.txt").write_text(path.name + "\n")
    if torn:
        os.kill(os.getpid(), signal.SIGKILL)
    say("Saved checkpoint to %s" % path)


def start_of(given, folder):
    if "resume" not in given:
        say("Training from scratch.")
        return 0
    path = Path(given.get("checkpoint") or folder / (folder / "latest_checkpoint.txt").read_text().strip())
    say("Loading checkpoint (local): %s" % path)
    with zipfile.ZipFile(str(path)) as archive:
        return int(archive.read("iteration"))


def die_once(folder, iteration, epoch, torn):
    if (folder / "killed").exists():
        return
    (folder / "killed").write_text("")
    save(folder, iteration - 1, epoch)
    if torn:
        save(folder, iteration, epoch, torn=True)
    os.kill(os.getpid(), signal.SIGKILL)


def train():
    given, wanted = flags(), faults()
    early_faults(wanted)
    config, folder = config_of(given), Path(given["logdir"])
    (folder / "config.yaml").write_text(Path(given["config"]).read_text())
    say("Training with 1 GPUs.")
    say("wandb is %s" % os.environ.get("WANDB_MODE"))
    first, last, every = start_of(given, folder), config["max_iter"], config["logging_iter"]
    per_epoch = max(1, last // 4)
    if "oom" in wanted and config["model.object.sdf.encoding.hashgrid.dict_size"] > 21:
        fail("torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")
    if "host_oom" in wanted and config["data.preload"]:
        fail("  exitcode  : -9 (pid: 4242)")
    for iteration in range(first + 1, last + 1):
        epoch = (iteration - 1) // per_epoch
        done = (iteration - 1) % per_epoch + 1
        share = 100 * done // per_epoch
        bar = "\rTraining epoch %d: %3d%%|##   | %d/%d [00:01<00:02, 9.1it/s, iter=%d]"
        say(bar % (epoch, share, done, per_epoch, iteration), end="", stream=sys.stderr)
        if iteration % every == 0:  # behind the bar, in its line, as upstream
            say("Iteration: %d, average iter time: 0.104213." % iteration)
        if "nan" in wanted and iteration == last // 2:
            fail("ValueError: Training loss has gone to NaN!!!")
        if iteration == last // 2 and wanted & {"kill", "torn"}:
            die_once(folder, iteration, epoch, "torn" in wanted)
        if iteration % config["validation_iter"] == 0:
            say("\nEvaluating with %d samples." % config["data.val.subset"])
            say("\rEvaluating:  50%|##   | 2/4 [00:01<00:01]", end="", stream=sys.stderr)
        if done == per_epoch:
            say("\nEpoch: %d, total time: 50.123456." % epoch)
    if "unfinished" in wanted:
        return
    save(folder, last, (last - 1) // per_epoch)
    say("Done with training!!!")


def sphere_half(sign, rows=8, columns=24):
    """Vertices and outward triangles of a hemisphere of radius 1 around z; two halves write their equator twice."""
    vertices, faces = [], []
    for row in range(rows):
        height = sign * row / rows
        radius = math.sqrt(1 - height * height)
        for column in range(columns):
            angle = 2 * math.pi * column / columns
            vertices.append((radius * math.cos(angle), radius * math.sin(angle), height))
    vertices.append((0.0, 0.0, float(sign)))
    for row in range(rows):
        for column in range(columns):
            here, right = row * columns + column, row * columns + (column + 1) % columns
            if row == rows - 1:
                face = [(here, right, rows * columns)]
            else:
                face = [(here, right, right + columns), (here, right + columns, here + columns)]
            faces += face if sign > 0 else [(a, c, b) for a, b, c in face]
    return vertices, faces


def write_ply(path, wanted, textured):
    north, top = sphere_half(1)
    south, bottom = sphere_half(-1)
    speck = [(2.0, 2.0, 2.0), (2.1, 2.0, 2.0), (2.0, 2.1, 2.0), (2.0, 2.0, 2.1)]
    flakes = [(0, 2, 1), (0, 1, 3), (0, 3, 2), (1, 2, 3)]
    vertices = north + south + speck
    faces = top + [tuple(i + len(north) for i in face) for face in bottom]
    faces += [tuple(i + len(north) + len(south) for i in face) for face in flakes]
    if "nan_mesh" in wanted:
        vertices[3] = (math.nan, 0.0, 0.0)
    colours = ["property uchar %s" % name for name in ("red", "green", "blue", "alpha")] if textured else []
    header = ["ply", "format binary_little_endian 1.0", "comment https://github.com/mikedh/trimesh"]
    header += ["element vertex %d" % len(vertices), *("property float %s" % axis for axis in "xyz"), *colours]
    header += ["element face %d" % len(faces), "property list uchar int vertex_indices", "end_header\n"]
    body = b"".join(
        struct.pack("<3f", *vertex) + (bytes((int(127 + 120 * vertex[2]) & 255, 64, 32, 255)) if textured else b"")
        for vertex in vertices
    )
    body += b"".join(struct.pack("<B3i", 3, *face) for face in faces)
    content = "\n".join(header).encode() + body
    path.write_bytes(content[: -len(content) // 4] if "broken_mesh" in wanted else content)
    return len(vertices), len(faces)


def extract():
    given, wanted = flags(), faults()
    config_of(given)
    path = Path(given["output_file"])
    path.parent.mkdir(parents=True, exist_ok=True)
    say("Running mesh extraction with 1 GPUs.")
    with zipfile.ZipFile(given["checkpoint"]) as archive:
        say("Loading checkpoint (local): %s" % given["checkpoint"])
        archive.read("iteration")
    resolution = int(given["resolution"])
    say("Extracting surface at resolution %d %d %d" % (resolution, resolution // 2, resolution))
    for block in range(5):
        say("\r %d%%|##   | %d/4 [00:01<00:01]" % (25 * block, block), end="", stream=sys.stderr)
    say("")
    if "empty" in wanted:
        fail("AttributeError: 'list' object has no attribute 'vertices'")
    if "no_mesh" in wanted:
        return
    vertices, faces = write_ply(path, wanted, "textured" in given)
    say("vertices: %d" % vertices)
    say("faces: %d" % faces)
    say("colors: %d" % vertices)
    if "nonzero" in wanted:
        fail("RuntimeError: something else")
