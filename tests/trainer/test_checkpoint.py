"""Saved states: complete or skipped, ours or refused."""

import pytest
import torch

from topforge.trainers.builtin_options import extends
from topforge_train.training import checkpoint
from topforge_train.training.checkpoint import Checkpoint, ForeignCheckpointError, NotSavedError

IDENTITY = {"iter": 10, "learning_rate": [0.03, 0.01], "isosurface": "dmtet"}


def state(value):
    return {"values": torch.full((1000,), float(value)), "nested": {"list": [1, torch.arange(3)]}}


def save(folder, step, training_pass=0, identity=IDENTITY):
    return checkpoint.save(folder, identity, Checkpoint(training_pass, step, 1.5 * step, state(step)))


def test_round_trip_keeps_everything(tmp_path):
    save(tmp_path, 40)
    loaded = checkpoint.load(tmp_path, IDENTITY, extends)
    assert (loaded.training_pass, loaded.step, loaded.elapsed) == (0, 40, 60.0)
    assert torch.equal(loaded.state["values"], state(40)["values"])
    assert torch.equal(loaded.state["nested"]["list"][1], torch.arange(3))


def test_nothing_saved_is_not_an_error(tmp_path):
    assert checkpoint.load(tmp_path / "never made", IDENTITY, extends) is None


def test_the_newest_counts_and_the_second_pass_is_newer_than_the_first(tmp_path):
    save(tmp_path, 900)
    save(tmp_path, 100, training_pass=1)
    loaded = checkpoint.load(tmp_path, IDENTITY, extends)
    assert (loaded.training_pass, loaded.step) == (1, 100)


def test_only_the_newest_two_are_kept(tmp_path):
    for step in (100, 200, 300):
        save(tmp_path, step)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pass0-0000200.ckpt", "pass0-0000300.ckpt"]


@pytest.mark.parametrize("keep", [0, 10, 200, 0.5, -1])
def test_a_truncated_newest_file_gives_the_one_before(tmp_path, keep, caplog):
    save(tmp_path, 100)
    newest = save(tmp_path, 200)
    data = newest.read_bytes()
    newest.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    assert checkpoint.load(tmp_path, IDENTITY, extends).step == 100
    assert newest.name in caplog.text


def test_an_altered_byte_is_noticed(tmp_path):
    save(tmp_path, 100)
    newest = save(tmp_path, 200)
    data = bytearray(newest.read_bytes())
    data[-50] ^= 1
    newest.write_bytes(bytes(data))
    assert checkpoint.load(tmp_path, IDENTITY, extends).step == 100


@pytest.mark.parametrize("line", [b"1", b"[]", b"{}", b'{"format": 1}', b"\xff\xfe"])
def test_a_file_that_is_no_checkpoint_is_named_and_skipped(tmp_path, line, caplog):
    save(tmp_path, 100)
    (tmp_path / "pass0-0000200.ckpt").write_bytes(line + b"\nrest")
    assert checkpoint.load(tmp_path, IDENTITY, extends).step == 100
    assert "pass0-0000200.ckpt" in caplog.text


def test_another_configuration_is_refused_by_name(tmp_path):
    path = save(tmp_path, 100)
    with pytest.raises(ForeignCheckpointError, match=r"isosurface 'dmtet', now 'flexicubes'") as caught:
        checkpoint.load(tmp_path, {**IDENTITY, "isosurface": "flexicubes"}, extends)
    assert str(path) in caught.value.reason
    assert path.exists()


@pytest.mark.parametrize("later", [{"iter": 20}, {"time_budget": 60}, {"iter": 20, "time_budget": 0}])
def test_a_later_end_goes_on_and_is_told(tmp_path, later):
    save(tmp_path, 8, identity={**IDENTITY, "time_budget": 30})
    assert not checkpoint.load(tmp_path, {**IDENTITY, "time_budget": 30}, extends).is_extended
    loaded = checkpoint.load(tmp_path, {**IDENTITY, "time_budget": 30, **later}, extends)
    assert (loaded.step, loaded.is_extended) == (8, True)


@pytest.mark.parametrize(
    "other", [{"iter": 9}, {"iter": 20, "time_budget": 10}, {"iter": 20, "learning_rate": 0.1}, {"iter": 20, "new": 1}]
)
def test_an_earlier_end_or_anything_else_does_not(tmp_path, other):
    save(tmp_path, 8, identity={**IDENTITY, "time_budget": 30})
    with pytest.raises(ForeignCheckpointError):
        checkpoint.load(tmp_path, {**IDENTITY, "time_budget": 30, **other}, extends)


def test_plain_values_are_kept_and_a_finished_run_keeps_one_file(tmp_path):
    plain = {"timeline": {"started": 1.25, "turned": 3, "lead": 0.1}}
    for step in (4, 8):
        checkpoint.save(tmp_path, IDENTITY, Checkpoint(1, step, 2.0, state(step), 0.8, plain))
    checkpoint.keep_newest(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["pass1-0000008.ckpt"]
    loaded = checkpoint.load(tmp_path, IDENTITY, extends)
    assert (loaded.progress, loaded.plain) == (0.8, plain)


def test_a_failed_save_leaves_the_earlier_ones(tmp_path, monkeypatch):
    save(tmp_path, 100)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(NotSavedError, match=r"pass0-0000200.ckpt of \d+ bytes .* No space left .* bytes are free"):
        save(tmp_path, 200)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["pass0-0000100.ckpt"]
    assert checkpoint.load(tmp_path, IDENTITY, extends).step == 100
