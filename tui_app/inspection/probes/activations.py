"""Counts the dead and saturated neurons of a network, and what its activation functions receive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from tui_app.inspection.probe_context import ProbeContext, evenly_spaced_rows

_SAMPLES, _BINS = 400, 60

#: Samples of images for a convolution, where each sample is hundreds of places; the most inputs of
#: a layer for its histogram.
_IMAGES, _INPUTS = 32, 50_000

#: An activation is saturated where its slope is below this share of its largest.
_SATURATED = 0.1

ACTIVATION_TYPES = (
    nn.ReLU, nn.LeakyReLU, nn.ELU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.GELU, nn.SiLU
)  # fmt: skip


@dataclass(frozen=True)
class ActivationLayer:
    """One layer's inputs z over the samples: a histogram from `low` to `high`.

    `curve` is the function and its derivative over the histogram's range, (3, places): z, f, f'.
    `dead` is the share of neurons that give 0 for every sample, `saturated` the share of all
    outputs where the slope is below a tenth of the largest. `spread` is the standard deviation of a
    neuron's outputs over the samples, averaged over the neurons.
    """

    name: str
    kind: str
    neurons: int
    counts: np.ndarray
    low: float
    high: float
    curve: np.ndarray
    dead: float
    saturated: float
    spread: float


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> tuple[ActivationLayer, ...]:
    """The activation layers in the order of the forward pass."""
    is_convolutional = any(isinstance(m, nn.Conv2d) for m in context.model.modules())
    rows = evenly_spaced_rows(context.train, _IMAGES if is_convolutional else _SAMPLES)
    inputs, _ = context.batch(context.train, rows)
    found: list[ActivationLayer] = []

    def keep(name: str):
        def hook(module: nn.Module, args: tuple, output: Tensor) -> None:
            found.append(_layer(name, module, args[0].float(), output.float()))

        return hook

    hooks = [
        module.register_forward_hook(keep(name))
        for name, module in context.model.named_modules()
        if isinstance(module, ACTIVATION_TYPES)
    ]
    try:
        context.model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return tuple(found)


def _layer(name: str, module: nn.Module, z: Tensor, output: Tensor) -> ActivationLayer:
    z = z.flatten()
    z = z[:: -(-len(z) // _INPUTS)]
    reach = max(float(z.abs().max()), 4.0)
    low, high = -reach, reach
    counts = torch.histc(z, _BINS, low, high).cpu().numpy()
    curve = _curve(module, low, high)
    # A convolution's channel counts as one neuron, its places as samples.
    values = output.transpose(0, 1).flatten(1) if output.ndim > 1 else output.reshape(1, -1)
    slopes = np.interp(z.cpu().numpy(), curve[0], curve[2])
    return ActivationLayer(
        name=name,
        kind=type(module).__name__,
        neurons=len(values),
        counts=counts.astype(np.int64),
        low=low,
        high=high,
        curve=curve,
        dead=float((values == 0).all(dim=1).float().mean()),
        saturated=float((slopes < _SATURATED * curve[2].max()).mean()),
        spread=float(values.std(dim=1).mean()),
    )


def _curve(module: nn.Module, low: float, high: float) -> np.ndarray:
    with torch.enable_grad():
        z = torch.linspace(low, high, 401, requires_grad=True)
        output = type(module).forward(module, z * 1.0)
        (slope,) = torch.autograd.grad(output.sum(), z)
    return torch.stack([z, output, slope]).detach().cpu().double().numpy()
