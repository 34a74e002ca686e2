"""What a photograph differs by from a picture of the same scene: exposure, white balance, and a pose that is a bit off.

Learnt beside shape, material and light, one small row for each view. Each is defined up to a part that all views share
and that light or shape take as well; rows therefore count relative to their mean. The result is delivered, drawn and
measured with gains of one and the poses of the file.
"""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Optional, Tuple

import torch
from torch import Tensor

from topforge_train.views.camera import CameraBatch
from topforge_train.views.data import ImageSet
from topforge_train.views.preparation import Learnt, Prepared

GAIN_PRIOR = 0.01
"""Weight of the mean squared log gain: only what several views agree on is worth it."""
POSE_PRIOR = 10.0
"""Weight of the mean squared twist (radians; shares of the scene's radius)."""
POSE_RATE = 0.05
"""Step size of twists over that of the material: a view is drawn once in a while, and a step is a whole milliradian."""
POSES_FROM = 0.3
"""Share of pass 1 after which poses move: earlier the shape is still what is wrong."""
CLIPPED = 0.99
"""Encoded 8-bit values from about 254 on, as linear ones: the surface may be brighter than the photograph says."""


class ViewCorrections(torch.nn.Module):
    """Log gains [N, 3] and twists [N, 6] of N views."""

    def __init__(
        self, images: ImageSet, log_gain: Tensor, radius: float, learnt: Learnt, twist: Optional[Tensor] = None
    ) -> None:
        """Starts from what is known.

        Args:
            images: The N photographs.
            log_gain: [N, 3] natural logarithm of the factor from scene radiance to photograph, by colour channel.
            radius: Of the scene, world units: what a twist's translation is measured in.
            learnt: What is a parameter.
            twist: [N, 6] rotation vector (radians) and translation (radii) of the scene before each camera; None = 0.
        """
        super().__init__()
        self.images = images
        self.learnt = learnt
        self.radius = radius
        start = torch.zeros(len(log_gain), 6) if twist is None else twist
        self.log_gain = torch.nn.Parameter(log_gain.detach().clone(), requires_grad=learnt.exposure)
        self.twist = torch.nn.Parameter(start.detach().clone(), requires_grad=learnt.poses)

    @classmethod
    def of(
        cls, prepared: Prepared, side: float, log_gain: Optional[Tensor] = None, twist: Optional[Tensor] = None
    ) -> ViewCorrections:
        """What was found before training, or what an earlier pass learnt; `side` of the training box, world units."""
        known = prepared.log_gain if log_gain is None else log_gain
        return cls(prepared.images, known, 0.5 * side, prepared.learnt, twist).to(prepared.log_gain.device)

    def rows(self) -> Tuple[Tensor, Tensor]:
        """Copies of the log gains [N, 3] and twists [N, 6], for the next pass."""
        return self.log_gain.detach().clone(), self.twist.detach().clone()

    def records(self) -> List[Dict[str, Any]]:
        """What was found out about each view, if anything was: factors on red, green, blue; degrees of turn."""
        if not (self.learnt.exposure or self.learnt.poses):
            return []
        gains = (self.log_gain - self.log_gain.mean(0)).detach().exp().tolist()
        turns = (self.twist - self.twist.mean(0)).detach()[:, :3].norm(dim=-1).rad2deg().tolist()
        rows = zip(self.images.names, gains, turns)
        return [{"view": name, "gain": gain, "turned_degrees": turn} for name, gain, turn in rows]

    def groups(self, rate: float) -> List[Dict[str, Any]]:
        """The optimiser's groups, of what is learnt; `rate` is the material's step size."""
        groups: List[Dict[str, Any]] = []
        if self.learnt.exposure:
            groups.append({"params": [self.log_gain], "lr": rate})
        if self.learnt.poses:
            groups.append({"params": [self.twist], "lr": POSE_RATE * rate})
        return groups

    def numbers(self, training_pass: int, progress: float) -> Dict[str, float]:
        """What changes from one iteration to the next: whether poses move."""
        return {"poses": float(training_pass > 0 or progress >= POSES_FROM)} if self.learnt.poses else {}

    def cameras(self, cameras: CameraBatch, views: Tensor, numbers: Dict[str, Tensor]) -> CameraBatch:
        """The cameras of views [B] (of all N), seen from which the scene is turned and moved a little."""
        chosen = cameras[views]
        if not self.learnt.poses:
            return chosen
        relative = self.twist - self.twist.mean(0)
        twist = relative.detach().lerp(relative, numbers["poses"]).index_select(0, views)
        rotation, translation = rotations(twist[:, :3]), twist[:, 3:] * self.radius
        motion = torch.cat([rotation, translation[:, :, None]], dim=2)
        left, last = chosen.world_to_clip[:, :, :3], chosen.world_to_clip[:, :, 3:]
        moved = left @ motion + torch.nn.functional.pad(last, (3, 0))
        eye = ((chosen.eye - translation)[:, None] @ rotation)[:, 0]
        return dataclasses.replace(chosen, world_to_clip=moved, eye=eye)

    def photographed(self, image: Tensor, target: Tensor, views: Tensor, level: int) -> Tensor:
        """Rendered views [B, h, w, 4] as their cameras would have taken them, to be compared with `target`.

        Exposed; not brighter than a clipped pixel, which only says "at least"; and equal to the target as far as that
        is not believed (`ImageSet.trust`).
        """
        if self.learnt.exposure:
            relative = (self.log_gain - self.log_gain.mean(0)).index_select(0, views)
            gains = torch.nn.functional.pad(relative.exp(), (0, 1), value=1.0)
            image = image * gains[:, None, None]
            image = torch.where((target >= CLIPPED) & (target <= 1.0) & (image > target), target, image)
        return self.images.believed(image, target, views, level)

    def terms(self) -> Dict[str, Tensor]:
        """The priors, weighted: gains near one and twists near zero, relative to their means."""
        terms = {}
        if self.learnt.exposure:
            terms["exposure"] = GAIN_PRIOR * (self.log_gain - self.log_gain.mean(0)).square().mean()
        if self.learnt.poses:
            terms["poses"] = POSE_PRIOR * (self.twist - self.twist.mean(0)).square().mean()
        return terms


def rotations(vectors: Tensor) -> Tensor:
    """Rotation matrices [B, 3, 3] of rotation vectors [B, 3], radians (Rodrigues' formula), smooth at zero."""
    squared = vectors.square().sum(-1)[:, None, None] + 1e-16
    angle = squared.sqrt()
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).reshape(-1, 3, 3)
    identity = torch.eye(3, dtype=vectors.dtype, device=vectors.device)
    half = torch.sin(0.5 * angle) / angle  # (1 - cos a) / a^2 = 2 (sin(a / 2) / a)^2, without cancellation
    return identity + torch.sin(angle) / angle * cross + 2.0 * half.square() * (cross @ cross)
