"""Pass 1: the shape is an isosurface, the material a field in space. Read from top to bottom.

arXiv 2111.12503 (joint optimisation of topology, material and light), 2308.05371 (FlexiCubes). The start is the visual
hull of the masks instead of a random cloud: the first hundreds of iterations of the paper find nothing but that.
"""

from __future__ import annotations

from typing import Any, Dict

import torch
from torch import Tensor

from topforge.trainers.builtin_options import BuiltinOptions, rates
from topforge_train import loss
from topforge_train.backend.interface import HashGridSpec
from topforge_train.geometry import DMTet, FlexiCubes, Isosurface, IsosurfaceMesh
from topforge_train.geometry.cleanup import without_floaters
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.initial_shape import hull_distance, random_distance
from topforge_train.light import EnvironmentLight, log_variation, neutrality
from topforge_train.loop import Losses, NothingVisibleError
from topforge_train.material import MaterialLimits, VolumeMaterial
from topforge_train.preview import Scene
from topforge_train.render import Rendered, Shape, render
from topforge_train.schedule import choose_views, ramp, rate_factor
from topforge_train.session import Session

NEIGHBOUR_DISTANCE = 0.01
"""Standard deviation of the step to a neighbouring point, as a share of the box's side."""


DMTET_CELLS = 5 / 12
"""Cells of our lattice for one of nvdiffrec's grid: the same `dmtet_grid` then has as many vertices (36,562 at 64)."""
KEPT_PIECE = 0.01
"""Pieces of the final surface below this share of its area are dropped: nobody photographed them."""


class VolumePass:
    """Isosurface, material field and light, and how they improve."""

    number = 0

    def __init__(self, session: Session):
        """Sets up the hull, a grey material and a grey light."""
        options = session.options
        self.session = session
        self.iterations = options.iter
        bounds = torch.tensor([[-0.5] * 3, [0.5] * 3]) * options.mesh_scale
        self.surface: Isosurface = (
            FlexiCubes(bounds, options.dmtet_grid, device=str(session.device))
            if options.isosurface == "flexicubes"
            else DMTet(bounds, round(options.dmtet_grid * DMTET_CELLS), device=str(session.device))
        )
        if options.initial_shape == "hull":
            self.surface.initialise(hull_distance(session.training))
        else:
            self.surface.initialise(random_distance(bounds, options.dmtet_grid, session.generator(self.number, 0)))
        limits = MaterialLimits(
            torch.tensor([*options.kd_min[:3], *options.ks_min]), torch.tensor([*options.kd_max[:3], *options.ks_max])
        ).to(session.device)
        spec = HashGridSpec(options.hash_levels, 2, options.hash_log2_size, 16, options.hash_finest)
        material = VolumeMaterial(spec, limits, options.mesh_scale, session.generator(self.number, 1))
        self.material = material.to(session.device)
        self.light = EnvironmentLight.from_options(options).to(session.device)
        geometry_rate, material_rate = rates(options.learning_rate, self.number)
        groups = [
            {"params": list(self.surface.parameters()), "lr": geometry_rate, "betas": (0.7, 0.9)},
            {"params": list(self.material.parameters()), "lr": material_rate},
            {"params": list(self.light.parameters()), "lr": material_rate},
        ]
        self.optimiser = torch.optim.Adam([g for g in groups if g["params"]], eps=1e-8, fused=True)
        self.initial_rates = [group["lr"] for group in self.optimiser.param_groups]

    def losses(self, step: int, progress: float) -> Losses:
        """Draws a batch against random backgrounds and compares colour and coverage with the photographs."""
        options, images = self.session.options, self.session.training
        coarse = progress < options.coarse_share and len(images.pyramid) > 1
        index = choose_views(self.session, self.number, step, options.batch * (2 if coarse else 1))
        index = index.to(self.session.device, non_blocking=True)
        target = images.targets(index, 1 if coarse else 0)
        mesh = self.surface.extract(training=True)
        normals = vertex_normals(mesh)
        rendered = render(
            self.session.backend,
            images.cameras[index],
            Shape(mesh.vertices, mesh.triangles, normals),
            self.material,
            self.light.prefilter(),
            (target.shape[1], target.shape[2]),
            options.spp,
        )
        if not len(rendered.channels):
            raise NothingVisibleError(self.number, step)
        background = torch.rand(len(index), 1, 1, 3, generator=self.session.generator(self.number, step))
        return Losses(
            image_term(options, rendered.image, target, background.to(target, non_blocking=True)),
            {
                **self.shape_terms(mesh, normals, progress),
                **self.material_terms(rendered, step),
                **light_terms(options, self.light),
            },
        )

    def shape_terms(self, mesh: IsosurfaceMesh, normals: Tensor, progress: float) -> Dict[str, Tensor]:
        """The extractor's own penalties and the smoothness of the surface, weighted."""
        options = self.session.options
        early = max(0.0, 1.0 - 4.0 * progress)  # nvdiffrec: the sign term falls over the first quarter
        weights = {"sign": 0.01 + (options.sdf_regularizer - 0.01) * early, "deviation": 0.25, "weights": 0.1}
        terms = {name: weights[name] * value for name, value in self.surface.regulariser(mesh).items()}
        terms["normals"] = options.normal_smoothness * normal_variation(normals, mesh.triangles).mean()
        return terms

    def material_terms(self, rendered: Rendered, step: int) -> Dict[str, Tensor]:
        """Smoothness on a random quarter of the visible points, and the preference for no occlusion."""
        options = self.session.options
        generator = self.session.generator(self.number + 20, step)
        count = len(rendered.channels)
        chosen = torch.randint(count, (max(count // 4, 1),), generator=generator)
        chosen = chosen.to(self.session.device, non_blocking=True)
        position = rendered.points.position.detach().index_select(0, chosen)
        offset = torch.randn(position.shape, generator=generator) * (NEIGHBOUR_DISTANCE * options.mesh_scale)
        neighbour = self.material(self.session.backend, position + offset.to(position, non_blocking=True))
        here = rendered.channels.index_select(0, chosen)  # the backward of [chosen] adds in any order
        return {
            "smoothness": ramp(options.material_smoothness, 500, step)
            * loss.smoothness(here[:, :3], neighbour[:, :3]).mean(),
            "gloss": ramp(options.gloss_smoothness, 500, step) * loss.smoothness(here[:, 4:], neighbour[:, 4:]).mean(),
            "visibility": ramp(0.001, 500, step) * rendered.channels[:, 3].mean(),
        }

    def update(self, step: int, progress: float) -> float:
        """One Adam step; the light stays non-negative."""
        factor = rate_factor(self.session.options.schedule, step, progress, warmup=0)
        for group, rate in zip(self.optimiser.param_groups, self.initial_rates):
            group["lr"] = rate * factor
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.light.clamp_()
        return self.initial_rates[-1] * factor

    def final_mesh(self) -> Mesh:
        """The isosurface as triangles for pass 2, without floating specks."""
        with torch.no_grad():
            return without_floaters(self.surface.extract(training=False), KEPT_PIECE)

    def scene(self) -> Scene:
        """The present state, to look at."""
        with torch.no_grad():
            mesh = self.surface.extract(training=False)
            shape = Shape(mesh.vertices, mesh.triangles, vertex_normals(mesh))
            return Scene(shape, self.material, self.light.prefilter())

    def state(self) -> Dict[str, Any]:
        """Parameters and Adam's moments."""
        return {
            "surface": self.surface.state_dict(),
            "material": self.material.state_dict(),
            "light": self.light.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.surface.load_state_dict(state["surface"])
        self.material.load_state_dict(state["material"])
        self.light.load_state_dict(state["light"])
        self.optimiser.load_state_dict(state["optimiser"])


def light_terms(options: BuiltinOptions, light: EnvironmentLight) -> Dict[str, Tensor]:
    """The preference for white light and, if asked for, for smooth light."""
    terms = {"light": options.light_neutrality * neutrality(light.base).mean()}
    if options.light_smoothness:
        terms["light_smoothness"] = options.light_smoothness * log_variation(light.base)
    return terms


def normal_variation(normals: Tensor, triangles: Tensor) -> Tensor:
    """Squared difference [F, 3] of the unit vertex normals at the ends of each triangle's edges."""
    corners = normals.index_select(0, triangles.reshape(-1)).reshape(-1, 3, 3)
    return (corners - corners.roll(1, dims=1)).square().sum(-1)


def image_term(options: BuiltinOptions, image: Tensor, target: Tensor, background: Tensor) -> Tensor:
    """Colour plus coverage difference of premultiplied images [B, H, W, 4], both over the same background."""
    color = loss.IMAGE_LOSSES[options.loss](
        image[..., :3] + (1.0 - image[..., 3:]) * background, target[..., :3] + (1.0 - target[..., 3:]) * background
    )
    return color.mean() + options.coverage_weight * loss.coverage(image[..., 3], target[..., 3]).mean()
