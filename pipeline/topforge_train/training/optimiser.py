"""Adam with step sizes that live on the device, and that leaves everything alone when an iteration is rejected."""

from __future__ import annotations

import dataclasses
from typing import Any, Dict, List, Sequence, Tuple

import torch
from torch import Tensor
from torch.optim.adam import adam

EPSILON = 1e-8
BETAS = (0.9, 0.999)


@dataclasses.dataclass(frozen=True)
class _Group:
    """Parameters that share a step size, and the moments of their gradients."""

    parameters: List[torch.nn.Parameter]
    betas: Tuple[float, float]
    rate: Tensor  # [], on the device
    means: List[Tensor]
    squares: List[Tensor]
    steps: List[Tensor]  # [] float32 each: how often the parameter was improved


class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980) over groups of parameters, each with its own step size.

    torch's fused kernel, whose own way to skip a step (made for overflows of mixed precision) serves rejected ones.
    It is called as a function: the class `torch.optim.Adam` loads torch's compiler, which takes a second of every run.
    """

    def __init__(self, groups: Sequence[Dict[str, Any]], device: torch.device) -> None:
        """Takes groups as torch does: "params", "lr" and, if they differ from torch's, "betas".

        Groups without parameters, and parameters that are not learnt, are left out.
        """
        learnt = [(group, [p for p in group["params"] if p.requires_grad]) for group in groups]
        learnt = [(group, parameters) for group, parameters in learnt if parameters]
        self._initial = torch.tensor([group["lr"] for group, _ in learnt], device=device)
        self._rates = self._initial.clone()
        self._groups = [
            _Group(
                parameters,
                group.get("betas", BETAS),
                rate,
                [torch.zeros_like(parameter) for parameter in parameters],
                [torch.zeros_like(parameter) for parameter in parameters],
                [torch.zeros((), device=device) for _ in parameters],
            )
            for (group, parameters), rate in zip(learnt, self._rates)
        ]

    def parameters(self) -> List[torch.nn.Parameter]:
        """Of all groups."""
        return [parameter for group in self._groups for parameter in group.parameters]

    @torch.no_grad()
    def step(self, factor: Tensor, rejected: Tensor) -> None:
        """One step by the gradients, with `factor` [] times the initial step sizes; none if `rejected` [] is 1.

        Parameters without a gradient stay as they are.
        """
        torch.mul(self._initial, factor, out=self._rates)
        for group in self._groups:
            every = zip(group.parameters, group.means, group.squares, group.steps)
            rows = [(p, p.grad, mean, square, step) for p, mean, square, step in every if p.grad is not None]
            if not rows:
                continue
            parameters, slopes, means, squares, steps = (list(column) for column in zip(*rows))
            adam(
                parameters,
                slopes,
                means,
                squares,
                [],
                steps,
                fused=True,
                capturable=group.rate.is_cuda,
                found_inf=rejected,
                amsgrad=False,
                beta1=group.betas[0],
                beta2=group.betas[1],
                lr=group.rate,
                weight_decay=0.0,
                eps=EPSILON,
                maximize=False,
            )

    def state_dict(self) -> Dict[str, Any]:
        """Both moments and the number of steps of each parameter, in the order of `parameters`; the very tensors."""
        rows = (row for group in self._groups for row in zip(group.steps, group.means, group.squares))
        return {"state": {n: dict(zip(("step", "exp_avg", "exp_avg_sq"), row)) for n, row in enumerate(rows)}}

    def load_state_dict(self, saved: Dict[str, Any]) -> None:
        """The inverse of `state_dict`, on whatever device it was saved."""
        for number, row in self.state_dict()["state"].items():
            for name, tensor in row.items():
                tensor.copy_(saved["state"][number][name])
