"""Adam with step sizes that live on the device, and that leaves everything alone when an iteration is rejected."""

from __future__ import annotations

from typing import Any, Dict, List, Sequence

import torch
from torch import Tensor


class Adam:
    """Adam (Kingma and Ba, arXiv 1412.6980) over groups of parameters, each with its own step size.

    torch's fused kernel, whose own way to skip a step (made for overflows of mixed precision) serves rejected ones.
    """

    def __init__(self, groups: Sequence[Dict[str, Any]], device: torch.device) -> None:
        """Takes groups as torch does: "params", "lr" and, if they differ from torch's, "betas".

        Groups without parameters, and parameters that are not learnt, are left out.
        """
        kept = [{**group, "params": [p for p in group["params"] if p.requires_grad]} for group in groups]
        kept = [group for group in kept if group["params"]]
        self._initial = torch.tensor([group["lr"] for group in kept], device=device)
        self._rates = self._initial.clone()
        for group, rate in zip(kept, self._rates):
            group["lr"] = rate
        self._inner = torch.optim.Adam(kept, eps=1e-8, fused=True, capturable=device.type == "cuda")

    def parameters(self) -> List[torch.nn.Parameter]:
        """Of all groups."""
        return [parameter for group in self._inner.param_groups for parameter in group["params"]]

    def step(self, factor: Tensor, rejected: Tensor) -> None:
        """One step by the gradients, with `factor` [] times the initial step sizes; none if `rejected` [] is 1."""
        torch.mul(self._initial, factor, out=self._rates)
        self._inner.found_inf = rejected
        self._inner.step()

    def state_dict(self) -> Dict[str, Any]:
        """Both moments and the number of steps of each parameter, in the order of `parameters`."""
        return {"state": self._inner.state_dict()["state"]}

    def load_state_dict(self, saved: Dict[str, Any]) -> None:
        """The inverse of `state_dict`, on whatever device it was saved."""
        self._inner.load_state_dict({**self._inner.state_dict(), "state": saved["state"]})
        for group, rate in zip(self._inner.param_groups, self._rates):
            group["lr"] = rate  # torch loads copies
