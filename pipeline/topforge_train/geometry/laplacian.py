"""Uniform mesh Laplacians, for smoothness terms: a constant sparse matrix, made once per topology."""

from __future__ import annotations

import torch
from torch import Tensor

from topforge_train.backend.sparse import SparseMatrix

from .mesh import edges


class UniformLaplacian:
    """The umbrella operator: mean of the neighbours minus the vertex; zero at vertices without neighbours.

    Args:
        vertex_count: V.
        triangles: [F, 3].
    """

    def __init__(self, vertex_count: int, triangles: Tensor) -> None:
        pairs = edges(triangles).vertices
        rows, columns = torch.cat((pairs, pairs.flip(1))).t()
        valence = torch.bincount(rows, minlength=vertex_count)
        share = (1.0 / valence.clamp_min(1))[rows]
        itself = torch.nonzero(valence).squeeze(1)
        rows, columns = torch.cat((rows, itself)), torch.cat((columns, itself))
        values = torch.cat((share, -torch.ones_like(itself, dtype=share.dtype)))
        self.matrix = SparseMatrix.from_entries(rows, columns, values, (vertex_count, vertex_count))

    def __call__(self, values: Tensor) -> Tensor:
        """Applies the operator to values [V, 3] float32; differentiable."""
        return self.matrix @ values
