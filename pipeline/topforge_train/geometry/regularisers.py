"""Penalties on shapes. All return unweighted scalars; the trainer owns the weights and their schedules."""

from __future__ import annotations

import torch
from torch import Tensor


def sign_penalty(edge_distance: Tensor) -> Tensor:
    """Pulls the ends of crossed grid edges towards one sign, which removes floaters and inner walls.

    Binary cross-entropy of each end against the sign of the other (arXiv 2111.12503, section 4, L_reg).

    Args:
        edge_distance: [Q, 2] signed distances of different sign.
    """
    other_outside = (edge_distance.detach().flip(1) >= 0).to(edge_distance.dtype)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(edge_distance, other_outside, reduction="none")
    return entropy.sum(1).mean()


def deviation_penalty(distance: Tensor, vertex: Tensor, vertex_count: int) -> Tensor:
    """Mean absolute deviation of the distances between a dual vertex and its crossings (arXiv 2308.05371, L_dev).

    Args:
        distance: [K] distance of each crossing to the dual vertex it belongs to.
        vertex: [K] int64, that vertex.
        vertex_count: Number of dual vertices.
    """
    zero = torch.zeros(vertex_count, dtype=distance.dtype, device=distance.device)
    total = zero.index_add(0, vertex, distance)
    count = zero.index_add(0, vertex, torch.ones_like(distance))
    return (distance - (total / count).index_select(0, vertex)).abs().mean()
