"""Pass 2: fixed triangles with textures; vertices, textures and light improve together. Read from top to bottom.

arXiv 2111.12503 section 4 (second pass after xatlas). Tangents are MikkTSpace's while training, so that the exported
normal map means the same everywhere.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional

import torch
from torch import Tensor

from topforge.trainers.builtin_options import BuiltinOptions, rates
from topforge_train.backend.padding import EXACT, Room
from topforge_train.backend.warp_normal_variation import normal_variation
from topforge_train.backend.warp_variation import variation
from topforge_train.geometry.laplacian import UniformLaplacian
from topforge_train.geometry.mesh import Mesh, vertex_normals
from topforge_train.rendering.light import LIGHT_RATE, EnvironmentLight
from topforge_train.rendering.material import MaterialLimits, TextureMaterial, with_opacity
from topforge_train.rendering.render import Rendered, Shape, render
from topforge_train.rendering.scene import Scene
from topforge_train.rendering.tangents import orientation, tangents
from topforge_train.training import loss
from topforge_train.training.draw import Drawn, draw_views
from topforge_train.training.optimiser import Adam
from topforge_train.training.schedule import ramp, rate_factor
from topforge_train.training.session import Session
from topforge_train.training.step import Losses
from topforge_train.views.corrections import ViewCorrections
from topforge_train.volume_pass import image_term, light_terms

WARMUP = 20
"""Iterations over which rates rise: Adam's moments start empty on already good textures."""


@dataclasses.dataclass(frozen=True)
class Start:
    """What pass 1 hands over."""

    vertices: Tensor  # [V, 3]
    triangles: Tensor  # [F, 3] int32
    uv: Tensor  # [Vt, 2]
    uv_triangles: Tensor  # [F, 3] int32
    texels: Tensor  # [S, S, 9]
    light: Tensor  # [6, n, n, 3]
    log_gain: Optional[Tensor] = None  # [N, 3] of the views (`ViewCorrections`); None = what preparation found
    twist: Optional[Tensor] = None  # [N, 6]

    def to(self, device: torch.device) -> Start:
        """The same on a device."""
        return Start(**{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def tensors(self) -> Dict[str, Tensor]:
        """By field name, for a checkpoint."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: tensor for name, tensor in found.items() if tensor is not None}


class SurfacePass:
    """Vertices, textures and light, and how they improve."""

    number = 1

    def __init__(self, session: Session, start: Start):
        """Continues from what pass 1 handed over."""
        options = session.options
        start = start.to(session.device)
        self.session = session
        self.start = start
        self.iterations = options.iter
        self.vertices = torch.nn.Parameter(start.vertices.clone(), requires_grad=not options.lock_pos)
        self.material = initial_material(options, start.texels)
        self.light = EnvironmentLight.from_options(options, start.light).to(session.device)
        self.views = ViewCorrections.of(session.prepared, options.mesh_scale, start.log_gain, start.twist)
        self.laplacian = UniformLaplacian(len(start.vertices), start.triangles)
        self.orientation = orientation(start.uv, start.uv_triangles)
        geometry_rate, material_rate = rates(options.learning_rate, session.order(self.number))
        groups = [
            {"params": [self.vertices] if not options.lock_pos else [], "lr": geometry_rate},
            {"params": list(self.material.parameters()), "lr": material_rate},
            {"params": list(self.light.parameters()), "lr": LIGHT_RATE * material_rate},
            *self.views.groups(material_rate),
        ]
        self.optimiser = Adam(groups, session.device)

    def shape(self) -> Shape:
        """The mesh as it is now, with normals and tangents."""
        start = self.start
        normals = vertex_normals(Mesh(self.vertices, start.triangles))
        frame = tangents(self.vertices, normals, start.triangles, start.uv, start.uv_triangles)
        frame = torch.cat([frame, self.orientation.unsqueeze(-1)], dim=-1)
        return Shape(self.vertices, start.triangles, normals, start.uv, start.uv_triangles, frame)

    def parameters(self) -> List[torch.nn.Parameter]:
        """What is improved."""
        return self.optimiser.parameters()

    def draw(self, step: int, progress: float) -> Drawn:
        """Views, and the weights of terms that rise or fall."""
        options = self.session.options
        numbers = {
            "rate": rate_factor(options.schedule, step, progress, WARMUP),
            "laplacian": options.laplace_scale * (1.0 - progress),
            "visibility": ramp(0.001, 500, step),
            **self.views.numbers(self.number, progress),
        }
        return draw_views(self.session, self.number, step, options.batch, 0, numbers)

    def losses(self, drawn: Drawn, room: Room = EXACT) -> Losses:
        """Renders the views against their backgrounds and compares with the photographs."""
        options, images = self.session.options, self.session.training
        shape = self.shape()
        rendered = render(
            self.session.backend,
            self.views.cameras(images.cameras, drawn.views, drawn.numbers),
            shape,
            self.material,
            self.light.prefilter(),
            images.resolution,
            options.spp,
            room,
        )
        target = images.targets(drawn.views)
        image = self.views.photographed(rendered.image, target, drawn.views, drawn.level)
        return Losses(
            image_term(options, image, target, drawn.background),
            {
                **self.views.terms(),
                "normals": options.normal_smoothness * normal_variation(shape.normals, shape.triangles).mean(),
                "laplacian": drawn.numbers["laplacian"] * self.roughening().square().mean(),
                **self.material_terms(rendered),
                "visibility": drawn.numbers["visibility"] * rendered.fragments.mean(rendered.channels[:, 3]),
                **light_terms(options, self.light),
            },
            rendered.lengths,
        )

    def roughening(self) -> Tensor:
        """Uniform Laplacian [V, 3] of the displacement since pass 1 ("relative"), or of the surface ("absolute")."""
        moved = self.vertices
        if self.session.options.laplace == "relative":
            moved = self.vertices - self.start.vertices
        return self.laplacian(moved)

    def material_terms(self, rendered: Rendered) -> Dict[str, Tensor]:
        """Total variation of the textures: mean differences to the neighbours one texel away, along both axes.

        Base colours are measured by the mean of what is visible; the mean of all texels would cost a pass over them.
        """
        options = self.session.options
        difference = variation(self.material.texels)
        mean_color = rendered.fragments.mean(rendered.channels[:, :3])
        return {
            "smoothness": options.material_smoothness * loss.relative(difference[:3].mean(), mean_color),
            "gloss": options.gloss_smoothness * difference[4:6].mean(),
        }

    def apply(self, drawn: Drawn, rejected: Tensor) -> None:
        """One Adam step; textures and light go back into their limits."""
        self.optimiser.step(drawn.numbers["rate"], rejected)
        self.material.clamp_()
        self.light.clamp_()

    def scene(self) -> Scene:
        """The present state, to look at."""
        with torch.no_grad():
            return Scene(self.shape(), self.material, self.light.prefilter())

    def state(self) -> Dict[str, Any]:
        """Parameters, Adam's moments, and what pass 1 handed over."""
        return {
            "start": self.start.tensors(),
            "vertices": self.vertices.detach(),
            "material": self.material.state_dict(),
            "light": self.light.state_dict(),
            "views": self.views.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: Dict[str, Any]) -> None:
        """The inverse of `state`, after construction from the saved start."""
        with torch.no_grad():
            self.vertices.copy_(state["vertices"])
        self.material.load_state_dict(state["material"])
        self.light.load_state_dict(state["light"])
        self.views.load_state_dict(state["views"])
        self.optimiser.load_state_dict(state["optimiser"])


def initial_material(options: BuiltinOptions, texels: Tensor) -> TextureMaterial:
    """The baked texels [S, S, 9] within their limits; where several layers are seen, with an opacity."""
    least = [*options.kd_min[:3], *options.ks_min, *options.nrm_min]
    greatest = [*options.kd_max[:3], *options.ks_max, *options.nrm_max]
    if options.layers > 1:
        texels = with_opacity(texels)
        least += [options.kd_min[3] if len(options.kd_min) > 3 else 0.0]
        greatest += [options.kd_max[3] if len(options.kd_max) > 3 else 1.0]
    limits = MaterialLimits(torch.tensor(least), torch.tensor(greatest)).to(texels.device)
    return TextureMaterial(texels, limits, options.layers)


def resumed_start(state: Optional[Dict[str, Any]]) -> Optional[Start]:
    """The start saved in a checkpoint of pass 2 or later, if any."""
    return Start(**state["start"]) if state and "start" in state else None
