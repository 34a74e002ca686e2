"""The estimate of memory: what makes it grow, and that it warns and does not refuse."""

import dataclasses
from types import SimpleNamespace

import torch

from topforge.trainers.builtin_options import BuiltinOptions
from topforge_train.training import memory

OPTIONS = BuiltinOptions(batch=4, dmtet_grid=64, texture_res=(1024, 1024))


def estimate(covered=0.25, resolution=(512, 512), **changes):
    return memory.estimate(dataclasses.replace(OPTIONS, **changes), resolution, covered)


def test_everything_that_costs_memory_makes_it_grow():
    usual = estimate()
    assert estimate(batch=8) > usual
    assert estimate(spp=2) > usual
    assert estimate(layers=2) > usual
    assert estimate(covered=0.5) > usual
    assert estimate(resolution=(1024, 1024)) > usual
    assert estimate(texture_res=(2048, 2048)) > usual
    assert estimate(dmtet_grid=192) > usual
    assert estimate(dmtet_grid=192) > estimate(dmtet_grid=192, isosurface="dmtet")
    assert estimate(dmtet_grid=192, base_mesh="mesh.obj") == usual


def warned(monkeypatch, free, device="cuda"):
    said = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 80 << 30))
    images = SimpleNamespace(resolution=(512, 512), pyramid=[torch.ones(2, 8, 8, 4)])
    reporter = SimpleNamespace(message=said.append)
    session = SimpleNamespace(device=torch.device(device), options=OPTIONS, training=images, reporter=reporter)
    memory.warn_if_short(session)
    return said


def test_too_little_is_a_warning_with_both_figures(monkeypatch):
    (line,) = warned(monkeypatch, 1 << 28)
    assert "0.2 GiB are free" in line or "0.3 GiB are free" in line
    assert "About %.1f GiB" % (estimate(covered=1.0) / 2**30) in line


def test_enough_is_silence_and_so_is_a_cpu(monkeypatch):
    assert warned(monkeypatch, 70 << 30) == []
    assert warned(monkeypatch, 0, "cpu") == []
