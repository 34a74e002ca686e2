"""`python -m topforge_train`: from a capture to an asset. Parse, load, pass 1, unwrap, pass 2, export, measure.

Started by `topforge run-item` as one child process; runs as well by hand. SIGTERM and SIGINT ask it to save and end
with exit code 143; started again with the same folders it goes on where it was.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path
from typing import Callable, Optional, Sequence

import torch

from topforge import schema, strict_json
from topforge.errors import EXIT_CODES, FailureClass
from topforge.trainers.builtin_options import BuiltinOptions, extends
from topforge_train import BEGAN, deliver
from topforge_train.backend import load as load_backend
from topforge_train.evaluation import preview
from topforge_train.geometry.mesh import Mesh
from topforge_train.geometry.unwrap import CHART_GAP, unwrap
from topforge_train.mesh_reference.base_mesh import start_from_mesh
from topforge_train.rendering.baking import bake
from topforge_train.surface_pass import Start, SurfacePass, resumed_start
from topforge_train.training import checkpoint, distributed, failures, loop, memory
from topforge_train.training.checkpoint import Checkpoint
from topforge_train.training.progress import TRAINING_SHARE, Reporter
from topforge_train.training.session import Clock, Session
from topforge_train.views import inputs
from topforge_train.volume_pass import VolumePass


def parse(arguments: Optional[Sequence[str]] = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="topforge_train", description="Reconstruct shape, material and light.")
    parser.add_argument("--config", type=Path, required=True, help="JSON with the trainer's options")
    parser.add_argument("--dataset", type=Path, required=True, help="capture folder, or mesh file")
    parser.add_argument("--output", type=Path, required=True, help="folder for the result")
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder for saved states")
    parser.add_argument("--previews", type=Path, required=True, help="folder for pictures of the work")
    return parser.parse_args(arguments)


def open_session(arguments: argparse.Namespace) -> Session:
    """Reads options and photographs, or draws them of a mesh; picks the operators."""
    options = schema.from_json(BuiltinOptions, strict_json.read(arguments.config), str(arguments.config))
    ranks = distributed.join(options.device)
    torch.set_num_threads(options.threads or max((os.cpu_count() or 1) // ranks.size, 1))
    backend = load_backend(options.backend, options.device)
    reporter = Reporter(quiet=not ranks.is_first)
    training, validation = inputs.load(arguments.dataset, options, backend, reporter)
    return Session(
        options=options,
        backend=backend,
        training=training,
        validation=validation,
        output=arguments.output,
        checkpoints=arguments.checkpoints,
        previews=arguments.previews,
        reporter=reporter,
        clock=Clock(started=BEGAN),
        ranks=ranks,
    )


def within_budget(mesh: Mesh, budget: int) -> Mesh:
    """The mesh with at most `budget` triangles; 0 = all."""
    if not budget:
        return mesh
    from topforge_train.geometry.decimate import decimated  # here: only a budget needs its package

    return decimated(mesh, budget)


def run_volume_pass(session: Session, saved: Optional[Checkpoint]) -> Start:
    """Pass 1 from the beginning or a checkpoint, then what pass 2 begins with."""
    volume = VolumePass(session)
    if saved:
        volume.restore(saved.state)
    session.ranks.equalise(volume.state())
    loop.train(session, volume, saved)
    return from_first(session, lambda: unwrapped(session, volume))


def from_first(session: Session, make: Callable[[], Start]) -> Start:
    """What the first of several processes makes, for all of them."""
    made = make().tensors() if session.ranks.is_first else None
    return Start(**session.ranks.from_first(made, session.device))


def unwrapped(session: Session, volume: VolumePass) -> Start:
    """What pass 1 hands over: its surface with texture coordinates and baked textures."""
    session.reporter.stage("unwrap", 0.5 * TRAINING_SHARE, "finding texture coordinates")
    mesh = within_budget(volume.final_mesh(), session.options.triangle_budget)
    size, delivered = session.options.texture_res[0], (session.options.export_res or session.options.texture_res)[0]
    padding = CHART_GAP * max(1, size // delivered)
    uv, uv_triangles = (tensor.to(session.device) for tensor in unwrap(mesh.vertices, mesh.triangles, size, padding))
    texels = bake(session.backend, volume.material, mesh.vertices, mesh.triangles, uv, uv_triangles, size)
    light = volume.light.base.detach().clone()
    return Start(mesh.vertices, mesh.triangles, uv, uv_triangles, texels, light, *volume.views.rows())


def begin_with_mesh(session: Session) -> Start:
    """In place of pass 1: shape and textures of the base mesh."""
    session.reporter.stage("prepare", 0.0, "reading the base mesh")
    start, remarks = start_from_mesh(session.options, session.backend)
    for remark in remarks:
        session.reporter.message(remark)
    session.reporter.message(
        "Base mesh has %d triangles and %d vertices." % (len(start.triangles), len(start.vertices))
    )
    return start


def run(session: Session) -> None:
    """Both passes, then the delivery; resumes from the newest checkpoint of the same configuration."""
    memory.warn_if_short(session)
    saved = checkpoint.load(session.checkpoints, session.identity, extends)
    if saved:
        session.clock.before = saved.elapsed
        session.reporter.message("Resuming pass %d at iteration %d." % (saved.training_pass + 1, saved.step))
    start = resumed_start(saved.state) if saved else None
    if start is None:
        with_mesh = bool(session.options.base_mesh)
        start = from_first(session, lambda: begin_with_mesh(session)) if with_mesh else run_volume_pass(session, saved)
        saved = None
    surface = SurfacePass(session, start)
    if saved:
        surface.restore(saved.state)
    session.ranks.equalise(surface.state())
    loop.train(session, surface, saved)
    session.lowered[:] = session.ranks.gathered(session.lowered)
    if session.ranks.is_first:
        preview.write_last(session, surface.scene())
        deliver.deliver(session, surface)
        session.saver.wait()
        checkpoint.keep_newest(session.checkpoints)
    session.ranks.leave()


def main(arguments: Optional[Sequence[str]] = None) -> int:
    """Runs and maps failures to exit codes."""
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    given = parse(arguments)
    try:
        return failures.reported(lambda: train(given))
    except loop.Stopped:
        print("Stopped on request; the state is saved.", flush=True)
        return EXIT_CODES[FailureClass.PREEMPTED]


def train(given: argparse.Namespace) -> None:
    """One run, which a signal asks to save and end."""
    session = open_session(given)
    session.listen_for_stop()
    run(session)


if __name__ == "__main__":
    sys.exit(main())
