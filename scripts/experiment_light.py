#!/usr/bin/env python3
"""How well a light is learnt, by what is learnt of it; and what prefiltering costs by the size of its faces.

    python3 scripts/experiment_light.py            print the tables (a quarter of an hour on one core)
    python3 scripts/experiment_light.py --write    and put them into docs/decisions/0011-light.md

The shape is known: a ball with waves in its normals, painted in stripes, of one roughness. Material (the trainer's hash
grid) and light are learnt from 64 views of 96 pixels, four at a time; held out are twelve views on a turntable. The
reference is drawn with the prefilter of the panorama itself. "relit" is the material found under the other light.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import torch
from torch import Tensor
from torch.nn.functional import normalize

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "pipeline"), str(ROOT / "scripts")]

from make_noon_light import panorama  # noqa: E402
from sample import light as studio_light  # noqa: E402

from topforge_train.backend import load  # noqa: E402
from topforge_train.backend.interface import HashGridSpec  # noqa: E402
from topforge_train.mesh_reference import views  # noqa: E402
from topforge_train.rendering import cubemap, light, prefilter  # noqa: E402
from topforge_train.rendering.colour import linear_to_srgb  # noqa: E402
from topforge_train.rendering.light import PrefilteredLight, prefiltered  # noqa: E402
from topforge_train.rendering.material import MaterialLimits, VolumeMaterial  # noqa: E402
from topforge_train.rendering.shading import Surface, facing, shade  # noqa: E402
from topforge_train.training import loss  # noqa: E402
from topforge_train.training.schedule import ramp, rate_factor  # noqa: E402

RECORD = ROOT / "docs" / "decisions" / "0011-light.md"
MARK = "<!-- tables: scripts/experiment_light.py --write -->"
SIDE, RADIUS, BATCH, RATE = 96, 0.9, 4, 0.03
BYTES_PER_SECOND = 3e12
"""What an H100 reads from its memory."""


@dataclasses.dataclass(frozen=True)
class Points:
    """Surface under pixels: position, unit shading normal facing the viewer, unit vector to the eye, each [P, 3]."""

    position: Tensor
    normal: Tensor
    view: Tensor


def ball(pose: Tensor) -> Points:
    """What a camera [4, 4] sees of the ball."""
    place = ((torch.arange(SIDE) + 0.5) / SIDE * 2.0 - 1.0) * math.tan(views.FOV_Y / 2)
    y, x = torch.meshgrid(-place, place, indexing="ij")
    ray = normalize(torch.stack([x, y, -torch.ones_like(x)], -1).reshape(-1, 3), dim=-1) @ pose[:3, :3].float().T
    eye = pose[:3, 3].float()
    along = ray @ eye
    inside = along**2 - eye @ eye + RADIUS**2
    hit = (inside > 0) & (along < 0)
    position = eye + (-along - inside.clamp(min=0).sqrt())[hit, None] * ray[hit]
    waves = torch.sin(position[:, [1, 2, 0]] * 9.0) * torch.cos(position[:, [2, 0, 1]] * 7.0)
    return Points(position, facing(normalize(position / RADIUS + 0.25 * waves, dim=-1), -ray[hit]), -ray[hit])


def paint(points: Points, roughness: float) -> Tensor:
    """The true material [P, 6]."""
    stripes = 0.5 + 0.45 * torch.sin(6.0 * points.position + torch.tensor([0.0, 2.0, 4.0]))
    return torch.cat([stripes, torch.tensor([0.0, roughness, 0.0]).expand(len(stripes), 3)], dim=-1)


def draw(points: Points, channels: Tensor, lit: PrefilteredLight) -> Tensor:
    """Radiance [P, 3]."""
    surface = Surface(channels[:, :3], channels[:, 3:4], channels[:, 4:5], channels[:, 5:6])
    return shade(surface, points.normal, points.view, lit)


class Radiance(torch.nn.Module):
    """Linear radiance, as nvdiffrec learns it."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.texels = torch.nn.Parameter(torch.full((6, side, side, 3), light.INITIAL_RADIANCE))

    def base(self) -> Tensor:
        return self.texels.clamp(min=0.0)


class Logarithm(Radiance):
    """Its logarithm."""

    def __init__(self, side: int) -> None:
        super().__init__(side)
        self.texels.data.log_()

    def base(self) -> Tensor:
        return self.texels.clamp(math.log(light.DARKEST), math.log(light.BRIGHTEST)).exp()


class Pyramid(torch.nn.Module):
    """The logarithm as a sum over maps from 4 x 4 texels a face to `side` x `side`: neighbours move together."""

    def __init__(self, side: int) -> None:
        super().__init__()
        sides = [4 << k for k in range(int(math.log2(side)) - 1)]
        self.maps = torch.nn.ParameterList(torch.nn.Parameter(torch.zeros(6, n, n, 3)) for n in sides)

    def base(self) -> Tensor:
        total = torch.zeros(6, 2, 2, 3)
        for texels in self.maps:
            total = total.repeat_interleave(2, 1).repeat_interleave(2, 2) + texels
        return (total + math.log(light.INITIAL_RADIANCE)).exp()


class WithSun(Radiance):
    """Radiance and one lobe exp(k (cos - 1)), of which direction, sharpness and power are learnt."""

    def __init__(self, side: int) -> None:
        super().__init__(side)
        self.towards = torch.nn.Parameter(torch.tensor([0.3, 0.9, 0.3]))
        self.sharpness = torch.nn.Parameter(torch.zeros(()))
        self.power = torch.nn.Parameter(torch.zeros(3))
        self.texel_directions = cubemap.texel_directions(side).float()

    def base(self) -> Tensor:
        k = self.sharpness.clamp(0.0, math.log(self.texels.shape[1] ** 2 / 2)).exp()
        lobe = torch.exp(k * (self.texel_directions @ normalize(self.towards, dim=0) - 1.0)) * k / (2.0 * math.pi)
        return super().base() + lobe[..., None] * self.power.exp()


@dataclasses.dataclass(frozen=True)
class Scene:
    """Views to learn from, views held out, the light they show, another one, and the roughness of the ball."""

    training: List[Points]
    held_out: List[Points]
    lit: PrefilteredLight
    other: PrefilteredLight
    roughness: float


def scene(lit: str, roughness: float) -> Scene:
    """The ball in a "soft" light (the sample's studio) or under a "hard" one (noon)."""
    lights = {"soft": torch.from_numpy(studio_light.studio()), "hard": 2.0 * torch.from_numpy(panorama(512, 0))}
    ready = {name: prefiltered(cubemap.from_latlong(image, 256)) for name, image in lights.items()}
    poses = views.random_poses(64, torch.Generator().manual_seed(1)), views.turntable_poses(12)
    training, held_out = ([ball(pose) for pose in some] for some in poses)
    return Scene(training, held_out, ready[lit], ready["soft" if lit == "hard" else "hard"], roughness)


def train(shown: Scene, learnt: Any, factor: float, neutrality: float, steps: int) -> Tuple[VolumeMaterial, Tensor]:
    """Learns material and light as pass 1 does; the light's step size is `factor` times the material's."""
    limits = MaterialLimits(torch.tensor([0.0, 0, 0, 0, 0.08, 0]), torch.ones(6))
    material = VolumeMaterial(HashGridSpec(8, 2, 15, 16, 256), limits, 2.1, torch.Generator().manual_seed(2))
    rates = [RATE, factor * RATE]
    groups = [{"params": list(part.parameters()), "lr": rate} for part, rate in zip((material, learnt), rates)]
    optimiser, generator = torch.optim.Adam(groups, eps=1e-8, fused=True), torch.Generator().manual_seed(3)
    for step in range(steps):
        some = [shown.training[i] for i in torch.randint(len(shown.training), (BATCH,), generator=generator)]
        points = Points(*(torch.cat(parts) for parts in zip(*(vars(view).values() for view in some))))
        base, share = learnt.base(), len(points.position) / (BATCH * SIDE**2)
        channels = material(BACKEND, points.position)
        offset = 0.021 * torch.randn(points.position.shape, generator=generator)
        change = loss.smoothness(channels, material(BACKEND, points.position + offset)).mean()
        with torch.no_grad():
            target = draw(points, paint(points, shown.roughness), shown.lit)
        terms = [loss.log_l1(draw(points, channels, prefiltered(base)), target).mean() * share]
        terms += [ramp(0.03, 500, step) * change * share, ramp(0.001, 500, step) * channels[:, 3].mean() * share]
        terms += [neutrality * light.neutrality(base).mean()]
        optimiser.zero_grad()
        torch.stack(terms).sum().backward()
        for group, rate in zip(optimiser.param_groups, rates):
            group["lr"] = rate * rate_factor("cosine", step, step / steps, 0)
        optimiser.step()
    return material, learnt.base().detach()


def decibels(found: List[Tensor], expected: List[Tensor]) -> float:
    """PSNR in clamped sRGB over all pixels of all views, the background equal."""
    error = sum(
        float((linear_to_srgb(a.clamp(0, 1)) - linear_to_srgb(b.clamp(0, 1))).square().sum())
        for a, b in zip(found, expected)
    )
    return -10.0 * math.log10(error / (3 * SIDE**2 * len(found)))


@torch.no_grad()
def scores(shown: Scene, material: VolumeMaterial, base: Tensor) -> Tuple[float, float, float, float]:
    """PSNR held out, PSNR relit, relative error of the brightest percent of the pixels, and the brightest texel."""
    found, expected = prefiltered(base), [paint(points, shown.roughness) for points in shown.held_out]
    channels = [material(BACKEND, points.position) for points in shown.held_out]

    def drawn(materials: List[Tensor], lit: PrefilteredLight) -> List[Tensor]:
        return [draw(points, values, lit) for points, values in zip(shown.held_out, materials)]

    ours, truth = drawn(channels, found), drawn(expected, shown.lit)
    relit = decibels(drawn(channels, shown.other), drawn(expected, shown.other))
    mine, true = torch.cat(ours), torch.cat(truth)
    bright = true.mean(-1) >= true.mean(-1).quantile(0.99)
    highlight = float((mine - true)[bright].abs().sum() / true[bright].sum())
    return decibels(ours, truth), relit, highlight, float(base.max())


CANDIDATES: Dict[str, Tuple[Callable[[int], Any], float]] = {
    "radiance, 1 x (nvdiffrec)": (Radiance, 1.0),
    "radiance, 10 x": (Radiance, 10.0),
    "radiance and a sun lobe, 1 x": (WithSun, 1.0),
    "logarithm, 1 x": (Logarithm, 1.0),
    "**logarithm, 5 x**": (Logarithm, 5.0),
    "logarithm, 10 x": (Logarithm, 10.0),
    "logarithm as a pyramid, 3 x": (Pyramid, 3.0),
}
COLUMNS = ("light", "roughness", "faces", "learnt, step size", "neutrality", "steps", "held out, dB", "relit, dB")
HEAD = "| %s | highlights, error | brightest texel |" % " | ".join(COLUMNS)


def row(lit: str, roughness: float, side: int, name: str, neutrality: float = 0.001, steps: int = 500) -> str:
    """One line of the table of what is learnt."""
    shown, (kind, factor) = scene(lit, roughness), CANDIDATES[name]
    found = scores(shown, *train(shown, kind(side), factor, neutrality, steps))
    values = (lit, roughness, side, name, neutrality, steps, found[0], found[1], 100 * found[2], found[3])
    return "| %s | %g | %d | %s | %g | %d | %.2f | %.2f | %.0f %% | %.0f |" % values


def learning() -> List[str]:
    """What is learnt of the light, its neutrality, its size."""
    lines = [HEAD, "|---" * 10 + "|"]
    first, chosen, last = next(iter(CANDIDATES)), "**logarithm, 5 x**", list(CANDIDATES)[-1]
    runs: List[Dict[str, Any]] = [{"name": name} for name in CANDIDATES]
    runs += [{"name": name, "lit": "soft"} for name in (first, chosen, last)]
    runs += [{"name": name, "steps": 150} for name in (first, chosen, "logarithm, 10 x", last)]
    runs += [{"name": chosen, "neutrality": weight} for weight in (0.0, 0.005, 0.02)]
    runs += [{"name": chosen, "side": side} for side in (32, 128)]
    runs += [{"name": chosen, "side": side, "roughness": 0.1} for side in (64, 128)]
    for run in runs:
        lines.append(row(**{"lit": "hard", "roughness": 0.25, "side": 64, **run}))
        print(lines[-1], flush=True)
    return lines


def costs() -> List[str]:
    """What a prefilter costs."""
    head = "| faces | entries | memory, MB | floor on an H100, ms | making, s | forward and backward on one core, ms |"
    lines = [head, "|---" * 6 + "|"]
    for side in (16, 32, 64, 128, 256):
        base = torch.rand(6, side, side, 3, requires_grad=True)
        shapes = tuple(prefilter.level_shapes(side)[0 if side > prefilter.FINEST else 1 :])
        began = time.process_time()
        tables = prefilter.make_tables(side, shapes, base.device)
        made = time.process_time() - began
        whole = sum(part.nbytes for half in (tables.forward, tables.transposed) for part in vars(half).values())
        whole += sum(part.nbytes for part in (tables.turned, tables.used, tables.place, tables.texel, *tables.shares))
        sum(level.sum() for level in prefiltered(base).levels).backward()
        began = time.process_time()
        for _ in range(3):
            sum(level.sum() for level in prefiltered(base).levels).backward()
        spent = (time.process_time() - began) / 3
        values = (side, len(tables.forward.values), whole / 1e6, 1e3 * whole / BYTES_PER_SECOND, made, 1e3 * spent)
        lines.append("| %d | %d | %.0f | %.3f | %.1f | %.0f |" % values)
        print(lines[-1], flush=True)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="put the tables into the decision record")
    write = parser.parse_args().write
    print(HEAD)
    tables = [MARK, "", *learning(), "", *costs(), ""]
    if write:
        text = RECORD.read_text(encoding="utf-8")
        RECORD.write_text(text[: text.index(MARK)] + "\n".join(tables), encoding="utf-8")


if __name__ == "__main__":
    torch.set_num_threads(1)
    BACKEND = load()
    main()
