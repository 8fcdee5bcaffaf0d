"""The layers of a model by what really goes through them, found by hooks.

Made to work when the forward pass fails: the layer that fails is the first one that doesn't fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from tui_app.training.snapshot import Subject, rows_of

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """A layer of one sample: its shapes without the batch, its weights, its multiply-adds.

    `after` is empty for the layer in which the forward pass failed.
    """

    name: str
    kind: str
    before: Shape
    after: Shape
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class Layers:
    """The layers in the order they are used; `problem` says why the forward pass failed, if so.

    `parameters` are all of the model's, those outside of layers too.
    """

    layers: tuple[Layer, ...]
    parameters: int
    problem: str


@torch.no_grad()
def probe(subject: Subject, ask: str) -> Layers:
    """The layers of the run's model."""
    inputs, _ = subject.batch(subject.split, rows_of(subject.split, 2))
    return layers_of(subject.model, inputs)


@torch.no_grad()
def layers_of(model: nn.Module, inputs: Tensor) -> Layers:
    """The layers of any model, from a forward pass of `inputs` (N, ...), even if it fails."""
    found: list[Layer] = []
    under_way: list[tuple[str, nn.Module, Tensor]] = []
    hooks = []

    def before(name: str):
        def hook(module: nn.Module, args: tuple) -> None:
            if args and isinstance(args[0], Tensor):
                under_way.append((name, module, args[0]))

        return hook

    def after(name: str):
        def hook(module: nn.Module, args: tuple, output) -> None:
            if under_way and under_way[-1][0] == name:
                under_way.pop()
            if args and isinstance(args[0], Tensor):
                found.append(_layer(name, module, args[0], _tensor_of(output)))

        return hook

    for name, module in model.named_modules():
        if not list(module.children()) and module is not model:
            hooks += [module.register_forward_pre_hook(before(name))]
            hooks += [module.register_forward_hook(after(name))]
    problem = ""
    try:
        model(inputs)
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        problem = str(error).splitlines()[0]
        if under_way:
            name, module, given = under_way[-1]
            found.append(_layer(name, module, given, None))
            problem = _why(module, tuple(given.shape)) or problem
    finally:
        for hook in hooks:
            hook.remove()
    return Layers(tuple(found), sum(weight.numel() for weight in model.parameters()), problem)


def _tensor_of(output) -> Tensor | None:
    while isinstance(output, tuple | list) and output:
        output = output[0]
    return output if isinstance(output, Tensor) else getattr(output, "data", None)


def _layer(name: str, module: nn.Module, given: Tensor, output: Tensor | None) -> Layer:
    after: Shape = tuple(output.shape[1:]) if output is not None else ()
    return Layer(
        name=name,
        kind=describe(module),
        before=tuple(given.shape[1:]),
        after=after,
        parameters=sum(weight.numel() for weight in module.parameters()),
        multiply_adds=_multiply_adds(module, tuple(given.shape[1:]), after),
    )


def describe(module: nn.Module) -> str:
    """A layer as the course writes it: Conv2d 1→10, 5×5."""
    name = type(module).__name__
    match module:
        case nn.Conv2d():
            sides = "×".join(map(str, module.kernel_size))
            padded = f", padding {module.padding[0]}" if any(map(bool, module.padding)) else ""
            strided = f", stride {module.stride[0]}" if module.stride[0] != 1 else ""
            return f"{name} {module.in_channels}→{module.out_channels}, {sides}{padded}{strided}"
        case nn.Linear():
            return f"{name} {module.in_features}→{module.out_features}"
        case nn.MaxPool2d() | nn.AvgPool2d():
            size = module.kernel_size
            return f"{name} {size if isinstance(size, int) else size[0]}"
        case nn.Embedding():
            return f"{name} {module.num_embeddings}→{module.embedding_dim}"
        case nn.RNNBase():
            both = ", both ways" if module.bidirectional else ""
            return (
                f"{name} {module.input_size}→{module.hidden_size}, {module.num_layers} deep{both}"
            )
    return name


def _multiply_adds(module: nn.Module, before: Shape, after: Shape) -> int:
    """Products that are summed for one sample; only layers with weights to multiply have any."""
    match module:
        case nn.Conv2d():
            kernel = prod(module.kernel_size) * module.in_channels // module.groups
            return prod(after) * kernel if after else 0
        case nn.Linear():
            return prod(after) * module.in_features if after else 0
        case nn.RNNBase():  # every weight matrix once for each symbol
            weights = sum(weight.numel() for weight in module.parameters() if weight.ndim == 2)
            return weights * (before[0] if len(before) > 1 else 1)
    return 0


def _why(module: nn.Module, given: Shape) -> str:
    """The arithmetic of a layer that doesn't fit what it was given, (batch, ...)."""
    shape = "×".join(map(str, given[1:]))
    match module:
        case nn.Linear() if given[-1] != module.in_features:
            return f"takes {module.in_features} features, but is given {given[-1]} (of {shape})"
        case nn.Conv2d() if len(given) < 4:
            return f"takes an image (channels×height×width), but is given {shape}"
        case nn.Conv2d() if given[1] != module.in_channels:
            return f"takes {module.in_channels} channels, but is given {given[1]} (of {shape})"
        case nn.Conv2d():
            kernel, padding = module.kernel_size[0], module.padding[0]
            if isinstance(padding, int) and given[2] + 2 * padding < kernel:
                left = given[2] + 2 * padding - kernel + 1
                return f"{given[2]} + 2·{padding} - {kernel} + 1 = {left} pixels would be left"
        case nn.MaxPool2d():
            return f"{given[-1]} pixels are fewer than it takes: nothing would be left"
    return ""


def flattened(shape: Shape) -> str:
    """`20·4·4 = 320`."""
    return f"{'·'.join(map(str, shape))} = {int(np.prod(shape))}"
