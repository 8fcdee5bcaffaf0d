"""Records a network's kernels and its feature maps for one image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from datasets.reading.cell_numbers import whole_number
from tui_app.inspection.probe_context import ProbeContext
from tui_app.training.layers import describe

#: The most channels of a layer, and the most layers, to record.
_CHANNELS, _LAYERS = 64, 40


@dataclass(frozen=True)
class Maps:
    """A layer's output for the image, (channels, height, width): the first of its `channels`."""

    name: str
    kind: str
    maps: np.ndarray
    channels: int


@dataclass(frozen=True)
class Kernels:
    """The weights of a convolution's first channels, (out, in, height, width)."""

    name: str
    kind: str
    weights: np.ndarray


@dataclass(frozen=True)
class Images:
    """The image (C, H, W) uint8, the sample's index from 0, its maps, and the network's kernels."""

    image: np.ndarray
    sample: int
    label: str
    predicted: str
    layers: tuple[Maps, ...]
    kernels: tuple[Kernels, ...]


@torch.no_grad()
def probe(context: ProbeContext, query: str) -> Images | None:
    """The maps of the sample whose number the query is, from 1; None for data other than images."""
    if len(context.data.spec.input_shape) != 3:
        return None
    number = whole_number(query) or 1
    sample = min(max(number, 1), len(context.split)) - 1
    inputs, _ = context.batch(context.split, np.array([sample]))
    layers: list[Maps] = []
    hooks = []

    def keep(name: str):
        def hook(module: nn.Module, args: tuple, output) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and len(layers) < _LAYERS:
                maps = output[0].float().cpu()
                layers.append(
                    Maps(name, describe(module), maps[:_CHANNELS].clone().numpy(), len(maps))
                )

        return hook

    for name, module in context.model.named_modules():
        if not list(module.children()) and module is not context.model:
            hooks.append(module.register_forward_hook(keep(name)))
    try:
        outputs = context.model(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    classes = context.data.spec.classes
    return Images(
        image=context.split.inputs[sample],
        sample=sample,
        label=classes[int(context.split.targets[sample])],
        predicted=classes[int(outputs[0].argmax())],
        layers=tuple(layers),
        kernels=tuple(
            Kernels(name, describe(module), module.weight[:_CHANNELS, :_CHANNELS].cpu().numpy())
            for name, module in context.model.named_modules()
            if isinstance(module, nn.Conv2d)
        ),
    )
