"""Penalties on shapes. All return unweighted scalars; the trainer owns the weights and their schedules."""

from __future__ import annotations

from typing import Optional

import torch
from torch import Tensor

from topforge_train.backend.padding import first, mean


def sign_penalty(edge_distance: Tensor, count: Optional[Tensor] = None) -> Tensor:
    """Pulls the ends of crossed grid edges towards one sign, which removes floaters and inner walls.

    Binary cross-entropy of each end against the sign of the other (arXiv 2111.12503, section 4, L_reg).

    Args:
        edge_distance: [Q, 2] signed distances of different sign.
        count: [1], how many rows count; None = all.
    """
    other_outside = (edge_distance.detach().flip(1) >= 0).to(edge_distance.dtype)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(edge_distance, other_outside, reduction="none")
    return mean(entropy.sum(1), count)


def deviation_penalty(distance: Tensor, vertex: Tensor, vertex_count: int, count: Optional[Tensor] = None) -> Tensor:
    """Mean absolute deviation of the distances between a dual vertex and its crossings (arXiv 2308.05371, L_dev).

    Args:
        distance: [K] distance of each crossing to the dual vertex it belongs to.
        vertex: [K] int64, that vertex.
        vertex_count: Number of dual vertices.
        count: [1], how many crossings count; None = all.
    """
    zero = torch.zeros(vertex_count, dtype=distance.dtype, device=distance.device)
    ones = torch.ones_like(distance) if count is None else first(len(distance), count).to(distance)
    total = zero.index_add(0, vertex, distance * ones)
    members = zero.index_add(0, vertex, ones)
    middle = total / members.clamp_min(1)
    return mean((distance - middle.index_select(0, vertex)).abs(), count)
