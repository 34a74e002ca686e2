"""A trainer that trains nothing, saves and resumes like a real one, and fails in the ways its config asks for.

python fake_trainer.py CONFIG.json OUTPUT_FOLDER CHECKPOINT_FOLDER
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

KEEP = 2


class Checkpoints:
    def __init__(self, folder, identity):
        self.folder, self.identity = folder, identity

    def save(self, step, seconds):
        body = json.dumps({"identity": self.identity, "step": step})
        text = body + "\n" + hashlib.sha256(body.encode()).hexdigest() + "\n"
        path = self.folder / ("step-%06d.json" % step)
        temporary = self.folder / (".tmp-step-%06d" % step)
        with temporary.open("w") as stream:
            for part in (text[: len(text) // 2], text[len(text) // 2 :]):
                stream.write(part)
                stream.flush()
                time.sleep(seconds / 2)
            os.fsync(stream.fileno())
        temporary.rename(path)
        for old in sorted(self.folder.glob("step-*.json"), reverse=True)[KEEP:]:
            old.unlink()

    def load(self):
        for path in sorted(self.folder.glob("step-*.json"), reverse=True):
            body, _, digest = path.read_text().partition("\n")
            if hashlib.sha256(body.encode()).hexdigest() != digest.strip():
                print("%s is damaged, using the one before" % path.name, flush=True)
                continue
            saved = json.loads(body)
            if saved["identity"] != self.identity:
                sys.exit("%s belongs to another configuration" % path.name)
            print("resumed at step %d from %s" % (saved["step"], path.name), flush=True)
            return saved["step"]
        return 0


def once(config, name):
    """True the first time that fault is asked for, over all attempts."""
    flag = Path(config["notes"]) / ("fault-" + name)
    if flag.exists():
        return False
    flag.write_text("")
    return True


def start_daemon(config):
    """Forks twice into a session of its own, with all output closed; its process id goes into a file."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            (Path(config["notes"]) / "daemon.pid").write_text(str(os.getpid()))
            os.dup2(os.open(os.devnull, os.O_RDWR), 1)
            os.dup2(1, 2)
            time.sleep(600)
        os._exit(0)
    while not (Path(config["notes"]) / "daemon.pid").exists():
        time.sleep(0.005)


def start_worker(config):
    worker = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
    (Path(config["notes"]) / "worker.pid").write_text(str(worker.pid))


def log_use(config, what):
    """Appends what happens when on which device; one write, so that lines of several trainers do not mix."""
    line = "%f %s %s %d\n" % (time.time(), what, os.environ.get("CUDA_VISIBLE_DEVICES"), os.getpid())
    with (Path(config["notes"]) / "uses.txt").open("a") as stream:
        stream.write(line)


def fault(config, step):
    if step == config["kill_at"] and once(config, "kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    if step == config["hang_at"] and once(config, "hang"):
        time.sleep(600)
    if step == config["crash_at"]:
        raise RuntimeError("loss is not finite")
    if config["out_of_memory_above"] and config["size"] > config["out_of_memory_above"]:
        raise RuntimeError("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB")


def main():
    config = json.loads(Path(sys.argv[1]).read_text())
    output, folder = Path(sys.argv[2]), Path(sys.argv[3])
    identity = {"size": config["size"], "seed": config["seed"]}
    folder.mkdir(exist_ok=True)
    checkpoints = Checkpoints(folder, identity)
    stop = []
    handler = signal.SIG_IGN if config["ignore_terminate"] else lambda *_: stop.append(1)
    signal.signal(signal.SIGTERM, handler)
    (Path(config["notes"]) / "trainer.pid").write_text(str(os.getpid()))
    log_use(config, "begin")
    if config["daemon"]:
        start_daemon(config)
    if config["worker"]:
        start_worker(config)
    first = checkpoints.load()
    for step in range(first + 1, config["steps"] + 1):
        time.sleep(config["step_seconds"])
        fault(config, step)
        print("step %d/%d loss %.4f" % (step, config["steps"], 1.0 / step), flush=True)
        if stop or step % config["save_every"] == 0:
            print("saving", flush=True)
            checkpoints.save(step, config["save_seconds"])
            print("saved step %d" % step, flush=True)
        if stop:
            log_use(config, "end")
            sys.exit(143)
    if config["fill_bytes"]:
        with (output / "big.bin").open("wb") as stream:
            for _ in range(config["fill_bytes"] >> 16):
                stream.write(os.urandom(1 << 16))
    (output / "mesh").mkdir()
    if not config["omit_mesh"]:
        (output / "mesh" / "mesh.obj").write_text("v 0 0 0\n" * 10)
    (output / "data.json").write_text(json.dumps({"psnr": 27.5, "first": first}))
    log_use(config, "end")


main()
