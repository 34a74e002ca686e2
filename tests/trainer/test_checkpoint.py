"""Saved states: complete or skipped, ours or refused."""

import threading
from types import SimpleNamespace

import pytest
import torch

from topforge.trainers.builtin_options import BuiltinOptions, extends
from topforge_train.training import checkpoint, loop, saver
from topforge_train.training.checkpoint import Checkpoint, ForeignCheckpointError, NotSavedError
from topforge_train.training.saver import SHARE, Saver
from topforge_train.training.timeline import Timeline

IDENTITY = {"iter": 10, "learning_rate": [0.03, 0.01], "isosurface": "dmtet"}


def state(value):
    return {"values": torch.full((1000,), float(value)), "nested": {"list": [1, torch.arange(3)]}}


def save(folder, step, training_pass=0, identity=IDENTITY):
    packed = checkpoint.pack(identity, Checkpoint(training_pass, step, 1.5 * step, state(step)))
    return checkpoint.write(folder, packed)


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
        checkpoint.write(tmp_path, checkpoint.pack(IDENTITY, Checkpoint(1, step, 2.0, state(step), 0.8, plain)))
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


class Slow:
    """A clock on which writing a checkpoint takes two seconds."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr(saver.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(checkpoint, "write", self.write)
        self.saved = []

    def write(self, folder, packed):
        self.now += 2.0
        self.saved.append((packed.header["pass"], packed.header["step"]))


def test_a_saver_rests_in_proportion_to_what_the_last_checkpoint_took(tmp_path, monkeypatch):
    clock, ours = Slow(monkeypatch), Saver(tmp_path, IDENTITY)
    assert not ours.rests
    ours.save(Checkpoint(0, 100, 0.0, {}))
    ours.wait()
    clock.now += 2.0 / SHARE - 0.1
    assert ours.rests
    clock.now += 0.2
    assert not ours.rests


def test_what_is_due_while_the_saver_rests_is_put_off_but_for_the_end_of_a_pass(tmp_path, monkeypatch):
    """At one second an iteration and two seconds a checkpoint, 40 seconds lie between two."""
    clock, reports = Slow(monkeypatch), []
    options = BuiltinOptions(iter=100, save_interval=0, checkpoint_interval=5)
    session = SimpleNamespace(options=options, saver=Saver(tmp_path, IDENTITY), ranks=SimpleNamespace(is_first=True))
    session.clock = SimpleNamespace(elapsed=0.0)
    guard = SimpleNamespace(is_troubled=False, keep=lambda step: None, saved=dict)
    training = SimpleNamespace(number=0, iterations=100, state=dict)
    for step in range(1, 101):
        clock.now += 1.0
        reports.append(loop.attend(session, training, Timeline(100), guard, step))
        session.saver.wait()
    assert clock.saved == [(0, 5), (0, 45), (0, 85), (0, 100)]
    assert [step for step, written in enumerate(reports, 1) if written] == [5, 45, 85, 100]


def test_training_goes_on_while_a_checkpoint_is_written_and_hears_of_it_later(tmp_path, monkeypatch):
    begun, may_end, usual = threading.Event(), threading.Event(), checkpoint.write

    def slow(folder, packed):
        begun.set()
        assert may_end.wait(30)
        return usual(folder, packed)

    monkeypatch.setattr(checkpoint, "write", slow)
    ours, trained = Saver(tmp_path, IDENTITY), state(1)
    kept = trained["values"].clone()
    ours.save(Checkpoint(0, 100, 0.0, trained))
    assert begun.wait(30)
    assert ours.rests
    trained["values"].zero_()  # what is trained on meanwhile
    assert list(tmp_path.iterdir()) == []
    may_end.set()
    ours.wait()
    assert torch.equal(checkpoint.load(tmp_path, IDENTITY, extends).state["values"], kept)

    monkeypatch.setattr("os.replace", full_disk)
    ours.save(Checkpoint(0, 200, 0.0, trained))
    with pytest.raises(NotSavedError, match="pass0-0000200"):
        ours.save(Checkpoint(0, 300, 0.0, trained))


def until_it_does_not_rest(ours):
    while ours.rests:
        pass


@pytest.mark.parametrize(
    "occasion", [until_it_does_not_rest, Saver.wait, lambda ours: ours.save(Checkpoint(0, 200, 0.0, state(1)))]
)
def test_a_checkpoint_that_could_not_be_written_is_told_on_the_next_occasion(tmp_path, monkeypatch, occasion):
    monkeypatch.setattr("os.replace", full_disk)
    ours = Saver(tmp_path, IDENTITY)
    ours.save(Checkpoint(0, 100, 0.0, state(1)))
    with pytest.raises(NotSavedError, match="pass0-0000100"):
        occasion(ours)


def test_who_asks_to_stop_hears_that_the_state_could_not_be_saved(tmp_path, monkeypatch):
    """Not that it was: the file is written beside the training, and may fail after it has ended."""
    guard = SimpleNamespace(is_troubled=False, keep=lambda step: None, saved=dict, tempered=lambda drawn, step: drawn)
    iterations = SimpleNamespace(latest=None, run=lambda step, drawn: None, settle=lambda step, wait: step)
    monkeypatch.setattr(loop, "begun", lambda *_: (Timeline(100), 0))
    monkeypatch.setattr(loop, "Guard", lambda *_: guard)
    monkeypatch.setattr(loop, "Step", lambda *_: iterations)
    monkeypatch.setattr(loop.cuda_graph, "is_used", lambda *_: False)
    monkeypatch.setattr("os.replace", full_disk)
    session = SimpleNamespace(
        options=BuiltinOptions(iter=100, save_interval=0, checkpoint_interval=0),
        saver=Saver(tmp_path, IDENTITY),
        ranks=SimpleNamespace(is_first=True),
        clock=SimpleNamespace(elapsed=0.0),
        signals=lambda step: (0.0, True),
        **dict.fromkeys(("backend", "device", "note_lowered")),
    )
    training = SimpleNamespace(number=0, iterations=100, state=dict, draw=lambda step, progress: None)
    with pytest.raises(NotSavedError):
        loop.train(session, training, None)


def full_disk(*_):
    raise OSError(28, "No space left on device")
