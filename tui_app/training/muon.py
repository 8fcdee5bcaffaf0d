"""SGD that orthogonalises the steps of some groups of weights: Muon.

Jordan, Muon: An optimizer for hidden layers in neural networks, 2024. A filter's gradient is often
dominated by a few directions; Muon replaces all its singular values by numbers near 1, so that
rare directions are learned as fast. torch.optim.Muon, which newer torch has, takes matrices only,
and reads the lr on the host in every step, which a CUDA graph can't.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class MuonSGD(torch.optim.SGD):
    """SGD, in which groups with a value `muon` take Muon's steps, with this value as momentum.

    Nesterov's momentum is used. Weights (outputs, ...) count as a matrix with a row per output;
    they are scaled before each step so that a row's root mean norm is 1, and have no decay.
    """

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get("muon") is not None:
                for weight in group["params"]:
                    if weight.grad is not None:
                        self._prepare(weight, weight.grad, group["muon"])
        super().step()
        return loss

    def _prepare(self, weight: Tensor, gradient: Tensor, momentum: float) -> None:
        """Scale the weight, and replace its gradient by the step's direction."""
        state = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(gradient)
        average = state["momentum_buffer"]
        average.mul_(momentum).add_(gradient)
        direction = gradient.add(average, alpha=momentum)
        weight.mul_(len(weight) ** 0.5 / weight.norm())
        gradient.copy_(orthogonalised(direction.flatten(1)).view_as(direction))


def orthogonalised(matrix: Tensor) -> Tensor:
    """The matrix with its singular values moved near 1 (0.7 to 1.2), by three steps of a
    Newton-Schulz iteration with Jordan's coefficients. In bfloat16 on a GPU, as there it suffices.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x.bfloat16() if x.is_cuda else x
    x = x / (x.norm() + 1e-7)
    for _ in range(3):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if is_tall else x).to(matrix.dtype)
