"""Measuring a run's own result at its end: every held-out view drawn, written and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np
import torch

from topforge import atomic
from topforge_train.evaluation import display, metrics
from topforge_train.evaluation.perceptual import Measure
from topforge_train.evaluation.preview import BACKGROUND
from topforge_train.rendering.scene import Scene, displayed, draw, layers
from topforge_train.training.session import Session


def run(session: Session, scene: Scene, measure: Optional[Measure]) -> List[Dict[str, Any]]:
    """Renders every held-out view, writes the pictures and nvdiffrec's metrics.txt; one record for each view.

    Args:
        session: The run.
        scene: Its result.
        measure: LPIPS, where it can be had.
    """
    folder, images = session.output / "validate", session.validation
    folder.mkdir(exist_ok=True)
    background = BACKGROUND[session.options.background]
    records = [validated(session, scene, measure, view, background) for view in range(len(images))]
    write_metrics(folder / "metrics.txt", records)
    return records


def validated(
    session: Session, scene: Scene, measure: Optional[Measure], view: int, background: float
) -> Dict[str, Any]:
    """Draws a view, begins to write its pictures, and compares; its record."""
    images, wanted = session.validation, session.options.display
    index = torch.tensor([view])
    cameras = images.cameras[index]
    rendered = draw(session.backend, scene, cameras, images.resolution, metrics.SUPERSAMPLING)
    result, reference = displayed(rendered.image, background), displayed(images.targets(index), background)
    pictures = {"opt": result, "ref": reference}
    pictures.update(zip(("kd", "ks", "normal"), layers(rendered, metrics.SUPERSAMPLING)))
    pictures.update(display.tiles(session.backend, scene, cameras, rendered, images.resolution, background, wanted))
    files = "validate/val_%06d" % view
    for kind, picture in pictures.items():
        session.pictures.write(session.output / ("%s_%s.png" % (files, kind)), picture[0])
    error = float(((result - reference) ** 2).mean())
    record = {"view": images.names[view], "mse": error, "psnr": float(metrics.psnr(result, reference)[0])}
    record["ssim"] = float(metrics.ssim(result, reference)[0])
    if measure is not None:
        record["lpips"] = measure(result, reference)
    return {**record, "files": files}


def write_metrics(path: Path, records: List[Dict[str, Any]]) -> None:
    """Nvdiffrec's table: `ID, MSE, PSNR`, a line for each view, the averages."""
    lines = ["ID, MSE, PSNR"]
    lines += ["%d, %1.8f, %1.8f" % (number, r["mse"], r["psnr"]) for number, r in enumerate(records)]
    lines.append("AVERAGES: %1.4f, %2.3f" % (mean(records, "mse"), mean(records, "psnr")))
    atomic.write_text(path, "\n".join(lines) + "\n")


def mean(records: List[Dict[str, Any]], key: str) -> float:
    """Average of a value over records."""
    return float(np.mean([record[key] for record in records]))
