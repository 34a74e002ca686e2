"""Stands in for a clone of RichDreamer: its launch.py, its log dialect, its files, faults on command.

`make_checkout(folder)` lays one out, weights and cache included; its launch.py calls this file. FAKE_FAULT names
faults, comma separated: write_frames (after each stage's checkpoint), early_write_frames (before it), oom (unless
save_mem), nan, offline, slurm, unused, ninja, tcnn, no_checkpoint (exit code 0 without one), no_export (the same, no
mesh), fix_mesh (the clean-up after the export fails), empty_mesh, kill_refinement (once), no_bump.
"""

import base64
import json
import os
import signal
import sys
import zipfile
import zlib
from pathlib import Path

from checkouts import fail, faults, say, write_commit, write_script

ND = "pretrained_models/Damo_XR_Lab/Normal-Depth-Diffusion-Model/"
MODELS = ["runwayml--stable-diffusion-v1-5", "openai--clip-vit-large-patch14"]
MODELS += ["stabilityai--stable-diffusion-2-1-base", "laion--CLIP-ViT-H-14-laion2B-s32B-b79K"]
FILES = [
    "configs/nd-mv-%s/%s.yaml" % (path, stage) for path in ("nerf", "dmtet") for stage in ("geo", "geo-refine", "tex")
]
FILES += ["load/tets/256_tets.npz", "load/tets/128_tets.npz", "load/lights/mud_road_puresky_4k.hdr"]
FILES += [ND + "nd_mv_ema.ckpt", ND + "albedo_mv_ema.ckpt", "extern/nd_sd/ldm/__init__.py", "threestudio/__init__.py"]
PICTURES = {
    "texture_kd.jpg": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoK"
        "CgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK"
        "CgoKCgoKCgr/wAARCABAAEADAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAf/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QA"
        "FQEBAQAAAAAAAAAAAAAAAAAAAAj/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCdpfX4AAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA//9k="
    ),
    "texture_metallic.jpg": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoK"
        "CgoKBggLDAsKDAkKCgr/wAALCABAAEABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAAAAn/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oA"
        "CAEBAAA/AJlgAAAAAAAAAAAAAAAAAAAAP//Z"
    ),
    "texture_roughness.jpg": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoK"
        "CgoKBggLDAsKDAkKCgr/wAALCABAAEABAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
        "AQEAAD8AAAAAAAAAAAAAAAAAAAAAAP/Z"
    ),
    "texture_nrm.jpg": (
        "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoK"
        "CgoKBggLDAsKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoK"
        "CgoKCgoKCgr/wAARCABAAEADAREAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QA"
        "FgEBAQEAAAAAAAAAAAAAAAAAAAYI/8QAFBEBAAAAAAAAAAAAAAAAAAAAAP/aAAwDAQACEQMRAD8AuG/EuAAAAAAAAAAAAAAAAAAA"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/9k="
    ),
}
"""64 x 64 pixels each, JPEG in base64: albedo (200, 80, 40), metalness 0.2, roughness 0.5, no bump."""


def make_checkout(folder):
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("# stands in\n")
    hub = folder / "pretrained_models" / "huggingface" / "hub"
    for model in MODELS:
        home = hub / ("models--" + model)
        for part in ("blobs", "refs", "snapshots/abc"):
            (home / part).mkdir(parents=True)
        (home / "refs" / "main").write_text("abc")
        (home / "blobs" / "123").write_text("{}")
        (home / "snapshots" / "abc" / "config.json").symlink_to("../../blobs/123")
    write_script(folder / "launch.py", "richdreamer", "main")
    write_commit(folder, "e467759")
    return folder


def value_of(text):
    """What YAML makes of the values that TopForge writes."""
    if text[:1] == "'" and text[-1:] == "'":
        return text[1:-1].replace("''", "'")
    try:
        return json.loads(text)
    except ValueError:
        return {"True": True, "False": False}.get(text, text)


def settings():
    words = [word for word in sys.argv[1:] if "=" in word and not word.startswith("--")]
    return {word.partition("=")[0]: value_of(word.partition("=")[2]) for word in words}


def config_path():
    return Path(sys.argv[sys.argv.index("--config") + 1])


def png():
    def chunk(kind, content):
        checked = kind + content
        return len(content).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    header = (8).to_bytes(4, "big") + (8).to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    rows = zlib.compress((b"\0" + bytes((90, 120, 150)) * 8) * 8)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


EARLY = {
    "oom": "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 9.00 GiB",
    "offline": "OSError: We couldn't connect to 'https://huggingface.co' to load this file",
    "slurm": "RuntimeError: You set '--ntasks=10' in your SLURM bash script, but the variable is not supported.",
    "unused": "RuntimeError: It looks like your LightningModule has parameters that were not used in producing the "
    "loss returned by training_step.",
    "ninja": "RuntimeError: Ninja is required to load C++ extensions",
    "tcnn": "RuntimeError: no kernel image is available for execution on the device",
}
FRAMES = "TypeError: write_frames() got an unexpected keyword argument 'audio_path'"


def check_start(given, wanted):
    """What upstream needs to begin at all."""
    if not config_path().is_file():
        fail("FileNotFoundError: [Errno 2] No such file or directory: '%s'" % config_path())
    if "oom" in wanted and given.get("system.nd_guidance_type") == "none":
        wanted.discard("oom")
    for name in sorted(wanted & set(EARLY)):
        if name != "oom" or given["name"] == "texture":
            fail(EARLY[name])
    if not Path(os.environ["HF_HOME"]).is_absolute() or os.environ.get("HF_HUB_OFFLINE") != "1":
        fail(EARLY["offline"])
    before = given.get("system.geometry_convert_from")
    if before is not None:
        zipfile.ZipFile(before).close()


def train():
    given, wanted = settings(), faults()
    say("Global seed set to %d" % given["seed"], stream=sys.stderr)
    check_start(given, wanted)
    stage, total = given["name"], given["trainer.max_steps"]
    folder = Path(given["exp_root_dir"]) / stage / given["tag"]
    for name in ("configs", "ckpts", "save", "csv_logs/version_0"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "configs" / "parsed.yaml").write_text(json.dumps(given))
    say("prompt: %s" % given["system.prompt_processor.prompt"])
    rows = ["epoch,step,train/loss,train/loss_sd"]
    for step in range(1, total + 1):
        bar = "\rEpoch 0:  %2d%%|#    | %d/%d [00:01<00:03, 3.21it/s]"
        say(bar % (100 * step // total, step, total), end="", stream=sys.stderr)
        if step % max(1, total // 5) == 0:
            rows.append("0,%d,%f,%f" % (step, 10 / step, 5 / step))
            (folder / "csv_logs/version_0/metrics.csv").write_text("\n".join(rows) + "\n")
            (folder / "save" / ("it%06d-0.png" % step)).write_bytes(png())
        mid_stage_faults(wanted, stage, folder, step == total // 2)
    finish(wanted, folder, total)


def mid_stage_faults(wanted, stage, folder, is_middle):
    if not is_middle:
        return
    if "nan" in wanted:
        fail("ValueError: train/loss is nan")
    if "early_write_frames" in wanted:
        fail(FRAMES)
    mark = folder.parents[1] / "killed"
    if "kill_refinement" in wanted and stage == "refinement" and not mark.exists():
        mark.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)


def finish(wanted, folder, total):
    say("")
    if "no_checkpoint" in wanted:
        return
    with zipfile.ZipFile(str(folder / "ckpts" / "last.ckpt"), "w") as archive:
        archive.writestr("step", str(total))
    say("`Trainer.fit` stopped: `max_steps=%d` reached." % total)
    say("\rTesting DataLoader 0:  50%|##   | 60/120 [00:01<00:01]", end="", stream=sys.stderr)
    if "write_frames" in wanted:
        fail(FRAMES)
    (folder / "save" / ("it%06d-test.mp4" % total)).write_bytes(b"a film")


CORNERS = [(x, y, z) for x in (-0.5, 0.5) for y in (-1.0, 1.0) for z in (-1.5, 1.5)]
SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def box_obj(empty):
    """A box of 1 x 2 x 3, z up, each side a chart of its own, in the dialect of threestudio's writer."""
    lines = ["mtllib model.mtl", "g object", "usemtl default", *("v %f %f %f" % corner for corner in CORNERS)]
    texture, faces = 0, []
    for number, side in enumerate(SIDES):
        left, top = 0.05 + number % 3 * 0.33, 0.05 + number // 3 * 0.5
        for u, v in ((0, 0), (0.25, 0), (0.25, 0.4), (0, 0.4)):
            lines.append("vt %f %f" % (left + u, top + v))
        for triangle in ((0, 1, 2), (0, 2, 3)):
            faces.append("f" + "".join(" %d/%d/" % (side[corner] + 1, texture + corner + 1) for corner in triangle))
        texture += 4
    return "\n".join(lines + ([] if empty else faces)) + "\n"


def export():
    given, wanted = settings(), faults()
    parsed = json.loads(config_path().read_text())
    with zipfile.ZipFile(given["resume"]) as archive:
        step = int(archive.read("step"))
    say("\rPredicting DataLoader 0: 100%|####| 1/1 [00:01<00:00]", end="", stream=sys.stderr)
    say("")
    if "no_export" in wanted:
        return
    folder = Path(given["exp_root_dir"]) / parsed["name"] / parsed["tag"] / "save" / ("it%d-export" % step)
    folder.mkdir(parents=True)
    for name, content in PICTURES.items():
        if name != "texture_nrm.jpg" or "no_bump" not in wanted:
            (folder / name).write_bytes(base64.b64decode(content))
    (folder / "model.mtl").write_text("newmtl default\nKa 0.0 0.0 0.0\nmap_Kd texture_kd.jpg\n")
    (folder / "model.obj").write_text(box_obj("empty_mesh" in wanted))
    say("==============fix mesh==================")
    if "fix_mesh" in wanted:
        fail("ModuleNotFoundError: No module named 'pymeshlab'")
    fixed = folder.with_name(folder.name + "_fix")
    fixed.mkdir()
    (fixed / "model.obj").write_text(box_obj(False))


def main():
    export() if "--export" in sys.argv else train()
