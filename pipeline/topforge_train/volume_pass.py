"""Pass 1: the shape is an isosurface, the material a field in space. Read from top to bottom.

arXiv 2111.12503 (joint optimisation of topology, material and light), 2308.05371 (FlexiCubes). The start is the visual
hull of the masks instead of a random cloud: the first hundreds of iterations of the paper find nothing but that.
"""

from __future__ import annotations

from typing import Any, Dict, List

import torch
from torch import Tensor

from topforge.trainers.builtin_options import BuiltinOptions, rates
from topforge_train.backend import warp_image_loss, warp_noise
from topforge_train.backend.interface import HashGridSpec
from topforge_train.backend.padding import EXACT, Room
from topforge_train.backend.warp_normal_variation import normal_variation
from topforge_train.geometry import DMTet, FlexiCubes, Isosurface, IsosurfaceMesh
from topforge_train.geometry.cleanup import without_floaters
from topforge_train.geometry.initial_shape import random_distance
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.rendering.light import LIGHT_RATE, EnvironmentLight, log_variation, neutrality
from topforge_train.rendering.material import MaterialLimits, VolumeMaterial
from topforge_train.rendering.render import Rendered, Shape, render
from topforge_train.rendering.scene import Scene
from topforge_train.training import loss
from topforge_train.training.draw import Drawn, draw_views
from topforge_train.training.optimiser import Adam
from topforge_train.training.schedule import ramp, rate_factor
from topforge_train.training.session import Session
from topforge_train.training.step import Losses
from topforge_train.views.corrections import ViewCorrections

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
            self.surface.initialise(session.prepared.hull.distance)
        else:
            self.surface.initialise(random_distance(bounds, options.dmtet_grid, session.generator(self.number, 0)))
        limits = MaterialLimits(
            torch.tensor([*options.kd_min[:3], *options.ks_min]), torch.tensor([*options.kd_max[:3], *options.ks_max])
        ).to(session.device)
        spec = HashGridSpec(options.hash_levels, 2, options.hash_log2_size, 16, options.hash_finest)
        material = VolumeMaterial(spec, limits, options.mesh_scale, session.generator(self.number, 1))
        self.material = material.to(session.device)
        self.light = EnvironmentLight.from_options(options).to(session.device)
        self.views = ViewCorrections.of(session.prepared, options.mesh_scale)
        geometry_rate, material_rate = rates(options.learning_rate, self.number)
        groups = [
            {"params": list(self.surface.parameters()), "lr": geometry_rate, "betas": (0.7, 0.9)},
            {"params": list(self.material.parameters()), "lr": material_rate},
            {"params": list(self.light.parameters()), "lr": LIGHT_RATE * material_rate},
            *self.views.groups(material_rate),
        ]
        self.optimiser = Adam(groups, session.device)

    def parameters(self) -> List[torch.nn.Parameter]:
        """What is improved."""
        return self.optimiser.parameters()

    def draw(self, step: int, progress: float) -> Drawn:
        """Views, at first twice as many at half resolution; the weights of terms that rise or fall."""
        options = self.session.options
        coarse = progress < options.coarse_share and len(self.session.training.pyramid) > 1
        early = max(0.0, 1.0 - 4.0 * progress)  # nvdiffrec: the sign term falls over the first quarter
        numbers = {
            "rate": rate_factor(options.schedule, step, progress, warmup=0),
            "sign": 0.01 + (options.sdf_regularizer - 0.01) * early,
            "smoothness": ramp(options.material_smoothness, 500, step),
            "gloss": ramp(options.gloss_smoothness, 500, step),
            "visibility": ramp(0.001, 500, step),
            **self.views.numbers(self.number, progress),
        }
        return draw_views(self.session, self.number, step, options.batch * (2 if coarse else 1), int(coarse), numbers)

    def losses(self, drawn: Drawn, room: Room = EXACT) -> Losses:
        """Renders the views against their backgrounds and compares colour and coverage with the photographs."""
        options, images = self.session.options, self.session.training
        target = images.targets(drawn.views, drawn.level)
        mesh = self.surface.extract(training=True, room=room)
        normals = vertex_normals(mesh)
        rendered = render(
            self.session.backend,
            self.views.cameras(images.cameras, drawn.views, drawn.numbers),
            Shape(mesh.vertices, mesh.triangles, normals),
            self.material,
            self.light.prefilter(),
            (target.shape[1], target.shape[2]),
            options.spp,
            room,
        )
        image = self.views.photographed(rendered.image, target, drawn.views, drawn.level)
        return Losses(
            image_term(options, image, target, drawn.background),
            {
                **self.views.terms(),
                **self.shape_terms(mesh, normals, drawn),
                **self.material_terms(rendered, drawn),
                **light_terms(options, self.light),
            },
            {"pixels": rendered.fragments.length, **mesh.lengths},
        )

    def shape_terms(self, mesh: IsosurfaceMesh, normals: Tensor, drawn: Drawn) -> Dict[str, Tensor]:
        """The extractor's own penalties and the smoothness of the surface, weighted."""
        weights = {"sign": drawn.numbers["sign"], "deviation": 0.25, "weights": 0.1}
        terms = {name: weights[name] * value for name, value in self.surface.regulariser(mesh).items()}
        variation = mesh.mean(normal_variation(normals, mesh.triangles))
        terms["normals"] = self.session.options.normal_smoothness * variation
        return terms

    def material_terms(self, rendered: Rendered, drawn: Drawn) -> Dict[str, Tensor]:
        """Smoothness at random visible points, a quarter as many as there are, and the preference for no occlusion."""
        fragments, count = rendered.fragments, len(rendered.channels)
        chosen = warp_noise.choice(drawn.seed, 0, max(count // 4, 1), count, fragments.count)
        position = rendered.position.detach().index_select(0, chosen)
        offset = warp_noise.normal(drawn.seed, 1, len(chosen), 3) * (NEIGHBOUR_DISTANCE * self.material.box_side)
        neighbour = self.material(self.session.backend, position + offset)
        here = rendered.channels.index_select(0, chosen)  # the backward of [chosen] adds in any order
        weights, mean_color = drawn.numbers, 0.5 * (here[:, :3] + neighbour[:, :3]).mean()
        difference = loss.smoothness(here[:, :3], neighbour[:, :3]).mean()
        return {
            "smoothness": weights["smoothness"] * loss.relative(difference, mean_color),
            "gloss": weights["gloss"] * loss.smoothness(here[:, 4:], neighbour[:, 4:]).mean(),
            "visibility": weights["visibility"] * fragments.mean(rendered.channels[:, 3]),
        }

    def apply(self, drawn: Drawn, rejected: Tensor) -> None:
        """One Adam step; the light stays non-negative."""
        self.optimiser.step(drawn.numbers["rate"], rejected)
        self.light.clamp_()

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
            "views": self.views.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.surface.load_state_dict(state["surface"])
        self.material.load_state_dict(state["material"])
        self.light.load_state_dict(state["light"])
        self.views.load_state_dict(state["views"])
        self.optimiser.load_state_dict(state["optimiser"])


def light_terms(options: BuiltinOptions, light: EnvironmentLight) -> Dict[str, Tensor]:
    """The preference for white light and, if asked for, for smooth light."""
    terms = {"light": options.light_neutrality * neutrality(light.base).mean()}
    if options.light_smoothness:
        terms["light_smoothness"] = options.light_smoothness * log_variation(light.base)
    return terms


def image_term(options: BuiltinOptions, image: Tensor, target: Tensor, background: Tensor) -> Tensor:
    """Colour plus coverage difference of premultiplied images [B, H, W, 4], both over the same background."""
    return warp_image_loss.image_term(options.loss, image, target, background, options.coverage_weight)
