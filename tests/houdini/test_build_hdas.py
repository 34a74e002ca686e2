"""otls/ is what `scripts/build_hdas.py` makes, byte for byte, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from topforge_houdini import assets
from topforge_scene import asset_files

REPOSITORY = Path(__file__).resolve().parents[2]


def build(*words, hash_seed="0"):
    command = [sys.executable, str(REPOSITORY / "scripts" / "build_hdas.py"), *words]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_what_is_committed_is_what_is_generated():
    ended = build("--check")
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_every_process_writes_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        assert build("--otls", str(tmp_path / seed), hash_seed=seed).returncode == 0
    assert files(tmp_path / "1") == files(tmp_path / "2") == files(REPOSITORY / "otls")


def test_a_changed_missing_or_left_over_file_is_named_and_mended(tmp_path):
    assert build("--otls", str(tmp_path)).returncode == 0
    wanted = files(tmp_path)
    operator = next(tmp_path.glob("topforge.top_train.1.0.hda/*/DialogScript"))
    operator.write_bytes(operator.read_bytes() + b"#")
    (operator.parent / "Left_over").write_text("x")
    (operator.parent / "Help").unlink()
    (tmp_path / "theirs.hda").write_bytes(b"not ours")
    checked = build("--otls", str(tmp_path), "--check")
    assert checked.returncode == 1
    named = {Path(line.split(" is not")[0]).name for line in checked.stdout.splitlines()}
    assert named == {"DialogScript", "Left_over", "Help"}
    assert build("--otls", str(tmp_path)).returncode == 0
    assert files(tmp_path) == {**wanted, "theirs.hda": b"not ours"}


def test_reading_an_asset_gives_back_what_was_written(tmp_path):
    assert build("--otls", str(tmp_path)).returncode == 0
    for folder, library in assets.libraries().items():
        assert asset_files.read(tmp_path / folder) == library
