"""Calls what `loss.backward()` and `optimizer.step()` call, without what torch wraps around it.

The wrappers (checks, hooks, profiler, grouping by device) take longer than a tiny net's arithmetic.
Where a version of torch lacks one of these internals, the public function is called.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch import Tensor


def direct_backward() -> Callable[[Tensor], object]:
    """A function that does what `loss.backward()` does with a loss of shape ()."""
    engine = getattr(torch.autograd.Variable, "_execution_engine", None)
    if engine is None:
        return Tensor.backward
    run, one = engine.run_backward, torch.ones(())

    def backward(loss: Tensor) -> object:
        # keep_graph, create_graph; no inputs: the gradients go to all leaves
        return run((loss,), (one,), False, False, (), allow_unreachable=True, accumulate_grad=True)

    return backward


def direct_update(optimizer: torch.optim.Optimizer) -> Callable[[], object]:
    """A function that does what `optimizer.step()` does, bit for bit, from the second step on."""
    kernel = getattr(torch, "_fused_sgd_", None)
    (group, *others) = optimizer.param_groups
    is_fused_sgd = type(optimizer) is torch.optim.SGD and group.get("fused") and not others
    # A weight that has no gradient yet may get one later.
    has_all_gradients = all(weight.grad is not None for weight in group["params"])
    if kernel and is_fused_sgd and has_all_gradients:
        return _sgd_update(optimizer, group, kernel)
    step = unwrap(type(optimizer).step)
    return torch.no_grad()(lambda: step(optimizer))


def _sgd_update(
    optimizer: torch.optim.Optimizer, group: dict[str, Any], kernel: Callable[..., object]
) -> Callable[[], object]:
    """One call of the kernel that torch.optim.SGD itself calls with `fused=True`."""
    weights = group["params"]
    momentum, buffers = group["momentum"], []
    if momentum:
        buffers = [optimizer.state[weight]["momentum_buffer"] for weight in weights]
    settings = {name: group[name] for name in ("weight_decay", "lr", "dampening", "nesterov")}
    settings |= {"momentum": momentum, "maximize": group["maximize"], "is_first_step": False}

    values = [weight.detach() for weight in weights]  # the same memory, unknown to autograd

    def update() -> object:
        return kernel(values, [weight.grad for weight in weights], buffers, **settings)

    return update
